package queuetest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leadgate/leadgate/internal/queue"
)

// adCode is a code that waits for who claims it, campaignCode one that nobody can have.
func (s *suite) adCode(code, key string) queue.Code {
	return queue.Code{
		Code: code, Key: key, Of: "summer", Data: fmt.Appendf(nil, `{"link":"summer","ids":{"gclid":%q}}`, key), Claim: 7 * day, At: s.now(),
	}
}

func (s *suite) campaignCode(code, key string) queue.Code {
	c := s.adCode(code, key)
	c.Claim = 0
	return c
}

// put stores a code that must be new, or must not.
func (s *suite) put(c queue.Code, fresh bool) queue.Code {
	s.Helper()
	out, isNew, err := s.Queue.PutCode(s.Context(), tenant, c)
	s.check(err)
	expect(s, "new: "+c.Code, isNew, fresh)
	return out
}

func (s *suite) notPut(c queue.Code, want error) {
	s.Helper()
	if _, _, err := s.Queue.PutCode(s.Context(), tenant, c); !errors.Is(err, want) {
		s.Fatalf("storing %s: error %v, want %v", c.Code, err, want)
	}
}

// code looks one up.
func (s *suite) code(code string) queue.Code {
	s.Helper()
	found, err := s.Queue.Codes(s.Context(), tenant, []string{code})
	s.check(err)
	expect(s, "answers", len(found), 1)
	return found[0]
}

// stored checks which codes there are.
func (s *suite) stored(want bool, codes ...string) {
	s.Helper()
	for _, code := range codes {
		expect(s, code+" is stored", s.code(code).Code == code, want)
	}
}

// claim is an event of a contact that claims a code.
func (s *suite) claim(n int, code, contact string, aliases ...string) queue.Group {
	g := s.organic(n, contact, aliases...)
	g.Events[0].Claim = code
	return g
}

// refuses checks that a group is not stored for want of its claim.
func (s *suite) refuses(g queue.Group) {
	s.Helper()
	r := s.Queue.Append(s.Context(), []queue.Group{g})[0]
	if !errors.Is(r.Err, queue.ErrClaimed) {
		s.Fatalf("error %v, want that the code is claimed", r.Err)
	}
}

// owned checks that a code is a contact's and not another's.
func (s *suite) owned(code string, names ...string) {
	s.Helper()
	c := s.code(code)
	for _, name := range names {
		expect(s, code+" is of "+name, c.OwnedBy(tenant, &queue.Event{Contact: name}), true)
	}
	expect(s, code+" is of another", c.OwnedBy(tenant, &queue.Event{Contact: "whatsapp:another"}), false)
}

const stranger = "whatsapp:15559990000"

