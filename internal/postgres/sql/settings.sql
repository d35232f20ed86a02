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
{{- /* What a type's input function raises when it cannot read a value. */ -}}
{{- define "misfit" -}}
data_exception OR integrity_constraint_violation OR syntax_error OR datatype_mismatch OR cannot_coerce
         OR undefined_object OR undefined_table OR undefined_function OR undefined_column OR ambiguous_function
         OR invalid_schema_name OR feature_not_supported OR program_limit_exceeded
{{- end -}}
