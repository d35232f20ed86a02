package chronohttp

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// AnyVersion is what [IfMatch] returns for "If-Match: *": the client wants to
// write whatever the version is, if there is a record. It is no version, so that a
// write based on it is refused where nobody looks.
const AnyVersion = -1

// Errors of preconditions. [Problem] knows their status.
var (
	// ErrIfMatch is returned when the header If-Match is malformed: status 400.
	ErrIfMatch = errors.New("the header If-Match is malformed")
	// ErrNoMatch is returned when no version can match the header: its tags are
	// weak, or none that [ETag] makes. Status 412.
	ErrNoMatch = errors.New("no version matches the header If-Match")
	// ErrIfMatchRequired is for handlers that do not write without a version: status
	// 428. [RequireIfMatch] returns it.
	ErrIfMatchRequired = errors.New("the request needs the header If-Match with the version that it is based on")
)

// ETag returns the entity tag of a record at a version: a strong one, so it
// should stand on one representation of the record only, one media type, one
// content coding.
func ETag(version int) string { return `"` + strconv.Itoa(version) + `"` }

// SetETag sets the header ETag. Call it before the body is written, after a write
// with the new version.
func SetETag(w http.ResponseWriter, version int) { w.Header().Set("ETag", ETag(version)) }

// IfMatch returns the version that a request is based on. ok is false when it has
// no header If-Match: nothing is checked then, unless the handler refuses that; see
// [RequireIfMatch]. For "*" the version is [AnyVersion].
//
// Of several versions in a list it is the highest, as versions only grow: a write
// that is based on another of them is refused although it need not be. Weak tags
// (W/"7") never match, as RFC 9110 has it; a proxy that compresses answers may make
// tags weak.
//
// Errors: [ErrIfMatch], [ErrNoMatch].
func IfMatch(r *http.Request) (version int, ok bool, err error) {
	fields := r.Header.Values("If-Match")
	if len(fields) == 0 {
		return 0, false, nil
	}
	tags, star, ok := parseTags(strings.Join(fields, ","))
	switch {
	case !ok:
		return 0, false, ErrIfMatch
	case star:
		return AnyVersion, true, nil
	}
	version = AnyVersion
	for _, t := range tags {
		if v, ok := t.version(); ok && !t.weak {
			version = max(version, v)
		}
	}
	if version == AnyVersion {
		return 0, false, ErrNoMatch
	}
	return version, true, nil
}

// RequireIfMatch is [IfMatch] for handlers that do not write without a version.
// The error is [ErrIfMatchRequired] when the request names none.
func RequireIfMatch(r *http.Request) (version int, err error) {
	version, ok, err := IfMatch(r)
	if err == nil && !ok {
		err = ErrIfMatchRequired
	}
	return version, err
}

// NotModified sets the header ETag, and answers a GET or HEAD with 304 when the
// client has the version already (If-None-Match): it returns true then, and nothing
// is left to be written. A header that is malformed is ignored.
func NotModified(w http.ResponseWriter, r *http.Request, version int) bool {
	SetETag(w, version)
	fields := r.Header.Values("If-None-Match")
	if len(fields) == 0 || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	tags, matches, ok := parseTags(strings.Join(fields, ","))
	if !ok {
		return false
	}
	for _, t := range tags {
		// Weak comparison.
		if v, ok := t.version(); ok && v == version {
			matches = true
		}
	}
	if matches {
		w.WriteHeader(http.StatusNotModified)
	}
	return matches
}

// tag is an entity tag.
type tag struct {
	text string // without its quotes
	weak bool
}

// version reads a tag that [ETag] made.
func (t tag) version() (int, bool) {
	v, err := strconv.ParseInt(t.text, 10, 32)
	return int(v), err == nil && v >= 0 && strconv.FormatInt(v, 10) == t.text
}

// parseTags reads a list of entity tags, or "*".
func parseTags(list string) (tags []tag, star, ok bool) {
	rest := trim(list)
	if rest == "*" {
		return nil, true, true
	}
	for rest != "" {
		// Elements may be empty.
		if rest[0] == ',' {
			rest = trim(rest[1:])
			continue
		}
		var t tag
		rest, t.weak = strings.CutPrefix(rest, "W/")
		inside, found := strings.CutPrefix(rest, `"`)
		end := strings.IndexByte(inside, '"')
		if !found || end < 0 {
			return nil, false, false
		}
		t.text = inside[:end]
		for i := range len(t.text) {
			if c := t.text[i]; c <= ' ' || c == 0x7f {
				return nil, false, false
			}
		}
		tags = append(tags, t)
		if rest = trim(inside[end+1:]); rest != "" && rest[0] != ',' {
			return nil, false, false
		}
	}
	return tags, false, len(tags) > 0
}
