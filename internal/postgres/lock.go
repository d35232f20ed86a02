package postgres

import "strings"

// LockArgs are what the statements of row locks are made of: the files in
// sql/lock.
type LockArgs struct {
	RestoreArgs

	// Strength is that of the lock, as SQL has it: "NO KEY UPDATE". Of a table also
	// "WRITE": see lock_holders.
	Strength   string
	SkipLocked bool
	// Milliseconds bound the statements in the savepoint; 0 does not.
	Milliseconds int64
	// Ask keeps the savepoint for another statement.
	Ask bool
}

// LockSQL renders a statement of row locks: a file in sql/lock.
func LockSQL(schema, name string, args LockArgs) (string, error) {
	sql, err := render("lock/"+name+".sql", schema, args)
	return strings.TrimSpace(sql), err
}
