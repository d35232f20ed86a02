package chronoimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// pending is a change that waits to be written, as the statement gets it.
type pending struct {
	record string
	id     string

	Version   int32                      `json:"version"`
	Operation chrononaut.Operation       `json:"operation"`
	Changed   string                     `json:"changed"`
	State     map[string]json.RawMessage `json:"state"`
	Kept      map[string]json.RawMessage `json:"kept,omitempty"`
	UserInfo  map[string]any             `json:"user_info"`
	ExtraInfo map[string]any             `json:"extra_info"`
}

// add takes a change of the source.
func (i *importer) add(ctx context.Context, c Change) error {
	p, err := i.prepare(c)
	if err != nil {
		return err
	}
	if p.record == i.other {
		i.result.Own++
		return nil
	}
	i.chunk = append(i.chunk, p)
	if len(i.chunk) < i.opts.ChunkSize {
		return nil
	}
	return i.flush(ctx)
}

// prepare checks a change and takes out of its state what must not enter
// history.
func (i *importer) prepare(c Change) (*pending, error) {
	switch c.Operation {
	case chrononaut.OperationInsert, chrononaut.OperationUpdate, chrononaut.OperationDelete, chrononaut.OperationTruncate, chrononaut.OperationBaseline:
	default:
		return nil, badChange(c.ID, "its operation is not known")
	}
	if c.Changed.IsZero() {
		return nil, badChange(c.ID, "it has no time")
	}
	var key map[string]json.RawMessage
	if err := json.Unmarshal(c.Key, &key); err != nil || len(key) != len(i.target.Key) {
		return nil, badChange(c.ID, "its key is not the table's primary key")
	}
	for _, name := range i.target.Key {
		if isNull(key[name]) {
			return nil, badChange(c.ID, "its key lacks column %s", chrononaut.Table{Name: name})
		}
	}
	for name, value := range c.State {
		if !json.Valid(value) {
			return nil, badChange(c.ID, "its column %s is not JSON", chrononaut.Table{Name: name})
		}
	}
	if _, err := json.Marshal(c.Extra); err != nil {
		return nil, badChange(c.ID, "its extra information is not JSON")
	}
	// encode puts the columns in order.
	record := string(encode(key))
	if record != i.reading {
		i.reading, i.hidden = record, map[string]string{}
		i.result.Records++
	}

	p := &pending{
		record: record, id: c.ID,
		Operation: c.Operation, Changed: c.Changed.UTC().Format(time.RFC3339Nano),
		State: map[string]json.RawMessage{}, Kept: map[string]json.RawMessage{},
		UserInfo:  map[string]any{"user_id": orNil(c.Actor), "remote_addr": orNil(c.RemoteAddr)},
		ExtraInfo: map[string]any{},
	}
	maps.Copy(p.ExtraInfo, c.Extra)
	delete(p.ExtraInfo, "hidden_cols_changed")
	// A source may keep a column beside the state too.
	for _, name := range i.target.excluded {
		delete(p.ExtraInfo, name)
	}
	if c.Rationale != "" {
		p.ExtraInfo["rationale"] = c.Rationale
	}
	p.ExtraInfo["imported"] = map[string]string{"from": i.source.Name(), "id": c.ID}
	hidden := i.split(c.State, p)
	maps.Copy(p.State, key)
	if c.Operation != chrononaut.OperationDelete && c.Operation != chrononaut.OperationTruncate {
		if changed := i.hiddenChanges(hidden); len(changed) > 0 {
			p.ExtraInfo["hidden_cols_changed"] = changed
		}
	}
	return p, nil
}

// split sorts the columns of a state and returns those that are hidden.
func (i *importer) split(state map[string]json.RawMessage, p *pending) map[string]string {
	hidden := map[string]string{}
	for name, value := range state {
		if renamed, ok := i.opts.Rename[name]; ok {
			if _, both := state[renamed]; both {
				continue
			}
			name = renamed
		}
		if values, ok := i.opts.Values[name]; ok {
			if replaced, ok := values[plainText(value)]; ok && !isNull(value) {
				value = replaced
			}
		}
		_, exists := i.target.column(name)
		switch {
		case slices.Contains(i.target.hidden, name):
			hidden[name] = string(value)
		case slices.Contains(i.target.excluded, name):
		case exists:
			p.State[name] = value
		default:
			i.result.Unknown[name]++
			if slices.Contains(i.opts.Keep, name) {
				p.Kept[name] = value
			}
		}
	}
	return hidden
}

