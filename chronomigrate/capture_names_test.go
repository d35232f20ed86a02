package chronomigrate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// oddNames are names that break SQL that is put together carelessly.
var oddNames = []string{
	`Mixed Case`, `user`, `select`, `quo"te`, `apos'trophe`, `dot.ted`, `back\slash`, `$chrononaut$`, `$$`, `$body$`, `per%cent %s %I`, `semi;colon--`, "new\nline\nAS $x$",
	`comma,{a}`, `{{braces}}`, `ünïcödé`, strings.Repeat("x", 63), strings.Repeat("x", 62) + "y", strings.Repeat("€", 21), strings.Repeat("é", 31), `/* comment`, `1digit`, ` space `,
}

func TestCaptureOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range oddNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			q := pgx.Identifier{name}.Sanitize()
			// The same name for everything, in two schemas, history in a third.
			history := name
			m := f.newMigrator(&chronomigrate.Config{Schema: history})
			if _, err := m.Up(t.Context(), nil); err != nil {
				t.Fatalf("Up() = %v", describe(err))
			}
			f.exec(`CREATE SCHEMA second`)
			f.exec(fmt.Sprintf(`CREATE TABLE %[1]s.%[1]s (id integer, %[1]s text, j json, n jsonb, secret text, "part" integer, PRIMARY KEY (id, %[1]s))`, q))
			f.exec(fmt.Sprintf(`CREATE TABLE second.%[1]s (id integer, %[1]s json, secret%[2]s text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
				CREATE TABLE second.low PARTITION OF second.%[1]s FOR VALUES FROM (0) TO (10); CREATE TABLE second.high PARTITION OF second.%[1]s FOR VALUES FROM (10) TO (20)`, q, ""))
			first, second := f.table(q), f.table("second."+q)
			first.Schema = name
			for _, scs := range []string{"on", "off"} {
				f.exec(fmt.Sprintf(`ALTER DATABASE %s SET standard_conforming_strings = %s`, f.db.Name, scs))
				m := f.newMigrator(&chronomigrate.Config{Schema: history})
				if _, err := m.Track(t.Context(), first, &chronomigrate.TrackOptions{Hidden: []string{"secret"}}, nil); err != nil {
					t.Fatalf("Track() = %v", describe(err))
				}
				if _, err := m.Track(t.Context(), second, &chronomigrate.TrackOptions{Untracked: []string{"secret"}, VersionColumn: name + "v"}, nil); err != nil && len(name) < 60 {
					t.Fatalf("Track() = %v", describe(err))
				}
				if problems, err := m.Check(t.Context(), nil); err != nil || len(problems) > 0 && len(name) < 60 {
					t.Errorf("Check() = %v, %v", problems, err)
				}
			}
			f.conn = f.connect()
			f.exec(fmt.Sprintf(`INSERT INTO %[1]s.%[1]s VALUES (1, 'k', '1', '2', 's', 3)`, q), fmt.Sprintf(`UPDATE %[1]s.%[1]s SET j = '2'`, q))
			f.exec(fmt.Sprintf(`INSERT INTO second.%[1]s (id, %[1]s) VALUES (1, '1')`, q), fmt.Sprintf(`UPDATE second.%[1]s SET id = 11`, q), fmt.Sprintf(`TRUNCATE second.%[1]s`, q))
			f.exec(fmt.Sprintf(`TRUNCATE %[1]s.%[1]s`, q))
			if _, err := m.Baseline(t.Context(), first, nil); err != nil {
				t.Errorf("Baseline() = %v", describe(err))
			}
			f.wantText("track,insert,update,truncate", fmt.Sprintf(`SELECT string_agg(operation, ',' ORDER BY id) FROM %s.chrononaut_activity WHERE table_name = $1 AND table_schema = $1`, q), name)
			if len(name) < 60 {
				f.wantText("track,insert,update,truncate", fmt.Sprintf(`SELECT string_agg(operation, ',' ORDER BY id) FROM %s.chrononaut_activity WHERE table_name = $1 AND table_schema = 'second'`, q), name)
			}
			for _, table := range []string{"first", "second"} {
				tbl := first
				if table == "second" {
					tbl = second
				}
				if _, err := m.Untrack(t.Context(), tbl, nil); err != nil && len(name) < 60 {
					t.Errorf("Untrack() = %v", describe(err))
				}
			}
			if len(name) < 60 {
				if _, err := m.Down(t.Context(), nil); err != nil {
					t.Errorf("Down() = %v", describe(err))
				}
			}
		})
	}

	t.Run("columns called like the variables of the generated functions", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		names := []string{
			"old", "new", "image", "record_key", "old_key", "context", "changed", "what", "hidden", "row_image", "old_image", "special", "row_version",
			"user_info", "extra_info", "latest", "moved", "m", "a", "t", "tg_op", "found", "statement", "current_user", "transaction_id", "key", "data", "operation",
		}
		f.exec(`CREATE TABLE v (id integer, "` + strings.Join(names, `" text, "`) + `" text, PRIMARY KEY (id, "image", "record_key", "what"))`)
		f.track("v", &chronomigrate.TrackOptions{Hidden: []string{"hidden", "old"}, Untracked: []string{"new", "changed"}})
		f.exec(`INSERT INTO v (id, "image", "record_key", "what", "hidden", "data") VALUES (1, 'i', 'r', 'w', 'h', 'd')`, `UPDATE v SET "what" = 'x', "context" = 'c'`,
			`UPDATE v SET "new" = 'x'`, `DELETE FROM v`)
		f.wantText("insert,update,delete", `SELECT string_agg(operation, ',' ORDER BY id) FROM chrononaut.chrononaut_activity WHERE operation <> 'track'`)
		f.wantText(`{"id": 1, "what": "x", "image": "i", "record_key": "r"}`, `SELECT key::text FROM chrononaut.chrononaut_activity WHERE operation = 'update'`)
	})
}
