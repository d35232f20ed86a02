package chronoimport

import (
	"context"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/postgres"
)

// each runs the query of a source and yields the changes that read makes of
// its rows.
func each(ctx context.Context, db chronodriver.Queryer, target *Target, name string, args postgres.ImportArgs,
	read func(scan func(...any) error) ([]Change, error), yield func(Change, error) bool, values ...any,
) {
	stopped := false
	err := query(ctx, db, target, name, args, func(scan func(...any) error) (bool, error) {
		changes, err := read(scan)
		for _, c := range changes {
			if stopped = !yield(c, nil); stopped {
				return false, nil
			}
		}
		if err != nil {
			// What is not one bad change ends the reading.
			stopped = !yield(Change{}, err) || !isBad(err)
		}
		return !stopped, nil
	}, values...)
	if err != nil && !stopped {
		yield(Change{}, err)
	}
}

func isBad(err error) bool {
	_, bad := err.(*BadChangeError) //nolint:errorlint // it comes as it is
	return bad
}
