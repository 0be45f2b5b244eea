package ads

import (
	"encoding/csv"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// WriteCSV writes rows as a table: the keys of the JSON as header, in its order, and for
// amounts a column for each currency that any row has, such as spend_BRL. What is null, or
// not in a currency, is empty. A cell that a spreadsheet would take for a formula gets a '
// in front: names are written by people.
func WriteCSV(to io.Writer, rows []Row) error {
	columns := columnsOf(rows)
	out := csv.NewWriter(to)
	line := make([]string, len(columns))
	for i, c := range columns {
		line[i] = harmless(c.name())
	}
	if err := out.Write(line); err != nil {
		return err
	}
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for j, c := range columns {
			line[j] = harmless(c.cell(row))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// column is a field of a row, or what it has of a currency.
type column struct {
	key      string
	index    []int
	currency string // "" for what are no amounts
}

func (c *column) name() string {
	if c.currency == "" {
		return c.key
	}
	return c.key + "_" + c.currency
}

func columnsOf(rows []Row) (columns []column) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Row]()) {
		switch c := (column{key: f.Tag.Get("json"), index: f.Index}); {
		case f.Anonymous:
		case f.Type != reflect.TypeFor[Amounts]():
			columns = append(columns, c)
		default:
			for _, c.currency = range currenciesOf(rows, c.index) {
				columns = append(columns, c)
			}
		}
	}
	return columns
}

// currenciesOf are those that a field has in any row, sorted.
func currenciesOf(rows []Row, index []int) (currencies []string) {
	for i := range rows {
		for currency := range reflect.ValueOf(&rows[i]).Elem().FieldByIndex(index).Interface().(Amounts) {
			if !slices.Contains(currencies, currency) {
				currencies = append(currencies, currency)
			}
		}
	}
	slices.Sort(currencies)
	return currencies
}

func (c *column) cell(row reflect.Value) string {
	switch v := row.FieldByIndex(c.index).Interface().(type) {
	case string:
		return v
	case *string:
		if v != nil {
			return *v
		}
	case int64:
		return strconv.FormatInt(v, 10)
	case Amounts:
		return v[c.currency].String()
	}
	return ""
}

// harmless keeps a spreadsheet from computing a cell.
func harmless(cell string) string {
	if cell != "" && strings.Contains("=+-@\t\r", cell[:1]) {
		return "'" + cell
	}
	return cell
}
