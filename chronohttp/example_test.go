package chronohttp_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"

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
