package exactness_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// recorded is a row of history.
type recorded struct {
	ID                              int64
	Table, Operation, Key, Previous string
	Version                         int
	Transaction                     string
	Changed                         time.Time
	Data                            []byte
}

// model is history as Go reads it: states of the past without the functions and
// views of the database. A transaction takes effect when its last change was
// made, or where history noted that it went on, when that ended.
type model struct {
	transactions []*effects
	// keys has by table and key what the transactions so far have left.
	keys map[string]map[string]left
	next int
}

type effects struct {
	id   string
	at   time.Time
	rows []recorded
}

type left struct {
	version  int
	arrival  bool
	id       int64
	baseline bool
	data     []byte // nil when the record is gone
}

func (b *bank) model() *model {
	b.Helper()
	rows, err := b.pool.Query(b.Context(), `
		SELECT id, table_name, operation, key::text, coalesce(previous_key::text, ''), version, transaction_id::text, changed, data
		  FROM chrononaut.chrononaut_activity WHERE key <> '{}' ORDER BY id`)
	if err != nil {
		b.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[recorded])
	if err != nil {
		b.Fatal(err)
	}
	byID := map[string]*effects{}
	for _, r := range all {
		e := byID[r.Transaction]
		if e == nil {
			e = &effects{id: r.Transaction}
			byID[r.Transaction] = e
		}
		e.rows = append(e.rows, r)
		if r.Changed.After(e.at) {
			e.at = r.Changed
		}
	}
	rows, err = b.pool.Query(b.Context(), "SELECT transaction_id::text, ended FROM chrononaut.chrononaut_long WHERE ended IS NOT NULL")
	if err != nil {
		b.Fatal(err)
	}
	var id string
	var ended time.Time
	if _, err := pgx.ForEachRow(rows, []any{&id, &ended}, func() error {
		if e := byID[id]; e != nil && ended.After(e.at) {
			e.at = ended
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	m := &model{keys: map[string]map[string]left{"accounts": {}, "entries": {}}}
	m.transactions = slices.SortedFunc(maps.Values(byID), func(a, b *effects) int { return a.at.Compare(b.at) })
	return m
}

// advance applies the transactions that had taken effect by a time. Times must
// not go back.
func (m *model) advance(t time.Time) {
	for ; m.next < len(m.transactions) && !m.transactions[m.next].at.After(t); m.next++ {
		for _, r := range m.transactions[m.next].rows {
			data := r.Data
			if r.Operation == "delete" || r.Operation == "truncate" {
				data = nil
			}
			m.leave(r.Table, r.Key, left{r.Version, true, r.ID, r.Operation == "baseline", data})
			if r.Previous != "" {
				m.leave(r.Table, r.Previous, left{r.Version, false, r.ID, false, nil})
			}
		}
	}
}

func (m *model) leave(table, key string, l left) {
	old, ok := m.keys[table][key]
	arrival := func(l left) int {
		if l.arrival {
			return 1
		}
		return 0
	}
	if !ok || cmp.Or(cmp.Compare(old.version, l.version), cmp.Compare(arrival(old), arrival(l)), cmp.Compare(old.id, l.id)) < 0 {
		m.keys[table][key] = l
	}
}

// rows writes the rows of a table as stateSQL does.
func (m *model) rows(table string, columns ...string) string {
	type line struct {
		id   int
		text string
	}
	var lines []line
	for _, l := range m.keys[table] {
		if l.data == nil {
			continue
		}
		var data map[string]json.RawMessage
		if err := json.Unmarshal(l.data, &data); err != nil {
			panic(err)
		}
		id, err := strconv.Atoi(string(data["id"]))
		if err != nil {
			panic(err)
		}
		var parts []string
		for _, name := range columns {
			text := string(data[name])
			switch {
			case text == "null", name == "version" && l.baseline && l.version == 0:
				continue // a row from before tracking has no version yet
			case strings.HasPrefix(text, `"`):
				text = strings.Trim(text, `"`)
			}
			parts = append(parts, text)
		}
		lines = append(lines, line{id, strings.Join(parts, "|")})
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Compare(a.id, b.id) })
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.text
	}
	return strings.Join(texts, " ")
}

func (m *model) compare(s state) string {
	if want := m.rows("accounts", "id", "owner", "balance", "version"); s.Accounts != want {
		return fmt.Sprintf("accounts\n%s\nwant\n%s", s.Accounts, want)
	}
	if want := m.rows("entries", "id", "account", "amount", "note", "version"); s.Entries != want {
		return fmt.Sprintf("entries\n%s\nwant\n%s", s.Entries, want)
	}
	return ""
}
