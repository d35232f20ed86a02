package chronoimport_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronoimport"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
	"github.com/chrononaut-go/chrononaut/chronotest"
)

// widgets is a table as Rails makes it, and the versions of three records:
// 1 was created, updated twice and is there; 2 was destroyed; 3 is older than
// its first version.
func widgets(objectType string) []string {
	return []string{
		`CREATE TABLE widgets (
			id bigserial PRIMARY KEY, name varchar(40), price numeric(10,2), tags text[], settings jsonb, photo bytea,
			status integer, secret text, created_at timestamp(6) NOT NULL, starts_on date)`,
		`CREATE TABLE versions (
			id bigserial PRIMARY KEY, item_type varchar NOT NULL, item_id bigint NOT NULL, event varchar NOT NULL,
			whodunnit varchar, object ` + objectType + `, object_changes ` + objectType + `, created_at timestamp(6), ip varchar)`,
		`CREATE INDEX index_versions_on_item_type_and_item_id ON versions (item_type, item_id)`,
	}
}

var jsonVersions = []string{
	`INSERT INTO widgets VALUES
		(1, 'third', 12.50, '{a,b}', '{"size": 2}', '\x00ff', 1, 's2', '2024-01-01 10:00:00.123456', '2024-02-01'),
		(3, 'now', NULL, NULL, NULL, NULL, 0, NULL, '2020-01-01 00:00:00', NULL)`,
	`INSERT INTO versions (item_type, item_id, event, whodunnit, object, created_at, ip) VALUES
		('Widget', 1, 'create', 'ann', NULL, '2024-01-01 10:00:00.123456', '10.0.0.1'),
		('Widget', 2, 'create', 'ann', NULL, '2024-01-02 10:00:00', NULL),
		('Widget', 1, 'update', 'bob', '{"id": 1, "name": "first", "price": "1.0", "tags": ["x"], "settings": {"size": 1}, "photo": null,
			"status": "draft", "secret": "s1", "created_at": "2024-01-01T11:00:00.123+01:00", "starts_on": "2024-01-15", "color": "red"}', '2024-01-03 10:00:00', NULL),
		('Widget', 2, 'destroy', 'eve', '{"id": 2, "name": "gone", "price": "0.1", "created_at": "2024-01-02T10:00:00.000Z"}', '2024-01-04 10:00:00', NULL),
		('Widget', 1, 'update', 'cat', '{"id": 1, "name": "second", "price": "12.5", "tags": [], "settings": null, "photo": null,
			"status": "live", "secret": "s2", "created_at": "2024-01-01T10:00:00.123Z", "starts_on": null}', '2024-01-05 10:00:00', NULL),
		('Widget', 3, 'update', NULL, '{"id": 3, "name": "old", "created_at": "2020-01-01T00:00:00.000Z"}', '2024-01-06 10:00:00', NULL),
		('Gadget', 1, 'create', 'ann', NULL, '2024-01-06 10:00:00', NULL)`,
}

var enums = map[string]map[string]json.RawMessage{"status": {"draft": json.RawMessage("0"), "live": json.RawMessage("1")}}

func TestPaperTrailJSON(t *testing.T) {
	t.Parallel()
	for _, objectType := range []string{"json", "jsonb", "text"} {
		t.Run("objects in a column of type "+objectType, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, append(widgets(objectType), jsonVersions...)...)
			f.track("widgets", &chronomigrate.TrackOptions{Hidden: []string{"secret"}, Untracked: []string{"photo"}})
			result := f.load("widgets", &chronoimport.PaperTrail{Model: "Widget"}, &chronoimport.Options{Values: enums})

			// A state before the first version of 3, which is not a version.
			f.wantCounts(result, 7, 0, 0, 0)
			if diff := cmp.Diff(map[string]int64{"color": 1}, result.Unknown); diff != "" {
				t.Errorf("unknown columns (-want +got):\n%s", diff)
			}
			f.wantLines("widgets", 1,
				`insert 2024-01-01T10:00:00.123456Z by "ann" id "1": {"created_at":"2024-01-01T10:00:00.123","id":1,"name":"first","price":1.00,"settings":{"size":1},"starts_on":"2024-01-15","status":0,"tags":["x"]}`,
				`update 2024-01-03T10:00:00Z by "bob" id "3": {"created_at":"2024-01-01T10:00:00.123","id":1,"name":"second","price":12.50,"settings":null,"starts_on":null,"status":1,"tags":[]}`,
				`update 2024-01-05T10:00:00Z by "cat" id "5": {"created_at":"2024-01-01T10:00:00.123456","id":1,"name":"third","price":12.50,"settings":{"size":2},"starts_on":"2024-02-01","status":1,"tags":["a","b"]}`)
			f.wantLines("widgets", 2,
				`insert 2024-01-02T10:00:00Z by "ann" id "2": {"created_at":"2024-01-02T10:00:00","id":2,"name":"gone","price":0.10}`,
				`delete 2024-01-04T10:00:00Z by "eve" id "4": {"created_at":"2024-01-02T10:00:00","id":2,"name":"gone","price":0.10}`)
			f.wantLines("widgets", 3,
				`baseline 2024-01-06T10:00:00Z by "" id "6/before": {"created_at":"2020-01-01T00:00:00","id":3,"name":"old"}`,
				`update 2024-01-06T10:00:00Z by "" id "6": {"created_at":"2020-01-01T00:00:00","id":3,"name":"now","price":null,"settings":null,"starts_on":null,"status":0,"tags":null}`)
			// The last states are those of the table, and no more has to be recorded.
			chronotest.RequireReplay(t, f.driver, f.name("widgets"), nil)
			if recorded := f.baseline("widgets"); recorded != 0 {
				t.Errorf("a baseline recorded %d rows, want none", recorded)
			}
		})
	}
}

