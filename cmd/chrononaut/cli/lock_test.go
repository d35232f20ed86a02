package cli_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// answer is what a command answered.
type answer struct {
	stdout, stderr string
	status         int
}

// atOnce runs commands at the same time.
func (w *world) atOnce(commands ...[]string) []answer {
	w.t.Helper()
	answers := make([]answer, len(commands))
	var wait sync.WaitGroup
	for i, args := range commands {
		wait.Go(func() {
			stdout, stderr, status := w.run(w.t.Context(), args...)
			answers[i] = answer{stdout, stderr, status}
		})
	}
	wait.Wait()
	return answers
}

// statuses counts the exit statuses of answers, each with the reason of its error.
func statuses(t *testing.T, answers []answer) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, a := range answers {
		reason := struct{ Reason string }{}
		if a.stderr != "" {
			if err := json.Unmarshal([]byte(a.stderr), &reason); err != nil {
				t.Errorf("standard error is no JSON: %s", a.stderr)
			}
		}
		counts[strings.TrimSpace(fmt.Sprint(a.status, " ", reason.Reason))]++
		if a.status > 1 {
			t.Error(a.stderr)
		}
	}
	return counts
}

func withTodos(w *world) {
	w.t.Helper()
	w.mustSQL(todos)
	w.must("track", "todos")
	w.mustSQL(`INSERT INTO todos (id, title) VALUES (1, 'a'), (2, 'b')`)
}

func TestLeaseCommandsAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		withTodos(w)
		command := []string{"lease", "todos", "1", "--ttl", "10m", "--json"}
		answers := w.atOnce(slices.Repeat([][]string{command}, 6)...)
		if got := statuses(w.t, answers); got["0"] != 1 || got["1 leased"] != 5 {
			w.t.Errorf("of six commands that lease a record at once, %v; want one that has it and five that are told who", got)
		}
		for _, a := range answers {
			if a.status != 0 {
				continue
			}
			var lease struct {
				ID    int
				Token string
			}
			if err := json.Unmarshal([]byte(a.stdout), &lease); err != nil {
				w.t.Fatal(err)
			}
			release := []string{"lease", "release", fmt.Sprint(lease.ID), "--token", lease.Token, "--json"}
			if got := statuses(w.t, w.atOnce(release, release)); got["0"] != 1 || got["1 lease_lost"] != 1 {
				w.t.Errorf("of two commands that release it at once, %v; want one that does and one that is told so", got)
			}
		}
	})
}

func TestHoldCommandsAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		withTodos(w)
		hold := []string{"hold", "todos", "1", "2", "--reason", "audit", "--json"}
		if got := statuses(w.t, w.atOnce(hold, hold, hold, []string{"hold", "todos", "--all", "--reason", "audit", "--json"})); got["0"] != 4 {
			w.t.Fatalf("of four commands that hold records at once, %v; want that all do", got)
		}
		var list struct{ Holds []struct{ ID int } }
		if err := json.Unmarshal([]byte(w.must("holds", "todos", "1", "--json")), &list); err != nil || len(list.Holds) != 4 {
			w.t.Fatalf("the record has %d holds (%v), want 4", len(list.Holds), err)
		}
		for _, h := range list.Holds {
			if err := w.sql(w.t.Context(), `UPDATE todos SET title = 'c' WHERE id = 1`); err == nil {
				w.t.Errorf("before hold %d is released, a write is not refused", h.ID)
			}
			release := []string{"release", fmt.Sprint(h.ID), "--rationale", "settled", "--json"}
			if got := statuses(w.t, w.atOnce(release, release)); got["0"] != 1 || got["1 refused"] != 1 {
				w.t.Errorf("of two commands that release a hold at once, %v; want one that does and one that is told so", got)
			}
		}
		w.mustSQL(`UPDATE todos SET title = 'c' WHERE id = 1`)
	})
}

func TestTwoPeopleReleaseAtOnce(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		withTodos(w)
		w.must("hold", "todos", "1", "--reason", "audit", "--two-people")
		release := func(actor string) []string {
			return []string{"release", "1", "--rationale", "settled", "--json", "--actor", actor}
		}
		// Ann twice and Bob once: whoever of the two is first asks, and only the other
		// one releases. If Bob comes first, Ann's second command finds it released.
		got := statuses(w.t, w.atOnce(release("ann"), release("ann"), release("bob")))
		if got["0"] != 1 || got["1 second_person"] != 1 || got["1 refused"] != 1 {
			w.t.Errorf("two people released a hold at once: %v", got)
		}
		w.mustSQL(`UPDATE todos SET title = 'c' WHERE id = 1`)
	})
}

func TestAHoldWaitsForWritersNoLongerThanItIsTold(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		withTodos(w)
		tx, err := w.driver.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `UPDATE todos SET title = 'c' WHERE id = 1`); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"hold", "todos", "1"}, {"hold", "todos", "--all"}} {
			_, stderr, status := w.run(t.Context(), append(args, "--reason", "audit", "--timeout", "20ms", "--json")...)
			if status != 1 || !strings.Contains(stderr, `"reason":"locked"`) || !strings.Contains(stderr, `"hint":`) {
				t.Errorf("%v while somebody writes exits with %d: %s", args, status, stderr)
			}
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.must("hold", "todos", "1", "--reason", "audit", "--timeout", "20ms")
	})
}

func TestATokenIsInNoOutputButItsOwn(t *testing.T) {
	t.Parallel()
	onEngines(t, func(w *world) {
		t := w.t
		withTodos(w)
		lease := strings.TrimSpace(w.must("lease", "todos", "1", "--ttl", "10m"))
		id, token, _ := strings.Cut(lease, ":")
		if len(token) < 16 {
			t.Fatalf("the token is %q", token)
		}
		w.env["CHRONONAUT_LEASE"] = lease
		for _, args := range [][]string{
			{"lease", "list"},
			{"lease", "list", "--json"},
			{"log", "--json"},
			{"lease", "renew", "--ttl", "5m"},
			{"lease", "renew", "--ttl", "5m", "--json"},
			{"restore", "todos", "1", "--to-version", "9", "--rationale", "r"},
			{"lease", "renew", id, "--token", token + "x", "--ttl", "1m"},
			{"lease", "renew", "x:" + token, "--ttl", "1m"},
			{"lease", "release"},
			{"lease", "release"},
		} {
			stdout, stderr, _ := w.run(t.Context(), args...)
			if strings.Contains(stdout+stderr, token) {
				t.Errorf("%v prints the token: %s%s", args, stdout, stderr)
			}
		}
	})
}
