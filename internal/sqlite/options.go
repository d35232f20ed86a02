package sqlite

import "encoding/json"

// DefaultVersionColumn is the version column of a table whose options name no
// other.
const DefaultVersionColumn = "version"

// Options are the tracking options of a table as the registry keeps them.
type Options struct {
	Hidden        []string `json:"hidden,omitempty"`
	Untracked     []string `json:"untracked,omitempty"`
	VersionColumn string   `json:"version_column,omitempty"`
	Strict        bool     `json:"strict,omitempty"`
	RecordChanges bool     `json:"record_changes,omitempty"`
	NoHistory     bool     `json:"no_history,omitempty"`
	Generation    int      `json:"generation,omitempty"`
	// Known are the columns of the table when its triggers were generated.
	Known []string `json:"columns,omitempty"`
	// Guarded says that something of the table is held or leased, for which it
	// needs more triggers. The registry does not keep it.
	Guarded bool `json:"-"`
}

// DecodeOptions reads chrononaut_table.options.
func DecodeOptions(options string) (Options, error) {
	var o Options
	err := json.Unmarshal([]byte(options), &o)
	return o, err
}
