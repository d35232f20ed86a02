package chrononaut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

var _ locker = (*postgresReader)(nil)

func (r *postgresReader) normalizeKeys(ctx context.Context, q chronodriver.Queryer, info *tableInfo, keys []Key) ([]string, error) {
	if len(keys) == 1 {
		one, err := r.normalizeKey(ctx, q, info, keys[0])
		return []string{one}, err
	}
	normal := make([]string, len(keys))
	plain := true
	for i, key := range keys {
		encoded, isPlain, err := r.encodeKey(info, key)
		if err != nil {
			return nil, err
		}
		normal[i], plain = encoded, plain && isPlain
	}
	if plain {
		return normal, nil
	}
	sql, err := postgres.LockSQL(r.schema, "keys", postgres.LockArgs{RestoreArgs: postgres.RestoreArgs{ReadArgs: r.args(info)}})
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql, "["+strings.Join(normal, ",")+"]")
	if err != nil {
		return nil, keyError(err)
	}
	normal = normal[:0]
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		normal = append(normal, text)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, keyError(err)
	}
	if len(normal) != len(keys) {
		return nil, errors.New("read the keys: some are missing")
	}
	return normal, nil
}

func (r *postgresReader) lockSQL(info *tableInfo, name string, o LockOpts, change func(*postgres.LockArgs)) (string, error) {
	args := postgres.LockArgs{Strength: "NO KEY UPDATE", SkipLocked: o.SkipLocked}
	switch {
	case o.Share:
		args.Strength = "SHARE"
	case o.Delete:
		args.Strength = "UPDATE"
	}
	if info != nil {
		args.ReadArgs, args.Table = r.args(info), info.postgres
	}
	if change != nil {
		change(&args)
	}
	return postgres.LockSQL(r.schema, name, args)
}

func (r *postgresReader) lockColumns(info *tableInfo) []string {
	names := make([]string, len(info.postgres.Columns))
	for i, c := range info.postgres.Columns {
		names[i] = c.Name
	}
	return names
}

func (r *postgresReader) lockRows(info *tableInfo, o LockOpts) (string, error) {
	return r.lockSQL(info, "rows", o, nil)
}

func (r *postgresReader) lockBegin(timeout time.Duration) (string, error) {
	return r.lockSQL(nil, "begin", LockOpts{}, func(a *postgres.LockArgs) {
		// The server has milliseconds, and not more than 31 bits of them.
		a.Milliseconds = min(int64((timeout+time.Millisecond-1)/time.Millisecond), 1<<31-1)
	})
}

func (r *postgresReader) lockEnd() (string, error) { return r.lockSQL(nil, "end", LockOpts{}, nil) }

func (r *postgresReader) lockUndo(ask bool) (string, error) {
	return r.lockSQL(nil, "undo", LockOpts{}, func(a *postgres.LockArgs) { a.Ask = ask })
}

func (r *postgresReader) lockStates(ctx context.Context, q chronodriver.Queryer, info *tableInfo, items string, o LockOpts) (map[int]lockState, error) {
	sql, err := r.lockSQL(info, "states", o, nil)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sql, items)
	if err != nil {
		return nil, err
	}
	states := map[int]lockState{}
	for rows.Next() {
		var n int64
		var s lockState
		var holders string
		err := rows.Scan(&n, &s.secured, &holders)
		if err == nil {
			s.holders, err = readHolders(holders)
		}
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		states[int(n)] = s
	}
	return states, errors.Join(rows.Err(), rows.Close())
}

func (r *postgresReader) lockTable(ctx context.Context, q chronodriver.Queryer, info *tableInfo, writers bool) ([]LockHolder, error) {
	sql, err := r.lockSQL(info, "table", LockOpts{}, func(a *postgres.LockArgs) {
		if writers {
			a.Strength = "WRITE"
		}
	})
	if err != nil {
		return nil, err
	}
	var holders string
	if found, err := queryOne(ctx, q, []any{&holders}, sql); err != nil || !found {
		return nil, err
	}
	return readHolders(holders)
}

func readHolders(document string) ([]LockHolder, error) {
	var found []struct {
		PID          int
		Application  string
		DatabaseUser string `json:"database_user"`
		Client       string
		Since        time.Time
		Possible     bool
		Prepared     string
	}
	if err := json.Unmarshal([]byte(document), &found); err != nil {
		return nil, fmt.Errorf("read who holds locks: %w", err)
	}
	var holders []LockHolder
	for _, h := range found {
		holders = append(holders, LockHolder{h.PID, h.Application, h.DatabaseUser, h.Client, h.Since.UTC(), h.Possible, h.Prepared})
	}
	return holders, nil
}

// lockTimedOut: 55P03 is for a lock, 57014 for a statement.
func (r *postgresReader) lockTimedOut(err error, late bool) bool {
	state := chronodriver.State(err)
	return state == "55P03" || late && state == "57014"
}
