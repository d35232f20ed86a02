package chronohttp

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// FuzzForwarding checks that nothing a client sends changes what is read of the
// element that the proxy adds, on the same line and on its own.
func FuzzForwarding(f *testing.F) {
	for _, seed := range []string{
		"", ",", "192.0.2.1, unknown", `for="[2001:db8::1]:80";by=_x, for=1.2.3.4`, `for="a\"`, `a="\\", b="`, `\`, "for=1.2.3.4;host=\"a,b\"", "fe80::1%zone",
	} {
		f.Add(seed)
	}
	proxies := map[Forwarding]*proxies{}
	for _, forwarding := range []Forwarding{XForwardedFor, Forwarded} {
		proxies[forwarding] = newProxies(&Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Forwarding: forwarding})
	}
	f.Fuzz(func(t *testing.T, sent string) {
		client := func(forwarding Forwarding, fields ...string) netip.Addr {
			r := &http.Request{RemoteAddr: "10.0.0.1:80", Header: http.Header{"X-Forwarded-For": fields, "Forwarded": fields}}
			addr, trusted := proxies[forwarding].client(r)
			if !trusted || !addr.IsValid() || addr.Zone() != "" || addr.Is4In6() {
				t.Fatalf("%q comes from %v, trusted %t", fields, addr, trusted)
			}
			return addr
		}
		want := netip.MustParseAddr("2001:db8::7")
		for element, forwarding := range map[string]Forwarding{
			"2001:db8::7": XForwardedFor, "[2001:db8::7]:80, 10.0.0.2": XForwardedFor,
			`for="[2001:db8::7]"`: Forwarded, `for="[2001:db8::7]:_p";host="a,b\"",for=10.0.0.2;by="[2001:db8::1]"`: Forwarded,
		} {
			for _, fields := range [][]string{{sent + ", " + element}, {sent, element}} {
				if got := client(forwarding, fields...); got != want {
					t.Errorf("%q comes from %v, want %v", fields, got, want)
				}
			}
		}
		client(XForwardedFor, sent)
		client(Forwarded, sent)
		// Read from the left, a well-formed header has the same elements.
		nodes, ok := fromTheLeft(sent)
		if got := slices.Collect(forwarded(http.Header{"Forwarded": {sent}})); ok && !slices.Equal(got, nodes) {
			t.Errorf("Forwarded: %s has the elements %q, want %q", sent, got, nodes)
		}
	})
}

// fromTheLeft reads Forwarded as its grammar says, and returns its elements, the
// last one first.
func fromTheLeft(s string) (nodes []string, ok bool) {
	for {
		node, seen := "", false
		for more := true; more; {
			s = trim(s)
			var name, value string
			if name, s = cutToken(s); name != "" {
				if s == "" || s[0] != '=' {
					return nil, false
				}
				if s = s[1:]; s != "" && s[0] == '"' {
					if value, s, ok = cutQuoted(s); !ok {
						return nil, false
					}
				} else if value, s = cutToken(s); value == "" {
					return nil, false
				}
			}
			if strings.EqualFold(name, "for") {
				if seen {
					return nil, false
				}
				node, seen = value, true
			}
			s = trim(s)
			if more = s != "" && s[0] == ';'; more {
				s = s[1:]
			}
		}
		nodes = slices.Insert(nodes, 0, node)
		if s == "" {
			return nodes, true
		}
		if s[0] != ',' {
			return nil, false
		}
		s = s[1:]
	}
}