// hiddenChanges returns the names of the hidden columns that are not as the
// record's change before had them.
func (i *importer) hiddenChanges(now map[string]string) []string {
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		before, known := i.hidden[name]
		if known && before != now[name] || !known && now[name] != "null" {
			changed = append(changed, name)
		}
	}
	maps.Copy(i.hidden, now)
	return changed
}

// plainText is a JSON string without its quotes, and other JSON as it is.
func plainText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// flush writes the chunk.
func (i *importer) flush(ctx context.Context) error {
	const attempts = 20
	for attempt := 1; len(i.chunk) > 0; attempt++ {
		last, next := i.number()
		err := i.write(ctx)
		switch {
		case err == nil:
			i.record, i.next, i.chunk = last, next, i.chunk[:0]
		case isBusy(err):
			if attempt == attempts {
				return fmt.Errorf("%w: %w", ErrBusy, err)
			}
		case isData(err):
			// The error itself may quote a value.
			if err := i.dropBad(ctx, chronodriver.State(err)); err != nil {
				return err
			}
		default:
			return err
		}
	}
	if i.opts.Progress != nil {
		i.opts.Progress(Progress{Read: i.result.Read, Imported: i.result.Imported, Total: i.total})
	}
	return nil
}

// number gives the changes of the chunk their versions, and returns the record
// that it ends with and the version after its last.
func (i *importer) number() (record string, next int32) {
	record, next = i.record, i.next
	for _, p := range i.chunk {
		if p.record != record {
			record, next = p.record, 0
		}
		p.Version = next
		next++
	}
	return record, next
}

var errConflict = errors.New("another transaction wrote history of the same records")

func (i *importer) write(ctx context.Context) error {
	args := i.target.args
	sql, err := postgres.Import(i.opts.Schema, "chunk", args)
	if err != nil {
		return err
	}
	var recorded, fresh, known, own int64
	var other bool // the record that the chunk ends with has another history
	err = i.inTx(ctx, !i.opts.DryRun, func(tx chronodriver.Tx) error {
		before, err := newestChange(ctx, tx, i.opts.Schema)
		if err != nil {
			return err
		}
		if _, err := queryRow(ctx, tx, []any{&recorded, &fresh, &known, &own, &other}, sql, string(encode(i.chunk)), i.source.Name()); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
		if recorded != fresh {
			return errConflict
		}
		return addKeys(ctx, tx, i.opts.Schema, args.Schema, args.Name, before)
	})
	if err != nil {
		return err
	}
	i.result.Imported += recorded
	i.result.Known += known
	i.result.Own += own
	if other {
		i.other = i.chunk[len(i.chunk)-1].record
	}
	return nil
}

// inTx runs f in a transaction, and commits it or rolls it back.
func (i *importer) inTx(ctx context.Context, commit bool, f func(tx chronodriver.Tx) error) error {
	return inTx(ctx, i.driver, i.opts.Schema, commit, f)
}

func inTx(ctx context.Context, driver chronodriver.Driver, schema string, commit bool, f func(tx chronodriver.Tx) error) (err error) {
	tx, err := driver.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil || !commit {
			err = errors.Join(err, ignoreClosed(tx.Rollback(context.WithoutCancel(ctx))))
		}
	}()
	if err := settings(ctx, tx, schema); err != nil {
		return err
	}
	if err := f(tx); err != nil || !commit {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// isBusy reports whether to try again: another transaction was in the way.
func isBusy(err error) bool {
	switch chronodriver.State(err) {
	case "55P03", "40001", "40P01": // lock_not_available, serialization_failure, deadlock_detected
		return true
	}
	return errors.Is(err, errConflict)
}

// isData reports whether a value was refused by a type: syntax and data
// exceptions, constraints of domains, and JSON that jsonb cannot hold.
func isData(err error) bool {
	switch state := chronodriver.State(err); state {
	case "42804", "42846", "54000": // datatype_mismatch, cannot_coerce, program_limit_exceeded
		return true
	default:
		return strings.HasPrefix(state, "22") || strings.HasPrefix(state, "23")
	}
}
