package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/command"
)

// caddyCommand is `caddy leadgate`.
func caddyCommand() caddycmd.Command {
	return caddycmd.Command{
		Name:  "leadgate",
		Usage: "<command>",
		Short: "Tries out and looks into Leadgate: webhooks, conversions, destinations",
		CobraFunc: func(cmd *cobra.Command) {
			command.Add(cmd, &command.Env{
				Version: Version(), Provider: commandProvider, Duration: caddy.ParseDuration,
				AdminAddress: adminAddress, AdminRequest: adminRequest, Chats: configuredChats,
				Examine: examineConfig, Links: configuredLinks, Validate: validateCaddyfile,
				Meta: configuredMeta, Exit: exitCode,
			})
		},
	}
}

func adminAddress(address, config, adapter string) (string, error) {
	return caddycmd.DetermineAdminAPIAddress(address, nil, config, adapter)
}

func adminRequest(address, method, uri string, body io.Reader) (*http.Response, error) {
	return caddycmd.AdminAPIRequest(address, method, uri, make(http.Header), body)
}

// exitCode is an error by which Caddy ends with a code.
func exitCode(code int) error {
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(new(cobra.Command), nil)
}

func commandProvider(name string) (command.Provider, error) { return newProvider(name) }

// newProvider makes a provider without secrets.
func newProvider(name string) (Provider, error) {
	info, err := caddy.GetModule("leadgate.providers." + name)
	if err != nil {
		return nil, fmt.Errorf("provider '%s' is unknown: write one of %s", name, strings.Join(providerNames(), ", "))
	}
	p, ok := info.New().(Provider)
	if !ok {
		return nil, fmt.Errorf("module %s is no provider", info.ID)
	}
	return p, nil
}
