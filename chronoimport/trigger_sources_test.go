package chronoimport_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// recordVersion is the table of supa_audit, with what its triggers write.
const recordVersion = `
	CREATE SCHEMA audit;
	CREATE TYPE audit.operation AS ENUM ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE');
	CREATE TABLE audit.record_version (
		id bigserial PRIMARY KEY, record_id uuid, old_record_id uuid, op audit.operation NOT NULL, ts timestamptz NOT NULL DEFAULT now(),
		table_oid oid NOT NULL, table_schema name NOT NULL, table_name name NOT NULL, record jsonb, old_record jsonb, auth_uid uuid, auth_role text);
	CREATE TABLE account (id integer PRIMARY KEY, name text, balance numeric, opened timestamptz)`

const accountVersions = `
	INSERT INTO account VALUES (1, 'c', 1.10, '2024-01-01 00:00:00+00'), (7, 'moved', NULL, NULL);
	INSERT INTO audit.record_version (record_id, old_record_id, op, ts, table_oid, table_schema, table_name, record, old_record, auth_uid, auth_role) VALUES
		('a0000000-0000-0000-0000-000000000001', NULL, 'INSERT', '2024-01-01 00:00+00', 100, 'public', 'account', '{"id": 1, "name": "a", "balance": 1.10, "opened": "2024-01-01T02:00:00+02:00"}', NULL, 'c0000000-0000-0000-0000-000000000000', 'authenticated'),
		-- 2 is older than the audit.
		('a0000000-0000-0000-0000-000000000002', 'a0000000-0000-0000-0000-000000000002', 'UPDATE', '2024-01-02 00:00+00', 100, 'public', 'account', '{"id": 2, "name": "new"}', '{"id": 2, "name": "old"}', NULL, NULL),
		(NULL, 'a0000000-0000-0000-0000-000000000002', 'DELETE', '2024-01-03 00:00+00', 100, 'public', 'account', NULL, '{"id": 2, "name": "new"}', NULL, NULL),
		-- 1 goes on with the record_id that a restore gave it.
		('b0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 'UPDATE', '2024-01-04 00:00+00', 200, 'public', 'account', '{"id": 1, "name": "b", "balance": 1.10, "opened": null}', '{"id": 1, "name": "a", "balance": 1.10, "opened": null}', NULL, NULL),
		('b0000000-0000-0000-0000-000000000005', NULL, 'INSERT', '2024-01-05 00:00+00', 200, 'public', 'account', '{"id": 5, "name": "moves"}', NULL, NULL, NULL),
		('b0000000-0000-0000-0000-000000000006', 'b0000000-0000-0000-0000-000000000005', 'UPDATE', '2024-01-06 00:00+00', 200, 'public', 'account', '{"id": 6, "name": "moves"}', '{"id": 5, "name": "moves"}', NULL, NULL),
		(NULL, NULL, 'TRUNCATE', '2024-01-07 00:00+00', 200, 'public', 'account', NULL, NULL, NULL, NULL),
		('b0000000-0000-0000-0000-000000000001', NULL, 'INSERT', '2024-01-08 00:00+00', 200, 'public', 'account', '{"id": 1, "name": "c", "balance": 1.10, "opened": null}', NULL, NULL, NULL),
		('b0000000-0000-0000-0000-000000000001', NULL, 'INSERT', '2024-01-08 00:00+00', 300, 'public', 'other', '{"id": 1}', NULL, NULL, NULL)`

func TestSupaAudit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, recordVersion, accountVersions)
	f.track("account", nil)
	f.wantCounts(f.load("account", &chronoimport.SupaAudit{}, nil), 11, 0, 0, 0)
	f.wantLines("account", 1,
		`insert 2024-01-01T00:00:00Z by "c0000000-0000-0000-0000-000000000000" id "1": {"balance":1.10,"id":1,"name":"a","opened":"2024-01-01T00:00:00+00:00"}`,
		`update 2024-01-04T00:00:00Z by "" id "4": {"balance":1.10,"id":1,"name":"b","opened":null}`,
		`truncate 2024-01-07T00:00:00Z by "" id "7": {"balance":1.10,"id":1,"name":"b","opened":null}`,
		`insert 2024-01-08T00:00:00Z by "" id "8": {"balance":1.10,"id":1,"name":"c","opened":null}`)
	f.wantLines("account", 2,
		`baseline 2024-01-02T00:00:00Z by "" id "2/before": {"id":2,"name":"old"}`,
		`update 2024-01-02T00:00:00Z by "" id "2": {"id":2,"name":"new"}`,
		`delete 2024-01-03T00:00:00Z by "" id "3": {"id":2,"name":"new"}`)
	// A changed primary key is the end of one record and the beginning of another.
	f.wantLines("account", 5,
		`insert 2024-01-05T00:00:00Z by "" id "5": {"id":5,"name":"moves"}`,
		`delete 2024-01-06T00:00:00Z by "" id "6/departed": {"id":5,"name":"moves"}`)
	f.wantLines("account", 6,
		`insert 2024-01-06T00:00:00Z by "" id "6": {"id":6,"name":"moves"}`,
		`truncate 2024-01-07T00:00:00Z by "" id "7": {"id":6,"name":"moves"}`)
}

