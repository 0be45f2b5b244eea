// Package googletest is a Data Manager API for Google Ads that runs anywhere: for tests,
// for a rehearsal without a Google Ads account, and for leadgate's fake-google command. It
// refuses whatever Google is known to refuse, in the shape of its errors, and is stricter
// where Google is lenient or unknown: it knows every member that an event may have, and
// takes no null, no snake_case, no value without a currency and no event without a
// transactionId.
//
//	google := googletest.New(t, func(s *googletest.Server) { s.Now = clock })
//	file := google.KeyFile(t)
//	… send to google.URL() …
//	for _, a := range google.Accepted() { … }
//
// A request is answered by a receipt; what became of its events is known 30 minutes
// later by the injected clock, by rules: see Clicks. The access tokens' clock is the real
// one, since x/oauth2 has no other.
//
// It shares no code with package google, so that one can check the other.
//
// Routes: POST /token, POST /v1/events:ingest, GET /v1/requestStatus:retrieve, and GET
// /_leadgate/accepted with what it has accepted; DELETE of the latter forgets it.
package googletest
