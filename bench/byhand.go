package main

import "strings"

// attribution is what the measured changes carry: the session of ours has it as
// its context, the hand-written statements write it.
const attribution = `{"user_info": {"user_id": "ann@example.com", "remote_addr": null}, "extra_info": {"rationale": "benchmark"}}`

// byHand is what a hand-written statement writes about rows that it has changed; c
// is the changed row.
type byHand struct {
	schema, table string
	key           []string // columns
	operation     string
	omitted       string // columns that are left out of the image, as an array
	extra         string // what is added to extra_info
}

// columns says how the columns of history are filled. The others have defaults.
// Verifying compares the columns that are filled with those that ours fills.
func (h byHand) columns() (names, values []string) {
	key := make([]string, 0, 2*len(h.key))
	for _, column := range h.key {
		key = append(key, `'`+column+`'`, `c.`+column)
	}
	version, image := `c.version`, `to_jsonb(c)`
	if h.omitted != "" {
		image += ` - '` + h.omitted + `'::text[]`
	}
	if h.operation == "delete" {
		version = `c.version + 1`
		image = `jsonb_set(` + image + `, '{version}', to_jsonb(c.version + 1))`
	}
	for _, c := range []struct{ name, value string }{
		{"table_name", `'` + h.table + `'`},
		{"version", version},
		{"key", `jsonb_build_object(` + strings.Join(key, ", ") + `)`},
		{"data", image},
		{"user_info", `'{"user_id": "ann@example.com", "remote_addr": null}'`},
		{"extra_info", `'{"rationale": "benchmark"` + h.extra + `}'`},
		{"operation", `'` + h.operation + `'`},
		{"table_schema", `'` + h.schema + `'`},
	} {
		names, values = append(names, c.name), append(values, c.value)
	}
	return names, values
}

// insert is the second half of a hand-written statement, after WITH changed AS (…).
func (h byHand) insert() string {
	names, values := h.columns()
	return ` INSERT INTO history_limit (` + strings.Join(names, ", ") + `) SELECT ` + strings.Join(values, ", ") + ` FROM changed AS c`
}
