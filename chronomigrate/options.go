package chronomigrate

import "errors"

// DefaultSchema is the schema that holds history unless [Config] names
// another. On SQLite, which has no schemas, it is ignored.
const DefaultSchema = "chrononaut"

// DefaultVersionColumn is the column that holds a record's version unless
// [TrackOptions] names another.
const DefaultVersionColumn = "version"

// Config configures a [Migrator].
type Config struct {
	// Schema holds history. Defaults to [DefaultSchema].
	Schema string
}

// TrackOptions says how a table is tracked.
type TrackOptions struct {
	// Hidden columns: that they changed is recorded, their values never are.
	// Defaults to none.
	Hidden []string
	// Layout is how queries of the past find the state of the table. Defaults to
	// [LayoutJSON]. [LayoutPeriod] needs PostgreSQL, and [Migrator.BuildPeriods]
	// after Track.
	Layout Layout
	// NoHistory leaves out history, for a table that only wants RecordChanges.
	// Defaults to false.
	NoHistory bool
	// RecordChanges keeps the columns change_info (jsonb) and changed
	// (timestamptz) on the row itself: who changed it last, and when. They are
	// added when missing and set in the database. Defaults to false.
	RecordChanges bool
	// SharedWithPython says that a running Python chrononaut writes the table
	// and its own rows of history too: each change is recorded once. Needs
	// PostgreSQL, the version column "version", which VersionColumn must name, and
	// a table that is not Strict. Defaults to false.
	SharedWithPython bool
	// Strict refuses writes that carry no change information (a rationale or
	// extra information). Defaults to false. When the database is strict, every
	// table is: see [Migrator.SetStrict].
	Strict bool
	// Untracked columns never enter history, and a change of only them makes
	// no version. Defaults to none.
	Untracked []string
	// VersionColumn names the column that holds the version. When set, an
	// existing integer column of that name is adopted. Defaults to
	// [DefaultVersionColumn], which must not exist before.
	VersionColumn string
}

// Errors of this package. Each is returned wrapped, with the table in the
// message and, where the user can act, a hint: see [HintError].
var (
	// ErrNoTable is returned when the named table does not exist.
	ErrNoTable = errors.New("table does not exist")
	// ErrNoColumn is returned when an option names a column that the table
	// does not have.
	ErrNoColumn = errors.New("column does not exist")
	// ErrNoKey is returned when the table has no primary key.
	ErrNoKey = errors.New("table has no primary key")
	// ErrNotTrackable is returned for views, foreign tables, inheritance
	// parents, temporary tables and Chrononaut's own tables.
	ErrNotTrackable = errors.New("table cannot be tracked")
	// ErrVersionColumn is returned when the table already has a column with
	// the name of the version column and the options do not adopt it, or when
	// the column cannot hold versions.
	ErrVersionColumn = errors.New("version column clashes")
	// ErrOption is returned when options contradict each other.
	ErrOption = errors.New("invalid option")
	// ErrNoHistory is returned when the history schema is not installed.
	ErrNoHistory = errors.New("history is not installed")
	// ErrNewerHistory is returned when the history schema was installed by a
	// newer version of Chrononaut.
	ErrNewerHistory = errors.New("history schema is newer than this program")
	// ErrNotTracked is returned by Untrack and Baseline for a table that is
	// not tracked.
	ErrNotTracked = errors.New("table is not tracked")
	// ErrStillTracked is returned by Down while tables are tracked.
	ErrStillTracked = errors.New("tables are still tracked")
	// ErrPrivilege is returned when the database role lacks a privilege.
	ErrPrivilege = errors.New("permission denied")
	// ErrBusy is returned when a lock could not be had in the time allowed.
	ErrBusy = errors.New("table is busy")
	// ErrRole is returned by Harden when a role could get around what it is about,
	// whatever privileges are taken away.
	ErrRole = errors.New("roles cannot keep history locked")
	// ErrReadOnly is returned when the connection cannot write.
	ErrReadOnly = errors.New("connection is read-only")
)

// HintError is an error with advice for the person who sees it.
type HintError struct {
	Err  error
	Hint string
}

// Error returns the message without the hint.
func (e *HintError) Error() string { return e.Err.Error() }

// Unwrap returns the error that the hint is about.
func (e *HintError) Unwrap() error { return e.Err }

func hint(err error, text string) error { return &HintError{Err: err, Hint: text} }
