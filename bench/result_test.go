package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAddedIsTheMedianOfDifferences(t *testing.T) {
	t.Parallel()
	samples := times{
		none:    {1, 10, 2},
		limit:   {3, 14, 5}, // adds 2, 4 and 3
		ours:    {7, 14, 8}, // adds 6, 4 and 6
		periods: {1, 11, 3}, // adds 0, 1 and 1
	}
	r, err := samples.added("f", "µs/row")
	if err != nil {
		t.Fatal(err)
	}
	if *r.None != 2 || *r.Limit != 3 || r.Ours != 6 || *r.Ratio != 2 || r.Peers["periods"] != 1 || r.least != 4 || r.most != 6 {
		t.Errorf("added() = %+v", r)
	}
	if r := samples.whole("f", "µs"); *r.Limit != 5 || r.Ours != 8 || *r.Ratio != 1.6 {
		t.Errorf("whole() = %+v", r)
	}
}

func TestWhatAddsNothingCannotBeMeasured(t *testing.T) {
	t.Parallel()
	for _, samples := range []times{
		{none: {2}, limit: {2}, ours: {3}},
		{none: {2}, limit: {3}, ours: {1}},
	} {
		if r, err := samples.added("f", "µs/row"); err == nil {
			t.Errorf("added() = %+v, want an error", r)
		}
	}
}

func TestResultsAreLinesOfJSON(t *testing.T) {
	t.Parallel()
	limit, none, ratio := 2.5, 1.0, 1.2
	file := filepath.Join(t.TempDir(), "figures.json")
	err := writeResults(file, []result{
		{Name: "f", Unit: "µs/row", Ours: 3, Limit: &limit, None: &none, Ratio: &ratio, Peers: map[string]float64{"table_log": 5, "periods": 4}, Server: "s", least: 1},
		{Name: "g", Unit: "bytes", Peers: map[string]float64{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"f","unit":"µs/row","ours":3,"limit":2.5,"none":1,"peers":{"periods":4,"table_log":5},"ratio_to_limit":1.2,"server":"s"}
{"name":"g","unit":"bytes","ours":0,"limit":null,"none":null,"peers":{},"ratio_to_limit":null,"server":""}
`
	if string(got) != want {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
	results, err := readResults(file)
	if err != nil || len(results) != 2 || *results[0].Limit != limit || results[1].Limit != nil {
		t.Errorf("readResults() = %+v, %v", results, err)
	}
}
