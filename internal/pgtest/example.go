package pgtest

import (
	"context"
	"fmt"
	"testing"
)

// Example is [NewFrom] for the examples of the documentation, which have no
// test to belong to. Done drops the database. It panics where a test would
// fail.
func Example(key string, prepare func(ctx context.Context, url string) error) (url string, done func()) {
	t := &exampleTB{}
	d := NewFrom(t, key, prepare)
	return d.URL(), t.end
}

// exampleTB has the methods of testing.TB that this package calls.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (*exampleTB) Helper() {}

func (*exampleTB) Context() context.Context { return context.Background() }

func (t *exampleTB) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (*exampleTB) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (*exampleTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *exampleTB) end() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}
