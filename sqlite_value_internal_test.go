package chrononaut

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"unicode/utf8"
)

// Strings in UTF-8 are read as encoding/json reads them; others byte by byte.
func FuzzUnquoteJSON(f *testing.F) {
	for _, s := range []string{"", "a\"b\\c/", "\x00\n\t\b\f\r\x7f", "日本\U0001F570", "\xff\xfe", "a\\u0041", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(len(s)%2 == 0)
		if err := enc.Encode(s); err != nil {
			t.Fatal(err)
		}
		raw := bytes.TrimSpace(b.Bytes())
		var want string
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		if got := decodeSQLite(raw); got != want {
			t.Errorf("decodeSQLite(%s) = %q, want %q", raw, got, want)
		}
		// Anything goes in, also what is no JSON.
		_ = decodeSQLite(json.RawMessage(s))
		if !utf8.ValidString(s) && bytes.IndexByte([]byte(s), '\\') < 0 && bytes.IndexByte([]byte(s), '"') < 0 {
			if got := decodeSQLite(json.RawMessage(`"` + s + `"`)); got != s {
				t.Errorf("decodeSQLite of %q = %q, want the same bytes", s, got)
			}
		}
	})
}

// Numbers are equal when their values are.
func FuzzEqualNumbers(f *testing.F) {
	f.Add("1.10", "1.1")
	f.Add("1e2", "100")
	f.Add("-0", "0.0")
	f.Add("1e999999999", "1")
	f.Add("9007199254740993", "9007199254740992")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !json.Valid([]byte(a)) || !json.Valid([]byte(b)) {
			return
		}
		equal := equalJSON([]byte(a), []byte(b))
		if equal != equalJSON([]byte(b), []byte(a)) {
			t.Errorf("equalJSON(%s, %s) depends on the order", a, b)
		}
		if !equalJSON([]byte(a), []byte(a)) {
			t.Errorf("%s does not equal itself", a)
		}
		var x, y float64
		if json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && a[0] != 'n' && b[0] != 'n' && equal && math.Abs(x-y) > math.Abs(x)*1e-12 {
			t.Errorf("%s equals %s", a, b)
		}
	})
}
