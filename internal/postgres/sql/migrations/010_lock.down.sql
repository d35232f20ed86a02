DROP FUNCTION {{schema}}.lock_holders(oid, xid, text);
