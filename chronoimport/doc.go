// Package chronoimport brings the history that another tool has recorded into
// Chrononaut's, so that it can be read like any other: PaperTrail and Audited of
// Rails, django-simple-history and django-pghistory, supa_audit, and the history
// tables of temporal_tables. Other tools take one small reader, a [Source].
//
// The database does what it can: values are read by the types of the table's
// columns and written in the form that the triggers write. What was imported
// says where it comes from, in extra_info: {"imported": {"from": "papertrail",
// "id": "4711"}}.
//
// PostgreSQL only.
package chronoimport
