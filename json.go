package chrononaut

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// decodeJSON keeps numbers exact. Errors of encoding/json can quote the input,
// which is a record's data, so they are not passed on.
func decodeJSON(text string, dest any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(dest); err != nil {
		return errors.New("malformed JSON in history")
	}
	return nil
}

// equalJSON compares two values as the database does: numbers by value, so that
// 1.10 is 1.1. Absent values equal each other only.
func equalJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	var x, y any
	return decodeJSON(string(a), &x) == nil && decodeJSON(string(b), &y) == nil && equalValues(x, y)
}

func equalValues(x, y any) bool {
	switch x := x.(type) {
	case json.Number:
		y, ok := y.(json.Number)
		return ok && equalNumbers(string(x), string(y))
	case map[string]any:
		y, ok := y.(map[string]any)
		return ok && maps.EqualFunc(x, y, equalValues)
	case []any:
		y, ok := y.([]any)
		return ok && slices.EqualFunc(x, y, equalValues)
	}
	// Text, a truth value or null.
	return x == y
}

func equalNumbers(x, y string) bool {
	if x == y {
		return true
	}
	a, ok := rational(x)
	b, ok2 := rational(y)
	return ok && ok2 && a.Cmp(b) == 0
}

// canonicalNumber writes a number without zeros at the end and without an exponent,
// unless that would be very long.
func canonicalNumber(s string) string {
	if !strings.ContainsAny(s, ".eE") {
		return s
	}
	r, ok := rational(s)
	if !ok {
		return s
	}
	// Every decimal number ends.
	digits, _ := r.FloatPrec()
	return r.FloatString(digits)
}

// rational reads a number, unless its exponent would fill the memory.
func rational(s string) (*big.Rat, bool) {
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > len("e-1000") {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}
