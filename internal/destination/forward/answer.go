package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/leadgate/leadgate/internal/destination"
	"github.com/leadgate/leadgate/internal/printable"
	"github.com/leadgate/leadgate/internal/retryafter"
)

// taken reports whether a status means that the destination has the event.
func taken(status int) bool { return status >= 200 && status < 300 }

// classify says what an HTTP answer of a forward destination means.
func classify(status int, header http.Header, now time.Time) destination.Verdict {
	if taken(status) {
		return destination.Verdict{Action: destination.Done}
	}
	o := destination.Verdict{Code: strconv.Itoa(status), Reason: statusReason(status)}
	switch {
	case status == http.StatusGone:
		o.Action = destination.Gone
		o.Explanation = "the destination says that it is gone for good; resume it once it is back, and replay its dead letters"
		return o
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests:
		o.Action = destination.Retry
		o.Explanation = "the destination asks to be tried again"
	case atFault(status):
		o.Action = destination.Retry
		o.Explanation = faults[status]
		if o.Explanation == "" {
			o.Explanation = faults[300]
		}
	case status >= 400 && status < 500:
		o.Action = destination.Dead
		o.Explanation = "the destination refuses this event; it would refuse it again"
		return o
	default:
		o.Action = destination.Retry
		o.Explanation = "the destination has trouble of its own"
	}
	o.After = retryafter.Parse(header.Get("Retry-After"), now)
	return o
}

// Explain is what a status of a forward destination means, without its headers.
func Explain(status int) destination.Verdict { return classify(status, nil, time.Time{}) }

// atFault reports whether a status speaks against the destination's settings and
// not against the event.
func atFault(status int) bool {
	return status >= 300 && status < 400 || faults[status] != ""
}

var faults = map[int]string{
	300: "redirects are not followed: write the address that it redirects to",
	401: "the destination wants to know who asks: check its header or sign option",
	402: "the destination wants to be paid: check the account there",
	403: "the destination does not let us in: check its header or sign option, and who may call it",
	404: "nothing answers at this URL: check it, and whether the workflow there is active",
	405: "nothing takes a POST at this URL: check it, and the method that the workflow there expects",
	407: "a proxy on the way wants to know who asks: check the proxy's settings",
}

func statusReason(status int) string {
	text := http.StatusText(status)
	if text == "" {
		return strconv.Itoa(status)
	}
	return strconv.Itoa(status) + " " + text
}

// failure says in words why there was no answer. Errors of a Transport name no
// URL; addresses are left out all the same, except for a name that is not found.
func failure(err error, timeout time.Duration) destination.Verdict {
	o := destination.Verdict{Action: destination.Retry, Explanation: "the destination cannot be reached"}
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		o.Reason = fmt.Sprintf("timeout after %v", timeout)
		o.Explanation = "the destination did not answer in time; it may have taken the event"
	case errors.As(err, &dns):
		o.Reason = "no address found for " + dns.Name
		o.Explanation = "check the host name, and the name server"
	case errors.Is(err, syscall.ECONNREFUSED):
		o.Reason = "connection refused"
		o.Explanation = "nothing listens at the destination's address and port"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		o.Reason = "connection reset"
	default:
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err
		}
		o.Reason = shortened(err.Error(), 200)
	}
	return o
}

// shortened cuts a text to about n bytes, on one line.
func shortened(s string, n int) string {
	s = printable.Line(strings.Join(strings.Fields(s), " "))
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
