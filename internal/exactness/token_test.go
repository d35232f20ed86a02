package exactness_test

import (
	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronopgx"
)

// token is the point of a snapshot token taken now.
func (l *lab) token() chrononaut.Point {
	l.Helper()
	token, err := chrononaut.TakeSnapshot(l.Context(), chronopgx.NewDriver(l.pool, nil))
	if err != nil {
		l.Fatal(describe(err))
	}
	p, err := chrononaut.ParsePoint(token)
	if err != nil {
		l.Fatal(err)
	}
	return p
}