// employees are as the extension temporal_tables keeps them.
const employees = `
	CREATE TABLE employees (dept text, no integer, name text, salary numeric(8,2), sys_period tstzrange NOT NULL, PRIMARY KEY (dept, no));
	CREATE TABLE employees_history (LIKE employees, badge text);
	INSERT INTO employees VALUES ('a', 1, 'Ann', 3, '["2024-03-01 00:00+00",)'), ('b', 1, 'Bob', 9.5, '["2024-01-01 00:00+00",)');
	INSERT INTO employees_history VALUES
		('a', 1, 'Ann', 1, '["2024-01-01 00:00:00.000001+00","2024-02-01 00:00+00")', 'x'),
		('a', 1, 'Ann', 2, '["2024-02-01 00:00+00","2024-03-01 00:00+00")', 'x'),
		('a', 2, 'Cat', 1, '["2024-01-01 00:00+00","2024-01-02 00:00+00")', NULL),
		('a', 2, 'Cat', 2, '["2024-01-05 00:00+00","2024-01-06 00:00+00")', NULL),
		('a', 3, 'Eve', 2, 'empty', NULL)`

func TestTemporalTablesBadPeriods(t *testing.T) {
	t.Parallel()
	f := newFixture(t, employees, `INSERT INTO employees_history VALUES
		('b', 1, 'Bob', 1, '["2023-01-01 00:00+00","2024-01-02 00:00+00")', NULL),
		('a', 4, 'Dan', 2, '(,"2024-01-01 00:00+00")', NULL)`)
	f.track("employees", nil)
	var bad []string
	result := f.load("employees", &chronoimport.TemporalTables{}, &chronoimport.Options{SkipBad: true, Bad: func(b *chronoimport.BadChangeError) { bad = append(bad, b.Error()) }})
	if diff := cmp.Diff([]string{
		"change before 2024-01-01 00:00:00+00 of the source: its period has no beginning",
		"change 2024-01-01 00:00:00+00 of the source: its period begins before the one before it has ended",
	}, bad); diff != "" {
		t.Errorf("bad changes (-want +got):\n%s", diff)
	}
	f.wantCounts(result, 9, 0, 0, 2)
}

func TestTemporalTables(t *testing.T) {
	t.Parallel()
	f := newFixture(t, employees)
	f.track("employees", nil)
	result := f.load("employees", &chronoimport.TemporalTables{}, &chronoimport.Options{Keep: []string{"badge"}, ChunkSize: 2})
	f.wantCounts(result, 8, 0, 0, 0)
	if result.Records != 3 {
		t.Errorf("records: got %d, want 3", result.Records)
	}
	f.wantLines("employees", map[string]any{"dept": "a", "no": 1},
		`insert 2024-01-01T00:00:00.000001Z by "" id "2024-01-01 00:00:00.000001+00": {"badge":"x","dept":"a","name":"Ann","no":1,"salary":1.00,"sys_period":"[\"2024-01-01 00:00:00.000001+00\",)"}`,
		`update 2024-02-01T00:00:00Z by "" id "2024-02-01 00:00:00+00": {"badge":"x","dept":"a","name":"Ann","no":1,"salary":2.00,"sys_period":"[\"2024-02-01 00:00:00+00\",)"}`,
		`update 2024-03-01T00:00:00Z by "" id "2024-03-01 00:00:00+00": {"dept":"a","name":"Ann","no":1,"salary":3.00,"sys_period":"[\"2024-03-01 00:00:00+00\",)"}`)
	f.wantLines("employees", map[string]any{"dept": "b", "no": 1},
		`insert 2024-01-01T00:00:00Z by "" id "2024-01-01 00:00:00+00": {"dept":"b","name":"Bob","no":1,"salary":9.50,"sys_period":"[\"2024-01-01 00:00:00+00\",)"}`)
	f.wantLines("employees", map[string]any{"dept": "a", "no": 2},
		`insert 2024-01-01T00:00:00Z by "" id "2024-01-01 00:00:00+00": {"badge":null,"dept":"a","name":"Cat","no":2,"salary":1.00,"sys_period":"[\"2024-01-01 00:00:00+00\",)"}`,
		`delete 2024-01-02T00:00:00Z by "" id "2024-01-02 00:00:00+00/delete": {"badge":null,"dept":"a","name":"Cat","no":2,"salary":1.00,"sys_period":"[\"2024-01-01 00:00:00+00\",)"}`,
		`insert 2024-01-05T00:00:00Z by "" id "2024-01-05 00:00:00+00": {"badge":null,"dept":"a","name":"Cat","no":2,"salary":2.00,"sys_period":"[\"2024-01-05 00:00:00+00\",)"}`,
		`delete 2024-01-06T00:00:00Z by "" id "2024-01-06 00:00:00+00/delete": {"badge":null,"dept":"a","name":"Cat","no":2,"salary":2.00,"sys_period":"[\"2024-01-05 00:00:00+00\",)"}`)
	// The live row moves on, and so does its history.
	f.exec(`UPDATE employees SET salary = 4 WHERE dept = 'a'`)
	f.wantCounts(f.load("employees", &chronoimport.TemporalTables{}, &chronoimport.Options{Keep: []string{"badge"}}), 0, 8, 0, 0)
}

