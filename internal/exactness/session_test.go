package exactness_test

import (
	"time"

	"github.com/jackc/pgx/v5"
)

// session is a transaction under way.
type session struct {
	*lab
	tx  pgx.Tx
	pid int
}

func (l *lab) begin() *session {
	l.Helper()
	tx, err := l.pool.Begin(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = tx.Rollback(l.Context()) })
	return &session{l, tx, int(tx.Conn().PgConn().PID())}
}

func (s *session) exec(sql string, args ...any) {
	s.Helper()
	if _, err := s.tx.Exec(s.Context(), sql, args...); err != nil {
		s.Fatalf("%s\n%v", sql, describe(err))
	}
}

func (s *session) commit() {
	s.Helper()
	if err := s.tx.Commit(s.Context()); err != nil {
		s.Fatal(describe(err))
	}
}

// blocked waits until a session waits for a lock.
func (l *lab) blocked(pid int) {
	l.Helper()
	l.eventually("SELECT cardinality(pg_blocking_pids($1)) > 0", pid)
}

// eventually polls until a query says true.
func (l *lab) eventually(sql string, args ...any) {
	l.Helper()
	for deadline := time.Now().Add(time.Minute); !value[bool](l, sql, args...); {
		if time.Now().After(deadline) {
			l.Fatalf("still not true after a minute: %s", sql)
		}
	}
}
