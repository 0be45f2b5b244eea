package queuetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// knows checks the facts of groups of a tenant: "names 1=one, names 2=two".
func (s *suite) knows(of, want string, groups ...string) {
	s.Helper()
	facts, err := s.Queue.Facts(s.Context(), of, groups...)
	s.check(err)
	shown := make([]string, len(facts))
	for i, f := range facts {
		shown[i] = fmt.Sprintf("%s %s=%s", f.Group, f.Key, f.Data)
		if f.Till <= s.now() {
			s.Fatalf("fact %+v is gone", f)
		}
	}
	expect(s, fmt.Sprint("facts of ", groups), strings.Join(shown, ", "), want)
}

// fact is one that is kept for an hour.
func (s *suite) fact(group, key, data string) queue.Fact {
	return queue.Fact{Group: group, Key: key, Data: []byte(data), Till: s.now() + time.Hour.Milliseconds()}
}

var factTests = []test{
	{name: "facts are kept, each in its group", run: func(s *suite) {
		s.knows(tenant, "", "names")
		s.check(s.Queue.PutFacts(s.Context(), tenant, []queue.Fact{
			s.fact("names", "2", "two"), s.fact("names", "10", "ten"), s.fact("spend\n2026-11-27", "1", "9.99"),
		}))
		s.check(s.Queue.PutFacts(s.Context(), "globex", []queue.Fact{s.fact("names", "2", "theirs")}))
		s.knows(tenant, "names 10=ten, names 2=two", "names")
		s.knows(tenant, "spend\n2026-11-27 1=9.99, names 10=ten, names 2=two", "spend\n2026-11-27", "none", "names")
		s.check(s.Queue.PutFacts(s.Context(), tenant, []queue.Fact{s.fact("names", "2", "deux"), s.fact("names", "10", "")}))
		s.reopen()
		s.knows(tenant, "names 2=deux", "names")
		s.knows("globex", "names 2=theirs", "names")
		s.knows(tenant, "", "name", "names\n", "spend")
		s.knows(tenant, "")
	}},
	{name: "facts go", expiry: true, run: func(s *suite) {
		longer := s.fact("names", "2", "two")
		longer.Till += time.Hour.Milliseconds()
		s.check(s.Queue.PutFacts(s.Context(), tenant, []queue.Fact{s.fact("names", "1", "one"), longer}))
		s.Clock.Advance(time.Hour)
		s.knows(tenant, "names 2=two", "names")
		s.sweep()
		s.knows(tenant, "names 2=two", "names")
		s.Clock.Advance(time.Hour)
		s.knows(tenant, "", "names")
		s.sweep()
		past := s.fact("names", "3", "three")
		past.Till = s.now()
		s.check(s.Queue.PutFacts(s.Context(), tenant, []queue.Fact{past}))
		s.knows(tenant, "", "names")
	}},
	{name: "no more facts than there may be", run: func(s *suite) {
		var many []queue.Fact
		for i := range queue.MaxFacts {
			many = append(many, s.fact("names", fmt.Sprint(i), "x"))
		}
		s.check(s.Queue.PutFacts(s.Context(), tenant, many))
		if err := s.Queue.PutFacts(s.Context(), tenant, []queue.Fact{s.fact("names", "more", "x")}); !errors.Is(err, queue.ErrTooManyFacts) {
			s.Fatalf("one more: %v", err)
		}
		s.check(s.Queue.PutFacts(s.Context(), tenant, []queue.Fact{s.fact("names", "7", "seven"), s.fact("more", "1", "x")}))
		all, err := s.Queue.Facts(s.Context(), tenant, "names")
		s.check(err)
		expect(s, "facts", len(all), queue.MaxFacts)
		for _, bad := range []queue.Fact{
			{}, s.fact("", "1", "x"), s.fact("names", "", "x"), s.fact("a\x00b", "1", "x"), s.fact("names", strings.Repeat("k", 1025), "x"),
			s.fact("names", "1", strings.Repeat("x", queue.MaxFact)),
		} {
			if s.Queue.PutFacts(s.Context(), tenant, []queue.Fact{bad}) == nil {
				s.Fatalf("taken: %.80v", bad)
			}
		}
	}},
	{name: "a task is one's", run: func(s *suite) {
		claim := func(of, task, by string, want bool) {
			s.Helper()
			got, err := s.Queue.Claim(s.Context(), of, task, by, time.Minute)
			s.check(err)
			expect(s, by+" claims "+task, got, want)
		}
		claim(tenant, "ads", "one", true)
		claim(tenant, "ads", "two", false)
		claim(tenant, "ads", "one", true)
		claim(tenant, "other", "two", true)
		claim("globex", "ads", "two", true)
	}},
	{name: "a task is free again", expiry: true, run: func(s *suite) {
		for _, by := range []string{"one", "two"} {
			ours, err := s.Queue.Claim(s.Context(), tenant, "ads", by, time.Minute)
			s.check(err)
			expect(s, by, ours, true)
			s.Clock.Advance(time.Minute)
		}
	}},
}
