package chronohttp_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronohttp"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronopgx"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

// openExample returns a database in which the table todos is tracked.
func openExample() (db *chronopgx.DB, done func()) {
	url, drop := pgtest.Example("chronohttp examples", func(ctx context.Context, url string) error {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return err
		}
		defer pool.Close()
		if _, err := pool.Exec(ctx, `CREATE TABLE todos (id bigint PRIMARY KEY, title text)`); err != nil {
			return err
		}
		m, err := chronomigrate.New(chronopgx.NewDriver(pool, nil), nil)
		if err != nil {
			return err
		}
		if _, err := m.Up(ctx, nil); err != nil {
			return err
		}
		_, err = m.Track(ctx, chrononaut.Table{Name: "todos"}, nil, nil)
		return err
	})
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		log.Panic(err)
	}
	return chronopgx.New(pool, nil), func() { pool.Close(); drop() }
}

// A request with As-Of is answered with what the database held then. The
// handler is the same.
func ExampleNew_asOf() {
	db, done := openExample()
	defer done()
	ctx := context.Background()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /todos/{id}", func(w http.ResponseWriter, r *http.Request) {
		var title string
		err := db.QueryRow(r.Context(), "SELECT title FROM todos WHERE id = $1", r.PathValue("id")).Scan(&title)
		if status, text, ok := chronohttp.Problem(err); ok {
			http.Error(w, text, status)
			return
		} else if err != nil {
			http.Error(w, "no such todo", http.StatusNotFound)
			return
		}
		fmt.Fprintln(w, title)
	})
	service := chronohttp.New(&chronohttp.Options{
		// A real service would look at who asks.
		AllowAsOf: func(r *http.Request, p chrononaut.Point) bool { return true },
	})(mux)

	exec := func(sql string) {
		if _, err := db.Exec(ctx, sql); err != nil {
			log.Panic(err)
		}
	}
	exec("INSERT INTO todos VALUES (7, 'Buy a bike')")
	client, err := db.Client()
	if err != nil {
		log.Panic(err)
	}
	before, err := client.TakeSnapshot(ctx)
	if err != nil {
		log.Panic(err)
	}
	exec("UPDATE todos SET title = 'Buy a red bike'")

	for _, point := range []string{"", before, "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "yesterday"} {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/todos/7", nil)
		if point != "" {
			r.Header.Set("As-Of", point)
		}
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, r)
		text, _, _ := strings.Cut(strings.TrimSpace(answer.Body.String()), ";")
		fmt.Println(answer.Code, text)
	}
	// Output:
	// 200 Buy a red bike
	// 200 Buy a bike
	// 404 that was not recorded
	// 409 that point is not settled yet
	// 400 the point in the past is malformed
}

// What a handler changes is recorded with who asked for it, from where, and in
// which request.
func ExampleNew() {
	db, done := openExample()
	defer done()

	mux := http.NewServeMux()
	mux.HandleFunc("PUT /todos/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, err := db.Exec(r.Context(), "INSERT INTO todos VALUES ($1, $2)", r.PathValue("id"), r.FormValue("title"))
		if err != nil {
			http.Error(w, "try again", http.StatusInternalServerError)
		}
	})
	attribute := chronohttp.New(&chronohttp.Options{
		// A real service would know its user from a session.
		Actor:          func(r *http.Request) string { user, _, _ := r.BasicAuth(); return user },
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	})

	r := httptest.NewRequestWithContext(context.Background(), http.MethodPut, "/todos/7?title=Buy+a+bike", nil)
	r.SetBasicAuth("ann", "…")
	r.RemoteAddr = "10.0.0.2:38214" // the proxy
	r.Header.Set("X-Forwarded-For", "203.0.113.66, 198.51.100.7")
	r.Header.Set("X-Request-Id", "7c9e6679")
	attribute(mux).ServeHTTP(httptest.NewRecorder(), r)

	client, err := db.Client()
	if err != nil {
		log.Panic(err)
	}
	for c, err := range client.ActivityAll(r.Context(), &chrononaut.ActivityOpts{Operation: chrononaut.OperationInsert}) {
		if err != nil {
			log.Panic(err)
		}
		fmt.Println(c.Key["id"], c.Actor, c.RemoteAddr, c.ExtraInfo)
	}
	// Output: 7 ann 198.51.100.7 map[request_id:7c9e6679]
}
