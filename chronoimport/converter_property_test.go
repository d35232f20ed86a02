package chronoimport_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// A check has a table of its own, and lets a converter run many times.
func init() {
	if err := flag.Set("rapid.checks", pgtest.Size("30", "100")); err != nil {
		panic(err)
	}
}

// oldState is a row of the old history or, without change, of the table.
type oldState struct {
	version *int
	title   *string
	created *time.Time
	changed *time.Time
	info    *string
}

func (s oldState) number() int {
	if s.version == nil {
		return 0
	}
	return *s.version
}

// converted is a version that history must have.
type converted struct {
	Version   int
	Python    string // the version that Python gives it
	Operation string
	Changed   string
	Title     string
	User      string
	Remote    string
	Extra     string
}

// oldRecord is a record of a table of the Python application, and what history has of it.
type oldRecord struct {
	id, part string
	past     []oldState
	live     *oldState
	history  map[int]converted
	deleted  []int // Python's versions of the deletions that history has
}

// oldTable is a table of the Python application.
type oldTable struct {
	name      string
	key       []string // types of the columns id and part
	created   bool
	records   []*oldRecord // in the order of their keys
	clock     time.Time
	statement strings.Builder
}

// infos are what change_info may look like.
var infos = []string{
	`null`, `[]`, `"text"`, `7`, `{}`, `{"user_id": "ann", "remote_addr": "10.0.0.1"}`, `{"user_id": null, "ticket": 5}`,
	`{"user_id": 7, "extra": {"rationale": "why", "list": [1, null]}}`, `{"extra": "odd", "more": {"a": null}}`,
	`{"extra": {"more": 1}, "more": 2, "remote_addr": "::1"}`, `{"user_id": "eve", "extra": null}`,
}

func maybe[T any](t *rapid.T, label string, value T) *T {
	if rapid.IntRange(0, 5).Draw(t, label) == 0 {
		return nil
	}
	return &value
}

func (o *oldTable) later(t *rapid.T) *time.Time {
	o.clock = o.clock.Add(time.Hour)
	return maybe(t, "has a time", o.clock)
}

func (o *oldTable) title(t *rapid.T) *string {
	return maybe(t, "has a title", rapid.SampledFrom([]string{"a", "b", "c'"}).Draw(t, "title"))
}

func (o *oldTable) birth(t *rapid.T) *time.Time {
	if !o.created {
		return nil
	}
	return o.later(t)
}

// leave writes the row of the old history with which a change leaves the live row.
func (o *oldTable) leave(t *rapid.T, r *oldRecord, version *int) {
	old := *r.live
	old.version, old.changed = version, o.later(t)
	old.info = maybe(t, "has an info", rapid.SampledFrom(infos).Draw(t, "info"))
	r.past = append(r.past, old)
	o.insert("_history", r, old, true)
}

// replace writes the live row anew, or deletes it.
func (o *oldTable) replace(r *oldRecord, live *oldState) {
	fmt.Fprintf(&o.statement, "DELETE FROM %s WHERE id = %s", o.name, literal(&r.id))
	if len(o.key) > 1 {
		fmt.Fprintf(&o.statement, " AND part = %s", literal(&r.part))
	}
	o.statement.WriteString(";\n")
	if r.live = live; live != nil {
		o.insert("", r, *live, false)
	}
}

func (o *oldTable) insert(suffix string, r *oldRecord, s oldState, change bool) {
	names, values := []string{"id", "title", "version"}, []string{literal(&r.id), literal(s.title), number(s.version)}
	if len(o.key) > 1 {
		names, values = append(names, "part"), append(values, literal(&r.part))
	}
	if o.created {
		names, values = append(names, "created_at"), append(values, instant(s.created))
	}
	if change {
		names, values = append(names, "changed", "change_info"), append(values, instant(s.changed), literal(s.info))
	}
	fmt.Fprintf(&o.statement, "INSERT INTO %s%s (%s) VALUES (%s);\n", o.name, suffix, strings.Join(names, ", "), strings.Join(values, ", "))
}

func literal(s *string) string {
	if s == nil {
		return "NULL"
	}
	return "'" + strings.ReplaceAll(*s, "'", "''") + "'"
}

func number(n *int) string {
	if n == nil {
		return "NULL"
	}
	return fmt.Sprint(*n)
}

func instant(at *time.Time) string {
	if at == nil {
		return "NULL"
	}
	return "'" + at.Format(time.RFC3339Nano) + "'"
}

