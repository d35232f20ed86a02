package main

import "strings"

// asofFigure is a query of the past. Its only parameter is a key. It is asked in
// these ways: none is the same query on the table as it is now, limit is DISTINCT ON
// over the history table, ours is the same query as now, traveling.
type asofFigure struct {
	name string
	// keys is how many records from the key on the query reads; 0 is all.
	keys    int
	queries map[way]string
}

// repeat is how often the query runs in a block.
func (f asofFigure) repeat() int {
	switch {
	case f.keys == 1:
		return 50
	case f.keys > 1:
		return 5
	}
	return 1
}

// The state of accounts and purchases as somebody writes it who knows the
// indexes of history: KEYS are the keys, TIME is the time.
const (
	someByHand = `(SELECT (jsonb_populate_record(NULL::past_RECORD, d.data)).*
	   FROM (SELECT DISTINCT ON (a.key) a.operation, a.data
	           FROM (SELECT jsonb_build_object('id', i) AS key FROM KEYS AS i) AS k
	           JOIN chrononaut.chrononaut_activity AS a
	             ON jsonb_hash_extended(a.key, hashtextextended(coalesce(a.table_schema, '') || '.' || a.table_name, 0))
	                = jsonb_hash_extended(k.key, hashtextextended('public.past_RECORD', 0))
	            AND a.key = k.key
	          WHERE a.table_schema || '' = 'public' AND a.table_name || '' = 'past_RECORD' AND a.changed <= TIME
	          ORDER BY a.key, a.version DESC) AS d
	  WHERE d.operation NOT IN ('delete', 'truncate'))`
	allByHand = `(SELECT d.data
	   FROM (SELECT DISTINCT ON (a.key) a.operation, a.data
	           FROM chrononaut.chrononaut_activity AS a
	          WHERE a.table_schema = 'public' AND a.table_name = 'past_RECORD' AND a.key <> '{}' AND a.changed <= TIME
	          ORDER BY a.key, a.version DESC) AS d
	  WHERE d.operation NOT IN ('delete', 'truncate'))`
	thousand = `generate_series($1::bigint, $1::bigint + 999)`
)

func someAccounts(keys string) string {
	return strings.NewReplacer("RECORD", "account", "KEYS", keys).Replace(someByHand)
}

func somePurchases(keys string) string {
	return strings.NewReplacer("RECORD", "purchase", "KEYS", keys).Replace(someByHand)
}

func all(record string) string { return strings.ReplaceAll(allByHand, "RECORD", record) }

func allAsofFigures() []asofFigure {
	point := newAsofFigure("asof_point", 1,
		`SELECT a.* FROM ACCOUNT AS a WHERE a.id = $1::bigint`,
		`SELECT a.* FROM `+someAccounts(`(VALUES ($1::bigint))`)+` AS a`)
	point.queries[limit] = strings.Replace(point.queries[limit], "AS i)", "AS v (i))", 1)
	return []asofFigure{
		point,
		newAsofFigure("asof_range", 1000,
			`SELECT a.* FROM ACCOUNT AS a WHERE a.id BETWEEN $1::bigint AND $1::bigint + 999`,
			`SELECT a.* FROM `+someAccounts(thousand)+` AS a`),
		newAsofFigure("asof_join", 1000,
			`SELECT p.id, p.amount, a.name, a.balance
			   FROM PURCHASE AS p JOIN ACCOUNT AS a ON a.id = p.account_id
			  WHERE p.id BETWEEN $1::bigint AND $1::bigint + 999`,
			`SELECT p.id, p.amount, a.name, a.balance
			   FROM `+somePurchases(thousand)+` AS p
			   JOIN LATERAL `+strings.Replace(someAccounts(`(VALUES (p.account_id))`), "AS i)", "AS v (i))", 1)+` AS a ON true`),
		newAsofFigure("asof_join_foreign", 0,
			`SELECT a.id, count(*), sum(p.amount)
			   FROM ACCOUNT AS a JOIN PURCHASE AS p ON p.account_id = a.id
			  WHERE a.id BETWEEN $1::bigint AND $1::bigint + 999 GROUP BY a.id`,
			`SELECT a.id, count(*), sum((p.data ->> 'amount')::numeric)
			   FROM `+someAccounts(thousand)+` AS a
			   JOIN `+all("purchase")+` AS p ON (p.data ->> 'account_id')::bigint = a.id GROUP BY a.id`),
		newAsofFigure("asof_aggregate", 0,
			`SELECT a.active, count(*), sum(a.balance), max(a.visits) FROM ACCOUNT AS a WHERE $1::bigint IS NOT NULL GROUP BY a.active`,
			`SELECT a.data -> 'active' AS active, count(*), sum((a.data ->> 'balance')::numeric), max((a.data ->> 'visits')::integer)
			   FROM `+all("account")+` AS a WHERE $1::bigint IS NOT NULL GROUP BY a.data -> 'active'`),
	}
}

// newAsofFigure writes a query about ACCOUNT and PURCHASE for each way but the
// one by hand, which is given.
func newAsofFigure(name string, keys int, query, hand string) asofFigure {
	of := func(account, purchase string) string {
		return strings.NewReplacer("ACCOUNT", account, "PURCHASE", purchase).Replace(query)
	}
	return asofFigure{name: name, keys: keys, queries: map[way]string{
		none:    of("past_account", "past_purchase"),
		limit:   hand,
		periods: of("periods_account__as_of(TIME)", "periods_purchase__as_of(TIME)"),
		ours:    of("past_account", "past_purchase") + " /* past */",
	}}
}

// growth is the point read of a record among others: in past_long they have ten
// times the versions that they have in past_short.
var growth = struct{ name, short, long string }{
	"asof_point_growth",
	`SELECT a.* FROM past_short AS a WHERE a.id = $1::bigint /* past */`,
	`SELECT a.* FROM past_long AS a WHERE a.id = $1::bigint /* past */`,
}

const asofTravel = "asof_travel"

func asofNames() []string {
	names := []string{asofTravel, growth.name}
	for _, f := range allAsofFigures() {
		names = append(names, f.name)
	}
	return names
}
