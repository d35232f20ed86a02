package chronohttp_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronohttp"
)

const at = "2026-11-24T09:30:00Z"

func allow(*http.Request, chrononaut.Point) bool { return true }

// pointHandler writes the point that queries would read.
func pointHandler(w http.ResponseWriter, r *http.Request) {
	value, ok := chrononaut.EncodeAsOf(r.Context())
	if !ok {
		value = "present"
	}
	_, _ = io.WriteString(w, value)
}

func TestAsOf(t *testing.T) {
	t.Parallel()
	type answer struct {
		Status             int
		Point, Body, Allow string
		Control, Vary      string
	}
	past := func(point, body string) answer {
		return answer{Status: 200, Point: point, Body: body, Control: "private, no-cache", Vary: "As-Of"}
	}
	refused := func(status int, body string) answer {
		return answer{Status: status, Body: body + "\n", Control: "no-store", Vary: "As-Of"}
	}
	const hint = "; a point is a time as in RFC 3339 (2026-11-24T09:30:00Z; in a URL, + is written %2B), transaction:NUMBER or snapshot:TOKEN"
	malformed := refused(400, "the point in the past is malformed"+hint)
	unsafe := refused(405, "the past can only be read: the methods are GET, HEAD, OPTIONS")
	unsafe.Allow = "GET, HEAD, OPTIONS"
	present := answer{Status: 200, Body: "present", Vary: "As-Of"}
	for _, test := range []struct {
		name, method, target string
		headers              []string
		want                 answer
	}{
		{"the present", "GET", "/", nil, present},
		{"another parameter", "POST", "/?as_of_x=1&x=as_of&a%73=1;as_of=1&%zz=1", nil, present},
		{"a header", "GET", "/", []string{at}, past(at, `{"at":"`+at+`"}`)},
		{"a header with an offset", "OPTIONS", "/", []string{"2026-11-24T10:30:00.123456+01:00"}, past("2026-11-24T09:30:00.123456Z", `{"at":"2026-11-24T09:30:00.123456Z"}`)},
		{"a parameter", "HEAD", "/?x=%zz&as_of=" + at, nil, past(at, `{"at":"`+at+`"}`)},
		{"a parameter in disguise", "GET", "/?%61s_of=2026-11-24T10:30:00%2b01:00", nil, past(at, `{"at":"`+at+`"}`)},
		{"a transaction", "GET", "/?as_of=transaction:7", nil, past("transaction:7", `{"transaction":"7"}`)},
		{"a snapshot", "GET", "/", []string{"snapshot:1:0:10:20:11,12"}, past("snapshot:1:0:10:20:11,12", `{"snapshot":"snapshot:1:0:10:20:11,12"}`)},
		{"the same twice", "GET", "/?as_of=2026-11-24T10:30:00%2b01:00", []string{at}, past(at, `{"at":"`+at+`"}`)},
		{"two", "GET", "/?as_of=transaction:7", []string{at}, refused(400, "the request names more than one point in the past")},
		{"two headers", "GET", "/", []string{at, "transaction:7"}, refused(400, "the request names more than one point in the past")},
		{"a malformed header", "GET", "/", []string{"<script>"}, malformed},
		{"an empty header", "GET", "/", []string{""}, malformed},
		{"a list", "GET", "/", []string{at + ", " + at}, malformed},
		{"a malformed parameter", "GET", "/?as_of=yesterday", nil, malformed},
		{"an empty parameter", "GET", "/?as_of", nil, malformed},
		{"a plus that is a space", "GET", "/?as_of=2026-11-24T10:30:00+01:00", nil, malformed},
		{"a parameter that is no text", "GET", "/?as_of=%zz", nil, malformed},
		{"a malformed one behind another", "GET", "/?as_of=" + at + "&as_of=%zz", nil, malformed},
		{"a semicolon", "GET", "/?as_of=" + at + ";x=1", nil, malformed},
		{"the zero time", "GET", "/?as_of=0001-01-01T00:00:00Z", nil, malformed},
		{"a token that breaks a header", "GET", "/?as_of=snapshot:%0d%0aSet-Cookie:x=1", nil, malformed},
		{"a token with markup", "GET", "/?as_of=snapshot:%C2%A0", nil, malformed},
		{"a parameter with POST", "POST", "/?as_of=" + at, nil, unsafe},
		{"a parameter with DELETE", "DELETE", "/?as_of=" + at, nil, unsafe},
		{"a header with PUT", "PUT", "/", []string{at}, refused(400, "the past can only be read: a request about it has the method GET, HEAD or OPTIONS")},
		{"not allowed", "GET", "/?as_of=transaction:13", nil, refused(403, "this request may not look at that point in the past")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequestWithContext(t.Context(), test.method, test.target, nil)
			if test.headers != nil {
				r.Header["As-Of"] = test.headers
			}
			w := httptest.NewRecorder()
			chronohttp.New(&chronohttp.Options{AllowAsOf: func(r *http.Request, p chrononaut.Point) bool {
				if encoded, _, _ := chrononaut.EncodeContext(r.Context(), nil); !strings.Contains(encoded, "request_id") {
					t.Error("the check does not see who asks")
				}
				return p != chrononaut.AtTransaction(13)
			}})(http.HandlerFunc(pointHandler)).ServeHTTP(w, r)
			h := w.Result().Header
			got := answer{w.Code, h.Get("As-Of"), w.Body.String(), h.Get("Allow"), h.Get("Cache-Control"), strings.Join(h["Vary"], ", ")}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if got.Status != 200 && (h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Type") != "text/plain; charset=utf-8") {
				t.Errorf("a browser may take the text for something else: %v", h)
			}
		})
	}
}

