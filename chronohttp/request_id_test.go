package chronohttp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronohttp"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	opts := &chronohttp.Options{TrustedProxies: networks("10.0.0.0/8")}
	seen := map[string]bool{}
	for _, test := range []struct {
		name, from string
		ids        []string
		taken      bool
	}{
		{"none", "10.0.0.1:1", nil, false},
		{"of a proxy", "10.0.0.1:1", []string{"7c9e6679-7425-40de-944b-e07fc1f90ae7"}, true},
		{"of all characters", "10.0.0.1:1", []string{"aZ09-._~+/=:@"}, true},
		{"of a stranger", "192.0.2.1:1", []string{"forged"}, false},
		{"empty", "10.0.0.1:1", []string{""}, false},
		{"two", "10.0.0.1:1", []string{"a", "b"}, false},
		{"a list", "10.0.0.1:1", []string{"a, b"}, false},
		{"as long as can be", "10.0.0.1:1", []string{strings.Repeat("a", 128)}, true},
		{"too long", "10.0.0.1:1", []string{strings.Repeat("a", 129)}, false},
		{"markup", "10.0.0.1:1", []string{"<b>"}, false},
		{"not ASCII", "10.0.0.1:1", []string{"é"}, false},
	} {
		r := request(t, test.from)
		if test.ids != nil {
			r.Header["X-Request-Id"] = test.ids
		}
		a, answer := attributionOf(t, opts, r)
		id, _ := a.Extra["request_id"].(string)
		switch {
		case id == "" || answer.Header().Get("X-Request-Id") != id:
			t.Errorf("%s: recorded is %q, answered %q", test.name, id, answer.Header().Get("X-Request-Id"))
		case test.taken && id != test.ids[0]:
			t.Errorf("%s: recorded is %q, want %q", test.name, id, test.ids[0])
		case !test.taken && len(id) < 20:
			t.Errorf("%s: recorded is %q, want a new one", test.name, id)
		case seen[id]:
			t.Errorf("%s: the id %q is not new", test.name, id)
		case a.Reason:
			t.Errorf("%s: the id counts as a reason, and so satisfies strict tables", test.name)
		}
		seen[id] = true
	}
}

func TestRequestIDInAHeaderOfAnotherName(t *testing.T) {
	t.Parallel()
	r := request(t, "10.0.0.1:1")
	r.Header.Set("X-Trace", "t1")
	var id string
	opts := &chronohttp.Options{TrustedProxies: networks("10.0.0.0/8"), RequestIDHeader: "x-trace"}
	a, answer := attributionOf(t, opts, r)
	chronohttp.New(opts)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		id, _ = chronohttp.RequestIDFrom(r.Context())
	})).ServeHTTP(answer, r)
	if a.Extra["request_id"] != "t1" || answer.Header().Get("X-Trace") != "t1" || id != "t1" {
		t.Errorf("recorded is %v, answered %q, RequestIDFrom gives %q, want t1", a.Extra["request_id"], answer.Header().Get("X-Trace"), id)
	}
	if _, ok := chronohttp.RequestIDFrom(t.Context()); ok {
		t.Error("a context without a request has an id")
	}
}

func TestActor(t *testing.T) {
	t.Parallel()
	r := request(t, "192.0.2.1:1")
	r = r.WithContext(chrononaut.WithActor(r.Context(), "from outside"))
	for want, opts := range map[string]*chronohttp.Options{
		"ann":          {Actor: func(*http.Request) string { return "ann" }},
		"from outside": {Actor: func(*http.Request) string { return "" }},
	} {
		if a, _ := attributionOf(t, opts, r); a.User["user_id"] != want {
			t.Errorf("actor = %v, want %s", a.User["user_id"], want)
		}
	}
	if a, _ := attributionOf(t, nil, request(t, "192.0.2.1:1")); a.User["user_id"] != nil {
		t.Errorf("actor = %v, want none", a.User["user_id"])
	}
}
