package capitest

import (
	"encoding/json"
	"slices"
	"strings"
)

func (s *Server) checkUser(user *fields, channel string, keys []string, dataset string) (string, *Error) {
	for _, key := range forbiddenKeys {
		if _, ok := user.of[key]; ok {
			return "", refused(2804064, "Messaging Event Disallowed Fields", "%s may not be sent with business_messaging", key)
		}
	}
	if key := user.unknown(keys, hashedKeys); key != "" {
		return "", invalid("unknown key %q in user_data of channel %s", key, channel)
	}
	for _, key := range hashedKeys {
		if raw, ok := user.of[key]; ok && !allHashed(raw) {
			return "", invalid("%s is not hashed: it wants SHA-256 in lower-case hex", key)
		}
	}
	for _, key := range keys {
		if v := user.str(key); v != "" && (!visible.MatchString(v) || key != "ctwa_clid" && len(v) > 128) {
			return "", invalid("%s is no id", key)
		}
	}
	if user.fail != nil {
		return "", user.fail
	}
	owner, bound := s.Datasets[dataset]
	mismatch := refused(2804118, "Dataset Mismatch", "the dataset belongs to another account")
	switch channel {
	case "messenger":
		page := user.str("page_id")
		if page == "" || user.str("page_scoped_user_id") == "" {
			return "", refused(2804050, "Not Enough User Data", "page_id and page_scoped_user_id are required")
		}
		if bound && owner.PageID != page {
			return "", mismatch
		}
		return "page " + page, nil
	case "instagram":
		a, b := user.str("instagram_business_account_id"), user.str("ig_account_id")
		if a+b == "" || user.str("ig_sid") == "" {
			return "", refused(2804050, "Not Enough User Data", "the account's id and ig_sid are required")
		}
		if bound && owner.InstagramID != a+b {
			return "", mismatch
		}
		return "instagram " + a + b, nil
	}
	clid, waba := user.str("ctwa_clid"), user.str("whatsapp_business_account_id")
	_, page := user.of["page_id"]
	switch {
	case clid == "":
		return "", refused(2804050, "Not Enough User Data", "ctwa_clid is required")
	case page:
		return "", refused(2804131, "Page Mismatch", "page_id does not fit the dataset of a WhatsApp business account")
	case waba == "":
		return "", refused(2804116, "Account Missing", "ctwa_clid needs page_id or whatsapp_business_account_id")
	case bound && owner.WabaID == "":
		return "", refused(2804132, "No WhatsApp Business Account", "no WhatsApp business account is linked to the dataset")
	case bound && owner.WabaID != waba:
		return "", mismatch
	case hexHash.MatchString(clid) || len(clid) > 2048 || s.Clids != nil && !s.Clids[clid]:
		return "", refused(2804087, "Messaging Event Invalid Ctwa Clid", "ctwa_clid is none that was given out")
	}
	return "waba " + waba, nil
}

// allHashed is for a hash or a list of hashes.
func allHashed(raw json.RawMessage) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return hash.MatchString(one)
	}
	var list []string
	return json.Unmarshal(raw, &list) == nil && len(list) > 0 && !slices.ContainsFunc(list,
		func(h string) bool { return !hash.MatchString(h) })
}

func checkCustom(custom *fields, name string) *Error {
	code := custom.str("currency")
	if custom.fail != nil || code != "" && !currency.MatchString(code) || code == "" && (name == "Purchase" || name == "OrderCreated") {
		return refused(2804081, "Currency Missing", "%s wants an ISO 4217 currency", name)
	}
	value, ok := custom.of["value"]
	if ok {
		var number json.Number
		if strings.HasPrefix(string(value), `"`) || json.Unmarshal(value, &number) != nil || strings.HasPrefix(number.String(), "-") {
			return invalid("value wants a number that is not negative")
		}
	} else if name == "Purchase" {
		return invalid("value is required for Purchase")
	}
	if raw, ok := custom.of["contents"]; ok {
		var list []map[string]any
		if json.Unmarshal(raw, &list) != nil || slices.ContainsFunc(list,
			func(c map[string]any) bool { return c["id"] == nil || c["id"] == "" }) {
			return invalid("contents wants a list of objects with an id")
		}
	}
	for _, key := range []string{"ctwa_clid", "ad_id", "order_id"} {
		if custom.str(key); custom.fail != nil {
			return custom.fail
		}
	}
	return nil
}
