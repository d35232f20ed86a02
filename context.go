package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"
)

type contextKey struct{}

// attribution is what a context says about changes made under it. It is never
// modified once it is in a context: each With function stores a copy, so that
// nothing can leak from an inner context to an outer one.
type attribution struct {
	actor      *string
	remoteAddr *string
	extraInfo  map[string]any
	// requestInfo is extra information that is no reason for a change.
	requestInfo map[string]any
	// changeInfo reports that extra information was given explicitly, which is
	// what a strict table asks for.
	changeInfo bool
	records    []recordInfo
	// leases are those that the changes are made under.
	leases []claim
	// restoring says that a plan brings a past state back.
	restoring bool
}

// recordInfo is the change information of one record.
type recordInfo struct {
	table     Table
	key       Key
	extraInfo map[string]any
}

func attributionOf(ctx context.Context) attribution {
	a, _ := ctx.Value(contextKey{}).(attribution)
	return a
}

func (a attribution) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, a)
}

// WithActor returns a context whose changes are recorded as made by actor: a
// user id, an e-mail address, the name of a job. The innermost value counts.
func WithActor(ctx context.Context, actor string) context.Context {
	a := attributionOf(ctx)
	a.actor = &actor
	return a.in(ctx)
}

// WithRemoteAddr returns a context whose changes are recorded as requested
// from this network address. The innermost value counts.
func WithRemoteAddr(ctx context.Context, addr string) context.Context {
	a := attributionOf(ctx)
	a.remoteAddr = &addr
	return a.in(ctx)
}

// WithRationale returns a context whose changes carry the reason why they were
// made. It is WithExtraInfo with the key "rationale".
func WithRationale(ctx context.Context, rationale string) context.Context {
	return WithExtraInfo(ctx, map[string]any{"rationale": rationale})
}

// WithExtraInfo returns a context whose changes carry extra information. Calls
// nest and merge by key, the innermost value counts. The values must be
// representable as JSON; the map is copied, what its values point to is not and
// must not change any more. An empty map satisfies a strict table too: it says
// that there is nothing to say.
func WithExtraInfo(ctx context.Context, info map[string]any) context.Context {
	a := attributionOf(ctx)
	a.extraInfo = mergedWith(a.extraInfo, info)
	a.changeInfo = true
	return a.in(ctx)
}

// WithRequestInfo is WithExtraInfo for what tells where changes come from and
// not why they are made: the id of a request, the name of a job. It does not
// satisfy a strict table. Where keys are equal, it wins over
// [Config.ExtraInfo], and WithExtraInfo wins over it.
func WithRequestInfo(ctx context.Context, info map[string]any) context.Context {
	a := attributionOf(ctx)
	a.requestInfo = mergedWith(a.requestInfo, info)
	return a.in(ctx)
}

// mergedWith returns a copy of info with more in it.
func mergedWith(info, more map[string]any) map[string]any {
	merged := maps.Clone(info)
	if merged == nil {
		merged = map[string]any{}
	}
	maps.Copy(merged, more)
	return merged
}

// AppendChangeInfo returns a context in which changes of one record, and of no
// other, carry extra information. It wins over WithExtraInfo where keys are
// equal. It does not satisfy a strict table. A table without a schema means
// the table of that name in any schema.
func AppendChangeInfo(ctx context.Context, table Table, key Key, info map[string]any) context.Context {
	a := attributionOf(ctx)
	records := make([]recordInfo, len(a.records), len(a.records)+1)
	copy(records, a.records)
	records = append(records, recordInfo{table, maps.Clone(key), maps.Clone(info)})
	a.records = records
	return a.in(ctx)
}

// ActorFrom returns the actor of a context.
func ActorFrom(ctx context.Context) (actor string, ok bool) {
	if a := attributionOf(ctx); a.actor != nil {
		return *a.actor, true
	}
	return "", false
}

