package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/color"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/chrononaut-go/chrononaut"
)

// printer prints for a person at a terminal, for a pipe, or as JSON.
type printer struct {
	w        io.Writer
	remarks  io.Writer
	tty      bool
	color    bool
	width    int
	location *time.Location
	// inSchema is that of the app.
	inSchema func(text string) string
}

func newPrinter(a *app) *printer {
	p := &printer{
		w: a.answer, remarks: a.Stderr, tty: a.StdoutTTY && !a.json, width: a.Width, location: a.Location, inSchema: a.inSchema,
		color: a.StdoutTTY && !a.json && !a.noColor && a.Env("NO_COLOR") == "" && a.Env("TERM") != "dumb",
	}
	if a.quiet || a.json {
		p.remarks = io.Discard
	}
	return p
}

// remark says something besides the answer, on standard error.
func (p *printer) remark(format string, args ...any) {
	fmt.Fprintln(p.remarks, p.inSchema(fmt.Sprintf(format, args...)))
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// json prints a value as one line. What could garble a terminal is escaped, which
// to a program is the same.
func (p *printer) json(value any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return err
	}
	_, err := p.w.Write(escapeJSON(b.Bytes()))
	return err
}

// escapeJSON escapes what isControl finds in the strings of a JSON text: outside of
// them there is only the end of the line.
func escapeJSON(text []byte) []byte {
	unsafe := func(r rune) bool { return r != '\n' && isControl(r) }
	if !bytes.ContainsFunc(text, unsafe) {
		return text
	}
	var escaped []byte
	for _, r := range string(text) {
		switch {
		case !unsafe(r):
			escaped = utf8.AppendRune(escaped, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	return escaped
}

// tone is what a piece of text means; a terminal shows it as a color.
type tone int

const (
	plain tone = iota
	strong
	faint
	moment  // a time: faint, and never cut
	good    // insert, new
	changed // update
	bad     // delete, old
)

func (p *printer) style(t tone) lipgloss.Style {
	s := lipgloss.NewStyle()
	if !p.color {
		return s
	}
	colors := map[tone]color.Color{good: lipgloss.Green, changed: lipgloss.Yellow, bad: lipgloss.Red}
	switch t {
	case strong:
		return s.Bold(true)
	case faint, moment:
		return s.Faint(true)
	case plain:
		return s
	}
	return s.Foreground(colors[t])
}

// paint colors one line of text; without colors it returns it as it is.
func (p *printer) paint(t tone, text string) string {
	if !p.color || text == "" {
		return text
	}
	return p.style(t).Render(text)
}

// cell is a piece of text in a table.
type cell struct {
	text string
	tone tone
}

func cells(texts ...string) []cell {
	row := make([]cell, len(texts))
	for i, text := range texts {
		row[i].text = text
	}
	return row
}

// table prints rows under headers, aligned. On a terminal, text is cut so that a
// line has room, and columns that are empty in all rows are left out.
func (p *printer) table(headers []string, rows [][]cell) error {
	if !p.tty {
		return p.plainTable(headers, rows)
	}
	for _, line := range p.lines(headers, rows) {
		if _, err := fmt.Fprintln(p.w, line); err != nil {
			return err
		}
	}
	return nil
}

const gap = 2 // between columns

// lines are the lines of a table on a terminal: one for the headers, one for
// each row.
func (p *printer) lines(headers []string, rows [][]cell) []string {
	headers, rows = dropEmpty(headers, rows)
	head := cells(headers...)
	for i := range head {
		head[i].tone = faint
	}
	rows = append([][]cell{head}, rows...)
	widths, fixed := make([]int, len(head)), make([]bool, len(head))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], ansi.StringWidth(c.text))
			fixed[i] = fixed[i] || c.tone == moment
		}
	}
	narrow(widths, fixed, p.width-gap*(len(widths)-1))
	lines := make([]string, len(rows))
	for r, row := range rows {
		var b strings.Builder
		for i, c := range row {
			text := ansi.Truncate(c.text, widths[i], "…")
			b.WriteString(p.paint(c.tone, text))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-ansi.StringWidth(text)+gap))
			}
		}
		lines[r] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

