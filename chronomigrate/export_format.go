package chronomigrate

import (
	"fmt"
	"strings"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/internal/sqltext"
)

// write returns the files of a step, with names that lack a number.
func (e *exporter) write(step exportStep) ([]File, error) {
	switch e.opts.Format {
	case FormatGoose:
		content, err := e.goose(step)
		return []File{{Name: step.name + ".sql", Content: content}}, err
	case FormatAtlas:
		name, script := step.name, step.up
		if e.opts.Down {
			name, script = step.name+"_down", step.down
		}
		content, err := e.atlas(script)
		return []File{{Name: name + ".sql", Content: content}}, err
	case FormatBun:
		// What is called .tx. runs in one transaction.
		up, err := e.bun(step.up)
		if err != nil {
			return nil, err
		}
		down, err := e.bun(step.down)
		return []File{{Name: step.name + ".tx.up.sql", Content: up}, {Name: step.name + ".tx.down.sql", Content: down, Down: true}}, err
	default:
		// golang-migrate sends a file as it is, and the database runs what it is
		// sent at once in one transaction.
		return []File{{Name: step.name + ".up.sql", Content: step.up}, {Name: step.name + ".down.sql", Content: step.down, Down: true}}, nil
	}
}

// statements cuts a script into its statements, each with the comment before it
// and its semicolon.
func (e *exporter) statements(script string) []string {
	var statements []string
	begin := 0
	for _, s := range sqltext.Split(e.dialect, script) {
		end := s.Start + len(s.Text)
		statements = append(statements, strings.TrimSpace(strings.TrimPrefix(script[begin:end], ";"))+";")
		begin = end
	}
	return statements
}

// refuseLines refuses a statement with a line that the tool would take for one
// of its own: the name of a table or column can hold anything.
func refuseLines(statement string, isTools func(line string) bool) error {
	for line := range strings.Lines(statement) {
		if isTools(strings.TrimSpace(line)) {
			return hint(fmt.Errorf("%w: the line %q would mean something to the tool", ErrOption, strings.TrimSpace(line)), "Rename the table or column, or track it with chrononaut track.")
		}
	}
	return nil
}

func (e *exporter) goose(step exportStep) (string, error) {
	var b strings.Builder
	for _, part := range []struct{ name, script string }{{"Up", step.up}, {"Down", step.down}} {
		if part.name == "Down" {
			b.WriteByte('\n')
		}
		b.WriteString("-- +goose " + part.name + "\n")
		for _, statement := range e.statements(part.script) {
			if err := refuseLines(statement, func(line string) bool { return strings.HasPrefix(line, "--") && strings.Contains(line, "+goose") }); err != nil {
				return "", err
			}
			// It ends a statement at each line that ends with a semicolon.
			if strings.Contains(statement[:len(statement)-1], ";") {
				statement = "-- +goose StatementBegin\n" + statement + "\n-- +goose StatementEnd"
			}
			b.WriteString("\n" + statement + "\n")
		}
	}
	return b.String(), nil
}

// atlasDelimiter ends a statement, so that what Atlas knows of the dialect does
// not matter.
const atlasDelimiter = "-- chrononaut:end"

func (e *exporter) atlas(script string) (string, error) {
	var b strings.Builder
	b.WriteString("-- atlas:delimiter " + atlasDelimiter + "\n\n")
	for _, statement := range e.statements(script) {
		if strings.Contains(statement, atlasDelimiter) {
			return "", fmt.Errorf("%w: a name holds %q", ErrOption, atlasDelimiter)
		}
		b.WriteString(statement + "\n" + atlasDelimiter + "\n\n")
	}
	return b.String(), nil
}

// bunBlank stands for an empty line, which bun leaves out.
const bunBlank = "--(an empty line)"

func (e *exporter) bun(script string) (string, error) {
	var parts []string
	for _, statement := range e.statements(script) {
		if err := refuseLines(statement, func(line string) bool { return strings.HasPrefix(line, "--bun:") || strings.Contains(line, bunBlank) }); err != nil {
			return "", err
		}
		statement, err := e.keepBlankLines(statement)
		if err != nil {
			return "", err
		}
		parts = append(parts, statement+"\n")
	}
	return strings.Join(parts, "\n--bun:split\n\n"), nil
}

// keepBlankLines makes a statement survive that bun leaves out empty lines: the
// source of a function is compared with what it should be.
func (e *exporter) keepBlankLines(statement string) (string, error) {
	comment, rest := splitComment(strings.TrimSuffix(statement, ";"))
	lines := strings.Split(rest, "\n")
	blank := false
	for i, line := range lines {
		if strings.TrimSpace(line) == "" {
			lines[i] += bunBlank
			blank = true
		}
	}
	switch {
	case !blank:
		return statement, nil
	case e.dialect != chronodriver.PostgreSQL:
		// Of the history schema itself only the sense counts.
		if strings.HasPrefix(rest, "CREATE TRIGGER") {
			return "", fmt.Errorf("%w: bun would change the statement %s", ErrOption, lines[0])
		}
		return statement, nil
	}
	tag := "bun"
	for i := 1; strings.Contains(rest, "$"+tag); i++ {
		tag = fmt.Sprintf("bun%d", i)
	}
	return fmt.Sprintf("%[1]sDO $%[2]s_do$\nBEGIN EXECUTE pg_catalog.replace($%[2]s$%[3]s$%[2]s$, '%[4]s', '');\nEND\n$%[2]s_do$;",
		comment, tag, strings.Join(lines, "\n"), bunBlank), nil
}

// splitComment separates the comment before a statement from the statement.
func splitComment(statement string) (comment, rest string) {
	rest = statement
	for strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "\n") {
		_, after, found := strings.Cut(rest, "\n")
		if !found {
			break
		}
		rest = after
	}
	return statement[:len(statement)-len(rest)], rest
}