// add makes a record with a past of its own.
func (o *oldTable) add(t *rapid.T) {
	r := &oldRecord{id: fmt.Sprint(rapid.IntRange(1, 9).Draw(t, "id")), history: map[int]converted{}}
	if len(o.key) > 1 {
		r.part = rapid.SampledFrom([]string{"x", "y"}).Draw(t, "part")
	}
	order := func(a, b *oldRecord) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.part, b.part)) }
	at, known := slices.BinarySearchFunc(o.records, r, order)
	if known {
		return
	}
	o.records = slices.Insert(o.records, at, r)
	r.live = &oldState{title: o.title(t), created: o.birth(t)}
	next := 0
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		next += rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "gap")
		version := ptr(next)
		if next == 0 {
			version = maybe(t, "has a version", next)
		}
		o.leave(t, r, version)
		r.live = &oldState{title: o.title(t), created: r.live.created}
		next++
	}
	live := r.live
	// Now and then it has no version, one that is behind, or one after a gap.
	live.version = maybe(t, "has a live version", next+rapid.SampledFrom([]int{0, 0, 0, -next, 2}).Draw(t, "live gap"))
	if len(r.past) > 0 && rapid.IntRange(0, 3).Draw(t, "deleted") == 0 {
		live = nil
	}
	o.replace(r, live)
}

func ptr[T any](value T) *T { return &value }

// next is the version of the live row as it counts.
func (r *oldRecord) next() int {
	n := 0
	if r.live != nil {
		n = r.live.number()
	}
	if len(r.past) > 0 {
		n = max(n, r.past[len(r.past)-1].number()+1)
	}
	return n
}

// work lets the application change some records.
func (o *oldTable) work(t *rapid.T) {
	for range rapid.IntRange(0, 4).Draw(t, "operations") {
		r := rapid.SampledFrom(o.records).Draw(t, "record")
		version := r.next()
		switch operation := rapid.SampledFrom([]string{"update", "delete", "add"}).Draw(t, "operation"); {
		case operation == "add":
			o.add(t)
		case r.live == nil:
			o.replace(r, &oldState{version: maybe(t, "has a version", version), title: o.title(t), created: o.birth(t)})
		case operation == "update":
			o.leave(t, r, &version)
			o.replace(r, &oldState{version: ptr(version + 1), title: o.title(t), created: r.live.created})
		default:
			o.leave(t, r, &version)
			o.replace(r, nil)
		}
	}
}

// convert adds to the history of a record what it lacks.
func (r *oldRecord) convert() {
	var earliest, born, latest *time.Time
	for _, s := range r.past {
		earliest, born = first(earliest, s.changed), first(born, s.created)
	}
	if r.live != nil {
		born = first(born, r.live.created)
	}
	known := slices.Clone(r.deleted)
	shifted := 0
	for i := 0; i <= len(r.past); i++ {
		var s oldState
		version, gone := 0, false
		switch {
		case i < len(r.past):
			s = r.past[i]
			version = s.number()
		case r.live != nil:
			s, version = *r.live, r.next()
		default:
			s, version, gone = r.past[i-1], r.next(), true
		}
		shift := 0
		for _, d := range known {
			if d < version || d == version && !gone {
				shift++
			}
		}
		again := i > 0 && shift > shifted
		shifted = shift
		c := converted{Version: version + shift, Python: fmt.Sprint(version), Title: literal(s.title), User: "null", Remote: "null", Extra: "{}"}
		var at *time.Time
		adjacent := false
		if i > 0 {
			adjacent = r.past[i-1].number() == version-1
			at = r.past[i-1].changed
			if at != nil {
				latest = at
			}
		}
		switch {
		case gone:
			c.Operation = "delete"
		case again && s.created != nil && latest != nil && s.created.After(*latest), i == 0 && version == 0 && born != nil:
			c.Operation = "insert"
		case again || !adjacent:
			c.Operation = "baseline"
		default:
			c.Operation = "update"
		}
		switch {
		case i == 0:
			at = born
			if earliest != nil {
				at = first(at, ptr(earliest.Add(-time.Microsecond)))
			}
		case again:
			at = s.created
			if latest != nil && (at == nil || !at.After(*latest)) {
				at = ptr(latest.Add(time.Microsecond))
			}
		case at == nil:
			if at = latest; at == nil {
				at = earliest
			}
		}
		if c.Changed = "now"; at != nil {
			c.Changed = at.UTC().Format(time.RFC3339Nano)
		}
		if adjacent && !again && r.past[i-1].info != nil {
			c.attribute(*r.past[i-1].info)
		}
		if _, there := r.history[c.Version]; there {
			continue
		}
		r.history[c.Version] = c
		if gone {
			r.deleted = append(r.deleted, version)
		}
	}
}

// attribute says who made a change, and why.
func (c *converted) attribute(text string) {
	var info map[string]any
	if json.Unmarshal([]byte(text), &info) != nil {
		return
	}
	c.User, c.Remote = compact(info["user_id"]), compact(info["remote_addr"])
	extra, _ := info["extra"].(map[string]any)
	for _, name := range []string{"user_id", "remote_addr", "extra"} {
		delete(info, name)
	}
	all := map[string]any{}
	maps.Copy(all, info)
	maps.Copy(all, extra)
	c.Extra = compact(all)
}

