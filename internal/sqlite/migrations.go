package sqlite

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Migration is one numbered migration of the history schema.
type Migration struct {
	Version  int
	Name     string
	Up, Down string
}

// Migrations lists all migrations in order.
func Migrations() ([]Migration, error) {
	names, err := fs.Glob(files, "sql/migrations/*.up.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var migrations []Migration
	for _, path := range names {
		base := strings.TrimSuffix(path, ".up.sql")
		number, name, _ := strings.Cut(base[strings.LastIndexByte(base, '/')+1:], "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("migration %s has no number: %w", base, err)
		}
		up, err := files.ReadFile(path)
		if err != nil {
			return nil, err
		}
		down, err := files.ReadFile(base + ".down.sql")
		if err != nil {
			return nil, err
		}
		migrations = append(migrations, Migration{version, name, string(up), string(down)})
	}
	return migrations, nil
}
