package chronohttp_test

import (
	"context"
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronohttp"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronosql"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// shop is a service over a database in which orders is tracked strictly and
// visits is not tracked.
func shop(t *testing.T) (db *sql.DB, server *httptest.Server) {
	t.Helper()
	database := pgtest.NewFrom(t, "chronohttp", func(ctx context.Context, url string) error {
		db, err := chronosql.Open("pgx", url, nil)
		if err != nil {
			return err
		}
		defer db.Close()
		if _, err := db.ExecContext(ctx, `CREATE TABLE orders (id bigint PRIMARY KEY, total bigint); CREATE TABLE visits (id bigint PRIMARY KEY)`); err != nil {
			return err
		}
		m, err := chronomigrate.New(chronosql.NewDriver(db, chronodriver.PostgreSQL, nil), nil)
		if err != nil {
			return err
		}
		if _, err := m.Up(ctx, nil); err != nil {
			return err
		}
		_, err = m.Track(ctx, chrononaut.Table{Name: "orders"}, &chronomigrate.TrackOptions{Strict: true}, nil)
		return err
	})
	db, err := chronosql.Open("pgx", database.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })

	answer := func(w http.ResponseWriter, value any, err error) {
		if status, text, ok := chronohttp.Problem(err); ok {
			http.Error(w, text, status)
		} else if err != nil {
			http.Error(w, chrononaut.WrapError(err).Error(), http.StatusInternalServerError)
		} else {
			_, _ = io.WriteString(w, strconv.FormatInt(value.(int64), 10))
		}
	}
	count := func(query string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var n int64
			err := db.QueryRowContext(r.Context(), query).Scan(&n)
			answer(w, n, err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /total", count("SELECT sum(total)::bigint FROM public.orders"))
	mux.HandleFunc("GET /visits", count("SELECT count(*) FROM visits"))
	mux.HandleFunc("GET /transaction", func(w http.ResponseWriter, r *http.Request) {
		var n int64
		tx, err := db.BeginTx(r.Context(), nil)
		if err == nil {
			defer func() { _ = tx.Rollback() }() // after Commit it does nothing
			err = tx.QueryRowContext(r.Context(), "SELECT sum(total)::bigint FROM orders").Scan(&n)
		}
		if err == nil {
			err = tx.Commit()
		}
		answer(w, n, err)
	})
	mux.HandleFunc("GET /orders/{id}/seen", func(w http.ResponseWriter, r *http.Request) {
		_, err := db.ExecContext(r.Context(), "UPDATE orders SET total = total + 1 WHERE id = $1", r.PathValue("id"))
		answer(w, int64(0), err)
	})
	mux.HandleFunc("PUT /orders/{id}/{total}", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if reason := r.Header.Get("X-Reason"); reason != "" {
			ctx = chrononaut.WithRationale(ctx, reason)
		}
		_, err := db.ExecContext(ctx, "INSERT INTO orders VALUES ($1, $2)", r.PathValue("id"), r.PathValue("total"))
		answer(w, int64(0), err)
	})
	server = httptest.NewServer(chronohttp.New(&chronohttp.Options{
		Actor: func(r *http.Request) string { name, _, _ := r.BasicAuth(); return name },
		AllowAsOf: func(r *http.Request, _ chrononaut.Point) bool {
			name, _, _ := r.BasicAuth()
			return name == "auditor"
		},
	})(mux))
	t.Cleanup(server.Close)
	return db, server
}

// ask sends a request as a user, with a reason or a point.
func ask(t *testing.T, server *httptest.Server, user, method, path string, header ...string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(user, "")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

func TestRequestsOnADatabase(t *testing.T) {
	t.Parallel()
	db, server := shop(t)
	if status, body := ask(t, server, "ann", "PUT", "/orders/1/10"); status != 500 || !strings.Contains(body, chrononaut.ErrUnattributed.Error()) {
		t.Errorf("a strict table without a reason: %d %s", status, body)
	}
	put := func(path string) {
		if status, body := ask(t, server, "ann", "PUT", path, "X-Reason", "asked by phone"); status != 200 {
			t.Errorf("PUT %s: %d %s", path, status, body)
		}
	}
	put("/orders/1/10")
	client, err := chrononaut.NewClient(chronosql.NewDriver(db, chronodriver.PostgreSQL, nil), chronodriver.PostgreSQL, nil)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := client.Activity(t.Context(), &chrononaut.ActivityOpts{Operation: chrononaut.OperationInsert})
	if err != nil || len(changes) != 1 {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
	first := changes[0]
	if id, _ := first.ExtraInfo["request_id"].(string); first.Actor != "ann" || first.RemoteAddr != "127.0.0.1" || id == "" || first.Rationale != "asked by phone" {
		t.Errorf("the change is recorded as %+v", first)
	}
	put("/orders/2/100")

	point := "transaction:" + strconv.FormatUint(first.TransactionID, 10)
	for _, test := range []struct {
		user, path string
		header     []string
		status     int
		body       string
	}{
		{"auditor", "/total", nil, 200, "110"},
		{"auditor", "/total", []string{"As-Of", point}, 200, "10"},
		{"auditor", "/total?as_of=" + point, nil, 200, "10"},
		{"auditor", "/transaction", []string{"As-Of", point}, 200, "10"},
		{"ann", "/total", []string{"As-Of", point}, 403, "this request may not look at that point in the past"},
		{"auditor", "/total", []string{"As-Of", "2001-01-01T00:00:00Z"}, 404, "that was not recorded"},
		{"auditor", "/transaction", []string{"As-Of", "2001-01-01T00:00:00Z"}, 404, "that was not recorded"},
		{"auditor", "/total", []string{"As-Of", "snapshot:x"}, 400, "there is no such point in the past"},
		{"auditor", "/visits", []string{"As-Of", point}, 400, "that cannot be done in the past"},
		{"auditor", "/orders/1/seen", []string{"As-Of", point}, 400, "that cannot be done in the past"},
	} {
		if status, body := ask(t, server, test.user, "GET", test.path, test.header...); status != test.status || body != test.body {
			t.Errorf("%s, GET %s, %v: %d %s, want %d %s", test.user, test.path, test.header, status, body, test.status, test.body)
		}
	}
	if status, body := ask(t, server, "auditor", "GET", "/total", "As-Of", "2999-01-01T00:00:00Z"); status != 409 || !strings.HasPrefix(body, "that point is not settled yet; the latest that is: 20") {
		t.Errorf("a point in the future: %d %s", status, body)
	}

	// Requests of the past and of the present share a pool and do not meet.
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 20 {
				want, header := "110", []string(nil)
				if i%2 == 0 {
					want, header = "10", []string{"As-Of", point}
				}
				if status, body := ask(t, server, "auditor", "GET", "/total", header...); status != 200 || body != want {
					t.Errorf("GET /total, %v: %d %s, want %s", header, status, body, want)
				}
			}
		})
	}
	all.Wait()
}
