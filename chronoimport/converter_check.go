package chronoimport

import (
	"context"
	"fmt"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// ConvertReport is what a conversion would find.
type ConvertReport struct {
	Records     int64 // in the table or its old history
	HistoryRows int64 // of the old history
	Deleted     int64 // records without a live row
	Unchanged   int64 // records without old history

	// What looks wrong.
	Gaps         int64 // missing versions: the state after one is a baseline
	Duplicates   int64 // rows with a version that the record has already: one of them is converted
	NullVersions int64 // rows without a version: taken as 0
	NullTimes    int64 // rows without a time: taken from their neighbors
	Behind       int64 // live rows whose version is not above their history's: taken as the next one
	// Columns of the old history that the table does not have, or has with
	// another type.
	Columns []ConvertColumn
}

// Inspect says what a conversion would find, and what looks wrong. It writes
// nothing, and reads both tables once.
func (c *Converter) Inspect(ctx context.Context) (*ConvertReport, error) {
	if err := c.prepare(ctx); err != nil {
		return nil, c.wrap(err)
	}
	sql, err := postgres.Convert(c.opts.Schema, "inspect", c.args)
	if err != nil {
		return nil, err
	}
	r := &ConvertReport{Columns: c.columns}
	if _, err := queryRow(ctx, c.driver, []any{
		&r.Records, &r.HistoryRows, &r.Deleted, &r.Unchanged,
		&r.Gaps, &r.Duplicates, &r.NullVersions, &r.NullTimes, &r.Behind,
	}, sql); err != nil {
		return nil, c.wrap(fmt.Errorf("look at the old history: %w", err))
	}
	return r, nil
}

// ConvertVerification compares the old history with the new.
type ConvertVerification struct {
	States        int64 // in the old history
	Missing       int64 // of them, not in history
	Different     int64 // of them, other in history
	Misattributed int64 // changes that history gives to another user, reason or time
	Unrecorded    int64 // live rows that history does not know
	Undeleted     int64 // deleted records whose deletion history does not have
	// The sums of the hashes of all states, in the old history and in history.
	OldSum, NewSum string
}

// OK reports whether all of the old history is in history as it was.
func (v *ConvertVerification) OK() bool {
	return v.Missing == 0 && v.Different == 0 && v.Misattributed == 0 && v.Unrecorded == 0 && v.Undeleted == 0 && v.OldSum == v.NewSum
}

// Verify reads all of the old history and looks every row up in history: its
// state, column by column, and who made the change that it describes, when and
// why. It shares no SQL with the conversion. Rows that history has from
// elsewhere under the same version count by their state.
func (c *Converter) Verify(ctx context.Context) (*ConvertVerification, error) {
	if err := c.prepare(ctx); err != nil {
		return nil, c.wrap(err)
	}
	sql, err := postgres.Convert(c.opts.Schema, "verify", c.args)
	if err != nil {
		return nil, err
	}
	v := &ConvertVerification{}
	err = inTx(ctx, c.driver, c.opts.Schema, false, func(tx chronodriver.Tx) error {
		_, err := queryRow(ctx, tx, []any{
			&v.States, &v.Missing, &v.Different, &v.Misattributed, &v.Unrecorded, &v.Undeleted, &v.OldSum, &v.NewSum,
		}, sql)
		return withoutValues(err)
	})
	if err != nil {
		return nil, c.wrap(fmt.Errorf("verify: %w", err))
	}
	return v, nil
}
