package inchat

import (
	"encoding/json"
	"testing"
)

// TestCutAmounts: an amount is read whole or not at all, whichever part of it a pattern
// finds; what stands beside it and is no part of it changes nothing.
func TestCutAmounts(t *testing.T) {
	rule := func(pattern string) Settings { return Settings{Name: "Purchase", Pattern: pattern, Currency: "BRL"} }
	documented := rule(`(?i)total:? *R\$ *(?P<value>[0-9.,]+)`)
	numbered := rule(`(?P<order>\d+)[-, ](?P<value>[0-9.,]+)`)
	before := rule(`(?P<value>\d+) (?P<order>\d+)$`)
	for _, c := range []struct {
		rule       Settings
		text, want string // "" for what cannot be read
	}{
		{documented, "Total: R$ 1 234,56", ""},
		{documented, "Total: R$ 1\u00a0234,56", ""},
		{documented, "Total: R$ 1\u202f234", ""},
		{documented, "Total: R$ 1'234.56", ""},
		{documented, "Total: R$ 1’234.56", ""},
		{documented, "Total: R$ 1٢٣", ""},
		{documented, "Total: R$ 10k", ""},
		{documented, "Total: R$ 1.5e3", ""},
		{documented, "Total: R$ 3x49,90", ""},
		{documented, "Total: R$ 49,9O", ""},
		{documented, "Total: R$ 10 mil", ""},
		{documented, "Total: R$ 1,5mil.", ""},
		{documented, "Total: R$ 49 123 pontos", ""}, // who knows
		{documented, "Total: R$\u00a049,90", "49.90"},
		{documented, "Total:\u202fR$\u20091.234,56", "1234.56"},
		{documented, "Total: R$ 49,90 123 pontos", "49.90"},
		{documented, "Total: R$ 1234 567", "1234"},
		{documented, "Total: R$ 49\n123 pontos", "49"},
		{documented, "Total: R$ 49. 123 pontos", "49"},
		{documented, "Total: R$ 49 12 pontos", "49"},
		{documented, "Total: R$ 49 1234 pontos", "49"},
		{documented, "Total: R$ 49,90BRL", "49.90"},
		{documented, "Total: R$ 49,90/mês", "49.90"},
		{documented, "Total: R$ 49,90*", "49.90"},
		{documented, "Total: R$ 49 milagres", "49"},
		{documented, "Total: R$ 1000円", "1000"},
		{rule(`(?P<value>[\d.,\s]+)€`), "Prix : 1\u202f234,56\u00a0€", "1234.56"},
		{rule(`R\$\x{a0}(?P<value>[\d,]+)`), "R$\u00a049,90", "49.90"},
		{rule(`(?P<value>\d+) reais`), "1.234,56 reais", ""},
		{rule(`(?P<value>\d+) reais`), "56 reais", "56"},
		{rule(`R\$ (?P<value>\d+)`), "R$ 49,90", ""},
		{rule(`R\$ (?P<value>\d+)`), "R$ 49.90", ""},
		{rule(`R\$ (?P<value>\d{2})`), "R$ 4990", ""},
		{rule(`R\$ (?P<value>\d+)`), "R$ 49, obrigado", "49"},
		{rule(`total.*?(?P<value>[\d.,]+)`), "total: -49,90", ""},
		{rule(`total.*?(?P<value>[\d.,]+)`), "total: −49,90", ""},
		{rule(`total.*?(?P<value>[\d.,]+)`), "total - 49,90", "49.90"},
		{rule(`(?P<value>[\d.,]+)`), "-5", ""},
		{rule(`total.*?(?P<value>[\d.,]+)$`), "total 1 234,56", ""},
		{rule(`total.*?(?P<value>[\d.,]+)$`), "total 1 23,56", "23.56"},
		{rule(`T(?P<value> [\d., ]+)`), "T 1 234,56 .", "1234.56"},
		{numbered, "17-49,90", "49.90"},
		{numbered, "17,49.90", "49.90"},
		{numbered, "17 234,56", "234.56"},
		{before, "49 123", "49"},
		{before, "49 123 456", ""},
	} {
		fired := must(t, c.rule).Read(message(c.text), at, new(Reader))
		if len(fired) != 1 {
			t.Errorf("%s: %q: nothing fires", c.rule.Pattern, c.text)
			continue
		}
		var item struct{ Value json.Number }
		if fired[0].Item != nil {
			if err := json.Unmarshal(fired[0].Item, &item); err != nil {
				t.Fatal(err)
			}
		}
		if item.Value.String() != c.want || (c.want == "") != (fired[0].Problem != "") {
			t.Errorf("%s: %q is read as %q (%s), want %q", c.rule.Pattern, c.text, item.Value, fired[0].Problem, c.want)
		}
	}
}
