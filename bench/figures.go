package main

import (
	"regexp"
	"strings"
)

// size says how much is measured.
type size struct {
	rows    int // rows of each table, and of each bulk statement
	singles int // statements of one round of single-row updates, for each way
	rounds  int
}

var (
	small = size{rows: 20_000, singles: 1_000, rounds: 3}
	full  = size{rows: 100_000, singles: 5_000, rounds: 9}
)

// way is a way of keeping history. They take turns.
type way int

const (
	none way = iota
	limit
	ours
	ways
)

// figure is one kind of change, with its statement for each way.
type figure struct {
	name string
	// single says that the statement changes the one row whose id is $1. Others
	// change the $2 rows from id $1 on.
	single bool
	// extra says that the rows are not those that the tables hold between the
	// measurements: they are inserted by one figure and deleted by the next.
	extra      bool
	statements [ways]string
}

// fill is how the tables get their rows.
var fill = newFigure("insert_bulk", `INSERT INTO TABLE SELECT * FROM account_rows($1, $2)`)

func allFigures() []figure {
	one := newFigure("update_one", `UPDATE TABLE SET balance = balance + 1 WHERE id = $1`)
	one.single = true
	bulk := newFigure("update_bulk", `UPDATE TABLE SET balance = balance + 1 WHERE id >= $1 AND id < $1 + $2`)
	inserted := fill
	inserted.extra = true
	deleted := newFigure("delete_bulk", `DELETE FROM TABLE WHERE id >= $1 AND id < $1 + $2`)
	deleted.extra = true
	return []figure{one, bulk, inserted, deleted}
}

// chooseFigures returns those whose name matches, and those that they need.
func chooseFigures(pattern *regexp.Regexp) []figure {
	all := allFigures()
	needExtra := false
	for _, f := range all {
		needExtra = needExtra || f.extra && pattern.MatchString(f.name)
	}
	var chosen []figure
	for _, f := range all {
		if pattern.MatchString(f.name) || f.extra && needExtra {
			chosen = append(chosen, f)
		}
	}
	return chosen
}

// attribution is what the measured changes carry: the session of ours has it as
// its context, the hand-written statements write it.
const attribution = `{"user_info": {"user_id": "ann@example.com", "remote_addr": null}, "extra_info": {"rationale": "benchmark"}}`

// writeHistory is the second half of the hand-written statements.
const writeHistory = `
	INSERT INTO history_limit (table_name, version, key, data, user_info, extra_info, operation, table_schema)
	SELECT 'account_limit', c.version, jsonb_build_object('id', c.id), to_jsonb(c),
	       '{"user_id": "ann@example.com", "remote_addr": null}', '{"rationale": "benchmark"}', 'OPERATION', 'public'
	  FROM changed AS c`

// newFigure writes a statement about TABLE for each way.
func newFigure(name, statement string) figure {
	operation, _, _ := strings.Cut(name, "_")
	byHand := strings.ReplaceAll(statement, "TABLE", "account_limit")
	switch operation {
	case "update":
		byHand = strings.Replace(byHand, "SET ", "SET version = version + 1, ", 1)
	case "insert":
		byHand = strings.Replace(byHand, "SELECT *", "SELECT *, 0", 1)
	}
	byHand = "WITH changed AS (" + byHand + " RETURNING *)" + strings.Replace(writeHistory, "OPERATION", operation, 1)
	if operation == "delete" {
		byHand = strings.Replace(byHand, "c.version,", "c.version + 1,", 1)
	}
	return figure{name: name, statements: [ways]string{
		none:  strings.ReplaceAll(statement, "TABLE", "account_none"),
		limit: byHand,
		ours:  strings.ReplaceAll(statement, "TABLE", "account_ours"),
	}}
}
