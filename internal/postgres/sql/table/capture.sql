{{- /*
The AFTER ROW trigger of one table. Of a partitioned table it always fires, of others
only where session_replication_role is replica: the apply worker of logical replication
fires no statement triggers. It sets no search_path, so what it calls is qualified.
*/ -}}
CREATE OR REPLACE FUNCTION {{.Function "capture"}}() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
AS {{dollar}}
BEGIN
{{- if not (or .Partitioned .RowByRow)}}
    -- ENABLE TRIGGER ALL, as a restored dump does it, has it fire elsewhere too.
    IF pg_catalog.current_setting('session_replication_role') OPERATOR(pg_catalog.<>) 'replica' THEN
        RETURN NULL;
    END IF;
{{- end}}
    PERFORM {{.Function "record"}}(TG_OP, TG_RELID, OLD, NEW);
    RETURN NULL;
END
{{dollar}}
