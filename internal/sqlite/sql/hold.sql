{{- /* A hold h as clients read it. */ -}}
{{define "hold"}}json_object('id', h.id, 'schema', 'main', 'table', h.table_name, 'keys', json(h.record_keys), 'children', json(h.children),
                   'allow_insert', json(iif(h.allow_insert, 'true', 'false')), 'two_people', json(iif(h.two_people, 'true', 'false')),
                   'reason', h.reason, 'actor', json_extract(h.user_info, '$.user_id'), 'placed', h.placed,
                   'requested', json(h.requested), 'released', json(h.released)){{end}}
