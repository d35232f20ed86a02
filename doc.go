// Package chrononaut gives the tables of an application a memory: who changed
// which record, when, why, from what to what.
//
// The database does the capturing. The command chrononaut, or the package
// chronomigrate, puts generated triggers on a table; from then on every
// committed change is recorded in the same transaction, whoever made it: an
// ORM, bulk SQL, COPY, a cascade, psql, another service.
//
// # Attribution
//
// Who and why travel in the context: [WithActor], [WithRemoteAddr],
// [WithRationale], [WithExtraInfo]. The adapters chronopgx, chronosql and
// chronogorm send them with BEGIN, without a round trip of their own. They end
// with the transaction; there is nothing to reset.
//
// # Reading
//
// A [History] reads the past of one table as typed records: versions, the
// state at a time, diffs. [Client.Activity] reads the log across tables.
package chrononaut
