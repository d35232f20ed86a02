package chronohttp_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronohttp"
)

// networks are the proxies of the tests.
func networks(prefixes ...string) (networks []netip.Prefix) {
	for _, p := range prefixes {
		networks = append(networks, netip.MustParsePrefix(p))
	}
	return networks
}

// attribution is what a change under a request's context would carry.
type attribution struct {
	User  map[string]any `json:"user_info"`
	Extra map[string]any `json:"extra_info"`
	// Reason is there for a strict table.
	Reason bool `json:"change_info"`
}

// attributionOf sends a request through the middleware.
func attributionOf(t *testing.T, opts *chronohttp.Options, r *http.Request) (a attribution, answer *httptest.ResponseRecorder) {
	t.Helper()
	answer = httptest.NewRecorder()
	called := false
	chronohttp.New(opts)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		called = true
		value, _, err := chrononaut.EncodeContext(r.Context(), nil)
		if err != nil {
			t.Error(err)
		}
		if err := json.Unmarshal([]byte(value), &a); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(answer, r)
	if !called {
		t.Fatalf("the handler was not called: %d %s", answer.Code, answer.Body)
	}
	return a, answer
}

// request is a request from an address.
func request(t *testing.T, from string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = from
	return r
}

func TestRemoteAddr(t *testing.T) {
	t.Parallel()
	proxies := []string{"10.0.0.0/8", "2001:db8:f::/48", "::ffff:172.16.0.0/108", "fe80::/10"}
	const forwardedFor, forwarded = "X-Forwarded-For", "Forwarded"
	for _, test := range []struct {
		name, from string
		header     string
		fields     []string
		want       any
	}{
		{"no proxy", "192.0.2.1:4711", "", nil, "192.0.2.1"},
		{"IPv6", "[2001:db8::1]:4711", "", nil, "2001:db8::1"},
		{"a zone", "[fe81::1%eth0]:4711", forwardedFor, []string{"192.0.2.9"}, "192.0.2.9"},
		{"a mapped address", "[::ffff:192.0.2.1]:4711", "", nil, "192.0.2.1"},
		{"a mapped proxy", "[::ffff:10.0.0.1]:4711", forwardedFor, []string{"192.0.2.9"}, "192.0.2.9"},
		{"a proxy of a mapped network", "172.16.0.1:4711", forwardedFor, []string{"192.0.2.9"}, "192.0.2.9"},
		{"outside of a mapped network", "172.32.0.1:4711", forwardedFor, []string{"192.0.2.9"}, "172.32.0.1"},
		{"no port", "192.0.2.1", "", nil, "192.0.2.1"},
		{"no address", "@", forwardedFor, []string{"192.0.2.9"}, nil},
		{"no address at all", "", "", nil, nil},
		{"a stranger forges the header", "192.0.2.1:4711", forwardedFor, []string{"198.51.100.7"}, "192.0.2.1"},
		{"a stranger forges the other header", "192.0.2.1:4711", forwarded, []string{"for=198.51.100.7"}, "192.0.2.1"},
		{"a proxy without a header", "10.0.0.1:4711", "", nil, "10.0.0.1"},
		{"one proxy", "10.0.0.1:4711", forwardedFor, []string{"192.0.2.9"}, "192.0.2.9"},
		{"a chain of proxies", "10.0.0.1:4711", forwardedFor, []string{"192.0.2.9, 10.0.0.3,10.0.0.2"}, "192.0.2.9"},
		{"all are proxies", "10.0.0.1:4711", forwardedFor, []string{"10.0.0.4, 10.0.0.3"}, "10.0.0.4"},
		{"a client forges what is left of it", "10.0.0.1:4711", forwardedFor, []string{"198.51.100.7, 192.0.2.9"}, "192.0.2.9"},
		{"a client claims to be a proxy", "10.0.0.1:4711", forwardedFor, []string{"198.51.100.7, 10.0.0.9, 192.0.2.9, 10.0.0.2"}, "192.0.2.9"},
		{"several fields", "10.0.0.1:4711", forwardedFor, []string{"198.51.100.7", "192.0.2.9, 10.0.0.3", "10.0.0.2"}, "192.0.2.9"},
		{"ports and brackets", "10.0.0.1:4711", forwardedFor, []string{"[2001:db8::7]:99, [2001:db8:f::1], 10.0.0.2:80"}, "2001:db8::7"},
		{"IPv6 in the header", "[2001:db8:f::1]:4711", forwardedFor, []string{"2001:DB8:0:0::7"}, "2001:db8::7"},
		{"a zone in the header", "10.0.0.1:4711", forwardedFor, []string{"fe80::1%<b>, 192.0.2.9, fe80::2%eth0"}, "192.0.2.9"},
		{"a word", "10.0.0.1:4711", forwardedFor, []string{"192.0.2.9, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"an empty element", "10.0.0.1:4711", forwardedFor, []string{"192.0.2.9, , 10.0.0.2"}, "10.0.0.2"},
		{"an empty field", "10.0.0.1:4711", forwardedFor, []string{"192.0.2.9", ""}, "10.0.0.1"},
		{"a port that is none", "10.0.0.1:4711", forwardedFor, []string{"192.0.2.9:80x"}, "10.0.0.1"},
		{"an IPv4 address in brackets", "10.0.0.1:4711", forwardedFor, []string{"[192.0.2.9]"}, "10.0.0.1"},
		{"an open bracket", "10.0.0.1:4711", forwardedFor, []string{"[2001:db8::7"}, "10.0.0.1"},
		{"octal", "10.0.0.1:4711", forwardedFor, []string{"192.000.002.009"}, "10.0.0.1"},
		{"markup", "10.0.0.1:4711", forwardedFor, []string{"<script>"}, "10.0.0.1"},
		{"a long header", "10.0.0.1:4711", forwardedFor, []string{"198.51.100.7, 192.0.2.9" + strings.Repeat(", 10.0.0.2", 50_000)}, "192.0.2.9"},

		{"RFC 7239", "10.0.0.1:4711", forwarded, []string{"for=192.0.2.9;proto=http;by=203.0.113.43"}, "192.0.2.9"},
		{"RFC 7239, quoted", "10.0.0.1:4711", forwarded, []string{`for="[2001:db8:cafe::17]:4711"`}, "2001:db8:cafe::17"},
		{"RFC 7239, upper case and escapes", "10.0.0.1:4711", forwarded, []string{`Proto=https ; For="192\.0.2.9:_gazonk"`}, "192.0.2.9"},
		{"RFC 7239, a chain", "10.0.0.1:4711", forwarded, []string{"for=198.51.100.7", `for=192.0.2.9, for="10.0.0.3:80";host="a,b;\"for=1.1.1.1"`, "for=10.0.0.2"}, "192.0.2.9"},
		{"RFC 7239, unknown", "10.0.0.1:4711", forwarded, []string{"for=192.0.2.9, for=unknown"}, "10.0.0.1"},
		{"RFC 7239, a hidden name", "10.0.0.1:4711", forwarded, []string{"for=192.0.2.9, for=_hidden, for=10.0.0.2"}, "10.0.0.2"},
		{"RFC 7239, no for", "10.0.0.1:4711", forwarded, []string{"for=192.0.2.9, by=10.0.0.2"}, "10.0.0.1"},
		{"RFC 7239, for twice", "10.0.0.1:4711", forwarded, []string{"for=192.0.2.9;for=10.0.0.2"}, "10.0.0.1"},
		{"RFC 7239, an open quote of the client", "10.0.0.1:4711", forwarded, []string{`for="198.51.100.7, for=192.0.2.9`}, "192.0.2.9"},
		{"RFC 7239, an open quote before a quote", "10.0.0.1:4711", forwarded, []string{`x="\\", y="\, for="192.0.2.9"`}, "192.0.2.9"},
		{"RFC 7239, text behind a quote", "10.0.0.1:4711", forwarded, []string{`for="192.0.2.9"x`}, "10.0.0.1"},
		{"RFC 7239, no equals sign", "10.0.0.1:4711", forwarded, []string{"for"}, "10.0.0.1"},
		{"RFC 7239, an empty value", "10.0.0.1:4711", forwarded, []string{"for="}, "10.0.0.1"},
		{"RFC 7239, no token", "10.0.0.1:4711", forwarded, []string{"for=192.0.2.9;=x"}, "10.0.0.1"},
		{"RFC 7239, IPv6 that is not quoted", "10.0.0.1:4711", forwarded, []string{"for=[2001:db8::7]"}, "10.0.0.1"},
		{"RFC 7239, a long header", "10.0.0.1:4711", forwarded, []string{`for=192.0.2.9` + strings.Repeat(`, for="10.0.0.2"`, 50_000)}, "192.0.2.9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, test.from)
			opts := &chronohttp.Options{TrustedProxies: networks(proxies...)}
			// What the client sends in the header that is not used is not believed.
			r.Header[forwarded] = []string{"for=203.0.113.66"}
			if test.header == forwarded {
				opts.Forwarding = chronohttp.Forwarded
				r.Header[forwardedFor] = []string{"203.0.113.66"}
			}
			if test.header != "" {
				r.Header[test.header] = test.fields
			}
			if a, _ := attributionOf(t, opts, r); a.User["remote_addr"] != test.want {
				t.Errorf("remote address = %v, want %v", a.User["remote_addr"], test.want)
			}
		})
	}
}

func TestRemoteAddrBehindAUnixSocket(t *testing.T) {
	t.Parallel()
	for _, trust := range []bool{true, false} {
		var got string
		server := httptest.NewUnstartedServer(chronohttp.New(&chronohttp.Options{TrustUnixSocket: trust})(
			http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got, _, _ = chrononaut.EncodeContext(r.Context(), nil)
			})))
		socket := filepath.Join(t.TempDir(), "s")
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		_ = server.Listener.Close() // that of a port
		server.Listener = listener
		server.Start()
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.Write([]byte("GET / HTTP/1.0\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		server.Close()
		if strings.Contains(got, `"remote_addr":"192.0.2.9"`) != trust {
			t.Errorf("with TrustUnixSocket %t, the attribution is %s", trust, got)
		}
	}
}
