package chronosql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chrononaut-go/chrononaut"
	sqlitesql "github.com/chrononaut-go/chrononaut/internal/sqlite"
)

func (s *sqlite) beginPast(ctx context.Context, _ driver.TxOptions, point, _ string, _ bool) (driver.Tx, error) {
	if err := s.depart(ctx, point); err != nil {
		return nil, pastError(err)
	}
	if err := s.make(ctx, s.journey.all()); err != nil {
		return nil, pastError(err)
	}
	return journeyTx{ctx, s}, nil
}

// journeyTx ends a transaction that reads the past. It has written nothing.
type journeyTx struct {
	ctx    context.Context
	engine *sqlite
}

func (t journeyTx) Commit() error { return t.engine.arrive(t.ctx) }

func (t journeyTx) Rollback() error { return t.engine.arrive(t.ctx) }

func (s *sqlite) execPast(ctx context.Context, point string, c call) (driver.Result, error) {
	rows, err := s.queryPast(ctx, point, c)
	if err != nil {
		return nil, err
	}
	// A statement that returns rows can fail at any of them.
	dest := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		err = rows.Next(dest)
	}
	if isEOF(err) {
		err = nil
	}
	return driver.RowsAffected(0), pastError(errors.Join(err, rows.Close()))
}

func (s *sqlite) queryPast(ctx context.Context, point string, c call) (driver.Rows, error) {
	apart := !s.conn.inTransaction()
	if reason := refusedText(c.query, apart); reason != "" {
		return nil, fmt.Errorf("%w: the statement was not sent: %s", chrononaut.ErrPast, reason)
	}
	if apart {
		if err := s.depart(ctx, point); err != nil {
			return nil, pastError(err)
		}
	}
	end := func(err error) error {
		if apart {
			err = errors.Join(err, s.arrive(ctx))
		}
		return pastError(err)
	}
	j := s.journey
	if j == nil {
		return nil, fmt.Errorf("%w: the transaction has ended", chrononaut.ErrPast)
	}
	query, err := s.prepare(ctx, c.query)
	if err != nil {
		return nil, end(err)
	}
	// A statement that was prepared before may name the present.
	rows, err := s.conn.queryBase(ctx, query, c.args)
	if err != nil {
		j.suspect = true
		return nil, end(err)
	}
	return ending(rows, func(err error) error {
		j.suspect = j.suspect || err != nil
		return end(err)
	}), nil
}

// reading reports whether a query of the past is running that is not part of a
// transaction.
func (s *sqlite) reading() bool { return s.journey != nil && !s.conn.standing.open }

// prepare makes what a query reads, and returns the text to send.
func (s *sqlite) prepare(ctx context.Context, query string) (string, error) {
	j := s.journey
	query, missing, err := j.prepare(query)
	if err != nil {
		return "", err
	}
	if j.suspect {
		if _, err := texts(context.WithoutCancel(ctx), connQueryer{s.conn}, "SELECT name FROM temp."+beacon); err != nil {
			return "", s.lost(ctx, err)
		}
		j.suspect = false
	}
	return query, s.make(ctx, missing)
}

// make runs statements that create views.
func (s *sqlite) make(ctx context.Context, statements []string) error {
	if len(statements) == 0 {
		return nil
	}
	statements = slices.Concat([]string{"PRAGMA query_only = OFF"}, statements, []string{"PRAGMA query_only = ON"})
	// An interruption would roll back the transaction, and with it what hides the
	// present.
	if _, err := s.run(context.WithoutCancel(ctx), strings.Join(statements, ";\n")); err != nil {
		return s.lost(ctx, err)
	}
	return nil
}

// lost ends a transaction in which the present is not hidden any more.
func (s *sqlite) lost(ctx context.Context, err error) error {
	return errors.Join(fmt.Errorf("%w: the transaction has ended", chrononaut.ErrPast), err, s.rollback(ctx))
}

// depart begins a transaction that reads at a point.
func (s *sqlite) depart(ctx context.Context, encoded string) error {
	point, err := sqlitesql.DecodePoint(encoded)
	if err != nil {
		return err
	}
	if err := s.readAt(ctx, point); err != nil {
		return errors.Join(err, s.rollback(ctx))
	}
	return nil
}

func (s *sqlite) readAt(ctx context.Context, point sqlitesql.Point) error {
	q := connQueryer{s.conn}
	place, err := s.place(ctx, q, point)
	if err != nil {
		return err
	}
	j := &journey{present: point.Untracked == "present", relations: map[string]*relation{}, open: map[string]bool{}, attached: map[string]bool{}, made: map[string]bool{}}
	if err := j.surroundings(ctx, q); err != nil {
		return err
	}
	relations, err := sqlitesql.ReadRelations(ctx, q, place.Cut, "", s.known)
	if err != nil {
		return err
	}
	if err := j.add(ctx, q, relations); err != nil {
		return err
	}
	s.journey = j
	var statements []string
	if j.readOnly {
		statements = append(statements, "PRAGMA query_only = OFF")
	}
	statements = append(statements, "CREATE TEMP VIEW "+beacon+" AS SELECT '' AS name", "PRAGMA query_only = ON")
	_, err = s.run(ctx, strings.Join(statements, ";\n"))
	return err
}

// place begins the transaction and finds the point in it.
func (s *sqlite) place(ctx context.Context, q connQueryer, point sqlitesql.Point) (place sqlitesql.Place, err error) {
	find := func() error {
		if _, err := s.run(ctx, "BEGIN"); err != nil {
			return err
		}
		place, err = point.Place(ctx, q)
		return err
	}
	if err := find(); err != nil || place.Settled || point.Unsettled {
		return place, err
	}
	// Nothing was recorded after the point yet.
	if err := s.rollback(ctx); err != nil {
		return place, err
	}
	if err := point.Settle(ctx, q); err != nil {
		return place, err
	}
	return place, find()
}

// arrive ends the transaction: back to the present. The views are dropped rather
// than rolled back where that is possible: after a ROLLBACK SQLite reads the whole
// schema again.
func (s *sqlite) arrive(ctx context.Context) error {
	if j := s.journey; j != nil {
		if _, err := s.run(context.WithoutCancel(ctx), j.home()); err == nil {
			s.journey = nil
			return nil
		}
	}
	return pastError(s.rollback(ctx))
}

// rollback ends a transaction in the past whatever state it is in. A connection on
// which that is not possible is not used again.
func (s *sqlite) rollback(ctx context.Context) error {
	j := s.journey
	s.journey = nil
	ctx = context.WithoutCancel(ctx)
	_, err := s.run(ctx, "ROLLBACK")
	if err != nil && !strings.Contains(err.Error(), "no transaction is active") {
		// A query that was interrupted may have taken this one with it.
		if _, err = s.run(ctx, "ROLLBACK"); err != nil && !strings.Contains(err.Error(), "no transaction is active") {
			s.conn.broken = true
			return err
		}
	}
	if j == nil {
		return nil
	}
	if _, err := s.run(ctx, j.writable()); err != nil {
		s.conn.broken = true
		return err
	}
	return nil
}

// pastError gives an error of a query of the past its type.
func pastError(err error) error {
	if err == nil {
		return nil
	}
	message := err.Error()
	switch {
	case strings.Contains(message, "no such table: main.chrononaut_"):
		return fmt.Errorf("%w: %w", chrononaut.ErrNotInstalled, err)
	case strings.Contains(message, "attempt to write a readonly database"):
		return fmt.Errorf("%w: %w", chrononaut.ErrPast, err)
	}
	return chrononaut.WrapError(err)
}