// ErrContext is returned when a context's attribution cannot be recorded: it
// holds a value that JSON cannot represent, or text that has a NUL byte or is
// not UTF-8. The escape \ufffd counts as such text, also where a json.RawMessage has
// it: write the character itself. The database raises it for a setting that is no
// such JSON object, and refuses with errors of its own what only Go takes for JSON,
// such as half a surrogate pair in a json.RawMessage.
var ErrContext = errors.New("attribution cannot be recorded")

// EncodeContext returns the attribution of ctx as the database reads it: the
// value of the setting chrononaut.context, a JSON object. ok is false when
// there is nothing to say. Adapters call it; applications have no need to.
//
// The keys of extra information merge in this order, later ones winning:
// [Config.ExtraInfo], WithRequestInfo, WithExtraInfo and WithRationale,
// AppendChangeInfo, and the trigger's own hidden_cols_changed.
func EncodeContext(ctx context.Context, config *Config) (value string, ok bool, err error) {
	a := attributionOf(ctx)
	// Copied: the functions may return the same maps every time.
	user, extra := map[string]any{}, map[string]any{}
	if config != nil && config.UserInfo != nil {
		maps.Copy(user, config.UserInfo(ctx))
	}
	if config != nil && config.ExtraInfo != nil {
		maps.Copy(extra, config.ExtraInfo(ctx))
	}
	if a.actor != nil {
		user["user_id"] = *a.actor
	}
	if a.remoteAddr != nil {
		user["remote_addr"] = *a.remoteAddr
	}
	maps.Copy(extra, a.requestInfo)
	maps.Copy(extra, a.extraInfo)
	if len(user) == 0 && len(extra) == 0 && !a.changeInfo && len(a.records) == 0 && len(a.leases) == 0 {
		return "", false, nil
	}
	for _, key := range []string{"user_id", "remote_addr"} {
		if _, ok := user[key]; !ok {
			user[key] = nil
		}
	}
	message := map[string]any{"user_info": user}
	if len(extra) > 0 {
		message["extra_info"] = extra
	}
	if a.changeInfo {
		message["change_info"] = true
	}
	if a.restoring {
		message["operation"] = OperationRestore
	}
	if len(a.records) > 0 {
		message["records"] = encodeRecords(a.records)
	}
	if len(a.leases) > 0 {
		message["leases"] = a.leases
	}
	value, err = encodeText(message)
	return value, err == nil, err
}

func encodeRecords(infos []recordInfo) []map[string]any {
	records := make([]map[string]any, len(infos))
	for i, r := range infos {
		record := map[string]any{"table_name": r.table.Name, "key": r.key, "extra_info": r.extraInfo}
		if r.extraInfo == nil {
			record["extra_info"] = map[string]any{}
		}
		if r.table.Schema != "" {
			record["table_schema"] = r.table.Schema
		}
		records[i] = record
	}
	return records
}

// encodeText encodes what the database can hold without a change.
func encodeText(message map[string]any) (string, error) {
	encoded, err := json.Marshal(message)
	var unsupported *json.UnsupportedTypeError
	switch {
	case errors.As(err, &unsupported):
		return "", fmt.Errorf("%w: %w", ErrContext, err)
	case err != nil:
		// The message could quote the value.
		return "", &quietError{fmt.Errorf("%w: a value that JSON does not have", ErrContext), err}
	}
	text := string(encoded)
	switch {
	case hasEscape(text, "u0000"):
		return "", fmt.Errorf("%w: text with a NUL byte", ErrContext)
	case !utf8.ValidString(text) || hasEscape(text, "ufffd"):
		// What is no UTF-8 was replaced by this, and two actors could become one.
		return "", fmt.Errorf("%w: text that is not UTF-8", ErrContext)
	}
	return text, nil
}

// hasEscape reports whether JSON has an escape. A backslash before a backslash
// is doubled, so it is one behind an odd number of them.
func hasEscape(s, escape string) bool {
	for {
		i := strings.Index(s, escape)
		if i < 0 {
			return false
		}
		backslashes := 0
		for j := i - 1; j >= 0 && s[j] == '\\'; j-- {
			backslashes++
		}
		if backslashes%2 == 1 {
			return true
		}
		s = s[i+len(escape):]
	}
}
