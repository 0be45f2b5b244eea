package caddymodule

import (
	"errors"
	"path/filepath"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/leadgate/leadgate/internal/identity"
)

// edgeIdentity claims the identity in Caddy's data directory, and says so if there is
// none: then all is well, but for a delay after a crash.
func edgeIdentity(logger *zap.Logger) identity.Identity {
	folder := filepath.Join(caddy.AppDataDir(), "leadgate")
	id, err := identity.Claim(folder)
	if err == nil {
		return id
	}
	say := logger.Warn
	if errors.Is(err, identity.ErrTaken) || errors.Is(err, identity.ErrUnproven) {
		say = logger.Info
	}
	say("this edge has no identity: after a crash it waits up to ten seconds until it delivers; "+
		"a data directory of its own, on a local disk and writable, gives it one",
		zap.String("folder", folder), zap.Error(err))
	return id
}
