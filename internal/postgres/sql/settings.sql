{{- /*
The settings under which values are written and read. With them the text of a
value is the same in every session.
*/ -}}
{{- define "settings" -}}
SET search_path = pg_catalog, pg_temp
    SET TimeZone = 'UTC'
    SET DateStyle = 'ISO, YMD'
    SET IntervalStyle = 'postgres'
    SET extra_float_digits = 1
    SET bytea_output = 'hex'
    SET lc_monetary = 'C'
{{- end -}}
{{- /* The same, and what matters where values are read and SQL is put together. */ -}}
{{- define "all_settings" -}}
{{template "settings"}}
    SET xmloption = 'content'
    SET standard_conforming_strings = on
{{- end -}}
