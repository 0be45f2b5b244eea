package typo

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/leadgate/leadgate/internal/hosts"
	"github.com/leadgate/leadgate/internal/printable"
)

// URL refuses what cannot be posted to.
func URL(text string) error {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return fmt.Errorf("'%s' is no URL: write one such as https://n8n.example.com/webhook/leads", printable.URL(text))
	}
	if host := u.Hostname(); host == "http" || host == "https" {
		return fmt.Errorf("'%s' has its scheme twice", printable.URL(text))
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("'%s' has a port that is none: write one from 1 to 65535, or none", printable.URL(text))
		}
	}
	return hosts.Check(u.Hostname())
}
