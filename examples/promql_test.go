package examples

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// metric is one that an edge exposes: its type, and each label's values.
type metric struct {
	kind   string
	labels map[string]map[string]bool
}

// metrics are those of a scrape, by the name of the sample.
type metrics map[string]*metric

var (
	typeLine   = regexp.MustCompile(`^# TYPE (\w+) (\w+)$`)
	sampleLine = regexp.MustCompile(`^(\w+)(?:\{(.*)\})? [^ ]+$`)
	labelPair  = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
)

// parseScrape reads Prometheus' text format.
func parseScrape(text string) metrics {
	kinds := make(map[string]string)
	out := make(metrics)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if m := typeLine.FindStringSubmatch(line); m != nil {
			kinds[m[1]] = m[2]
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := m[1]
		if out[name] == nil {
			kind := kinds[name]
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				if base, ok := strings.CutSuffix(name, suffix); ok && kind == "" {
					kind = kinds[base]
				}
			}
			out[name] = &metric{kind: kind, labels: make(map[string]map[string]bool)}
		}
		for _, pair := range labelPair.FindAllStringSubmatch(m[2], -1) {
			if out[name].labels[pair[1]] == nil {
				out[name].labels[pair[1]] = make(map[string]bool)
			}
			out[name].labels[pair[1]][pair[2]] = true
		}
	}
	return out
}

// query is what a PromQL expression is made of.
type query struct {
	selectors []selector
	grouping  []string // the labels of by, on and their like
}

// selector is a metric with its matchers and, where there is one, its range.
type selector struct {
	metric   string
	matchers [][2]string // label and value, or values with bars between them
	ranged   bool
	function string // the innermost one around it, "" if there is none
}

// targetLabels are those that Prometheus adds to each target.
var targetLabels = []string{"instance", "job"}

// returns reports whether the result has the label, "by" and "on" being the only
// ways in which a label is dropped here.
func (q *query) returns(label string) bool {
	if len(q.grouping) > 0 {
		return slices.Contains(q.grouping, label)
	}
	return slices.Contains(targetLabels, label)
}

const quoted = `"(?:[^"\\]|\\.)*"`

var (
	promToken = regexp.MustCompile(`^(?:\s+|` + quoted + `|\d+(?:\.\d+)?[a-z]*|\[[^\]]*\]|\{(?:[^"}]|` + quoted +
		`)*\}|[a-zA-Z_:][a-zA-Z0-9_:]*|==|!=|>=|<=|[-+*/%^<>(),])`)
	matcher   = regexp.MustCompile(`^(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"$`)
	promRange = regexp.MustCompile(`^\[(?:\d+[smhdw]|\$__rate_interval)\]$`)
)

var (
	promGrouping  = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}
	promWords     = []string{"and", "or", "unless", "bool", "offset"}
	promRates     = []string{"rate", "increase"}
	promFunctions = []string{"sum", "max", "min", "time", "absent", "vector", "histogram_quantile"}
)

// parseQuery takes an expression apart. It knows the part of PromQL that is used
// here, and refuses the rest rather than pass over it.
func parseQuery(expr string) (*query, error) {
	var tokens []string
	for rest := expr; rest != ""; {
		t := promToken.FindString(rest)
		if t == "" {
			return nil, fmt.Errorf("what is this: %s", rest)
		}
		if rest = rest[len(t):]; strings.TrimSpace(t) != "" {
			tokens = append(tokens, t)
		}
	}
	q := new(query)
	var open []string // the function before each open parenthesis
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		next := ""
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		switch {
		case t == "(":
			open = append(open, "")
		case t == ")":
			if len(open) == 0 {
				return nil, fmt.Errorf("a parenthesis is closed that is not open")
			}
			open = open[:len(open)-1]
		case slices.Contains(promGrouping, t):
			if next != "(" {
				return nil, fmt.Errorf("%s is followed by %q", t, next)
			}
			for i += 2; i < len(tokens) && tokens[i] != ")"; i++ {
				if tokens[i] != "," {
					q.grouping = append(q.grouping, tokens[i])
				}
			}
		case slices.Contains(promWords, t):
		case slices.Contains(promRates, t) || slices.Contains(promFunctions, t):
			switch {
			case next == "(":
				open = append(open, t)
				i++
			case !slices.Contains(promGrouping, next):
				return nil, fmt.Errorf("%s is followed by %q", t, next)
			}
		case isName(t):
			if next == "(" {
				return nil, fmt.Errorf("the test knows no function %s", t)
			}
			s := selector{metric: t}
			for f := len(open) - 1; f >= 0 && s.function == ""; f-- {
				s.function = open[f]
			}
			if strings.HasPrefix(next, "{") {
				for part := range strings.SplitSeq(strings.Trim(next, "{}"), ",") {
					m := matcher.FindStringSubmatch(strings.TrimSpace(part))
					if m == nil {
						return nil, fmt.Errorf("what is this matcher: %s", part)
					}
					s.matchers = append(s.matchers, [2]string{m[1], m[3]})
				}
				i++
			}
			if i+1 < len(tokens) && strings.HasPrefix(tokens[i+1], "[") {
				if i++; !promRange.MatchString(tokens[i]) {
					return nil, fmt.Errorf("what is this range: %s", tokens[i])
				}
				s.ranged = true
			}
			q.selectors = append(q.selectors, s)
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("%d parentheses are not closed", len(open))
	}
	return q, nil
}

