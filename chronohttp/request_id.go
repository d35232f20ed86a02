package chronohttp

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/chrononaut-go/chrononaut"
)

type requestIDKey struct{}

// RequestIDFrom returns the id of the request under whose context ctx is.
func RequestIDFrom(ctx context.Context) (id string, ok bool) {
	id, ok = ctx.Value(requestIDKey{}).(string)
	return id, ok
}

// withRequestID returns a context under which changes carry the id. It is no
// reason for a change, so it does not satisfy a strict table.
func withRequestID(ctx context.Context, id string) context.Context {
	ctx = chrononaut.WithRequestInfo(ctx, map[string]any{"request_id": id})
	return context.WithValue(ctx, requestIDKey{}, id)
}

// requestID returns the id that a trusted proxy gave a request, or a new one.
func (m *middleware) requestID(r *http.Request, trusted bool) string {
	if ids := r.Header.Values(m.opts.RequestIDHeader); trusted && len(ids) == 1 && isRequestID(ids[0]) {
		return ids[0]
	}
	return rand.Text()
}

const maxRequestID = 128

func isRequestID(s string) bool {
	if s == "" || len(s) > maxRequestID {
		return false
	}
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && strings.IndexByte("-._~+/=:@", s[i]) < 0 {
			return false
		}
	}
	return true
}
