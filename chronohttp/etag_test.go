package chronohttp_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronohttp"
)

func withHeader(method, name string, values ...string) *http.Request {
	r := httptest.NewRequest(method, "/", nil)
	r.Header[name] = values
	return r
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values  []string
		version int
		ok      bool
		err     error
	}{
		{nil, 0, false, nil},
		{[]string{`"0"`}, 0, true, nil},
		{[]string{` "7" `}, 7, true, nil},
		{[]string{`"2147483647"`}, 2147483647, true, nil},
		{[]string{`*`}, chronohttp.AnyVersion, true, nil},
		{[]string{`"3","5" , "4"`}, 5, true, nil},
		{[]string{`"3"`, `"5"`}, 5, true, nil},
		{[]string{`,, "3",`}, 3, true, nil},
		{[]string{`"3", "other"`}, 3, true, nil},
		{[]string{`"3", W/"9"`}, 3, true, nil},
		{[]string{`W/"3"`}, 0, false, chronohttp.ErrNoMatch},
		{[]string{`"a,b"`}, 0, false, chronohttp.ErrNoMatch},
		{[]string{`""`}, 0, false, chronohttp.ErrNoMatch},
		{[]string{`"07"`}, 0, false, chronohttp.ErrNoMatch},
		{[]string{`"+7"`}, 0, false, chronohttp.ErrNoMatch},
		{[]string{`"-1"`}, 0, false, chronohttp.ErrNoMatch},
		{[]string{`"2147483648"`}, 0, false, chronohttp.ErrNoMatch},
		{[]string{`"7-gzip"`}, 0, false, chronohttp.ErrNoMatch},
		{[]string{``}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`,`}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`7`}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`"7`}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`"7""8"`}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`"7" "8"`}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`w/"7"`}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`W/ "7"`}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`*, "7"`}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`*`, `*`}, 0, false, chronohttp.ErrIfMatch},
		{[]string{`"7 8"`}, 0, false, chronohttp.ErrIfMatch},
	} {
		version, ok, err := chronohttp.IfMatch(withHeader(http.MethodPut, "If-Match", test.values...))
		if version != test.version || ok != test.ok || !errors.Is(err, test.err) {
			t.Errorf("IfMatch(%q) = %d, %t, %v, want %d, %t, %v", test.values, version, ok, err, test.version, test.ok, test.err)
		}
	}
	if _, err := chronohttp.RequireIfMatch(withHeader(http.MethodPut, "If-Match")); !errors.Is(err, chronohttp.ErrIfMatchRequired) {
		t.Error(err)
	}
	if version, err := chronohttp.RequireIfMatch(withHeader(http.MethodPut, "If-Match", `"7"`)); version != 7 || err != nil {
		t.Errorf("%d, %v", version, err)
	}
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		method string
		values []string
		want   bool
	}{
		{"GET", []string{`"7"`}, true},
		{"HEAD", []string{`W/"7"`}, true},
		{"GET", []string{`"6", "7"`}, true},
		{"GET", []string{`*`}, true},
		{"GET", nil, false},
		{"GET", []string{`"6"`}, false},
		{"GET", []string{`7`}, false},
		{"PUT", []string{`"7"`}, false},
	} {
		w := httptest.NewRecorder()
		got := chronohttp.NotModified(w, withHeader(test.method, "If-None-Match", test.values...), 7)
		if got != test.want || (w.Code == http.StatusNotModified) != test.want || w.Header().Get("ETag") != `"7"` {
			t.Errorf("%+v: %t, status %d, %v", test, got, w.Code, w.Header())
		}
	}
}

func TestProblemOfAWrite(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{
		&chrononaut.StaleError{}: 412, &chrononaut.BulkStaleError{}: 412, chronohttp.ErrNoMatch: 412, chronohttp.ErrIfMatch: 400, chronohttp.ErrIfMatchRequired: 428,
		chrononaut.ErrHeld: 423, chrononaut.ErrLeased: 423, chrononaut.ErrLocked: 423, chrononaut.ErrLeaseLost: 409,
	} {
		if status, text, ok := chronohttp.Problem(fmt.Errorf("save: %w", err)); status != want || text == "" || !ok {
			t.Errorf("Problem(%v) = %d, %q, %t, want %d", err, status, text, ok, want)
		}
	}
}

// Whatever the header holds, a version that is read is written in it, as ETag
// writes it.
func FuzzIfMatch(f *testing.F) {
	for _, seed := range []string{`"7"`, `W/"7", "8"`, `*`, `,"",`, "\"\x00\"", `"a\"b"`, `"7", 8`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		version, ok, err := chronohttp.IfMatch(withHeader(http.MethodPut, "If-Match", value))
		switch {
		case ok != (err == nil):
			t.Errorf("%t, %v", ok, err)
		case ok && version != chronohttp.AnyVersion:
			again, ok, err := chronohttp.IfMatch(withHeader(http.MethodPut, "If-Match", chronohttp.ETag(version)))
			if again != version || !ok || err != nil {
				t.Errorf("%d: %d, %t, %v", version, again, ok, err)
			}
		case !ok && version != 0:
			t.Errorf("version %d with an error", version)
		}
	})
}
