{{- /*
The AFTER ROW triggers of one table. That of a partitioned table always fires. Another
table has two: one fires only where session_replication_role is replica, since the apply
worker of logical replication fires no statement triggers; the other only while the table
is a partition, since statements on its parent fire those of the parent. It sets no search_path, so what it calls is qualified.
*/ -}}
CREATE OR REPLACE FUNCTION {{.Function "capture"}}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
AS {{dollar}}
BEGIN
{{- if not .Partitioned}}
    -- ENABLE TRIGGER ALL, as a restored dump does it, has this trigger fire next to those
    -- of statements.
    IF TG_NAME OPERATOR(pg_catalog.=) '000_chrononaut_capture' AND pg_catalog.current_setting('session_replication_role') OPERATOR(pg_catalog.<>) 'replica'
       AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
                    WHERE t.tgrelid OPERATOR(pg_catalog.=) TG_RELID AND t.tgname OPERATOR(pg_catalog.=) ('000_chrononaut_capture_' OPERATOR(pg_catalog.||) pg_catalog.lower(TG_OP))::pg_catalog.name
                      AND t.tgenabled OPERATOR(pg_catalog.=) ANY ('{O,A}'::pg_catalog."char"[]))
    THEN
        RETURN NULL;
    END IF;
{{- end}}
    PERFORM {{.Function "record"}}(TG_OP, TG_RELID, OLD, NEW);
    RETURN NULL;
END
{{dollar}}
