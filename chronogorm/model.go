package chronogorm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// Options says how the table of a model is tracked; see [Optioner].
type Options struct {
	// NoHistory leaves out history, for a model with [RecordChanges] that has
	// [Versioned] as well for other reasons. Defaults to false; a model with
	// RecordChanges and without Versioned has no history either way.
	NoHistory bool
	// Strict refuses writes that carry no change information. Defaults to
	// false.
	Strict bool
	// VersionColumn adopts an existing integer column of that name as the
	// version column, the one that Python chrononaut left for example. Defaults
	// to the column of the model's version field, or "version"; a column of
	// that name that Chrononaut did not add is refused.
	VersionColumn string
}

// Optioner is implemented by models that set options. A model that implements
// it is tracked, also if it embeds nothing of this package.
//
//	func (Todo) ChrononautOptions() chronogorm.Options {
//		return chronogorm.Options{Strict: true}
//	}
type Optioner interface {
	ChrononautOptions() Options
}

// Errors of this package, returned wrapped. Those of package chronomigrate and
// of package chrononaut come through as well.
var (
	// ErrTag is returned when a chrononaut tag has an unknown value, or is on a
	// field that has no column.
	ErrTag = errors.New("invalid chrononaut tag")
	// ErrModel is returned for models and values that cannot be tracked or
	// read: they are no structs, or name their table in a way that only GORM
	// understands.
	ErrModel = errors.New("unsupported model")
	// ErrPool is returned when the plugin cannot attribute what runs on a
	// connection pool.
	ErrPool = errors.New("unsupported connection pool")
	// ErrDialect is returned for a database that is neither PostgreSQL nor
	// SQLite.
	ErrDialect = errors.New("unsupported database")
)

// The values of the tag.
const (
	tagName       = "chrononaut"
	tagHidden     = "hidden"
	tagUntracked  = "untracked"
	tagVersion    = "version"
	tagChangeInfo = "change_info"
	tagChanged    = "changed"
)

// model is what GORM's schema and our tags say of a model.
type model struct {
	schema            *schema.Schema
	hidden, untracked []string
	version           *schema.Field   // nil when the model has none
	set               []*schema.Field // the fields that the database sets
	recordChanges     bool
	options           Options
	setsOptions       bool // whether it is an Optioner
	tracked           bool // whether it asks for it
}

// parse describes a model: a pointer to a struct, or what else GORM takes.
func parse(db *gorm.DB, value any) (*model, error) {
	stmt := &gorm.Statement{DB: db}
	// As GORM's migrator does.
	special := ""
	if db.Statement != nil {
		special = db.Statement.Table
	}
	if err := stmt.ParseWithSpecialTableName(value, special); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	return describe(stmt.Schema)
}

func describe(s *schema.Schema) (*model, error) {
	m := &model{schema: s}
	if o, ok := reflect.New(s.ModelType).Interface().(Optioner); ok {
		m.options, m.setsOptions, m.tracked = o.ChrononautOptions(), true, true
	}
	if err := checkTags(s); err != nil {
		return nil, err
	}
	for _, name := range s.DBNames {
		f := s.FieldsByDBName[name]
		tag, ok, err := tagOf(s.ModelType, f.BindNames)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		m.tracked = true
		switch tag {
		case tagHidden:
			m.hidden = append(m.hidden, name)
		case tagUntracked:
			m.untracked = append(m.untracked, name)
		case tagVersion:
			if m.version != nil {
				return nil, fmt.Errorf("%w: %s has two version fields, %s and %s", ErrTag, s, m.version.Name, f.Name)
			}
			if f.Creatable || f.Updatable || !f.IgnoreMigration {
				return nil, fmt.Errorf("%w: %s.%s: GORM must not write or migrate the version; add the tag gorm:%q", ErrTag, s, f.Name, "->;default:(-);-:migration")
			}
			if _, known := versionOf(reflect.Zero(f.FieldType).Interface()); known {
				// A record that only says which one is meant would be one at version 0.
				return nil, fmt.Errorf("%w: %s.%s: the version may be unknown, so the field must be a pointer or sql.Null", ErrTag, s, f.Name)
			}
			m.version = f
			m.set = append(m.set, f)
		case tagChangeInfo, tagChanged:
			if name != tag {
				return nil, fmt.Errorf("%w: %s.%s: the column must be named %s, not %s", ErrTag, s, f.Name, tag, name)
			}
			m.recordChanges = true
			m.set = append(m.set, f)
		}
	}
	return m, nil
}

