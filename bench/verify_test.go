package main

import "testing"

func TestCompareChanges(t *testing.T) {
	t.Parallel()
	mine := map[string]any{"id": 7.0, "version": 1.0, "data": map[string]any{"a": 1.0}, "previous_key": nil}
	for name, tc := range map[string]struct {
		byHand map[string]any
		fails  bool
	}{
		"the same but for the id":      {map[string]any{"id": 8.0, "version": 1.0, "data": map[string]any{"a": 1.0}, "previous_key": nil}, false},
		"another value":                {map[string]any{"id": 8.0, "version": 1.0, "data": map[string]any{"a": 2.0}, "previous_key": nil}, true},
		"a column is not filled":       {map[string]any{"id": nil, "version": 1.0, "data": map[string]any{"a": 1.0}, "previous_key": nil}, true},
		"a column is filled for once":  {map[string]any{"id": 8.0, "version": 1.0, "data": map[string]any{"a": 1.0}, "previous_key": "x"}, true},
		"a column that is not in both": {map[string]any{"id": 8.0, "data": map[string]any{"a": 1.0}}, true},
	} {
		if err := compareChanges(mine, tc.byHand, "version", "data"); (err != nil) != tc.fails {
			t.Errorf("%s: compareChanges() = %v", name, err)
		}
	}
}
