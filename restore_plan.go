package chrononaut

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// RestoreKind is what a plan is for.
type RestoreKind string

// The kinds of plans: [Client.Restore], [Client.Undelete], [Client.Revert].
const (
	RestoreKindRestore  RestoreKind = "restore"
	RestoreKindUndelete RestoreKind = "undelete"
	RestoreKindRevert   RestoreKind = "revert"
)

// RestoreAction is what a plan does with a record.
type RestoreAction string

// What a plan does. RestoreNone records are in a plan only because of a problem.
const (
	RestoreNone   RestoreAction = "none"
	RestoreInsert RestoreAction = "insert"
	RestoreUpdate RestoreAction = "update"
	RestoreDelete RestoreAction = "delete"
)

// RestorePlan says what will be done to bring a past state back. It is data: it
// can be printed, marshaled as JSON, tried with DryRun and applied once or
// repeatedly. It is not changed by any of them, and must not be changed.
type RestorePlan struct {
	Kind RestoreKind `json:"kind"`
	// Target says what was asked for: "to" of a restore, "transaction", "actor",
	// "since" and "until" of a revert.
	Target map[string]any `json:"target,omitempty"`
	// Steps are the statements, in their order.
	Steps []RestoreStep `json:"steps"`
	// Items are the records, in the order of the keys or of the log.
	Items []*RestoreItem `json:"items"`
	// Problems are those of the plan as a whole.
	Problems []RestoreProblem `json:"problems,omitempty"`

	client *Client
	tables map[Table]*restoreTable
	order  []*restoreTable
	same   map[string]sameness
}

// RestoreStep is one statement of a plan, for all records that need it.
type RestoreStep struct {
	Table  Table         `json:"table"`
	Action RestoreAction `json:"action"`
	// Columns are those that the statement writes, each for the records that have
	// it in their set.
	Columns []string `json:"columns,omitempty"`
	// Records is how many records it is for.
	Records int `json:"records"`
	// SQL is the statement. Its parameter is a JSON array that names the records and
	// the changes whose state history gives.
	SQL string `json:"sql"`
	// AsideSQL is a statement that comes first where records exchange unique values:
	// it gives some of them a value that nobody has, because rows are checked one by
	// one.
	AsideSQL string `json:"aside_sql,omitempty"`
	// Link says that it sets foreign keys that an earlier step left NULL, because
	// the rows refer to each other.
	Link bool `json:"link,omitempty"`

	items []*RestoreItem
	// without are the columns that a link sets later.
	without []string
	// whole says that the records have to be written by one statement.
	whole bool
	// rounds are what records wait for; nil when they wait for nothing.
	rounds *restoreRounds
}

// RestoreItem is what a plan does with one record.
type RestoreItem struct {
	Table Table `json:"table"`
	// Key is the key that the record has now, or had last.
	Key    Key           `json:"key"`
	Action RestoreAction `json:"action"`
	// RestoredKey is the key that it gets, where that is another one.
	RestoredKey Key `json:"restored_key,omitempty"`
	// Version is the version of the row now; nil when there is no row, or when it
	// has none.
	Version *int `json:"version"`
	// ToVersion and ToChange are the version and the id of the change whose state
	// is brought back; nil and 0 when the record did not exist.
	ToVersion *int  `json:"to_version"`
	ToChange  int64 `json:"to_change,omitempty"`
	// Columns are the columns that get another value, From now To what it was.
	Columns []RestoreColumn `json:"columns,omitempty"`
	// Later are the changes since that state, the oldest first, without their data.
	Later []RestoreLater `json:"later,omitempty"`
	// Conflict says that a change in Later, which the plan does not mean to undo,
	// would be overwritten.
	Conflict bool             `json:"conflict,omitempty"`
	Problems []RestoreProblem `json:"problems,omitempty"`

	// key is the key now, as history has it, keyAt the one when the statement runs,
	// newKey the one afterwards.
	key, keyAt, newKey string
	exists             bool
	set                []string
	to                 *Change
	present            Data
	// all are the columns that are written when a later change is overwritten.
	all []string
	// needs are the records without which this one cannot be written: they bring the
	// row that it refers to, or give up what it takes.
	needs []*RestoreItem
	// known is the id of the newest change that the plan knows of, knownVersion its
	// version.
	known        int64
	knownVersion int
}