var codeTests = []test{
	{name: "a code", run: func(s *suite) {
		want := s.adCode("K7QW3MPDXR", "summer gclid=a")
		out := s.put(want, true)
		for range 2 {
			got := s.code("K7QW3MPDXR")
			for _, c := range []queue.Code{out, got} {
				expect(s, "the code", fmt.Sprintf("%s %q %s %s %v %d %q", c.Code, c.Key, c.Of, c.Data, c.Claim, c.At, c.Owner),
					fmt.Sprintf("%s %q %s %s %v %d %q", want.Code, "", want.Of, want.Data, want.Claim, want.At, ""))
			}
			s.reopen()
		}
		found, err := s.Queue.Codes(s.Context(), tenant, []string{"7GHK4WPQRM", "K7QW3MPDXR", "", "K7QW3MPDXR", "a b:{}*"})
		s.check(err)
		expect(s, "answers", len(found), 5)
		expect(s, "which", found[0].Code+found[1].Code+found[2].Code+found[3].Code+found[4].Code, "K7QW3MPDXRK7QW3MPDXR")
		expect(s, "no code has no data", found[0].Data == nil, true)
		found, err = s.Queue.Codes(s.Context(), other.Tenant, []string{"K7QW3MPDXR"})
		s.check(err)
		expect(s, "another tenant's", found[0].Code, "")
		found, err = s.Queue.Codes(s.Context(), tenant, nil)
		s.check(err)
		expect(s, "none asked for", len(found), 0)
	}},
	{name: "the same key has the same code", run: func(s *suite) {
		first := s.put(s.adCode("AAAAAAAAA3", "key"), true)
		s.Clock.Advance(time.Hour)
		again := s.put(s.adCode("BBBBBBBBB4", "key"), false)
		expect(s, "the code in force", again.Code+string(again.Data), first.Code+string(first.Data))
		expect(s, "drawn", again.At, first.At)
		s.stored(false, "BBBBBBBBB4")
		s.notPut(s.adCode("AAAAAAAAA3", "other"), queue.ErrCodeTaken)
		s.notPut(s.campaignCode("AAAAAAAAA3", "other"), queue.ErrCodeTaken)
		expect(s, "the row", string(s.code("AAAAAAAAA3").Data), string(first.Data))
		// Of another tenant both are free.
		out, fresh, err := s.Queue.PutCode(s.Context(), other.Tenant, s.adCode("AAAAAAAAA3", "key"))
		s.check(err)
		expect(s, "another tenant's", out.Code == "AAAAAAAAA3" && fresh, true)
		s.reopen()
		s.put(s.adCode("CCCCCCCCC6", "key"), false)
	}},
	{name: "what is no code", run: func(s *suite) {
		for what, change := range map[string]func(*queue.Code){
			"no code":        func(c *queue.Code) { c.Code = "" },
			"a space":        func(c *queue.Code) { c.Code = "AAA AAA" },
			"too long":       func(c *queue.Code) { c.Code = string(make([]byte, 100)) },
			"no key":         func(c *queue.Code) { c.Key = "" },
			"an owner":       func(c *queue.Code) { c.Owner = "me" },
			"a line":         func(c *queue.Code) { c.Of = "a\nb" },
			"much data":      func(c *queue.Code) { c.Data = make([]byte, 1<<20) },
			"back in time":   func(c *queue.Code) { c.Claim = -1 },
			"half a ms":      func(c *queue.Code) { c.Claim = time.Microsecond },
			"before all":     func(c *queue.Code) { c.At = -1 },
			"an odd letter":  func(c *queue.Code) { c.Code = "AAAÄ" },
			"a line feed":    func(c *queue.Code) { c.Code = "AAA\n" },
			"another's hash": func(c *queue.Code) { c.Code = "A}{B" },
		} {
			c := s.adCode("AAAAAAAAA3", "key")
			change(&c)
			s.Log(what)
			s.notPut(c, queue.ErrInvalid)
		}
		if _, _, err := s.Queue.PutCode(s.Context(), "a}b", s.adCode("AAAAAAAAA3", "key")); !errors.Is(err, queue.ErrInvalid) {
			s.Fatalf("a tenant that can't be: %v", err)
		}
		s.stored(false, "AAAAAAAAA3")
	}},
	{name: "one of many at once", run: func(s *suite) {
		// Many visitors, whose requests carry the same click id: they get one code.
		const visitors = 20
		codes, fresh := make([]string, visitors), make([]bool, visitors)
		var all sync.WaitGroup
		for i := range visitors {
			all.Go(func() {
				c, isNew, err := s.Queue.PutCode(s.Context(), tenant, s.adCode(fmt.Sprintf("CODE%06d", i), "key"))
				if err != nil {
					s.Error(err)
				}
				codes[i], fresh[i] = c.Code, isNew
			})
		}
		all.Wait()
		first := ""
		for i := range visitors {
			if fresh[i] {
				expect(s, "another new one", first, "")
				first = codes[i]
			}
		}
		for i := range visitors {
			expect(s, "the code", codes[i], first)
		}
		// Many contacts send it: one has it.
		results := make([]queue.Result, visitors)
		for i := range visitors {
			all.Go(func() {
				results[i] = s.Queue.Append(s.Context(), []queue.Group{s.claim(i+1, first, fmt.Sprintf("whatsapp:%d", i))})[0]
			})
		}
		all.Wait()
		owners := 0
		for i, r := range results {
			row := s.code(first)
			mine := row.OwnedBy(tenant, &queue.Event{Contact: fmt.Sprintf("whatsapp:%d", i)})
			expect(s, "stored only if it is the contact's", r.Err == nil, mine)
			expect(s, "else claimed", r.Err == nil || errors.Is(r.Err, queue.ErrClaimed), true)
			if mine {
				owners++
			}
		}
		expect(s, "owners", owners, 1)
		expect(s, "entries", len(s.entries(crm)), 1)
	}},
}