func TestAsOfIsOffWithoutACheck(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/?as_of=mine", nil)
	r.Header.Set("As-Of", at)
	w := httptest.NewRecorder()
	chronohttp.New(nil)(http.HandlerFunc(pointHandler)).ServeHTTP(w, r)
	if w.Body.String() != "present" || w.Header().Get("Vary") != "" || w.Header().Get("As-Of") != "" {
		t.Errorf("%s, %v", w.Body, w.Header())
	}
}

func TestAsOfOptions(t *testing.T) {
	t.Parallel()
	opts := &chronohttp.Options{
		AllowAsOf: allow, AsOfHeader: "x-time", AsOfParameter: "-",
		AsOf: &chrononaut.AsOfOpts{Untracked: chrononaut.UntrackedPresent, AllowUnsettled: true},
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?as_of=mine&-=mine", nil)
	r.Header.Set("As-Of", "mine")
	r.Header.Set("X-Time", at)
	w := httptest.NewRecorder()
	chronohttp.New(opts)(http.HandlerFunc(pointHandler)).ServeHTTP(w, r)
	if want := `{"at":"` + at + `","unsettled":true,"untracked":"present"}`; w.Body.String() != want {
		t.Errorf("the point is %s, want %s", w.Body, want)
	}
	if w.Header().Get("X-Time") != at || w.Header().Get("Vary") != "x-time" {
		t.Errorf("headers: %v", w.Header())
	}
}

// What a handler says of caching is good for the present only.
func TestCachingOfThePast(t *testing.T) {
	t.Parallel()
	header := func(set func(h http.Header), send func(w http.ResponseWriter)) http.Handler {
		return chronohttp.New(&chronohttp.Options{AllowAsOf: allow})(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			set(w.Header())
			send(w)
		}))
	}
	public := func(h http.Header) {
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("CDN-Cache-Control", "max-age=600")
		h["surrogate-control"] = []string{"max-age=600"}
		h.Set("Vary", "Accept")
		h.Set("As-Of", "forged")
	}
	write := func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") }
	sends := map[string]func(w http.ResponseWriter){
		"nothing":       func(http.ResponseWriter) {},
		"a body":        write,
		"a status":      func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotModified) },
		"a hint before": func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints); public(w.Header()); write(w) },
		"a file":        func(w http.ResponseWriter) { _, _ = io.Copy(w, strings.NewReader("x")) },
		"a flush":       func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"a flush of a controller": func(w http.ResponseWriter) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		},
	}
	for name, send := range sends {
		server := httptest.NewServer(header(public, send))
		h := get(t, server.URL, at)
		if h.Get("Cache-Control") != "private, no-cache" || h.Get("Cdn-Cache-Control") != "" || h.Get("Surrogate-Control") != "" ||
			h.Get("As-Of") != at || strings.Join(h["Vary"], ", ") != "Accept, As-Of" {
			t.Errorf("the past, %s: %v", name, h)
		}
		h = get(t, server.URL, "")
		if h.Get("Cache-Control") != "public, max-age=3600" || strings.Join(h["Vary"], ", ") != "Accept, As-Of" {
			t.Errorf("the present, %s: %v", name, h)
		}
		server.Close()
	}
	for vary, want := range map[string]string{"*": "*", "accept, as-of": "accept, as-of", "As-Of-X": "As-Of-X, As-Of"} {
		server := httptest.NewServer(header(func(h http.Header) {
			h.Set("Vary", vary)
			h.Set("Cache-Control", "max-age=5 , No-Store")
		}, write))
		h := get(t, server.URL, at)
		if got := strings.Join(h["Vary"], ", "); got != want || h.Get("Cache-Control") != "no-store" {
			t.Errorf("with Vary: %s, Vary is %s, Cache-Control %s", vary, got, h.Get("Cache-Control"))
		}
		server.Close()
	}
}

