// Command sql is a small web service on database/sql whose table accepts no
// change without a reason, and which answers requests as of the past. It serves
// itself a few requests and shows what history knows afterwards.
//
// It needs DATABASE_URL, and makes a table example_accounts.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronohttp"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronosql"
)

func main() {
	if err := run(context.Background(), os.Getenv("DATABASE_URL"), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, databaseURL string, out io.Writer) error {
	config := &chrononaut.Config{ExtraInfo: func(context.Context) map[string]any {
		return map[string]any{"service": "accounts"}
	}}
	db, err := chronosql.Open("pgx", databaseURL, config)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := setUp(ctx, db); err != nil {
		return err
	}

	service := attribute(accounts(db))
	for _, request := range []struct{ user, reason, path string }{
		{"ann", "new customer", "/accounts/7?email=seven@example.com"},
		{"bob", "", "/accounts/7?email=oops@example.com"},
		{"bob", "moved", "/accounts/7?email=bob@example.com"},
	} {
		r := httptest.NewRequestWithContext(ctx, http.MethodPut, request.path, nil)
		r.Header.Set("X-User", request.user)
		r.Header.Set("X-Reason", request.reason)
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, r)
		fmt.Fprintf(out, "%s, %q: %s\n", request.user, request.reason, http.StatusText(answer.Code))
	}
	if err := report(ctx, db, out); err != nil {
		return err
	}
	return askThePast(ctx, db, service, out)
}

// askThePast shows that the handler of a request as of a point needs no change.
func askThePast(ctx context.Context, db *sql.DB, service http.Handler, out io.Writer) error {
	history, err := chronosql.History[account](db, "example_accounts", nil)
	if err != nil {
		return err
	}
	first, err := history.Version(ctx, 7, 0)
	if err != nil {
		return err
	}
	for _, user := range []string{"ann", "auditor"} {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/accounts/7", nil)
		r.Header.Set("X-User", user)
		r.Header.Set("As-Of", chrononaut.AtTransaction(first.TransactionID).String())
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, r)
		fmt.Fprintf(out, "%s, as of the first transaction: %s: %s\n", user, http.StatusText(answer.Code), strings.TrimSpace(answer.Body.String()))
	}
	return nil
}

// attribute puts who asks, and why, into the context of each request. All that
// the handlers do with it carries that.
func attribute(next http.Handler) http.Handler {
	reason := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reason := r.Header.Get("X-Reason"); reason != "" {
			r = r.WithContext(chrononaut.WithRationale(r.Context(), reason))
		}
		next.ServeHTTP(w, r)
	})
	return chronohttp.New(&chronohttp.Options{
		// A real service would know its user from a session.
		Actor: func(r *http.Request) string { return r.Header.Get("X-User") },
		AllowAsOf: func(r *http.Request, _ chrononaut.Point) bool {
			return r.Header.Get("X-User") == "auditor"
		},
	})(reason)
}

// accounts knows nothing of history, except what to answer when a reason is
// missing, or when the past does not know.
func accounts(db *sql.DB) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /accounts/{id}", func(w http.ResponseWriter, r *http.Request) {
		var email string
		err := db.QueryRowContext(r.Context(), "SELECT email FROM example_accounts WHERE id = $1", r.PathValue("id")).Scan(&email)
		if status, text, ok := chronohttp.Problem(err); ok {
			http.Error(w, text, status)
			return
		}
		switch {
		case errors.Is(err, sql.ErrNoRows):
			http.NotFound(w, r)
		case err != nil:
			http.Error(w, "try again", http.StatusInternalServerError)
		default:
			fmt.Fprintln(w, email)
		}
	})
	mux.HandleFunc("PUT /accounts/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, err := db.ExecContext(r.Context(), `
			INSERT INTO example_accounts (id, email) VALUES ($1, $2)
			ON CONFLICT (id) DO UPDATE SET email = excluded.email`, r.PathValue("id"), r.URL.Query().Get("email"))
		switch {
		case errors.Is(chrononaut.WrapError(err), chrononaut.ErrUnattributed):
			http.Error(w, "say why", http.StatusPreconditionRequired)
		case err != nil:
			http.Error(w, "try again", http.StatusInternalServerError)
		}
	})
	return mux
}

// setUp makes the table, and lets it remember. It can be repeated.
func setUp(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `
		DROP TABLE IF EXISTS example_accounts;
		CREATE TABLE example_accounts (id bigint PRIMARY KEY, email text NOT NULL)`)
	if err != nil {
		return err
	}
	m, err := chronomigrate.New(chronosql.NewDriver(db, chronodriver.PostgreSQL, nil), nil)
	if err != nil {
		return err
	}
	if _, err := m.Up(ctx, nil); err != nil {
		return err
	}
	_, err = m.Track(ctx, chrononaut.Table{Name: "example_accounts"}, &chronomigrate.TrackOptions{Strict: true}, nil)
	return err
}

func report(ctx context.Context, db *sql.DB, out io.Writer) error {
	history, err := chronosql.History[account](db, "example_accounts", nil)
	if err != nil {
		return err
	}
	for s, err := range history.All(ctx, 7, nil) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "version %d: %s by %s, because: %s: %s\n", s.Version, s.Operation, s.Actor, s.Rationale, s.Record.Email)
	}
	return nil
}

// account is a row, now or then.
type account struct {
	ID    int64
	Email string
}