// narrow makes the widest columns so narrow that all have room.
func narrow(widths []int, fixed []bool, room int) {
	total := 0
	for _, w := range widths {
		total += w
	}
	for ; total > room; total-- {
		widest := -1
		for i, w := range widths {
			if !fixed[i] && w > 1 && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func dropEmpty(headers []string, rows [][]cell) ([]string, [][]cell) {
	var keep []int
	for i := range headers {
		for _, row := range rows {
			if row[i].text != "" {
				keep = append(keep, i)
				break
			}
		}
	}
	if len(rows) == 0 || len(keep) == len(headers) {
		return headers, rows
	}
	kept := make([]string, len(keep))
	for k, i := range keep {
		kept[k] = headers[i]
	}
	out := make([][]cell, len(rows))
	for r, row := range rows {
		for _, i := range keep {
			out[r] = append(out[r], row[i])
		}
	}
	return kept, out
}

// widestAligned is the width up to which a text moves what comes after it in other
// lines: one that is longer would fill them all with spaces.
const widestAligned = 200

func (p *printer) plainTable(headers []string, rows [][]cell) error {
	if headers != nil {
		rows = slices.Insert(slices.Clone(rows), 0, cells(headers...))
	}
	text := func(c cell) string {
		if c.text == "" && headers != nil {
			return "-" // So that every line has as many words as columns.
		}
		return c.text
	}
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if width := utf8.RuneCountInString(text(c)); width <= widestAligned {
				widths[i] = max(widths[i], width)
			}
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, c := range row {
			b.WriteString(text(c))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(text(c)))+gap))
			}
		}
		if _, err := fmt.Fprintln(p.w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// fields prints names and values, one pair on each line.
func (p *printer) fields(rows [][]cell) error {
	if !p.tty {
		return p.plainTable(nil, rows)
	}
	width := 0
	for _, row := range rows {
		width = max(width, ansi.StringWidth(row[0].text))
	}
	for _, row := range rows {
		space := strings.Repeat(" ", width-ansi.StringWidth(row[0].text)+gap)
		if _, err := fmt.Fprintf(p.w, "%s%s%s\n", p.paint(row[0].tone, row[0].text), space, p.paint(row[1].tone, row[1].text)); err != nil {
			return err
		}
	}
	return nil
}

// time is local on a terminal and in UTC in a pipe, to the microsecond, so that
// --at takes it as it is.
func (p *printer) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if p.tty {
		return t.In(p.location).Format("2006-01-02 15:04:05.000000Z07:00")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// tableName leaves out the schema that most tables are in, on a terminal.
func (p *printer) tableName(t chrononaut.Table) string {
	if t.Name == "" {
		return "" // The change is about the database.
	}
	if p.tty && (t.Schema == "public" || t.Schema == "main") {
		t.Schema = ""
	}
	return clean(t.String())
}

// second is a time without the fraction, where there is little room.
func (p *printer) second(t time.Time) string {
	if p.tty && !t.IsZero() {
		return t.In(p.location).Format("2006-01-02 15:04:05Z07:00")
	}
	return p.time(t)
}

func operationTone(o chrononaut.Operation) tone {
	switch o {
	case chrononaut.OperationInsert, chrononaut.OperationRestore:
		return good
	case chrononaut.OperationUpdate:
		return changed
	case chrononaut.OperationDelete, chrononaut.OperationTruncate, chrononaut.OperationSuppress, chrononaut.OperationLeaseTakeover:
		return bad
	}
	return faint
}

// value prints a column's value for a person: NULL as NULL, and text that could
// be mistaken for that, or for nothing, in quotes.
func value(data chrononaut.Data, column string) string {
	raw, present := data[column]
	if !present {
		return ""
	}
	text, ok := data.Text(column)
	if !ok {
		return "NULL"
	}
	if len(raw) > 0 && raw[0] == '"' {
		text = quoteAmbiguous(text)
	}
	return clean(text)
}

// quoteAmbiguous puts text in quotes that could be mistaken for NULL or for
// nothing.
func quoteAmbiguous(text string) string {
	if text == "" || text == "NULL" || strings.TrimSpace(text) != text {
		return "'" + text + "'"
	}
	return text
}

// clean makes control characters visible: they could garble the table, or the
// terminal.
func clean(s string) string {
	if !strings.ContainsFunc(s, isControl) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if isControl(r) || r == utf8.RuneError && size == 1 {
			q := strconv.QuoteToASCII(s[i : i+size])
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// isControl also means what changes the direction of text, or is not seen. Two of
// these are kept, which some scripts and emoji are written with, and those that are
// seen: signs of Arabic that go around a number.
func isControl(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' ||
		unicode.Is(unicode.Cf, r) && r != nonJoiner && r != joiner && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// quoteArg prints what a person typed, in an error.
func quoteArg(s string) string { return strconv.Quote(s) }

// shellArg writes an argument as a shell reads it.
func shellArg(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.,:/=@%+", r)
	})
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}
