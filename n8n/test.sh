#!/usr/bin/env bash
# Lints, builds and tests the package of nodes for n8n, and then, as npm packs it, in a real n8n
# behind a real edge.
#
#	n8n/test.sh            all of it
#	n8n/test.sh unit       without n8n
#	n8n/test.sh install    only installs what the others need, as they do themselves
#
# What it installs from npm is kept in a cache folder outside the repository: n8n with its own
# Node (see examples/n8n/install.sh), and 0.8 GB of n8n's tools for nodes. Nothing is written here.
set -euo pipefail
cd "$(dirname "$0")"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/leadgate
export LEADGATE_N8N=${LEADGATE_N8N:-$cache/n8n}
what=${1:-all}
../examples/n8n/install.sh "$LEADGATE_N8N"
export PATH="$LEADGATE_N8N/node/node_modules/node/bin:$PATH"

tools=$cache/n8n-node-$(node -p 'require("crypto").createHash("sha256").update(require("fs").readFileSync("package-lock.json")).digest("hex").slice(0, 12)')
if [ ! -d "$tools" ]; then
	partial=$tools.partial.$$
	rm -rf "$partial" && mkdir -p "$partial"
	cp package.json package-lock.json .npmrc "$partial"
	echo "installing n8n's tools for nodes"
	npm ci --prefix "$partial" --ignore-scripts --no-audit --no-fund --loglevel=error
	mv "$partial" "$tools"
fi
[ "$what" != install ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/n8n" "$work/internal/sign" "$work/internal/api"
tar -c --exclude ./node_modules --exclude ./dist . | tar -x -C "$work/n8n"
cp -R ../internal/sign/testdata "$work/internal/sign"
cp ../internal/api/openapi.json "$work/internal/api"
ln -s "$tools/node_modules" "$work/n8n/node_modules"

# A lockfile names no registry: everybody's own is asked.
if grep -n '"resolved"' package-lock.json; then
	echo "package-lock.json names a registry: delete those lines" >&2
	exit 1
fi
(
	cd "$work/n8n"
	npx --no-install prettier --check --log-level warn nodes credentials test
	CI=true npm run --silent lint
	CI=true npm run --silent build
	npm test --silent
	npm pack --silent --pack-destination "$work"
)
[ "$what" != unit ] || exit 0

LEADGATE_N8N_PACKED=$(echo "$work"/n8n-nodes-leadgate-*.tgz)
export LEADGATE_N8N_PACKED
cd ../examples/n8n
go test -tags n8n,n8nnode -count=1 -timeout 20m -run '^TestNode$' .
