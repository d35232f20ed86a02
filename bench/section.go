package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// section is a group of figures that one database is made for.
type section struct {
	title   string
	figures []string
	// The headings of its table. That of the peers stands before their names.
	none, ours, limit, peer string
	ratio                   string
	measure                 func(ctx context.Context, b *bench) ([]result, error)
}

var sections = []section{
	{
		title: "Capture", figures: namesOf(captureFigures),
		none: "without", ours: "added by ours", limit: "by the limit", peer: "by ", ratio: "ours ÷ limit",
		measure: measureCapture,
	},
	{
		title: "Many clients", figures: []string{"concurrent_rows", "concurrent_hot"},
		none: "without", ours: "ours", limit: "the limit", ratio: "ours ÷ limit",
		measure: measureConcurrent,
	},
	{
		title: "Bytes", figures: []string{bytesUpdate, bytesTable, bytesIndexes, bytesWAL},
		none: "without", ours: "added by ours", limit: "by the limit", peer: "by ", ratio: "ours ÷ limit",
		measure: measureBytes,
	},
	{
		title: "Indexes of history", figures: []string{indexFigure},
		none: "without indexes", ours: "added by the index",
		measure: measureIndexes,
	},
	{
		title: "Round trips", figures: doorNames(),
		none: "the driver alone", ours: "added by ours",
		measure: measureRoundTrips,
	},
	{
		title: "SQLite", figures: []string{sqliteOne, sqliteBulk},
		none: "without", ours: "added by ours", limit: "by the limit", ratio: "ours ÷ limit",
		measure: measureSQLite,
	},
	{
		title: "Reads", figures: append(questions(), streamMemory),
		ours: "large history", limit: "100,000 versions", ratio: "large ÷ small",
		measure: measureReads,
	},
	{
		title: "As of a time", figures: asofNames(),
		none: "present", ours: "ours", limit: "by hand", ratio: "ours ÷ by hand",
		measure: measureAsof,
	},
}

func namesOf(figures []*figure) (names []string) {
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

func isInShort(name string) bool {
	return slices.ContainsFunc(captureFigures, func(f *figure) bool { return f.name == name && f.short })
}

func (s *section) wanted(b *bench) bool { return slices.ContainsFunc(s.figures, b.wants) }

// has reports whether a figure is one of the section's. Some have parts, whose names
// go on after that of the figure.
func (s *section) has(name string) bool {
	return slices.ContainsFunc(s.figures, func(figure string) bool {
		return name == figure || strings.HasPrefix(name, figure+"/")
	})
}

func (s *section) timed(ctx context.Context, b *bench) ([]result, error) {
	start := time.Now()
	results, err := s.measure(ctx, b)
	fmt.Printf("%s: %.0f s\n", s.title, time.Since(start).Seconds())
	return results, err
}
