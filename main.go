// Command caddy is a Caddy web server with Leadgate built in.
//
// It is what "go run ." and "go build ." make from this repository:
//
//	go run . run --config Caddyfile.example
//
// To put Leadgate into a Caddy of your own, with other plugins, use xcaddy:
//
//	xcaddy build --with github.com/leadgate/leadgate/caddymodule
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/leadgate/leadgate/caddymodule"
)

func main() {
	caddycmd.Main()
}
