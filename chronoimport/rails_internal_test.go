package chronoimport

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadYAML(t *testing.T) {
	t.Parallel()
	target := &Target{Columns: []Column{{"photo", "bytea"}, {"text", "text"}}}
	for name, tc := range map[string]struct{ in, want string }{
		"scalars keep their digits":            {"a: 1.10\nb: -0x1f\nc: .inf\nd: ~\ne: true\nf: 'true'\n", `{"a":1.10,"b":-31,"c":"Infinity","d":null,"e":true,"f":"true"}`},
		"symbols as keys and values":           {"--- !ruby/hash:ActiveSupport::HashWithIndifferentAccess\n:a: :b\n", `{"a":"b"}`},
		"a hash in a value":                    {"a: !ruby/hash:ActiveSupport::HashWithIndifferentAccess\n  x: 1\n", `{"a":{"x":1}}`},
		"an array of PostgreSQL":               {"a: !ruby/struct:ActiveRecord::ConnectionAdapters::PostgreSQL::OID::Array::Data\n  encoder: !ruby/object:PG::TextEncoder::Array\n    x: 1\n  values:\n  - 1\n", `{"a":[1]}`},
		"bytes of a column of bytes":           {"photo: !ruby/object:ActiveModel::Type::Binary::Data\n  value: !binary |-\n    AP8=\n", `{"photo":"\\x00ff"}`},
		"text that Ruby calls binary":          {"text: !binary |-\n  w6k=\n", `{"text":"é"}`},
		"a time of Rails":                      {"a: !ruby/object:ActiveRecord::Type::Time::Value\n  utc: &1 2000-01-01 13:45:00.000000000 Z\n  time: *1\n", `{"a":"2000-01-01 13:45:00.000000000 Z"}`},
		"an alias":                             {"a: &x [1]\nb: *x\n", `{"a":[1],"b":[1]}`},
		"an unknown class is refused":          {"a: !ruby/object:Secret\n  hunter2: 1\n", "has in a an object of a Ruby class that is not known"},
		"a scalar of unknown class is refused": {"a: !ruby/regexp /hunter2/\n", "has in a an object of a Ruby class that is not known"},
		"bytes that are no text are refused":   {"text: !binary |-\n  /w==\n", "has in text binary data that is not text"},
		"what contains itself is refused":      {"a: &x [*x]\n", "has in a more values than a record can have"},
		"what stands for too much is refused": {"a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n" +
			"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", "has in f more values than a record can have"},
		"what is no mapping is refused": {"- a\n", "is not a YAML mapping"},
		"what is no YAML is refused":    {"a: [hunter2\n", "is neither JSON nor YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields, err := readYAML(target, tc.in)
			got := string(encode(fields))
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("readYAML() (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzReadYAML(f *testing.F) {
	f.Add("---\na: !ruby/object:BigDecimal 18:0.1e1\nb: !binary AP8=\nc: 0x1f\nd: &x [*x]\n")
	f.Fuzz(func(t *testing.T, text string) {
		fields, err := readYAML(&Target{}, text)
		if err == nil && !json.Valid(encode(fields)) {
			t.Errorf("readYAML(%q) is not JSON", text)
		}
	})
}
