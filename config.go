package chrononaut

import "context"

// DefaultSchema is the schema that holds history unless [Config] names
// another. SQLite, which has no schemas, ignores it.
const DefaultSchema = "chrononaut"

// Config configures an adapter. A nil *Config means the defaults.
type Config struct {
	// UserInfo returns who acts under ctx, for an application that keeps its
	// users in contexts already: user_id, remote_addr, and whatever else is to be
	// recorded beside them. [WithActor] and [WithRemoteAddr] win over it. It is
	// called when ExtraInfo is. Defaults to none; nil means nobody.
	UserInfo func(ctx context.Context) map[string]any
	// ExtraInfo returns extra information for every change made under ctx, a
	// request id or the version of the program. It is called when a
	// transaction begins, and for each statement outside of one; it must be safe
	// for concurrent use. The result is copied. A panic of it is an error of the
	// statement where package chronosql calls it. Defaults to none.
	ExtraInfo func(ctx context.Context) map[string]any
	// Schema holds history. Defaults to [DefaultSchema].
	Schema string
}

// HistorySchema returns the schema that holds history. It works on nil.
func (c *Config) HistorySchema() string {
	if c == nil || c.Schema == "" {
		return DefaultSchema
	}
	return c.Schema
}
