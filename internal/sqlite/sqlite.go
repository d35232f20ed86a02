// Package sqlite generates the SQL that Chrononaut runs on SQLite: the history
// schema and the triggers of a tracked table. All of it comes from the embedded
// .sql files, and every name and value in it passes through one quoting path.
package sqlite

import "embed"

//go:embed sql
var files embed.FS
