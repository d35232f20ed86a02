package chronohttp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut"
)

const safeMethods = "GET, HEAD, OPTIONS"

const pointHint = "; a point is a time as in RFC 3339 (2026-11-24T09:30:00Z; in a URL, + is written %2B), transaction:NUMBER or snapshot:TOKEN"

// refusal is an answer to a request that is not served. Its text holds nothing
// of the request.
type refusal struct {
	status int
	text   string
	allow  string
}

func (f *refusal) write(w http.ResponseWriter) {
	if f.allow != "" {
		w.Header().Set("Allow", f.allow)
	}
	// It depends on who asks, and 405 could be stored otherwise (RFC 9110, section
	// 15.1).
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, f.text, f.status)
}

func badRequest(text string) *refusal { return &refusal{status: http.StatusBadRequest, text: text} }

// point returns the point that a request asks for; the zero point is the
// present.
func (m *middleware) point(r *http.Request) (chrononaut.Point, *refusal) {
	var point chrononaut.Point
	headers := r.Header.Values(m.opts.AsOfHeader)
	parameters, ok := m.asOfParameters(r.URL.RawQuery)
	values := slices.Concat(headers, parameters)
	switch {
	case !ok:
		return point, badRequest("the point in the past is malformed" + pointHint)
	case len(values) == 0:
		return point, nil
	}
	for i, value := range values {
		p, err := chrononaut.ParsePoint(value)
		if err != nil || !isVisible(value) {
			return point, badRequest("the point in the past is malformed" + pointHint)
		}
		if i > 0 && p.String() != point.String() {
			return point, badRequest("the request names more than one point in the past")
		}
		point = p
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		const text = "the past can only be read: "
		if len(parameters) > 0 {
			return point, &refusal{http.StatusMethodNotAllowed, text + "the methods are " + safeMethods, safeMethods}
		}
		return point, badRequest(text + "a request about it has the method GET, HEAD or OPTIONS")
	}
	if !m.opts.AllowAsOf(r, point) {
		return point, &refusal{status: http.StatusForbidden, text: "this request may not look at that point in the past"}
	}
	return point, nil
}

// isVisible reports whether s can stand in a header as it is: a snapshot token
// may be any text.
func isVisible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// asOfParameters returns the values of the parameter. Unlike url.ParseQuery it
// does not leave out what is malformed, because such a request would be about
// the present.
func (m *middleware) asOfParameters(query string) (values []string, ok bool) {
	if m.opts.AsOfParameter == "-" {
		return nil, true
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name, err := url.QueryUnescape(name); err != nil || name != m.opts.AsOfParameter {
			continue
		}
		value, err := url.QueryUnescape(value)
		if err != nil {
			return nil, false
		}
		values = append(values, value)
	}
	return values, true
}
