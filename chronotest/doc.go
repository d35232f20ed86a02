// Package chronotest helps the tests of programs that use Chrononaut.
//
// [RequireReplay] is the strongest of them: it rebuilds a table from its
// history and compares the result with the table. Run it at the end of a test
// that writes in every way that the program has, and nothing can have slipped
// past history.
//
//	func TestOrders(t *testing.T) {
//		driver := chronopgx.NewDriver(pool, nil)
//		…
//		chronotest.AssertTracked(t, driver, nil)
//		chronotest.RequireReplay(t, driver, chrononaut.Table{Name: "orders"}, nil)
//	}
//
// The functions take any testing.TB, so they serve benchmarks and fuzz tests
// too; [Replay] alone needs none, and may watch over a live database.
package chronotest
