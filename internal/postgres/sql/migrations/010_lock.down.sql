DROP FUNCTION {{schema}}.in_progress(xid);
DROP FUNCTION {{schema}}.lock_holders(oid, xid, text);
