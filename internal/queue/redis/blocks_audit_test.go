package redis

import (
	"strconv"
	"strings"
	"testing"
)

// Blocks counts the blocks, and checks that each is there while a bundle refers to it and
// no longer, and that as many refer to it as are counted.
func Blocks(t testing.TB, r *Store) (n int) {
	t.Helper()
	ctx := t.Context()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tenants, err := r.client.SMembers(ctx, r.tenantsKey()).Result()
	do(err)
	for _, tenant := range tenants {
		k := r.keys(tenantShown(tenant))
		names, err := r.client.SMembers(ctx, k.dests()).Result()
		do(err)
		found := map[string]int{}
		for _, name := range names {
			for _, stream := range []string{k.queue(name), k.incoming().queue(name)} {
				entries, err := r.client.XRange(ctx, stream, "-", "+").Result()
				do(err)
				for _, e := range entries {
					if g, _ := e.Values["g"].(string); strings.HasPrefix(g, "\x02") {
						found[g[2:]]++
					}
				}
			}
		}
		fields, _, err := r.client.HScan(ctx, k.blocks(), 0, "", 100_000).Result()
		do(err)
		blocks := map[string]string{}
		for i := 0; i < len(fields); i += 2 {
			blocks[fields[i]] = fields[i+1]
		}
		n += len(found)
		for id, count := range found {
			if blocks[id] == "" || blocks["#"+id] != strconv.Itoa(count) {
				t.Errorf("%s: %d bundles refer to a block of %d bytes, and %q are counted", tenant, count, len(blocks[id]), blocks["#"+id])
			}
		}
		if len(blocks) != 2*len(found) {
			t.Errorf("%s: bundles refer to %d blocks, and there are %d fields", tenant, len(found), len(blocks))
		}
	}
	return n
}
