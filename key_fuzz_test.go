package chrononaut_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
)

// A key that was read is written as JSON that reads as the same key.
func FuzzKey(f *testing.F) {
	for _, s := range []string{`{"id": 1}`, `{"a": "\u0000\ud800", "b": 9007199254740993}`, `{"id": {"chrononaut:blob": "\\x00"}}`, `{}`, `[]`, `{"a": 1e400}`, `{"a":1,"a":2}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var key chrononaut.Key
		if json.Unmarshal([]byte(text), &key) != nil || len(key) == 0 {
			return
		}
		written, err := key.JSON()
		if err != nil {
			t.Fatalf("JSON() of %s: %v", text, err)
		}
		var again chrononaut.Key
		if err := json.Unmarshal([]byte(written), &again); err != nil {
			t.Fatalf("%s was written as %s: %v", text, written, err)
		}
		if diff := cmp.Diff(key, again); diff != "" {
			t.Errorf("%s was written as %s (-want +got):\n%s", text, written, diff)
		}
	})
}

// Text says nothing about NULL and absent columns, and the text of a JSON string.
func FuzzDataText(f *testing.F) {
	for _, s := range []string{`null`, `"a\"b"`, `1.10`, `{"chrononaut:text": "x"}`, `{"chrononaut:text": 1}`, `{"a": "chrononaut:text"}`, `[]`, `"`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		text, ok := chrononaut.Data{"c": json.RawMessage(raw)}.Text("c")
		if !ok && text != "" {
			t.Errorf("Text of %s = %q, false", raw, text)
		}
		var s *string
		if json.Unmarshal([]byte(raw), &s) == nil && raw[0] == '"' && (!ok || text != *s) {
			t.Errorf("Text of %s = %q, %v; want %q", raw, text, ok, *s)
		}
	})
}
