// Package locking has the tests of all locks together: many connections that mix
// them, and clients that are killed while they hold some.
package locking