// RestoreColumn is what becomes of a column: JSON as history has it; nil where
// there is no row.
type RestoreColumn struct {
	Column string          `json:"column"`
	From   json.RawMessage `json:"from,omitempty"`
	To     json.RawMessage `json:"to,omitempty"`
}

// RestoreLater is a change that was made since the state that is brought back.
type RestoreLater struct {
	Change
	// Columns are those that it changed, hidden ones included; of an insertion or a
	// deletion all of them.
	Columns []string
	// Undone says that the plan means to undo it.
	Undone bool
}

// MarshalJSON writes what tells the change: who, when, why and which columns.
func (l RestoreLater) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{
		"id": l.ID, "version": l.Version, "operation": l.Operation, "changed": l.Changed, "actor": l.Actor,
		"rationale": l.Rationale, "transaction": l.TransactionID, "columns": l.Columns, "undone": l.Undone,
	})
}

// RestoreProblemKind is what keeps something from being brought back.
type RestoreProblemKind string

// The kinds of problems.
const (
	// ProblemNotRecorded: history does not know the state.
	ProblemNotRecorded RestoreProblemKind = "not_recorded"
	// ProblemNew: the record did not exist; see [RestoreOpts.DeleteNew].
	ProblemNew RestoreProblemKind = "new"
	// ProblemExists: what is to be undeleted is not deleted.
	ProblemExists RestoreProblemKind = "exists"
	// ProblemHidden and ProblemUntracked: history has no values of the columns.
	ProblemHidden    RestoreProblemKind = "hidden"
	ProblemUntracked RestoreProblemKind = "untracked"
	// ProblemDropped: the table has the columns no more.
	ProblemDropped RestoreProblemKind = "dropped"
	// ProblemAdded: the state is older than the columns.
	ProblemAdded RestoreProblemKind = "added"
	// ProblemType: the columns' present types do not take the values, or their lengths,
	// precisions or domains do not.
	ProblemType RestoreProblemKind = "type"
	// ProblemIdentity: GENERATED ALWAYS AS IDENTITY, which no UPDATE can set.
	ProblemIdentity RestoreProblemKind = "identity"
	// ProblemRequired: NOT NULL, and there is no value.
	ProblemRequired RestoreProblemKind = "required"
	// ProblemParent: the row that a foreign key refers to is not there.
	ProblemParent RestoreProblemKind = "parent"
	// ProblemReferenced: rows that the plan does not know refer to one that it
	// deletes.
	ProblemReferenced RestoreProblemKind = "referenced"
	// ProblemUnique: another row has the values.
	ProblemUnique RestoreProblemKind = "unique"
	// ProblemCycle: tables refer to each other by foreign keys that can neither be
	// deferred nor be NULL.
	ProblemCycle RestoreProblemKind = "cycle"
	// ProblemHeld: the record is held, or the state that it would get.
	ProblemHeld RestoreProblemKind = "held"
	// ProblemTriggers: triggers of the application will run, and may change the rows.
	ProblemTriggers RestoreProblemKind = "triggers"
	// ProblemUntrackedTable: rows of a table that is not tracked went with a record,
	// and history does not have them.
	ProblemUntrackedTable RestoreProblemKind = "untracked_table"
)

// RestoreProblem names what cannot be brought back, or not as it was.
type RestoreProblem struct {
	Kind RestoreProblemKind `json:"kind"`
	// Blocking problems keep the record from being written.
	Blocking bool `json:"blocking,omitempty"`
	// Columns, Constraint and Table are those that it is about.
	Columns    []string `json:"columns,omitempty"`
	Constraint string   `json:"constraint,omitempty"`
	Table      *Table   `json:"table,omitempty"`
	// Rows is the number of rows that it is about.
	Rows int `json:"rows,omitempty"`
	// Held says by whom, since when and why, of [ProblemHeld].
	Held *HeldError `json:"held,omitempty"`
}

