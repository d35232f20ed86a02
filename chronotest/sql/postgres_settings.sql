-- The settings under which the triggers write values, for this transaction.
SELECT pg_catalog.set_config(s.name, s.value, true)
  FROM (VALUES ('TimeZone', 'UTC'), ('DateStyle', 'ISO, YMD'), ('IntervalStyle', 'postgres'),
               ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('lc_monetary', 'C'), ('xmloption', 'content')) AS s (name, value)
