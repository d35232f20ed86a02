package chrononaut_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// pythonApp is a running Flask application that writes history as Python
// chrononaut does: see testdata/python/shared/app.py.
type pythonApp struct {
	*fixture
	url string
}

// sharedTables are those of the application's models.
var sharedTables = []string{
	`CREATE TYPE priority AS ENUM ('low', 'high')`,
	`CREATE TABLE todos (id integer PRIMARY KEY, title text, price numeric(10,4), priority priority, due timestamptz, secret text, visits integer, version integer)`,
	`CREATE TABLE renamed (id integer PRIMARY KEY, title text, version integer)`,
}

func newPythonApp(t *testing.T, shared bool) *pythonApp {
	t.Helper()
	python := findPython(t)
	f := newFixture(t)
	f.exec(sharedTables...)
	f.trackShared(shared)
	return &pythonApp{fixture: f, url: startPython(t, python, f.pool.Config().ConnString())}
}

// trackShared tracks the application's tables as its models declare them.
func (f *fixture) trackShared(shared bool) {
	f.Helper()
	f.track("todos", &chronomigrate.TrackOptions{VersionColumn: "version", SharedWithPython: shared, Hidden: []string{"secret"}, Untracked: []string{"visits"}})
	f.track("renamed", &chronomigrate.TrackOptions{VersionColumn: "version", SharedWithPython: shared})
}

// findPython skips the test where there is none that can run the application.
func findPython(t *testing.T) string {
	t.Helper()
	for _, candidate := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(candidate, "-c", "import flask, flask_sqlalchemy, psycopg2").Run() == nil {
			return candidate
		}
	}
	t.Skip("needs Python with Flask, Flask-SQLAlchemy and psycopg2: apt-get install python3-flask python3-flask-sqlalchemy python3-psycopg2")
	return ""
}

func startPython(t *testing.T, python, database string) string {
	t.Helper()
	cmd := exec.Command(python, "testdata/python/shared/app.py", database)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var port int
	if _, err := fmt.Fscanln(out, &port); err != nil {
		_ = cmd.Wait()
		t.Fatalf("the application did not start: %v\n%s", err, stderr.String())
	}
	return fmt.Sprintf("http://127.0.0.1:%d/run", port)
}

// doing is one step of the application.
type doing map[string]any

func add(args doing) doing         { return doing{"do": "add", "args": args} }
func set(id int, args doing) doing { return doing{"do": "set", "id": id, "args": args} }
func do(what string) doing         { return doing{"do": what} }
func on(what string, id int) doing { return doing{"do": what, "id": id} }
func asAnn(extra map[string]any) doing {
	return doing{"do": "user", "args": doing{"user": "ann@example.com", "extra": extra}}
}

// try runs steps in one request; the message is that of an exception.
func (p *pythonApp) try(steps ...doing) (results []any, message string) {
	p.Helper()
	body := must(json.Marshal(steps))(p)
	response, err := http.Post(p.url, "application/json", bytes.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	text := must(io.ReadAll(response.Body))(p)
	var answer struct {
		Results []any
		Error   string
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		p.Fatalf("%v: %s", err, text)
	}
	return answer.Results, answer.Error
}

// run is try for steps that must succeed; it returns the result of the last.
func (p *pythonApp) run(steps ...doing) any {
	p.Helper()
	results, message := p.try(steps...)
	if message != "" {
		p.Fatal(message)
	}
	return results[len(results)-1]
}

// recorded describes the history of a table: key, version, operation, who,
// whether Python wrote the row.
func (p *pythonApp) recorded(table string, id int) []string {
	p.Helper()
	rows, err := p.pool.Query(p.Context(), `SELECT concat_ws(' ', version, coalesce(operation, '-'), coalesce(user_info ->> 'user_id', '-'),
			CASE WHEN extra_info ? 'chrononaut:python_version' THEN 'python' || (extra_info ->> 'chrononaut:python_version') ELSE 'go' END,
			CASE WHEN table_schema IS NULL OR transaction_id IS NULL OR database_user IS NULL THEN 'incomplete' END,
			CASE WHEN version <> (data ->> 'version')::int THEN 'data has another version' END,
			CASE WHEN changed <= lag(changed) OVER (ORDER BY version) THEN 'not later' END)
		FROM chrononaut.chrononaut_activity WHERE table_name = $1 AND key ->> 'id' = $2::text ORDER BY version, id`, table, fmt.Sprint(id))
	if err != nil {
		p.Fatal(err)
	}
	defer rows.Close()
	lines := []string{}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			p.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		p.Fatal(err)
	}
	return lines
}
