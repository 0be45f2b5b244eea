package redis

import (
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/leadgate/leadgate/internal/queue/redis/cluster"
	"github.com/leadgate/leadgate/internal/queue/redis/lua"
)

// A Cluster moves a slot key by key: until the last has gone, one node has what was not
// moved yet, and the other makes what the first doesn't have. A script that touches
// several keys would find some of them, and make the others anew: two streams of one
// name, of which the Cluster keeps one.
//
// So each call names, behind the keys that its script knows, one that is never there. By
// that the nodes refuse it as long as the slot is moved: TRYAGAIN says the one that has
// some of its keys, ASK the one that has none, and TRYAGAIN the other that is asked then.
// That covers those keys, too, of which a script learns the names on its way: shards of
// ids, aliases of a contact. Commands of one key need none of this: one node or the
// other has it.
const neverThere = "never"

// clustered reports whether the store is in a Cluster.
func (r *Store) clustered() bool {
	_, ok := r.client.(*cluster.Client)
	return ok
}

// call makes a call of a script that touches more of a tenant's keys than one.
func (r *Store) call(ctx context.Context, s *lua.Script, keys []string, args ...any) *redis.Cmd {
	if r.clustered() {
		keys = append(slices.Clip(keys), neverOf(keys[0]))
	}
	return s.Call(ctx, keys, args...)
}

// never is a tenant's key that is never there.
func (k tenantKeys) never() string { return k.base + neverThere }

// neverOf is that, by any of the tenant's keys.
func neverOf(key string) string {
	tag := strings.IndexByte(key, '}') // in no prefix, and the first one ends the hash tag
	return key[:tag+1] + ":" + neverThere
}
