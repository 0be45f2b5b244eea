package printable

import "testing"

func TestTable(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"/webhooks/+15551234567?x=123456", "/webhooks/+*******4567?x=123456"}, {"1234567", "***4567"}, {"", ""}, {"123456", "123456"},
	} {
		if got := HidePhones(c.text); got != c.want {
			t.Errorf("%q: %q", c.text, got)
		}
	}
	if got := Wrap("aaa bbb ccc ddddddddddd", "1 ", "  ", 9); got != "1 aaa bbb\n  ccc\n  ddddddddddd\n" {
		t.Errorf("wrapped: %q", got)
	}
	if got := Fit("ab\x1bcdef", 10); got != `ab\u001bc…` {
		t.Errorf("fitted: %q", got)
	}
}
