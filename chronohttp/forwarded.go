package chronohttp

import (
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwardedFor returns the elements of X-Forwarded-For, the last one first.
// Several fields are one list (RFC 9110, section 5.3).
func forwardedFor(h http.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, field := range slices.Backward(h.Values("X-Forwarded-For")) {
			for more := true; more; {
				var element string
				element, field, more = cutLast(field, strings.LastIndexByte(field, ','))
				if !yield(element) {
					return
				}
			}
		}
	}
}

// forwarded returns what the parameter for of each element of Forwarded is, the
// last element first, and the empty string for an element that has none or is
// malformed. Reading from the right, the text that a client sent cannot change
// what is read of the elements that proxies added to it.
func forwarded(h http.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, field := range slices.Backward(h.Values("Forwarded")) {
			for more := true; more; {
				var element string
				element, field, more = cutLast(field, lastComma(field))
				if !yield(forwardedNode(element)) {
					return
				}
			}
		}
	}
}

// cutLast cuts off what follows the comma at i.
func cutLast(s string, i int) (last, rest string, more bool) {
	if i < 0 {
		return trim(s), "", false
	}
	return trim(s[i+1:]), s[:i], true
}

// lastComma returns the place of the last comma outside of quoted strings, or
// -1.
func lastComma(s string) int {
	quoted := false
	for i := len(s) - 1; i >= 0; i-- {
		switch {
		case s[i] == '"' && (!quoted || !escaped(s, i)):
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return i
		}
	}
	return -1
}

// escaped reports whether an odd number of backslashes stands before s[i].
func escaped(s string, i int) bool {
	before := strings.TrimRight(s[:i], `\`)
	return (i-len(before))%2 == 1
}

// forwardedNode reads a forwarded-element (RFC 7239, section 4). Spaces around
// semicolons, which some proxies write, are allowed.
func forwardedNode(element string) (node string) {
	seen := false
	for rest, more := element, true; more; {
		var name, value string
		var ok bool
		if name, value, rest, more, ok = cutPair(rest); !ok {
			return ""
		}
		if strings.EqualFold(name, "for") {
			if seen {
				return ""
			}
			node, seen = value, true
		}
	}
	return node
}

// cutPair cuts a forwarded-pair, which may be empty, and the semicolon after it
// off.
func cutPair(s string) (name, value, rest string, more, ok bool) {
	s = trim(s)
	name, s = cutToken(s)
	if name != "" {
		if s == "" || s[0] != '=' {
			return "", "", "", false, false
		}
		s = s[1:]
		if strings.HasPrefix(s, `"`) {
			value, s, ok = cutQuoted(s)
		} else {
			value, s = cutToken(s)
			ok = value != ""
		}
		if !ok {
			return "", "", "", false, false
		}
		s = trim(s)
	}
	if s == "" {
		return name, value, "", false, true
	}
	return name, value, s[1:], true, s[0] == ';'
}

// cutToken cuts a token off (RFC 9110, section 5.6.2).
func cutToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && (isAlphanumeric(s[i]) || strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) >= 0) {
		i++
	}
	return s[:i], s[i:]
}

// cutQuoted cuts a quoted-string off (RFC 9110, section 5.6.4).
func cutQuoted(s string) (text, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// parseNode reads a node that is an address, with a port or without: 192.0.2.1,
// 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80. Other nodes are
// not known: unknown, and names that begin with _ (RFC 7239, section 6).
func parseNode(node string) (addr netip.Addr, ok bool) {
	host, port := node, ""
	bracketed := strings.HasPrefix(node, "[")
	switch {
	case bracketed:
		if host, port, ok = strings.Cut(node[1:], "]"); !ok {
			return netip.Addr{}, false
		}
	case strings.Count(node, ":") == 1:
		i := strings.IndexByte(node, ':')
		host, port = node[:i], node[i:]
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || bracketed && !addr.Is6() || port != "" && !isPort(port) {
		return netip.Addr{}, false
	}
	return normal(addr), true
}

// isPort reports whether s is a colon and a node-port, which may be a name.
func isPort(s string) bool {
	name, obfuscated := strings.CutPrefix(s[1:], "_")
	if s[0] != ':' || name == "" || !obfuscated && len(name) > 5 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !isDigit(c) && (!obfuscated || !isAlphanumeric(c) && c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isAlphanumeric(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// trim removes optional white space (RFC 9110, section 5.6.3).
func trim(s string) string { return strings.Trim(s, " \t") }
