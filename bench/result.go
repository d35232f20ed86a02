package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// result is one figure, as -json writes it. What ours, limit and peers are depends
// on the section: in those of capture they are added to none, in others whole.
type result struct {
	Name  string             `json:"name"`
	Unit  string             `json:"unit"`
	Ours  float64            `json:"ours"`
	Limit *float64           `json:"limit"`
	None  *float64           `json:"none"`
	Peers map[string]float64 `json:"peers"`
	Ratio *float64           `json:"ratio_to_limit"`
	// Server is the version and the settings that matter.
	Server string `json:"server"`

	// The smallest and the largest Ours of a round, which say how steady it is.
	least, most float64
}

// times are the values of one figure, for each way in the order of the rounds.
type times map[way][]float64

// whole takes the medians.
func (t times) whole(name, unit string) result {
	return t.result(name, unit, func(w way, round int) float64 { return t[w][round] })
}

// added takes the medians of what each way adds to none in the same round. It is an
// error when ours or the limit add nothing that can be told from noise.
func (t times) added(name, unit string) (result, error) {
	r := t.result(name, unit, func(w way, round int) float64 {
		if w == none {
			return t[none][round]
		}
		return t[w][round] - t[none][round]
	})
	if r.Ours <= 0 || r.Limit != nil && *r.Limit <= 0 {
		return r, fmt.Errorf("%s: cannot be told from noise: ours added %g, the limit %g %s", name, r.Ours, *r.Limit, unit)
	}
	return r, nil
}

func (t times) result(name, unit string, value func(w way, round int) float64) result {
	r := result{Name: name, Unit: unit, Peers: map[string]float64{}}
	for w, rounds := range t {
		values := make([]float64, len(rounds))
		for round := range rounds {
			values[round] = value(w, round)
		}
		slices.Sort(values)
		median := rounded(values[len(values)/2])
		switch w {
		case none:
			r.None = &median
		case limit:
			r.Limit = &median
		case ours:
			r.Ours, r.least, r.most = median, values[0], values[len(values)-1]
		default:
			r.Peers[w.String()] = median
		}
	}
	r.setRatio()
	return r
}

// setRatio compares ours with the limit, if there is one.
func (r *result) setRatio() {
	if r.Limit == nil || *r.Limit == 0 {
		return
	}
	ratio := math.Round(100*r.Ours / *r.Limit) / 100
	r.Ratio = &ratio
}

// rounded drops what is finer than any measurement here.
func rounded(f float64) float64 { return math.Round(1000*f) / 1000 }

func writeResults(file string, results []result) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	encoder := json.NewEncoder(f)
	for _, r := range results {
		if err := encoder.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func readResults(file string) (results []result, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	decoder := json.NewDecoder(f)
	for {
		var r result
		err := decoder.Decode(&r)
		if errors.Is(err, io.EOF) {
			return results, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		results = append(results, r)
	}
}