func isName(t string) bool {
	return t[0] == '_' || t[0] >= 'a' && t[0] <= 'z' || t[0] >= 'A' && t[0] <= 'Z'
}

// problems says what is wrong with an expression over these metrics.
func (e metrics) problems(expr string) (*query, []string) {
	q, err := parseQuery(expr)
	if err != nil {
		return new(query), []string{err.Error()}
	}
	var out []string
	bad := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if len(q.selectors) == 0 {
		bad("it names no metric")
	}
	for _, s := range q.selectors {
		m := e[s.metric]
		if m == nil {
			bad("the edge exposes no %s", s.metric)
			continue
		}
		counter := m.kind == "counter" || m.kind == "histogram"
		if rate := slices.Contains(promRates, s.function); rate != s.ranged || s.ranged && !counter {
			bad("%s, a %s, in %s(): a range and rate or increase belong together, and to counters", s.metric, m.kind, s.function)
		}
		for _, pair := range s.matchers {
			values := m.labels[pair[0]]
			if values == nil {
				bad("%s has no label %s", s.metric, pair[0])
				continue
			}
			for value := range strings.SplitSeq(pair[1], "|") {
				if value != "" && value[0] != '$' && !values[value] {
					bad("%s never has %s=%q", s.metric, pair[0], value)
				}
			}
		}
		for _, label := range q.grouping {
			if m.labels[label] == nil && !slices.Contains(targetLabels, label) {
				bad("%s has no label %s", s.metric, label)
			}
		}
	}
	return q, out
}

// check reports what is wrong with an expression.
func (e metrics) check(t *testing.T, where, expr string) *query {
	t.Helper()
	q, problems := e.problems(expr)
	for _, p := range problems {
		t.Errorf("%s: %s: %s", where, expr, p)
	}
	return q
}

// TestProblems: the check itself finds what it is there for.
func TestProblems(t *testing.T) {
	e := parseScrape(`# TYPE a_total counter
a_total{x="1",y="yes"} 3
a_total{x="2",y="no"} 4e+06
# TYPE b gauge
b{x="a\"b"} 1
# TYPE c histogram
c_bucket{le="+Inf"} 1
c_count 1
`)
	for expr, want := range map[string]string{
		`sum by (x) (rate(a_total{y="yes"}[5m]))`:                                  "",
		`max by (x) (b) > (max by (x) (b offset 15m) or 0 * b) - 1.5`:              "",
		`histogram_quantile(0.99, sum by (le) (rate(c_bucket[$__rate_interval])))`: "",
		`time() - max by (x) (b{x=~"$x|"})`:                                        "",
		`absent(c_count)`:                                                          "",
		`rate(z_total[5m])`:                                                        "exposes no z_total",
		`rate(b[5m])`:                                                              "belong together",
		`a_total[5m]`:                                                              "belong together",
		`rate(a_total)`:                                                            "belong together",
		`sum by (z) (b)`:                                                           "has no label z",
		`b{z="1"}`:                                                                 "has no label z",
		`rate(a_total{y=~"yes|never"}[5m])`:                                        `never has y="never"`,
		`sum(b`:                                                                    "not closed",
		`b)`:                                                                       "not open",
		`topk(3, b)`:                                                               "no function topk",
		`b{x}`:                                                                     "matcher",
		`rate(a_total[5 minutes])`:                                                 "range",
		`b ? 1`:                                                                    "what is this",
		`1 + 2`:                                                                    "no metric",
		`sum by x (b)`:                                                             "followed by",
	} {
		_, problems := e.problems(expr)
		got := strings.Join(problems, "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}
