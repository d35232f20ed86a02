// Package property holds the tests that try to break capture: random schemas
// and random statements, compared with a model of what history must hold, and
// many connections at once, compared with what each of them saw.
//
// The model in these tests knows nothing of the triggers. It predicts every
// change that a statement must leave: key, version, operation, actor, previous
// key, data. Runs are deterministic by -rapid.seed; a failure is shrunk to a
// short script and prints how to run it again.
package property
