package inchat

import (
	"math/big"
	"strings"

	"github.com/leadgate/leadgate/internal/money"
	"github.com/leadgate/leadgate/normalize"
)

// maxScale is how many decimals a product of two decimals of package money has at most.
const maxScale = 60

// total is what a cart costs, exactly. ok is false where a price, a number or a currency is
// missing, or there are several currencies.
func total(o *normalize.Order) (number, currency string, ok bool) {
	if len(o.Items) == 0 {
		return "", "", false
	}
	sum := new(big.Rat)
	for i := range o.Items {
		it := &o.Items[i]
		price, priced := exact(it.ItemPrice)
		quantity, counted := exact(it.Quantity)
		code, known := money.Currency(it.Currency.String())
		if !priced || !counted || !known || currency != "" && code != currency {
			return "", "", false
		}
		currency = code
		sum.Add(sum, price.Mul(price, quantity))
	}
	number = sum.FloatString(maxScale)
	number = strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
	_, ok = money.Parse([]byte(number))
	return number, currency, ok
}

// exact is a JSON number that is not negative.
func exact(v normalize.Value) (*big.Rat, bool) {
	d, ok := money.Parse(v)
	if !ok || d.Negative() {
		return nil, false
	}
	return new(big.Rat).SetString(string(d.Append(nil)))
}

// appendContents writes the cart's lines as a conversion has them, nothing where one of
// them does not say what it is.
func appendContents(b []byte, o *normalize.Order) []byte {
	start := len(b)
	b = append(b, `,"contents":[`...)
	for i := range o.Items {
		it := &o.Items[i]
		if it.ProductRetailerID.String() == "" {
			return b[:start]
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"id":`...), it.ProductRetailerID...)
		b = append(append(b, `,"quantity":`...), it.Quantity...)
		b = append(append(b, `,"item_price":`...), it.ItemPrice...)
		b = append(b, '}')
	}
	return append(b, ']')
}
