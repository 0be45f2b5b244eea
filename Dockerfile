# syntax=docker/dockerfile:1
#
# A Caddy with Leadgate, and nothing else: no shell, no root. Bring a Caddyfile:
#
#	docker build --build-arg VERSION=v1.2.3 -t leadgate .
#	docker run -p 80:80 -p 443:443 -v leadgate:/data -v ./Caddyfile:/etc/caddy/Caddyfile:ro --env-file .env leadgate
#
# examples/compose has it with Redis and n8n.

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=devel
ARG TARGETOS
ARG TARGETARCH
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
	GOOS=$TARGETOS GOARCH=$TARGETARCH .ci/build "$VERSION" /out/usr/bin/caddy \
	&& mkdir -p /out/data /out/config

# Certificates of authorities and time zones; the user nonroot is 65532.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/usr/bin/caddy /usr/bin/caddy
# A new volume takes over the owner of the folder that it covers.
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/config /config
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
# /data has the certificates and the embedded queue (/data/caddy/leadgate).
VOLUME /data
EXPOSE 80 443 443/udp
# The admin endpoint answers. A Redis that is down makes nothing unhealthy here:
# the edge answers 503 and finds it again, and a restart would help nobody.
HEALTHCHECK --interval=15s --timeout=10s --start-period=10s CMD ["/usr/bin/caddy", "leadgate", "destinations"]
USER nonroot
ENTRYPOINT ["/usr/bin/caddy"]
CMD ["run", "--config", "/etc/caddy/Caddyfile"]
