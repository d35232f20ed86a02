// Package exactness looks for instants at which the time machine is wrong.
//
// Its tests have many clients write at once, in every way that PostgreSQL has,
// and then ask for thousands of states of the past. What they get is compared
// with what must hold in any state (sums, foreign keys), with history as Go
// reads it, and with dumps that readers took while the clients were writing.
//
// There is nothing to import.
package exactness
