package jsondoc

import "testing"

func TestMembers(t *testing.T) {
	m := NewMembers("a", "bc", "from_user_id", "from_id")
	for text, want := range map[string][4]string{
		`{"a":1,"bc":{"a":2},"x":3,"":4}`:                        {"1", `{"a":2}`},
		`{"from_id":1,"from_user_id":2,"from_uXer_id":3}`:        {"", "", "2", "1"},
		`{"a":null,"a":2,"\u0062\u0063":[1],"bc":2,"b\u0000":3}`: {"null", "[1]"},
		`["a","bc"]`: {},
		`"a"`:        {},
		`{}`:         {},
	} {
		var d Doc
		if err := d.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		var got [4]Node
		m.Find(d.Root(), &got[0], &got[1], &got[2], &got[3])
		for i := range got {
			if string(got[i].Raw()) != want[i] {
				t.Errorf("%s: %d is %s, want %s", text, i, got[i].Raw(), want[i])
			}
		}
	}
	m.Find(Node{}, nil, nil, nil, nil)
}

func TestMembersThatAreObjects(t *testing.T) {
	var d Doc
	if err := d.Parse([]byte(`{"a":1,"b":{"n":1},"x":2,"c":{},"a":{"n":2},"a":{"n":3},"y":{"n":4},"z":{}}`)); err != nil {
		t.Fatal(err)
	}
	var a, b Node
	other := NewMembers("a", "b", "c").FindObjects(d.Root(), &a, &b, nil)
	if string(a.Raw()) != `{"n":2}` || string(b.Raw()) != `{"n":1}` || string(other.Raw()) != `{"n":4}` || string(other.Key()) != "y" {
		t.Errorf("%s, %s, %s", a.Raw(), b.Raw(), other.Raw())
	}
	if other := NewMembers("a").FindObjects(a, nil); other.Exists() {
		t.Errorf("%s is no object", other.Raw())
	}
}

func TestMembersTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a name may stand twice")
		}
	}()
	NewMembers("a", "b", "a")
}
