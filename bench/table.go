package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table is the figures of a section, as they are printed.
type table struct {
	title  string
	header []string
	rows   [][]string
}

// tabulate puts the figures into the tables of their sections. Columns in which
// nothing was measured are left out.
func tabulate(results []result) (tables []table) {
	for _, s := range sections {
		columns := []struct {
			heading string
			value   func(r result) string
		}{
			{"figure", func(r result) string { return "`" + r.Name + "`" }},
			{"unit", func(r result) string { return r.Unit }},
			{s.none, func(r result) string { return optional(r.None) }},
			{s.ours, func(r result) string { return number(r.Ours) }},
			{"least to most", func(r result) string {
				if r.most == 0 {
					return ""
				}
				return number(r.least) + " to " + number(r.most)
			}},
			{s.limit, func(r result) string { return optional(r.Limit) }},
			{s.ratio, func(r result) string {
				if r.Ratio == nil {
					return ""
				}
				return fmt.Sprintf("%.2f", *r.Ratio)
			}},
		}
		for _, p := range peers {
			columns = append(columns, struct {
				heading string
				value   func(r result) string
			}{s.peer + p.String(), func(r result) string {
				if v, ok := r.Peers[p.String()]; ok {
					return number(v)
				}
				return ""
			}})
		}
		t := table{title: s.title}
		for _, r := range results {
			if s.has(r.Name) {
				t.rows = append(t.rows, nil)
				for _, c := range columns {
					t.rows[len(t.rows)-1] = append(t.rows[len(t.rows)-1], c.value(r))
				}
			}
		}
		if len(t.rows) == 0 {
			continue
		}
		for _, c := range columns {
			t.header = append(t.header, c.heading)
		}
		tables = append(tables, t.withoutEmpty())
	}
	if t, ok := standing(results); ok {
		tables = append(tables, t)
	}
	return tables
}

// withoutEmpty leaves out the columns in which nothing is.
func (t table) withoutEmpty() table {
	kept := table{title: t.title, rows: make([][]string, len(t.rows))}
	for column, heading := range t.header {
		if !slices.ContainsFunc(t.rows, func(row []string) bool { return row[column] != "" }) {
			continue
		}
		kept.header = append(kept.header, heading)
		for i, row := range t.rows {
			kept.rows[i] = append(kept.rows[i], row[column])
		}
	}
	return kept
}

func optional(f *float64) string {
	if f == nil {
		return ""
	}
	return number(*f)
}

// number shows three digits of small numbers, and no fractions of large ones.
func number(f float64) string {
	switch size := math.Abs(f); {
	case f == math.Trunc(f), size >= 100:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}

func printText(w io.Writer, tables []table) error {
	tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, t := range tables {
		fmt.Fprintf(tabs, "\n%s\n", t.title)
		for _, row := range slices.Concat([][]string{t.header}, t.rows) {
			fmt.Fprintln(tabs, strings.ReplaceAll(strings.Join(row, "\t"), "`", "")+"\t")
		}
	}
	return tabs.Flush()
}

// printMarkdown leaves out the title, and how steady the figures are.
func printMarkdown(w io.Writer, t table) {
	steady := slices.Index(t.header, "least to most")
	line := func(cells []string) {
		if steady >= 0 {
			cells = slices.Delete(slices.Clone(cells), steady, steady+1)
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
	line(t.header)
	line(slices.Repeat([]string{"---"}, len(t.header)))
	for _, row := range t.rows {
		line(row)
	}
}
