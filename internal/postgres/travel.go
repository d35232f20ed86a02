package postgres

// Travel is SQL that makes the rest of the transaction read the past at a point,
// as [chrononaut.EncodeAsOf] has it.
func Travel(schema, point string) string {
	return "SELECT " + QuoteIdent(schema) + ".travel(" + QuoteLiteral(point) + "::jsonb)"
}

// TravelParameter is the same with a parameter.
func TravelParameter(schema string) string {
	return "SELECT " + QuoteIdent(schema) + ".travel($1::text::jsonb)"
}

// TravelEnd is SQL that raises an error when the transaction has read the
// present.
func TravelEnd(schema string) string { return "SELECT " + QuoteIdent(schema) + ".travel_end()" }

// PastRelations is SQL for the relations that have a past, and for those that
// are refused there, as one JSON array of [PastRelation].
func PastRelations(schema string) string {
	h := QuoteIdent(schema)
	return `SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('schema', r.table_schema, 'name', r.relation,
       'past', r.past_schema, 'refused', r.past_schema = s.untracked_schema)), '[]')::text
  FROM ` + h + `.past_relations() AS r
  JOIN ` + h + `.past_schemas() AS s ON s.table_schema = r.table_schema`
}

// PastRelation is a relation whose name is also that of a view.
type PastRelation struct {
	Schema, Name string
	// Past is the schema of the view.
	Past string
	// Refused says that the view refuses to be read, because the relation is not
	// tracked.
	Refused bool
}
