package exactness_test

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/chrononaut-go/chrononaut"
)

// state is what a bank's tables are at a point.
type state struct {
	Balances, Amounts string
	Unresolved, Wrong int
	Accounts, Entries string // row by row
}

// stateSQL reads a state; each table once, because there are many to read.
const stateSQL = `WITH a AS MATERIALIZED (SELECT * FROM accounts), e AS MATERIALIZED (SELECT * FROM entries)
SELECT
	(SELECT coalesce(sum(balance), 0) FROM a)::text,
	(SELECT coalesce(sum(amount), 0) FROM e)::text,
	(SELECT count(*) FROM e LEFT JOIN a ON a.id = e.account WHERE a.id IS NULL)::int,
	(SELECT count(*) FROM (SELECT FROM a LEFT JOIN e ON e.account = a.id GROUP BY a.id, a.balance HAVING a.balance <> coalesce(sum(e.amount), 0)) AS w)::int,
	(SELECT coalesce(string_agg(concat_ws('|', id, owner, balance, version), ' ' ORDER BY id), '') FROM a),
	(SELECT coalesce(string_agg(concat_ws('|', id, account, amount, note, version), ' ' ORDER BY id), '') FROM e)`

// joinedSQL reads the same through joins of the tables themselves.
const joinedSQL = `SELECT
	(SELECT coalesce(sum(balance), 0) FROM accounts)::text,
	(SELECT coalesce(sum(e.amount), 0) FROM accounts AS a JOIN entries AS e ON e.account = a.id)::text,
	(SELECT count(*) FROM entries AS e LEFT JOIN accounts AS a ON a.id = e.account WHERE a.id IS NULL)::int,
	(SELECT count(*) FROM (SELECT FROM accounts AS a LEFT JOIN entries AS e ON e.account = a.id
	                        GROUP BY a.id, a.balance HAVING a.balance <> coalesce(sum(e.amount), 0)) AS w)::int,
	(SELECT coalesce(string_agg(concat_ws('|', id, owner, balance, version), ' ' ORDER BY id), '') FROM accounts),
	(SELECT coalesce(string_agg(concat_ws('|', e.id, a.id, e.amount, e.note, e.version), ' ' ORDER BY e.id), '') FROM accounts AS a JOIN entries AS e ON e.account = a.id)`

type queryRower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func readState(ctx context.Context, q queryRower, sql string) (s state, err error) {
	err = q.QueryRow(ctx, sql).Scan(&s.Balances, &s.Amounts, &s.Unresolved, &s.Wrong, &s.Accounts, &s.Entries)
	return s, err
}

func (b *bank) read(p chrononaut.Point) (s state, err error) { return b.readBy(p, stateSQL) }

func (b *bank) readBy(p chrononaut.Point, sql string) (s state, err error) {
	err = b.past(p, func(ctx context.Context, tx pgx.Tx) error {
		s, err = readState(ctx, tx, sql+" /* past */")
		return err
	})
	return s, err
}

// broken says what does not hold in a state.
func (s state) broken() string {
	total := fmt.Sprintf("%d.00", firstAccounts*opening)
	switch {
	case s.Balances != total:
		return fmt.Sprintf("the balances are %s, want %s", s.Balances, total)
	case s.Amounts != total:
		return fmt.Sprintf("the entries are %s, want %s", s.Amounts, total)
	case s.Unresolved != 0:
		return fmt.Sprintf("%d entries have no account", s.Unresolved)
	case s.Wrong != 0:
		return fmt.Sprintf("%d balances are not the sum of their entries", s.Wrong)
	}
	return ""
}

// digest is short, and the same for the same state.
func (s state) digest() [sha256.Size]byte { return sha256.Sum256(fmt.Appendf(nil, "%+v", s)) }