func TestDjango(t *testing.T) {
	t.Parallel()
	t.Run("django-simple-history", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, `
			CREATE TABLE polls_poll (id integer PRIMARY KEY, question varchar(200) NOT NULL, pub_date timestamptz, history_note text);
			CREATE TABLE polls_historicalpoll (id integer NOT NULL, question varchar(200) NOT NULL, pub_date timestamptz, history_note text,
				history_id serial PRIMARY KEY, history_date timestamptz NOT NULL, history_change_reason varchar(100), history_type varchar(1) NOT NULL, history_user_id integer, history_ip inet);
			INSERT INTO polls_historicalpoll (id, question, pub_date, history_note, history_date, history_change_reason, history_type, history_user_id, history_ip) VALUES
				(2, 'q', NULL, 'n', '2024-01-01 00:00+00', NULL, '+', NULL, NULL),
				(1, 'a', '2024-01-01 00:00+01', NULL, '2024-01-01 00:00+00', 'asked for', '+', 7, '10.0.0.1'),
				(1, 'b', NULL, NULL, '2024-01-02 00:00+00', NULL, '~', 8, NULL),
				(1, 'b', NULL, NULL, '2024-01-03 00:00+00', NULL, '-', 8, NULL),
				(1, 'b', NULL, NULL, '2024-01-04 00:00+00', NULL, '?', 8, NULL)`)
		f.track("polls_poll", nil)
		f.wantCounts(f.load("polls_poll", &chronoimport.SimpleHistory{Table: f.name("polls_historicalpoll")}, &chronoimport.Options{SkipBad: true}), 4, 0, 0, 1)
		f.wantLines("polls_poll", 1,
			`insert 2024-01-01T00:00:00Z by "7" id "2": {"history_note":null,"id":1,"pub_date":"2023-12-31T23:00:00+00:00","question":"a"}`,
			`update 2024-01-02T00:00:00Z by "8" id "3": {"history_note":null,"id":1,"pub_date":null,"question":"b"}`,
			`delete 2024-01-03T00:00:00Z by "8" id "4": {"history_note":null,"id":1,"pub_date":null,"question":"b"}`)
		f.wantExtra("polls_poll", 1, `{"imported": {"id": "2", "from": "django-simple-history"}, "rationale": "asked for", "history_ip": "10.0.0.1"}`)
	})
	t.Run("pghistory", func(t *testing.T) {
		t.Parallel()
		events := `
			CREATE TABLE polls_poll (id uuid PRIMARY KEY, question text);
			CREATE TABLE polls_pollevent (pgh_id serial PRIMARY KEY, pgh_created_at timestamptz NOT NULL, pgh_label text NOT NULL, id uuid NOT NULL, question text,
				pgh_obj_id uuid, %s);
			INSERT INTO polls_pollevent (pgh_created_at, pgh_label, id, question, pgh_obj_id%s) VALUES
				('2024-01-01 00:00+00', 'insert', 'a0000000-0000-0000-0000-000000000001', 'a', 'a0000000-0000-0000-0000-000000000001'%s),
				('2024-01-02 00:00+00', 'reworded', 'a0000000-0000-0000-0000-000000000001', 'b', 'a0000000-0000-0000-0000-000000000001'%s),
				('2024-01-03 00:00+00', 'delete', 'a0000000-0000-0000-0000-000000000001', 'b', 'a0000000-0000-0000-0000-000000000001'%s)`
		for name, statements := range map[string][]string{
			"with contexts in their table": {
				`CREATE TABLE pghistory_context (id uuid PRIMARY KEY, created_at timestamptz, updated_at timestamptz, metadata jsonb NOT NULL);
				INSERT INTO pghistory_context VALUES ('c0000000-0000-0000-0000-000000000000', now(), now(), '{"user": 7, "url": "/polls"}')`,
				sprintf(events, "pgh_context_id uuid", ", pgh_context_id", ", 'c0000000-0000-0000-0000-000000000000'", ", NULL", ", NULL"),
			},
			"with contexts in the events": {sprintf(events, "pgh_context jsonb", ", pgh_context", `, '{"user": 7, "url": "/polls"}'`, ", NULL", ", NULL")},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t, statements...)
				f.track("polls_poll", nil)
				f.wantCounts(f.load("polls_poll", &chronoimport.PgHistory{Table: f.name("polls_pollevent")}, nil), 3, 0, 0, 0)
				key := "a0000000-0000-0000-0000-000000000001"
				f.wantLines("polls_poll", key,
					`insert 2024-01-01T00:00:00Z by "7" id "1": {"id":"`+key+`","question":"a"}`,
					`update 2024-01-02T00:00:00Z by "" id "2": {"id":"`+key+`","question":"b"}`,
					`delete 2024-01-03T00:00:00Z by "" id "3": {"id":"`+key+`","question":"b"}`)
				f.wantExtra("polls_poll", key, `{"context": {"url": "/polls"}, "imported": {"id": "1", "from": "pghistory"}}`)
			})
		}
	})
}

