package conformance_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut/internal/sqlite"
)

// fails runs a statement that the database must refuse with a code.
func (db *sqliteDB) fails(code, query string, args ...any) {
	db.t.Helper()
	_, err := db.ExecContext(db.t.Context(), query, args...)
	if err == nil || !strings.Contains(err.Error(), code) {
		db.t.Errorf("%s: got error %v, want %s", query, err, code)
	}
}

func (db *sqliteDB) install() {
	db.t.Helper()
	migrations, err := sqlite.Migrations()
	if err != nil {
		db.t.Fatal(err)
	}
	for _, m := range migrations {
		db.exec(m.Up)
	}
}

func TestSQLiteHistoryIsAppendOnly(t *testing.T) {
	t.Parallel()
	eachSQLite(t, func(t *testing.T, db *sqliteDB) {
		db.install()
		db.exec(`INSERT INTO chrononaut_activity (table_name, version, key, operation) VALUES ('t', 0, '{"id":1}', 'insert')`)
		for _, query := range []string{
			`UPDATE chrononaut_activity SET data = '{}'`,
			`DELETE FROM chrononaut_activity`,
			`INSERT OR REPLACE INTO chrononaut_activity (id, table_name, version, key) VALUES (1, 'x', 0, '{"id":2}')`,
			`INSERT INTO chrononaut_activity (table_name, version, key) VALUES ('t', 0, '{"id":1}')`,
			`INSERT OR IGNORE INTO chrononaut_activity (table_name, version, key) VALUES ('t', 0, '{"id":1}')`,
		} {
			db.fails("TM004", query)
		}
		for query, code := range map[string]string{
			`UPDATE chrononaut_context SET context = '{'`:                                  "TM002",
			`UPDATE chrononaut_context SET context = '[]'`:                                 "TM002",
			`UPDATE chrononaut_context SET context = '{"user_info": 1}'`:                   "TM002",
			`UPDATE chrononaut_context SET suppressed = 1`:                                 "TM005",
			`UPDATE chrononaut_context SET suppressed = 1, reason = ' '`:                   "TM005",
			`UPDATE chrononaut_context SET allow_erase = 1, reason = 'x'`:                  "TM005",
			`INSERT OR REPLACE INTO chrononaut_context (id, suppressed) VALUES (1, 1)`:     "TM002",
			`DELETE FROM chrononaut_context`:                                               "TM002",
			`UPDATE OR IGNORE chrononaut_context SET suppressed = 1, reason = NULL`:        "TM005",
			`UPDATE OR REPLACE chrononaut_context SET context = '{"records": {}}', id = 1`: "TM002",
		} {
			db.fails(code, query)
		}
		if got := db.rows(`SELECT id, table_name, data FROM chrononaut_activity`); len(got) != 1 || got[0] != `1|t|{}` {
			t.Errorf("history is %q, want the row that was written first", got)
		}

		// Through the door.
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{
			`UPDATE chrononaut_context SET suppressed = 1, allow_erase = 1, reason = 'a "test"'`,
			`DELETE FROM chrononaut_activity WHERE table_name = 't'`,
		} {
			if _, err := tx.Exec(query); err != nil {
				t.Fatal(err)
			}
		}
		_, err = tx.Exec(`DELETE FROM chrononaut_activity`)
		if err == nil || !strings.Contains(err.Error(), "TM004") {
			t.Errorf("deleting the trace: got error %v, want TM004", err)
		}
		if err := errors.Join(tx.Commit()); err != nil {
			t.Fatal(err)
		}
		got := db.rows(`SELECT operation, data, table_schema FROM chrononaut_activity`)
		if len(got) != 1 || got[0] != `suppress|{"reason":"a \"test\"","allow_erase":true}|` {
			t.Errorf("history is %q, want the trace of the door", got)
		}
	})
}