var problemTexts = map[RestoreProblemKind]string{
	ProblemNotRecorded: "the state is not recorded", ProblemNew: "did not exist then; it stays",
	ProblemExists: "is not deleted", ProblemHidden: "hidden, not brought back", ProblemUntracked: "untracked, not brought back",
	ProblemDropped: "dropped since", ProblemAdded: "added since", ProblemType: "the type does not take the value any more",
	ProblemIdentity: "GENERATED ALWAYS AS IDENTITY, cannot be set", ProblemRequired: "NOT NULL, and there is no value",
	ProblemParent: "refers to a row that is not there", ProblemReferenced: "other rows refer to it",
	ProblemUnique: "another row has the values", ProblemCycle: "tables refer to each other",
	ProblemTriggers: "triggers of the application will run", ProblemUntrackedTable: "is not tracked: its rows do not come back",
}

// String describes the problem in a line.
func (p RestoreProblem) String() string {
	var b strings.Builder
	if p.Table != nil {
		fmt.Fprintf(&b, "%s: ", p.Table)
	}
	if len(p.Columns) > 0 {
		fmt.Fprintf(&b, "%s: ", strings.Join(p.Columns, ", "))
	}
	if p.Held != nil {
		b.WriteString(p.Held.Error())
	}
	b.WriteString(problemTexts[p.Kind])
	if p.Constraint != "" {
		fmt.Fprintf(&b, " (%s)", p.Constraint)
	}
	if p.Rows > 0 {
		fmt.Fprintf(&b, ", %d rows", p.Rows)
	}
	return b.String()
}

// Conflicts are the records whose later changes would be overwritten.
func (p *RestorePlan) Conflicts() []*RestoreItem {
	return slices.DeleteFunc(slices.Clone(p.Items), func(i *RestoreItem) bool { return !i.Conflict })
}

// Blocked are the records that cannot be written.
func (p *RestorePlan) Blocked() []*RestoreItem {
	return slices.DeleteFunc(slices.Clone(p.Items), func(i *RestoreItem) bool { return !i.blocked() })
}

// Empty reports whether there is nothing to do.
func (p *RestorePlan) Empty() bool { return len(p.Steps) == 0 }

func (i *RestoreItem) blocked() bool {
	return slices.ContainsFunc(i.Problems, func(p RestoreProblem) bool { return p.Blocking })
}

// WriteTo prints the plan for a person: the statements, then the records with
// their columns, later changes and problems. Values of records are in it.
func (p *RestorePlan) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, p.String())
	return int64(n), err
}

// String is what WriteTo prints.
func (p *RestorePlan) String() string {
	var b strings.Builder
	for _, problem := range p.Problems {
		fmt.Fprintf(&b, "! %s\n", problem)
	}
	for n, s := range p.Steps {
		fmt.Fprintf(&b, "%d. %s %s, %d records\n", n+1, s.Action, s.Table, s.Records)
	}
	for _, i := range p.Items {
		i.print(&b)
	}
	return b.String()
}

func (i *RestoreItem) print(b *strings.Builder) {
	key, _ := i.Key.JSON()
	fmt.Fprintf(b, "%s %s %s", i.Action, i.Table, key)
	if i.ToVersion != nil {
		fmt.Fprintf(b, " as of version %d", *i.ToVersion)
	}
	if i.Conflict {
		b.WriteString(", conflict")
	}
	b.WriteByte('\n')
	for _, c := range i.Columns {
		fmt.Fprintf(b, "    %s: %s → %s\n", c.Column, orNothing(c.From), orNothing(c.To))
	}
	for _, l := range i.Later {
		mark := "conflicts with"
		if l.Undone || !i.Conflict {
			mark = "undoes"
		}
		fmt.Fprintf(b, "    %s version %d: %s by %s at %s", mark, l.Version, l.Operation, orUnknown(l.Actor), l.Changed.UTC().Format("2006-01-02T15:04:05.999999Z"))
		if l.Rationale != "" {
			fmt.Fprintf(b, " (%s)", l.Rationale)
		}
		fmt.Fprintf(b, ": %s\n", strings.Join(l.Columns, ", "))
	}
	for _, problem := range i.Problems {
		fmt.Fprintf(b, "    ! %s\n", problem)
	}
}

func orNothing(raw json.RawMessage) string {
	if raw == nil {
		return "-"
	}
	return string(raw)
}

func orUnknown(actor string) string {
	if actor == "" {
		return "nobody"
	}
	return actor
}