func TestAudited(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string][3]string{
		"as JSON": {`{"name": "a", "price": "1.0", "secret": "s"}`, `{"name": ["a", "b"]}`, `{"name": "b", "price": "1.0"}`},
		"as YAML": {"---\nname: a\nprice: !ruby/object:BigDecimal 18:0.1e1\nsecret: s\n", "---\nname:\n- a\n- b\n", "---\nname: b\nprice: !ruby/object:BigDecimal 18:0.1e1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, `
				CREATE TABLE widgets (id bigint PRIMARY KEY, name text, price numeric(10,2), secret text);
				CREATE TABLE audits (id bigserial PRIMARY KEY, auditable_id bigint, auditable_type varchar, associated_id bigint, associated_type varchar,
					user_id bigint, user_type varchar, username varchar, action varchar, audited_changes text, version integer DEFAULT 0,
					comment varchar, remote_address varchar, request_uuid varchar, created_at timestamp)`)
			f.track("widgets", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
			if _, err := f.pool.Exec(t.Context(), `
				INSERT INTO audits (auditable_id, auditable_type, user_id, user_type, username, action, audited_changes, version, comment, remote_address, created_at)
				SELECT * FROM (VALUES
					(1::bigint, 'Widget', 7::bigint, 'User', NULL, 'create', $1::text, 1, 'wanted', '10.0.0.1', '2024-01-01 00:00'::timestamp),
					(1, 'Widget', NULL, NULL, 'bob', 'update', $2, 2, NULL, NULL, '2024-01-02 00:00'),
					(1, 'Widget', 7, 'User', NULL, 'destroy', $3, 3, NULL, NULL, '2024-01-03 00:00'),
					-- Older than its audits.
					(2, 'Widget', 7, 'User', NULL, 'update', $2, 1, NULL, NULL, '2024-01-03 00:00')) AS v`, changes[0], changes[1], changes[2]); err != nil {
				t.Fatal(err)
			}
			f.wantCounts(f.load("widgets", &chronoimport.Audited{Model: "Widget"}, &chronoimport.Options{SkipBad: true}), 3, 0, 0, 1)
			f.wantLines("widgets", 1,
				`insert 2024-01-01T00:00:00Z by "7" id "1": {"id":1,"name":"a","price":1.00}`,
				`update 2024-01-02T00:00:00Z by "bob" id "2": {"id":1,"name":"b","price":1.00}`,
				`delete 2024-01-03T00:00:00Z by "7" id "3": {"id":1,"name":"b","price":1.00}`)
			f.wantExtra("widgets", 1, `{"imported": {"id": "1", "from": "audited"}, "rationale": "wanted", "user_type": "User", "hidden_cols_changed": ["secret"]}`)
		})
	}
}
