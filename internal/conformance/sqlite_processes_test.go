package conformance_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronotest"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// What a process that a test has started again is to do: the driver, the file and its
// name. It waits for a line on its standard input.
const processVariable = "CHRONONAUT_TEST_SQLITE_PROCESS"

// TestSQLiteProcess is what the processes of TestSQLiteSeveralProcesses run.
func TestSQLiteProcess(t *testing.T) {
	t.Parallel()
	driver, rest, _ := strings.Cut(os.Getenv(processVariable), " ")
	name, path, _ := strings.Cut(rest, " ")
	if driver == "" {
		return // not started by the other test
	}
	db := openSQLite(t, driver, path)
	if _, err := io.WriteString(os.Stdout, "ready\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ctx := chrononaut.WithActor(t.Context(), name)
	for i := range pgtest.Size(15, 200) {
		tx, err := db.driver.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		// Write first: a transaction that has read fails when another writes.
		for _, sql := range []string{
			`UPDATE t SET n = n + 1, who = ?1 WHERE id = ?2`,
			`INSERT INTO t (n, who, u) VALUES (0, ?1, ?1 || ?2)`,
			`INSERT OR REPLACE INTO t (n, who, u) VALUES (?2, ?1, 'last')`,
		} {
			if _, err := tx.Exec(ctx, sql, name, int64(1+i%3)); err != nil {
				t.Fatal(errors.Join(err, tx.Rollback(ctx)))
			}
			if strings.HasPrefix(sql, "INSERT INTO") {
				if _, err := tx.Exec(ctx, `DELETE FROM t WHERE u = ?1 || ?2`, name, int64(1+i%3)); err != nil {
					t.Fatal(errors.Join(err, tx.Rollback(ctx)))
				}
			}
		}
		end := tx.Commit
		if i%5 == 4 {
			end = tx.Rollback
		}
		if err := end(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSQLiteSeveralProcesses(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"WAL", "DELETE"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			eachSQLite(t, func(t *testing.T, db *sqliteDB) {
				db.exec(`PRAGMA journal_mode = ` + mode)
				db.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, who TEXT, u TEXT UNIQUE)`)
				db.track("t", nil)
				db.exec(`INSERT INTO t (id, n) VALUES (1, 0), (2, 0), (3, 0)`)
				program, err := os.Executable()
				if err != nil {
					t.Fatal(err)
				}
				path, err := filepath.Abs(db.path)
				if err != nil {
					t.Fatal(err)
				}
				type process struct {
					*exec.Cmd
					in  io.WriteCloser
					out *bufio.Reader
				}
				var processes []process
				names := []string{"ann", "bob", "cleo"}
				for _, name := range names {
					p := process{Cmd: exec.CommandContext(t.Context(), program, "-test.run", "^TestSQLiteProcess$")}
					p.Env = append(os.Environ(), processVariable+"="+db.name+" "+name+" "+path)
					p.Stderr = os.Stderr
					out, err := p.StdoutPipe()
					if err != nil {
						t.Fatal(err)
					}
					p.out = bufio.NewReader(out)
					if p.in, err = p.StdinPipe(); err != nil {
						t.Fatal(err)
					}
					if err := p.Start(); err != nil {
						t.Fatal(err)
					}
					processes = append(processes, p)
				}
				for _, p := range processes {
					if line, err := p.out.ReadString('\n'); line != "ready\n" {
						t.Fatalf("a process says %q, error %v", line, err)
					}
				}
				for _, p := range processes {
					if _, err := io.WriteString(p.in, "go\n"); err != nil {
						t.Fatal(err)
					}
				}
				for _, p := range processes {
					said, err := io.ReadAll(p.out)
					if err := errors.Join(err, p.Wait()); err != nil {
						t.Fatalf("%v\n%s", err, said)
					}
				}
				rounds := pgtest.Size(15, 200)
				committed := rounds - rounds/5
				var want []string
				for _, name := range names {
					want = append(want, fmt.Sprintf("%s|%d|%d|%[2]d", name, committed, 2*committed))
				}
				db.wants("changes by actor", db.rows(`SELECT user_info ->> 'user_id', sum(operation = 'update'), sum(operation = 'insert'), count(DISTINCT transaction_id)
					FROM chrononaut_activity WHERE user_info ->> 'user_id' IS NOT NULL GROUP BY 1 ORDER BY 1`), want...)
				db.wants("changes of somebody else", db.rows(`SELECT id FROM chrononaut_activity WHERE table_name = 't' AND operation = 'update' AND data ->> 'who' IS NOT user_info ->> 'user_id'`))
				db.wants("transactions of two actors", db.rows(`SELECT transaction_id FROM chrononaut_activity WHERE user_info ->> 'user_id' IS NOT NULL GROUP BY 1 HAVING count(DISTINCT user_info) > 1`))
				db.wants("the sum", db.rows(`SELECT sum(n) FROM t WHERE id <= 3`), fmt.Sprint(len(names)*committed))
				db.live("t", `'id', id, 'n', n, 'who', who, 'u', u`)
				db.wants("problems", db.problems())
				chronotest.RequireReplay(t, db.driver, chrononaut.Table{Name: "t"}, nil)
			})
		})
	}
}
