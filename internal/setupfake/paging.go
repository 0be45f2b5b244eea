package setupfake

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// paged is a page of a list, as Meta's cursors have it; what follows is named by an address with
// the token in it, which is for nobody to ask.
func (s *Server) paged(r *http.Request, form url.Values, all []map[string]any) map[string]any {
	from, _ := strconv.Atoi(form.Get("after"))
	from = min(max(from, 0), len(all))
	end := min(from+min(number(form.Get("limit"), 25), cmp.Or(s.MostOfList, len(all)+1)), len(all))
	out := map[string]any{"data": all[from:end]}
	if end > from {
		paging := map[string]any{"cursors": map[string]string{"before": strconv.Itoa(from), "after": strconv.Itoa(end)}}
		if end < len(all) {
			paging["next"] = "https://graph.example" + r.URL.Path + "?access_token=" + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		}
		out["paging"] = paging
	}
	return out
}
