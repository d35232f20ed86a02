package main

import "fmt"

// theirs are the figures of others from a comparison on another machine, of a table
// that is like account: µs added to a row by a bulk statement and by an update of one
// row, and bytes that an update takes. They are not measured here. 0 is what is not
// recorded.
var theirs = []struct {
	name                      string
	insert, bulk, delete, one float64
	bytes                     string
	unrecorded                string
}{
	{"pghistory, statement triggers", 4, 7, 5, 33, "560", "changed primary keys, `TRUNCATE`"},
	{"pghistory, row triggers", 21, 23, 21, 30, "560", "`TRUNCATE`"},
	{"temporal_tables (C)", 0, 11, 10, 15, "540", "inserts, `TRUNCATE`, all but the first change of a transaction, who"},
	{"E-Maj", 11, 20, 11, 26, "1081", "why"},
	{"periods (C)", 0, 50, 39, 62, "478", "inserts, who; `TRUNCATE` empties its history"},
	{"table_log (C)", 31, 62, 32, 71, "1063", "`TRUNCATE`, why"},
	{"Logidze, in the row", 37, 56, 0, 72, "", "deletes, `TRUNCATE`"},
	{"supa_audit", 74, 89, 77, 102, "1729", "rows of `TRUNCATE`, why"},
	{"carbonite", 76, 97, 77, 116, "861", "`TRUNCATE`"},
	{"pgMemento", 44, 172, 91, 233, "351", ""},
}

// yardstick was measured there and here.
const yardstick = "table_log (C)"

// standing compares ours with the figures of others: both as parts of what table_log
// adds in the same measurement.
func standing(results []result) (t table, ok bool) {
	here := map[string]float64{}
	for _, r := range results {
		if log, found := r.Peers[tableLog.String()]; found && log > 0 {
			here[r.Name] = r.Ours / log
		}
	}
	columns := []string{"insert_bulk", "update_bulk", "delete_bulk", "update_one"}
	t = table{title: "Others", header: []string{"their figures", "insert", "ours ÷ theirs", "bulk update", "ours ÷ theirs", "delete", "ours ÷ theirs", "single update", "ours ÷ theirs", "bytes an update", "not recorded"}}
	var there []float64
	for _, p := range theirs {
		if p.name == yardstick {
			there = []float64{p.insert, p.bulk, p.delete, p.one}
		}
	}
	for _, p := range theirs {
		row := []string{p.name}
		for i, added := range []float64{p.insert, p.bulk, p.delete, p.one} {
			ours, measured := here[columns[i]]
			if !measured {
				return table{}, false
			}
			if added == 0 {
				row = append(row, "", "")
				continue
			}
			row = append(row, number(added), fmt.Sprintf("%.2f", ours/(added/there[i])))
		}
		t.rows = append(t.rows, append(row, p.bytes, p.unrecorded))
	}
	return t, true
}
