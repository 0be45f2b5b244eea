package command

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	goqr "github.com/piglig/go-qr"
	"github.com/spf13/cobra"

	"github.com/leadgate/leadgate/internal/finding"
	"github.com/leadgate/leadgate/internal/wording"
)

// LinkPlace is a link of a configuration, and where it is visited.
type LinkPlace struct {
	Tenant, Name, URL string
	Unreached         *finding.Finding // why no visit gets there, nil where one does
}

func (env *Env) qr() *cobra.Command {
	var config, adapter, tenant string
	var envFiles []string
	cmd := &cobra.Command{
		Use:   "qr [--config <path> [--adapter <name>]] [--envfile <path>] [--tenant <name>] <link>",
		Short: "Draws the QR code of a link",
		Long: `Draws the QR code of a link of leadgate_link, as an SVG on the standard output:

	caddy leadgate qr --config Caddyfile summer > summer.svg

The code holds the link's own address, in capitals, which make a smaller code,
and ends in /Q, by which its visits are known to come from print (params.medium
is print). So the number and the text may change when it has been printed; the
domain, the path and the link's name may not. The address is written to the
standard error, to be tried before printing.

--tenant says which link is meant where several tenants have one of the name.
Without --config the Caddyfile of this folder is read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, file := range envFiles {
				if err := loadEnv(file); err != nil {
					return err
				}
			}
			all, err := env.Links(config, adapter)
			if err != nil {
				return err
			}
			link, err := linkNamed(all, strings.ToLower(args[0]), tenant)
			if err != nil {
				return err
			}
			text, err := link.printedURL()
			if err != nil {
				return err
			}
			svg, err := drawQR(text)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(cmd.ErrOrStderr(), text); err != nil {
				return fmt.Errorf("writing: %w", err)
			}
			return writeAll(cmd.OutOrStdout(), svg)
		},
	}
	cmd.Flags().StringVarP(&config, "config", "c", "", "Configuration file")
	cmd.Flags().StringVarP(&adapter, "adapter", "a", "", "Name of config adapter to apply")
	cmd.Flags().StringSliceVar(&envFiles, "envfile", nil, "Environment file(s) to load")
	cmd.Flags().StringVar(&tenant, "tenant", "", "The tenant whose link it is")
	return cmd
}

// linkNamed is the link of a name: where it is visited at several addresses, the first
// by https that is reached.
func linkNamed(all []LinkPlace, name, tenant string) (found LinkPlace, err error) {
	var names, tenants []string
	for _, l := range all {
		names = append(names, l.Name)
		if l.Name != name {
			continue
		}
		tenants = append(tenants, l.Tenant)
		if (tenant == "" || l.Tenant == tenant) && (found.URL == "" || l.rank() > found.rank()) {
			found = l
		}
	}
	slices.Sort(names)
	slices.Sort(tenants)
	names, tenants = slices.Compact(names), slices.Compact(tenants)
	switch {
	case len(all) == 0:
		return found, fmt.Errorf("the configuration has no link: write `leadgate_link /go/* { tenant … ; link %s { … } }` into a site", name)
	case len(tenants) == 0:
		return found, fmt.Errorf("there is no link %s: %s", name, wording.Meant(name, names))
	case tenant == "" && len(tenants) > 1:
		return found, fmt.Errorf("link %s is one of tenants %s: write --tenant", name, strings.Join(tenants, ", "))
	case found.URL == "":
		return found, fmt.Errorf("tenant %s has no link %s: %s", tenant, name, wording.Meant(tenant, tenants))
	}
	return found, nil
}

// rank says which address of a link is rather printed.
func (l *LinkPlace) rank() (n int) {
	if l.Unreached == nil {
		n = 2
	}
	if strings.HasPrefix(l.URL, "https:") {
		n++
	}
	return n
}

// printedURL is a link's address as a QR code has it. What is printed stays, so it must
// be one that leads to the link.
func (l *LinkPlace) printedURL() (string, error) {
	if l.Unreached != nil {
		return "", fmt.Errorf("nobody would get to link %s: %s: %s", l.Name, l.Unreached.What, l.Unreached.Fix)
	}
	u, err := url.Parse(l.URL)
	if err != nil || u.Host == "" || strings.Contains(u.Host, "*") {
		return "", fmt.Errorf("link's address %s is none: write the site's whole domain before its block", l.URL)
	}
	return strings.ToUpper(strings.TrimSuffix(l.URL, "/") + "/q"), nil
}

// drawQR is an SVG of a text, of 10 units a module, with the margin of 4 modules that
// readers need.
func drawQR(text string) (string, error) {
	q, err := goqr.EncodeText(text, goqr.Medium)
	if err != nil {
		return "", fmt.Errorf("drawing QR code: %w", err)
	}
	svg, err := q.ToSVGBytes(goqr.NewQrCodeImgConfig(10, 40, goqr.WithOptimalSVG()))
	if err != nil {
		return "", fmt.Errorf("drawing QR code: %w", err)
	}
	return string(svg), nil
}