// get returns the headers of an answer.
func get(t *testing.T, address, asOf string) http.Header {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if asOf != "" {
		r.Header.Set("As-Of", asOf)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.Header
}

func TestConnectionsCanBeTakenOver(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(chronohttp.New(&chronohttp.Options{AllowAsOf: allow})(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Mine: yes\r\nContent-Length: 0\r\n\r\n")
		_ = conn.Close()
	})))
	defer server.Close()
	if h := get(t, server.URL, at); h.Get("X-Mine") != "yes" {
		t.Errorf("headers: %v", h)
	}
}

// FuzzPoint checks that a request is answered about the point that it names, or
// with an error that holds nothing of it, and never about the present.
func FuzzPoint(f *testing.F) {
	for _, seed := range []string{"", at, "transaction:7", "snapshot:x", "<b>", "%zz", "a&as_of=b", "transaction:18446744073709551616", "9999-12-31T23:59:60Z"} {
		f.Add(seed)
	}
	handler := chronohttp.New(&chronohttp.Options{AllowAsOf: allow})(http.HandlerFunc(pointHandler))
	f.Fuzz(func(t *testing.T, text string) {
		for name, r := range map[string]*http.Request{
			"header":    {Header: http.Header{"As-Of": {text}}, URL: &url.URL{Path: "/"}},
			"parameter": {Header: http.Header{}, URL: &url.URL{Path: "/", RawQuery: "as_of=" + url.QueryEscape(text)}},
			"raw":       {Header: http.Header{}, URL: &url.URL{Path: "/", RawQuery: "as_of=" + text}},
		} {
			r.Method = http.MethodGet
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r.WithContext(t.Context()))
			point, err := chrononaut.ParsePoint(text)
			switch {
			case w.Code == http.StatusBadRequest:
				if len(text) > 3 && strings.ContainsAny(text, "<>\"'&\r\n") && strings.Contains(w.Body.String(), text) {
					t.Errorf("%s %q: the answer holds it: %s", name, text, w.Body)
				}
			case w.Code != http.StatusOK || w.Body.String() == "present":
				t.Errorf("%s %q: %d %s", name, text, w.Code, w.Body)
			case name != "raw" && (err != nil || w.Header().Get("As-Of") != point.String()):
				t.Errorf("%s %q: the answer is as of %q, want %v, %v", name, text, w.Header().Get("As-Of"), point, err)
			}
		}
	})
}

func TestProblem(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err    error
		status int
	}{
		{nil, 0},
		{errors.New("secret"), 0},
		{chrononaut.ErrNotFound, 0},
		{&chrononaut.HorizonError{}, 409},
		{state("TM010"), 409},
		{state("TM011"), 404},
		{state("TM012"), 400},
		{state("TM015"), 400},
		{chrononaut.ErrPoint, 400},
	} {
		status, text, ok := chronohttp.Problem(test.err)
		if status != test.status || ok != (status != 0) || ok != (text != "") || strings.Contains(text, "secret") {
			t.Errorf("Problem(%v) = %d, %q, %t, want status %d", test.err, status, text, ok, test.status)
		}
	}
	horizon, _ := http.ParseTime("Tue, 24 Nov 2026 09:30:00 GMT")
	if _, text, _ := chronohttp.Problem(&chrononaut.HorizonError{Horizon: horizon}); !strings.HasSuffix(text, at) {
		t.Errorf("the text does not say what is settled: %s", text)
	}
}

// state is an error of the database.
type state string

func (state) Error() string      { return "secret" }
func (s state) SQLState() string { return string(s) }