// trackOptions translates the model for package chronomigrate.
func (m *model) trackOptions() (chronomigrate.TrackOptions, error) {
	o := chronomigrate.TrackOptions{
		Hidden: slices.Clone(m.hidden), Untracked: slices.Clone(m.untracked),
		RecordChanges: m.recordChanges, Strict: m.options.Strict, VersionColumn: m.options.VersionColumn,
		NoHistory: m.options.NoHistory || m.recordChanges && m.version == nil,
	}
	if m.version != nil {
		column := m.version.DBName
		switch {
		case o.VersionColumn != "" && o.VersionColumn != column:
			return o, fmt.Errorf("%w: %s: the version column is %s by its options and %s by its field %s",
				chronomigrate.ErrOption, m.schema, o.VersionColumn, column, m.version.Name)
		case column != chronomigrate.DefaultVersionColumn:
			// The model names it, so an existing one is meant.
			o.VersionColumn = column
		}
	}
	return o, nil
}

// tagOf reads the tag of a field, given by its path; that of an embedded
// struct counts for all its fields that have none of their own.
func tagOf(t reflect.Type, path []string) (tag string, ok bool, err error) {
	for _, name := range path {
		f, found := deref(t).FieldByName(name)
		if !found {
			// A field that GORM made up.
			return tag, ok, nil
		}
		value, tagged := f.Tag.Lookup(tagName)
		if tagged {
			if err := checkTag(t, f, value); err != nil {
				return "", false, err
			}
			tag, ok = value, true
		}
		t = f.Type
	}
	return tag, ok, nil
}

func checkTag(t reflect.Type, f reflect.StructField, value string) error {
	switch value {
	case tagHidden, tagUntracked, tagVersion, tagChangeInfo, tagChanged:
		return nil
	}
	return fmt.Errorf("%w: %s.%s: %q is neither %q nor %q", ErrTag, deref(t), f.Name, value, tagHidden, tagUntracked)
}

// checkTags reports tags that would be of no effect: what they ask for, to keep
// a value out of history, must never silently not happen.
func checkTags(s *schema.Schema) error {
	paths := map[string]bool{}
	for _, name := range s.DBNames {
		path := s.FieldsByDBName[name].BindNames
		for i := range path {
			paths[strings.Join(path[:i+1], ".")] = true
		}
	}
	var check func(t reflect.Type, path []string) error
	check = func(t reflect.Type, path []string) error {
		t = deref(t)
		if t.Kind() != reflect.Struct {
			return nil
		}
		for i := range t.NumField() {
			f := t.Field(i)
			at := append(slices.Clone(path), f.Name)
			value, tagged := f.Tag.Lookup(tagName)
			if tagged {
				if err := checkTag(t, f, value); err != nil {
					return err
				}
			}
			switch {
			case paths[strings.Join(at, ".")]:
				if err := check(f.Type, at); err != nil {
					return err
				}
			case tagged:
				return fmt.Errorf("%w: %s.%s has no column", ErrTag, t, f.Name)
			}
		}
		return nil
	}
	return check(s.ModelType, nil)
}

func deref(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// tableOf returns the table of a model: that of db.Table if db has one, else
// that of the model's schema.
func tableOf(db *gorm.DB, s *schema.Schema) (chrononaut.Table, error) {
	if stmt := db.Statement; stmt != nil && stmt.Table != "" && stmt.TableExpr != nil {
		expr := stmt.TableExpr
		if len(expr.Vars) == 0 {
			// GORM has quoted it: with backticks for SQLite.
			table, err := chronodriver.ParseTable(strings.ReplaceAll(expr.SQL, "`", `"`))
			if err == nil {
				return table, nil
			}
		}
		return chrononaut.Table{}, fmt.Errorf("%w: db.Table(%s) is not the name of a table", ErrModel, expr.SQL)
	}
	return tableName(s.Table)
}

// tableName splits a name as GORM does when it quotes it: at the dot. Names
// are not folded to lower case.
func tableName(name string) (chrononaut.Table, error) {
	if strings.ContainsAny(name, "\"`") {
		table, err := chronodriver.ParseTable(strings.ReplaceAll(name, "`", `"`))
		if err != nil {
			return table, fmt.Errorf("%w: %w", ErrModel, err)
		}
		return table, nil
	}
	switch parts := strings.Split(name, "."); len(parts) {
	case 1:
		return chrononaut.Table{Name: name}, nil
	case 2:
		return chrononaut.Table{Schema: parts[0], Name: parts[1]}, nil
	}
	return chrononaut.Table{}, fmt.Errorf("%w: table name %q has more than one dot", ErrModel, name)
}

// dialectOf returns the engine behind db.
func dialectOf(db *gorm.DB) (chronodriver.Dialect, error) {
	switch name := db.Dialector.Name(); name {
	case "postgres":
		return chronodriver.PostgreSQL, nil
	case "sqlite", "sqlite3":
		return chronodriver.SQLite, nil
	default:
		return "", fmt.Errorf("%w: %s", ErrDialect, name)
	}
}
