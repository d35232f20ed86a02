package chronohttp

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
)

// answer is a writer that completes the headers before they are sent, after
// the handler has set its own.
type answer struct {
	http.ResponseWriter

	header string // that names a point
	point  string // empty in the present
	sent   bool
}

// stamp sets the headers that caches need to know.
func (a *answer) stamp() {
	if a.sent {
		return
	}
	h := a.Header()
	vary(h, a.header)
	if a.point == "" {
		return
	}
	h.Set(a.header, a.point)
	for name := range h {
		// Caches of a network read these instead of Cache-Control (RFC 9213).
		if lower := strings.ToLower(name); strings.HasSuffix(lower, "-cache-control") || lower == "surrogate-control" {
			delete(h, name)
		}
	}
	control := "private, no-cache"
	if has(h, "Cache-Control", "no-store") {
		control = "no-store"
	}
	h.Set("Cache-Control", control)
}

// vary adds a header to those that the answer depends on.
func vary(h http.Header, name string) {
	if !has(h, "Vary", name) && !has(h, "Vary", "*") {
		h.Add("Vary", name)
	}
}

// has reports whether a header that is a list has an element.
func has(h http.Header, name, element string) bool {
	for _, field := range h.Values(name) {
		for e := range strings.SplitSeq(field, ",") {
			if strings.EqualFold(trim(e), element) {
				return true
			}
		}
	}
	return false
}

// WriteHeader is that of [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	a.stamp()
	// Others are only announcements.
	if status >= 200 || status == http.StatusSwitchingProtocols {
		a.sent = true
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write is that of [http.ResponseWriter].
func (a *answer) Write(p []byte) (int, error) {
	a.stamp()
	a.sent = true
	return a.ResponseWriter.Write(p)
}

// ReadFrom lets a file be sent without copying it.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	a.stamp()
	a.sent = true
	return io.Copy(a.ResponseWriter, r)
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// FlushError is for [http.ResponseController].
func (a *answer) FlushError() error {
	a.stamp()
	a.sent = true
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Flush is that of [http.Flusher].
func (a *answer) Flush() { _ = a.FlushError() } // a writer that cannot flush sends at the end

// Hijack is that of [http.Hijacker].
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(a.ResponseWriter).Hijack()
}