// yamlVersions are as Psych writes them from the values of Rails.
var yamlVersions = []string{
	`INSERT INTO widgets VALUES (1, 'b', 2, '{}', '{}', NULL, 1, NULL, '2024-01-01 10:00:00', NULL)`,
	`INSERT INTO versions (item_type, item_id, event, whodunnit, object, object_changes, created_at) VALUES
		('Widget', 1, 'create', 'ann', NULL, $y$---
id:
-
- 1
name:
-
- a
$y$, '2024-01-01 10:00:00'),
		('Widget', 1, 'update', 'bob', $y$---
id: 1
name: ! 'a: "quoted"'
price: !ruby/object:BigDecimal 18:0.125e2
tags: "{x,y}"
settings: '{"size":1,"on":true}'
photo: !binary |-
  AP8=
status: 0
secret: :hush
created_at: !ruby/object:ActiveSupport::TimeWithZone
  utc: 2024-01-01 10:00:00.123456000 Z
  zone: !ruby/object:ActiveSupport::TimeZone
    name: Europe/Rome
  time: 2024-01-01 11:00:00.123456000 Z
starts_on: 2024-01-15
$y$, NULL, '2024-01-03 10:00:00'),
		('Widget', 2, 'create', 'ann', NULL, $y$---
id:
-
- 2
name:
-
- lost
created_at:
-
- 2024-01-02 12:00:00.000000000 +02:00
$y$, '2024-01-04 10:00:00'),
		('Widget', 2, 'update', 'bob', $y$---
id: 2
name: lost
created_at: 2024-01-02 10:00:00.000000000 Z
$y$, $y$---
name:
- lost
- found
$y$, '2024-01-05 10:00:00'),
		('Widget', 9, 'destroy', 'bob', $y$---
id: 9
name: !ruby/object:Secret
  value: hunter2
$y$, NULL, '2024-01-05 10:00:00')`,
}

func TestPaperTrailYAML(t *testing.T) {
	t.Parallel()
	f := newFixture(t, append(widgets("text"), yamlVersions...)...)
	f.track("widgets", &chronomigrate.TrackOptions{Hidden: []string{"secret"}})
	source := &chronoimport.PaperTrail{Model: "Widget"}

	var bad *chronoimport.BadChangeError
	_, err := chronoimport.Import(t.Context(), f.driver, f.name("widgets"), source, nil)
	if !errors.As(err, &bad) || bad.ID != "5" || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("an object of an unknown class: got %v, want a BadChangeError of 5", err)
	}
	f.wantCounts(f.load("widgets", source, &chronoimport.Options{SkipBad: true}), 4, 0, 0, 1)
	f.wantLines("widgets", 1,
		`insert 2024-01-01T10:00:00Z by "ann" id "1": {"created_at":"2024-01-01T10:00:00.123456","id":1,"name":"a: \"quoted\"","photo":"\\x00ff","price":12.50,"settings":{"on":true,"size":1},"starts_on":"2024-01-15","status":0,"tags":["x","y"]}`,
		`update 2024-01-03T10:00:00Z by "bob" id "2": {"created_at":"2024-01-01T10:00:00","id":1,"name":"b","photo":null,"price":2.00,"settings":{},"starts_on":null,"status":1,"tags":[]}`)
	// The row is gone unseen: its last state is in object_changes.
	f.wantLines("widgets", 2,
		`insert 2024-01-04T10:00:00Z by "ann" id "3": {"created_at":"2024-01-02T10:00:00","id":2,"name":"lost"}`,
		`update 2024-01-05T10:00:00Z by "bob" id "4": {"created_at":"2024-01-02T10:00:00","id":2,"name":"found"}`)
	if changed := f.hiddenChanges("widgets", 1); !cmp.Equal(changed, []string{"[secret]", "[secret]"}) {
		t.Errorf("changes of hidden columns: got %v, want secret twice", changed)
	}
	f.wantNowhere("hush")
}

func (f *fixture) hiddenChanges(table string, key any) []string {
	f.Helper()
	versions, err := chrononaut.NewHistory[record](f.client, f.name(table), nil).Versions(f.Context(), key, nil)
	if err != nil {
		f.Fatal(err)
	}
	var changed []string
	for _, v := range versions {
		changed = append(changed, "["+strings.Join(v.HiddenChanged, " ")+"]")
	}
	return changed
}

// wantNowhere fails if history has a text anywhere.
func (f *fixture) wantNowhere(text string) {
	f.Helper()
	var n int
	if err := f.pool.QueryRow(f.Context(), "SELECT count(*) FROM chrononaut.chrononaut_activity AS a WHERE strpos(a::text, $1) > 0", text).Scan(&n); err != nil {
		f.Fatal(err)
	}
	if n > 0 {
		f.Errorf("%d rows of history have %q", n, text)
	}
}
