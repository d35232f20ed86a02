package chronomigrate

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// files makes files of the steps, with their numbers.
func (e *exporter) files() ([]File, error) {
	present, err := readDir(e.opts.Dir)
	if err != nil {
		return nil, err
	}
	steps := e.steps
	if e.opts.Down {
		// What was built last goes first.
		steps = slices.Clone(steps)
		slices.Reverse(steps)
	}
	var all []File
	next := e.numbers(present)
	for _, step := range steps {
		files, number, found, err := e.place(step, present)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		if !found {
			number = next()
		}
		for i := range files {
			files[i].Present = found
			if number != "" {
				files[i].Name = number + "_" + files[i].Name
			}
		}
		all = append(all, files...)
	}
	if e.opts.Format != FormatAtlas {
		return all, nil
	}
	sum, err := atlasSum(present, all)
	if err != nil {
		return nil, err
	}
	return append(all, sum), nil
}

// place writes the files of a step, and says which number they have if they are
// there already.
func (e *exporter) place(step exportStep, present presentFiles) (files []File, number string, found bool, err error) {
	if files, err = e.write(step); err != nil {
		return nil, "", false, err
	}
	newest := present.newest(files)
	undone := e.undone(step, present)
	if newest != nil && undone != nil && undone.order > newest.order {
		newest = nil
	}
	if step.renew != nil && newest != nil && !e.opts.Down {
		renewed, err := e.write(*step.renew)
		if err != nil {
			return nil, "", false, err
		}
		if other := present.newest(renewed); !newest.same || other != nil && other.order > newest.order {
			files, newest = renewed, other
		}
	}
	switch {
	case newest == nil:
		return files, "", false, nil
	case newest.same:
		return files, newest.number, true, nil
	case step.version > 0 || newest.number == "" || step.renew == nil && !step.repeats:
		// It may have run.
		return nil, "", false, hint(fmt.Errorf("%w: %s is there and is not the same", ErrOption, newest.name),
			"It was edited, or made for another schema or by another version of chrononaut. It may have run, and is not changed; --from N leaves out what the directory has.")
	}
	return files, "", false, nil
}

// presentFile is a file that the tool has.
type presentFile struct {
	name    string
	number  string // the digits before the first underscore
	rest    string // what comes after it
	content string
}

type presentFiles []presentFile

var numbered = regexp.MustCompile(`^(\d{1,19})_(.+)$`)

// readDir reads the migrations of a tool; they end in .sql.
func readDir(dir fs.FS) (presentFiles, error) {
	if dir == nil {
		return nil, nil
	}
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return nil, fmt.Errorf("read the directory of migrations: %w", err)
	}
	var files presentFiles
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".sql") && entry.Name() != atlasSumName {
			continue
		}
		content, err := fs.ReadFile(dir, entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read the directory of migrations: %w", err)
		}
		file := presentFile{name: entry.Name(), rest: entry.Name(), content: string(content)}
		if match := numbered.FindStringSubmatch(entry.Name()); match != nil {
			file.number, file.rest = match[1], match[2]
		}
		files = append(files, file)
	}
	return files, nil
}

// undone finds the migration of Atlas that goes the other way.
func (e *exporter) undone(step exportStep, present presentFiles) *placed {
	switch {
	case e.opts.Format != FormatAtlas:
		return nil
	case e.opts.Down:
		return present.newest([]File{{Name: step.name + ".sql"}})
	}
	return present.newest([]File{{Name: step.name + "_down.sql"}})
}

// placed are files of a step that are there.
type placed struct {
	name   string // of the first one
	number string
	order  uint64
	same   bool // with this content
}

// newest returns the files of the same names with the highest number; nil when
// there are none.
func (p presentFiles) newest(files []File) *placed {
	var newest *placed
	for _, file := range p {
		order, err := strconv.ParseUint(file.number, 10, 64)
		if err != nil && file.number != "" || file.rest != files[0].Name || newest != nil && order < newest.order {
			continue
		}
		same := !slices.ContainsFunc(files, func(f File) bool {
			return !slices.ContainsFunc(p, func(other presentFile) bool {
				return other.number == file.number && other.rest == f.Name && other.content == f.Content
			})
		})
		newest = &placed{file.name, file.number, order, same}
	}
	return newest
}

const timeNumber = "20060102150405"

// numbers returns a function that numbers one file after the other, in the way
// of the files that are there.
func (e *exporter) numbers(present presentFiles) func() string {
	if e.opts.Format == FormatSQL {
		return func() string { return "" }
	}
	last, width := uint64(0), 0
	for _, file := range present {
		if n, err := strconv.ParseUint(file.number, 10, 64); err == nil && n >= last {
			last, width = n, len(file.number)
		}
	}
	byTime := width == len(timeNumber) || width == 0 && e.opts.Format != FormatGolangMigrate
	if width == 0 {
		width = 6 // as golang-migrate does it
	}
	clock := e.opts.Now.UTC()
	return func() string {
		if !byTime {
			last++
			return fmt.Sprintf("%0*d", width, last)
		}
		// After all that are there, one second apart.
		if newest, err := time.Parse(timeNumber, fmt.Sprint(last)); err == nil && !clock.Truncate(time.Second).After(newest) {
			clock = newest.Add(time.Second)
		}
		number := clock.Format(timeNumber)
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || n <= last {
			n = last + 1 // a number of 14 digits that is no time
		}
		last = n
		return fmt.Sprint(last)
	}
}

// safeName makes a part of a file's name of the name of a table.
func safeName(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			b.WriteRune(r)
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}
