package chronoimport

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/chrononaut-go/chrononaut"
)

// orTable returns a table, or the default.
func orTable(t chrononaut.Table, schema, name string) chrononaut.Table {
	if t.Name == "" {
		return chrononaut.Table{Schema: schema, Name: name}
	}
	return t
}

// fromRails brings the values of a document, or with pairs those of
// {"column": [old, new]}, into a form that the columns can read as Rails meant
// them. isText says that the document was kept as text.
func fromRails(target *Target, fields map[string]json.RawMessage, isText, pairs bool) {
	for name, value := range fields {
		c, ok := target.column(name)
		if !ok {
			continue
		}
		read := inUTC
		switch c.Type {
		case "json", "jsonb":
			if !isText {
				continue
			}
			read = unwrapJSON
		case "timestamp without time zone", "time without time zone":
		default:
			continue
		}
		pair := []json.RawMessage{value}
		if pairs && json.Unmarshal(value, &pair) != nil {
			continue
		}
		for i := range pair {
			pair[i] = read(pair[i])
		}
		if pairs {
			fields[name] = encode(pair)
		} else {
			fields[name] = pair[0]
		}
	}
}

// unwrapJSON takes a JSON value out of its text: so Rails writes it into YAML,
// and into a column of text.
func unwrapJSON(value json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(value, &text) != nil || !json.Valid([]byte(text)) {
		return value
	}
	return json.RawMessage(text)
}

// inUTC removes the offset of a time. Rails writes the time zone of the
// application, and keeps UTC in columns without one; a cast would only drop it.
func inUTC(value json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(value, &text) != nil {
		return value
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999 UTC"} {
		if t, err := time.Parse(layout, text); err == nil {
			return encode(t.UTC().Format("2006-01-02T15:04:05.999999999"))
		}
	}
	return value
}

// applied returns a state with the new values of changes, {"column": [old, new]}.
func applied(state, changes map[string]json.RawMessage) map[string]json.RawMessage {
	after := maps.Clone(state)
	if after == nil {
		after = map[string]json.RawMessage{}
	}
	for name, value := range changes {
		var pair []json.RawMessage
		if json.Unmarshal(value, &pair) == nil && len(pair) == 2 {
			after[name] = pair[1]
		}
	}
	return after
}

// readYAML reads a document that Ruby has written: a mapping of columns to
// values, with the objects that Rails keeps in it.
func readYAML(target *Target, text string) (map[string]json.RawMessage, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) != 1 {
		// The error may quote the text.
		return nil, errors.New("is neither JSON nor YAML")
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, errors.New("is not a YAML mapping")
	}
	fields := map[string]json.RawMessage{}
	reader := yamlReader{left: maxNodes}
	for i := 0; i+1 < len(root.Content); i += 2 {
		name := strings.TrimPrefix(root.Content[i].Value, ":")
		c, _ := target.column(name)
		reader.bytea = c.Type == "bytea"
		value, err := reader.value(root.Content[i+1])
		if err != nil {
			return nil, fmt.Errorf("has in %s %w", chrononaut.Table{Name: name}, err)
		}
		fields[name] = encode(value)
	}
	return fields, nil
}

// maxNodes bounds a document: its aliases may stand for far more than it has,
// or for what they are in.
const (
	maxNodes = 1_000_000
	maxDepth = 1000
)

type yamlReader struct {
	left  int
	depth int
	bytea bool // the column holds bytes
}

// value returns a node as what encoding/json writes.
func (r *yamlReader) value(n *yaml.Node) (any, error) {
	r.left--
	r.depth++
	defer func() { r.depth-- }()
	if r.left < 0 || r.depth > maxDepth {
		return nil, errors.New("more values than a record can have")
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return r.scalar(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, e := range n.Content {
			value, err := r.value(e)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	return r.mapping(n)
}

// inner says which part of an object of Rails is its value.
var inner = map[string]string{
	"!ruby/object:ActiveSupport::TimeWithZone":                                    "utc",
	"!ruby/object:ActiveRecord::Type::Time::Value":                                "utc",
	"!ruby/object:ActiveModel::Type::Binary::Data":                                "value",
	"!ruby/struct:ActiveRecord::ConnectionAdapters::PostgreSQL::OID::Array::Data": "values",
	"!ruby/object:ActiveRecord::ConnectionAdapters::PostgreSQL::OID::Array::Data": "values",
}

// mapping returns a mapping, which may be an object of Ruby.
func (r *yamlReader) mapping(n *yaml.Node) (any, error) {
	part, isObject := inner[n.Tag]
	isHash := strings.HasPrefix(n.Tag, "!ruby/hash") || n.Tag == "!ruby/object:ActiveSupport::HashWithIndifferentAccess"
	if strings.HasPrefix(n.Tag, "!ruby/") && !isObject && !isHash {
		return nil, errUnknownClass
	}
	fields := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := strings.TrimPrefix(n.Content[i].Value, ":")
		if isObject && name != part {
			continue
		}
		value, err := r.value(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		fields[name] = value
	}
	if !isObject {
		return fields, nil
	}
	if text, ok := fields[part].(string); ok && part == "value" && !strings.HasPrefix(text, `\x`) {
		return r.bytes(text)
	}
	return fields[part], nil
}

var errUnknownClass = errors.New("an object of a Ruby class that is not known")

// bytes returns binary data in the form that the column reads. A column of text
// holds text that Ruby only called binary.
func (r *yamlReader) bytes(data string) (any, error) {
	switch {
	case r.bytea:
		return `\x` + hex.EncodeToString([]byte(data)), nil
	case utf8.ValidString(data):
		return data, nil
	}
	return nil, errors.New("binary data that is not text")
}

func (r *yamlReader) scalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
		return yamlNumber(n.Value), nil
	case "!!timestamp":
		return n.Value, nil
	case "!binary", "!!binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			return nil, errors.New("binary data that is not base64")
		}
		return r.bytes(string(data))
	case "!ruby/object:BigDecimal":
		// The precision comes first: 18:0.125e2.
		_, number, ok := strings.Cut(n.Value, ":")
		if !ok {
			return nil, errors.New("a decimal number in a form that is not known")
		}
		return number, nil
	case "!ruby/symbol", "!ruby/sym":
		return n.Value, nil
	}
	if strings.HasPrefix(n.Tag, "!ruby/") {
		return nil, errUnknownClass
	}
	if n.Style == 0 {
		// A symbol, such as :draft.
		return strings.TrimPrefix(n.Value, ":"), nil
	}
	return n.Value, nil
}

// yamlNumber keeps the digits as they are where JSON can.
func yamlNumber(text string) any {
	digits := strings.ReplaceAll(text, "_", "")
	if json.Valid([]byte(digits)) {
		return json.RawMessage(digits)
	}
	switch strings.ToLower(digits) {
	case ".inf", "+.inf":
		return "Infinity"
	case "-.inf":
		return "-Infinity"
	case ".nan":
		return "NaN"
	}
	if n, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return n
	}
	return digits
}
