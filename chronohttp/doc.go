// Package chronohttp says who makes a change from the HTTP request that asks
// for it, and lets a request look at the past. It is middleware for net/http
// and fits every router that takes func(http.Handler) http.Handler.
//
//	attribute := chronohttp.New(&chronohttp.Options{
//		Actor:          func(r *http.Request) string { return session(r).User },
//		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
//		AllowAsOf:      func(r *http.Request, p chrononaut.Point) bool { return session(r).Auditor },
//	})
//	http.ListenAndServe(addr, authenticate(attribute(mux)))
//
// Put it inside of what authenticates, and outside of what writes.
//
// # Who
//
// The context of the request carries the actor, the address that the request
// comes from and an id of the request, so that every change made under it is
// recorded with them: user_info.user_id, user_info.remote_addr and
// extra_info.request_id. Nothing that a client can forge is believed; see
// [Options.TrustedProxies].
//
// # The past
//
// With [Options.AllowAsOf], a request with the header
//
//	As-Of: 2026-11-24T09:30:00Z
//
// or the parameter ?as_of=2026-11-24T09:30:00Z is answered with what the
// database held then: all queries under the request's context read the past,
// as under [chrononaut.AsOfPoint]. [Problem] gives the errors of such queries
// their status.
package chronohttp
