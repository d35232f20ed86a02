package musicshop_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/internal/musicshop"
	"github.com/chrononaut-go/chrononaut/internal/pgtest"
)

func TestStatementsAreTheSameAtEveryCall(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(musicshop.Statements(), musicshop.Statements()); diff != "" {
		t.Errorf("two calls differ:\n%s", diff)
	}
}

func TestPostgreSQLTakesTheStatements(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	for _, statement := range musicshop.Statements() {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%v\n%.300s", err, statement)
		}
	}
	want := musicshop.Rows()
	got := map[string]int{}
	total := 0
	for _, table := range musicshop.Tables() {
		var n int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		got[table] = n
		total += n
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if total < 300 || total > 1000 {
		t.Errorf("the shop has %d rows, want a few hundred", total)
	}
	var wrong []int
	rows, err := pool.Query(t.Context(), `SELECT i.id FROM invoice AS i JOIN invoice_line AS l ON l.invoice_id = i.id GROUP BY i.id HAVING sum(l.unit_price * l.quantity) <> i.total`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		wrong = append(wrong, id)
	}
	if rows.Err() != nil || len(wrong) > 0 {
		t.Errorf("invoices %v have a total that is not that of their lines (%v)", wrong, rows.Err())
	}
}
