package postgres

import "strings"

// LeaseArgs are what the statements about leases are made of.
type LeaseArgs struct {
	// Where are conditions on the alias l.
	Where []string
	Limit int
}

// LeaseSQL renders a statement about leases: a file in sql/lease.
func LeaseSQL(schema, name string, args LeaseArgs) (string, error) {
	sql, err := render("lease/"+name+".sql", schema, args)
	return strings.TrimSpace(sql), err
}