func compact(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func first(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

// read reads what history has of a table.
func (f *fixture) read(t *rapid.T, table string) map[string][]converted {
	rows, err := f.pool.Query(f.Context(), `
		SELECT (key ->> 'id') || coalesce('/' || (key ->> 'part'), ''), version, extra_info #>> '{imported,id}', operation, changed,
		       coalesce(quote_literal(data ->> 'title'), 'NULL'), user_info -> 'user_id', user_info -> 'remote_addr', extra_info - 'imported',
		       (data -> 'version')::integer
		  FROM chrononaut.chrononaut_activity WHERE table_name = $1 ORDER BY key, version`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string][]converted{}
	for rows.Next() {
		var c converted
		var key string
		var at time.Time
		var user, remote, extra any
		var version int
		if err := rows.Scan(&key, &c.Version, &c.Python, &c.Operation, &at, &c.Title, &user, &remote, &extra, &version); err != nil {
			t.Fatal(err)
		}
		if version != c.Version {
			t.Errorf("the state of version %d says that it is version %d", c.Version, version)
		}
		c.User, c.Remote, c.Extra = compact(user), compact(remote), compact(extra)
		// What the tables say lies in 2020.
		if c.Changed = "now"; at.Year() < 2022 {
			c.Changed = at.UTC().Format(time.RFC3339Nano)
		}
		got[key] = append(got[key], c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return got
}

// History has what the old history says, however the table looks and whatever
// the Python application does between two chunks.
func TestConvertProperty(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tables := 0
	rapid.Check(t, func(t *rapid.T) {
		tables++
		o := &oldTable{
			name: fmt.Sprintf("old%d", tables), clock: date("2020-01-01T00:00:00Z"), created: rapid.Bool().Draw(t, "created_at"),
			key: rapid.SampledFrom([][]string{{"integer"}, {"text"}, {"bigint", "text"}, {"text", "varchar(3)"}}).Draw(t, "key"),
		}
		f.makeOld(t, o)
		for range rapid.IntRange(1, 6).Draw(t, "records") {
			o.add(t)
		}
		size := rapid.IntRange(1, 4).Draw(t, "chunk")
		c := f.converter(o.name, &chronoimport.ConverterOptions{ChunkSize: size})
		after := ""
		for done := false; !done; {
			f.flush(t, o)
			result, err := c.Convert(f.Context())
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, r := range o.records {
				if place := r.id + "/" + r.part; place > after && n < size {
					r.convert()
					after = place
					n++
				}
			}
			if done = n < size; result.Done != done || result.Records != int64(n) {
				t.Fatalf("a chunk is %+v, want %d records", *result, n)
			}
			o.work(t)
		}
		for range rapid.IntRange(1, 3).Draw(t, "updates") {
			f.flush(t, o)
			if _, err := c.Update(f.Context(), time.Time{}); err != nil {
				t.Fatal(err)
			}
			for _, r := range o.records {
				r.convert()
			}
			f.compareOld(t, o)
			if v, err := c.Verify(f.Context()); err != nil || !v.OK() {
				t.Errorf("verify: %+v, %v", v, err)
			}
			o.work(t)
		}
	})
}

func (f *fixture) makeOld(t *rapid.T, o *oldTable) {
	columns, key := "id "+o.key[0], "id"
	if len(o.key) > 1 {
		columns, key = columns+", part "+o.key[1], "id, part"
	}
	columns += ", title text, version integer"
	if o.created {
		columns += ", created_at timestamptz"
	}
	fmt.Fprintf(&o.statement, "CREATE TABLE %[1]s (%[2]s, PRIMARY KEY (%[3]s));\nCREATE TABLE %[1]s_history (%[2]s, changed timestamptz, change_info jsonb);\n", o.name, columns, key)
	f.flush(t, o)
}

// flush writes to the database what the application did.
func (f *fixture) flush(t *rapid.T, o *oldTable) {
	if _, err := f.pool.Exec(f.Context(), o.statement.String()); err != nil {
		t.Fatal(err)
	}
	o.statement.Reset()
}

func (f *fixture) compareOld(t *rapid.T, o *oldTable) {
	want := map[string][]converted{}
	for _, r := range o.records {
		key := r.id
		if len(o.key) > 1 {
			key += "/" + r.part
		}
		for _, version := range slices.Sorted(maps.Keys(r.history)) {
			want[key] = append(want[key], r.history[version])
		}
	}
	if diff := gocmp.Diff(want, f.read(t, o.name)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}
