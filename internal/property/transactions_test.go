package property_test

import (
	"fmt"

	"pgregory.net/rapid"
)

func (r *run) begin(rt *rapid.T) {
	if r.tx != nil {
		rt.Skip("a transaction is open")
	}
	r.drawWho(rt)
	rt.Logf("BEGIN -- %+v", r.w.by)
	tx, err := r.at.Begin(r.context())
	if err != nil {
		rt.Fatalf("%v", err)
	}
	r.tx, r.saved = tx, []*world{r.w.clone()}
}

func (r *run) commit(rt *rapid.T) {
	r.inTransaction(rt)
	rt.Log("COMMIT")
	if err := r.tx.Commit(r.Context()); err != nil {
		rt.Fatalf("%v", err)
	}
	r.tx, r.saved = nil, nil
}

func (r *run) rollback(rt *rapid.T) {
	r.inTransaction(rt)
	rt.Log("ROLLBACK")
	if err := r.tx.Rollback(r.Context()); err != nil {
		rt.Fatalf("%v", err)
	}
	r.w, r.tx, r.saved = r.saved[0], nil, nil
}

func (r *run) savepoint(rt *rapid.T) {
	r.inTransaction(rt)
	r.exec(rt, fmt.Sprint("SAVEPOINT s", len(r.saved)))
	r.saved = append(r.saved, r.w.clone())
}

func (r *run) rollbackTo(rt *rapid.T) {
	r.inTransaction(rt)
	if len(r.saved) < 2 {
		rt.Skip("no savepoint")
	}
	i := rapid.IntRange(1, len(r.saved)-1).Draw(rt, "savepoint")
	r.w, r.saved = r.saved[i].clone(), r.saved[:i+1]
	r.exec(rt, fmt.Sprint("ROLLBACK TO s", i))
}

func (r *run) release(rt *rapid.T) {
	r.inTransaction(rt)
	if len(r.saved) < 2 {
		rt.Skip("no savepoint")
	}
	i := rapid.IntRange(1, len(r.saved)-1).Draw(rt, "savepoint")
	r.saved = r.saved[:i]
	r.exec(rt, fmt.Sprint("RELEASE s", i))
}

func (r *run) inTransaction(rt *rapid.T) {
	if r.tx == nil {
		rt.Skip("no transaction is open")
	}
}
