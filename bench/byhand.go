package main

import "strings"

// attribution is what the measured changes carry: the session of ours has it as
// its context, the hand-written statements write it.
const attribution = `{"user_info": {"user_id": "ann@example.com", "remote_addr": null}, "extra_info": {"rationale": "benchmark"}}`

// byHand says how a hand-written statement fills the columns of history; c is the
// changed row. The others have defaults. Verifying compares the columns that are
// filled with those that ours fills.
var byHand = []struct{ column, value string }{
	{"table_name", `'TABLE'`},
	{"version", `VERSION`},
	{"key", `jsonb_build_object('id', c.id)`},
	{"data", `IMAGE`},
	{"user_info", `'{"user_id": "ann@example.com", "remote_addr": null}'`},
	{"extra_info", `'{"rationale": "benchmark"EXTRA}'`},
	{"operation", `'OPERATION'`},
	{"table_schema", `'public'`},
}

// writeHistory is the second half of the hand-written statements.
func writeHistory(s *shape, operation string) string {
	var columns, values []string
	for _, c := range byHand {
		columns, values = append(columns, c.column), append(values, c.value)
	}
	image := `to_jsonb(c)`
	if s.omitted != "" {
		image += ` - '` + s.omitted + `'::text[]`
	}
	version := `c.version`
	if operation == "delete" {
		version = `c.version + 1`
		image = `jsonb_set(` + image + `, '{version}', to_jsonb(c.version + 1))`
	}
	return strings.NewReplacer("VERSION", version, "IMAGE", image, "EXTRA", s.extra, "OPERATION", operation).
		Replace(` INSERT INTO history_limit (` + strings.Join(columns, ", ") + `) SELECT ` + strings.Join(values, ", ") + ` FROM changed AS c`)
}
