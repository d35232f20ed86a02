package sqlite

import (
	"encoding/json"
	"strings"
)

// QuoteIdent quotes an identifier.
func QuoteIdent(s string) string {
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// QuoteLiteral quotes a text literal.
func QuoteLiteral(s string) string {
	return `'` + strings.ReplaceAll(s, `'`, `''`) + `'`
}

// quoteJSON quotes text as a JSON string, of which quotes and backslashes are
// the only characters that SQLite escapes, besides control characters.
func quoteJSON(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A string always encodes.
	_ = enc.Encode(s)
	return strings.TrimSpace(b.String())
}
