// Package capitest is a Conversions API for chat events, and for the stages of lead
// ads' leads, that runs anywhere: for tests, for trying out a setup without an ad account, and for leadgate's
// fake-meta command. It refuses whatever Meta is known to refuse, with Meta's
// codes, subcodes and shape of errors, and is stricter where Meta is lenient or
// unknown: it knows every key that an event may have, and takes no null, no
// match key that is not hashed and no event_time in the future.
//
//	meta := capitest.New(t, func(s *capitest.Server) { s.Token = "secret" })
//	meta.Script(2, capitest.Answer{Status: 503})
//	… send to meta.URL() …
//	for _, a := range meta.Accepted() { … }
//
// It shares no code with package capi, so that one can check the other.
//
// Besides POST /{version}/{dataset}/events it answers GET /{version}/{dataset},
// which reads a dataset, and GET /_leadgate/accepted with what it has accepted;
// DELETE of the latter forgets it.
package capitest
