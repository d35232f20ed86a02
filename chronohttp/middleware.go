package chronohttp

import (
	"cmp"
	"net/http"
	"net/netip"

	"github.com/chrononaut-go/chrononaut"
)

// Options are the options of [New]. Nil means the defaults.
type Options struct {
	// Actor returns who makes a request, and the empty string for nobody. It must
	// be safe for concurrent use, and return only what has been authenticated.
	// Defaults to nobody; a context that has an actor already keeps it then.
	Actor func(r *http.Request) string

	// TrustedProxies are the networks of the proxies in front of the server. If
	// the request comes from one of them, the address that is recorded is the
	// last one in the header Forwarding that is not itself one of theirs, read
	// from right to left: what stands left of it anyone may have written.
	// Defaults to none: the address of the connection is recorded.
	TrustedProxies []netip.Prefix
	// TrustUnixSocket says that what connects through a Unix socket, and so has
	// no address, is a trusted proxy.
	TrustUnixSocket bool
	// Forwarding is the header in which the proxies name who asked them. Only
	// this one is read: a proxy passes the other one on as the client sent it.
	// Defaults to [XForwardedFor].
	Forwarding Forwarding

	// RequestIDHeader is the header that holds the id of a request. An id of 1
	// to 128 letters, digits and characters of -._~+/=:@ that a trusted proxy
	// sends is taken as it is; otherwise there is a new one. The answer has it
	// too. Defaults to X-Request-Id.
	RequestIDHeader string

	// AllowAsOf reports whether a request may look at a point in the past. It must
	// be safe for concurrent use. It is asked only when a request names a point,
	// and is the only check there is. Defaults to nil: the header and the
	// parameter mean nothing, and every request is about the present.
	AllowAsOf func(r *http.Request, p chrononaut.Point) bool
	// AsOfHeader is the header that names a point, in requests and in answers.
	// Defaults to As-Of.
	AsOfHeader string
	// AsOfParameter is the parameter of the URL that names a point. Defaults to
	// as_of; "-" means none.
	AsOfParameter string
	// AsOf are the options of the queries of such requests.
	AsOf *chrononaut.AsOfOpts
}

// New returns middleware that puts the actor, the remote address and the id of
// a request into its context, and the point in the past that it asks for. It
// is safe for concurrent use, and sends nothing to the database.
//
// Errors of the request are answered without calling the handler, as text:
//
//   - 400 when the point is malformed, or named twice and not the same, and when
//     the header comes with a method that is not GET, HEAD or OPTIONS, because
//     the past cannot be changed (RFC 9110, section 15.5.1)
//   - 405 when the parameter comes with such a method: the resource of that URL
//     has no other methods (RFC 9110, section 15.5.6)
//   - 403 when AllowAsOf says no
//
// Answers about the past have the header As-Of with the point, are not for
// shared caches, and are validated before a private one uses them again,
// whatever the handler says, because it is AllowAsOf that decides who may see
// them: Cache-Control is "private, no-cache", or "no-store" if the handler says
// that. With AllowAsOf, all answers name the header in Vary (RFC 9110, section
// 12.5.5).
func New(opts *Options) func(http.Handler) http.Handler {
	m := &middleware{}
	if opts != nil {
		m.opts = *opts
	}
	m.opts.RequestIDHeader = cmp.Or(m.opts.RequestIDHeader, "X-Request-Id")
	m.opts.AsOfHeader = cmp.Or(m.opts.AsOfHeader, "As-Of")
	m.opts.AsOfParameter = cmp.Or(m.opts.AsOfParameter, "as_of")
	m.proxies = newProxies(&m.opts)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.serve(w, r, next) })
	}
}

type middleware struct {
	opts    Options
	proxies *proxies
}

func (m *middleware) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	ctx := r.Context()
	addr, trusted := m.proxies.client(r)
	if addr.IsValid() {
		ctx = chrononaut.WithRemoteAddr(ctx, addr.String())
	}
	id := m.requestID(r, trusted)
	w.Header().Set(m.opts.RequestIDHeader, id)
	ctx = withRequestID(ctx, id)
	if m.opts.Actor != nil {
		if actor := m.opts.Actor(r); actor != "" {
			ctx = chrononaut.WithActor(ctx, actor)
		}
	}
	if m.opts.AllowAsOf == nil {
		next.ServeHTTP(w, r.WithContext(ctx))
		return
	}

	a := &answer{ResponseWriter: w, header: m.opts.AsOfHeader}
	defer a.stamp() // For a handler that writes nothing.
	r = r.WithContext(ctx)
	point, refused := m.point(r)
	switch {
	case refused != nil:
		refused.write(a)
		return
	case !point.IsZero():
		a.point = point.String()
		r = r.WithContext(chrononaut.AsOfPoint(ctx, point, m.opts.AsOf))
	}
	next.ServeHTTP(a, r)
}
