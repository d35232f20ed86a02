-- The key in the form that history has.
SELECT {{schema}}.normalize_key({{literal .Schema}}, {{literal .Name}}, $1::jsonb)::text
