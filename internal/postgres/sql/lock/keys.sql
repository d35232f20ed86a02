-- The keys of the array $1 in the form that history has.
SELECT {{schema}}.normalize_key({{literal .Schema}}, {{literal .Name}}, e.key)::text
  FROM pg_catalog.jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e (key, n)
 ORDER BY e.n
