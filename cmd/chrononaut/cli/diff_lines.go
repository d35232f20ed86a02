package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/chrononaut-go/chrononaut"
)

// The formats of a diff for a person.
const (
	formatTable      = "text"
	formatUnified    = "unified"
	formatSideBySide = "side-by-side"
)

// valueDiff is one difference: a column, or a place in its document.
type valueDiff struct {
	// from and to name it: an element of an array may have moved. Empty when it is
	// not there.
	from, to string
	// old and new are the values, as a person reads them.
	old, new string
	hidden   bool
}

// valueDiffs takes a diff apart, documents path by path.
func valueDiffs(diff chrononaut.Diff) []valueDiff {
	var found []valueDiff
	for _, c := range diff {
		name := clean(quoteColumn(c.Column))
		if c.Hidden {
			found = append(found, valueDiff{from: name, to: name, hidden: true})
			continue
		}
		for _, p := range c.Paths() {
			d := valueDiff{}
			// At the path of the whole value NULL is what a person expects, in a
			// document null.
			show := raw
			if p.FromPath != "" || p.ToPath != "" {
				show = func(value json.RawMessage) string { return clean(string(value)) }
			}
			if p.From != nil {
				d.from, d.old = name+clean(p.FromPath), show(p.From)
			}
			if p.To != nil {
				d.to, d.new = name+clean(p.ToPath), show(p.To)
			}
			found = append(found, d)
		}
	}
	return found
}

// columnPathsJSON is columnJSON with the differences in a document.
type columnPathsJSON struct {
	columnJSON
	Paths []pathJSON `json:"paths,omitempty"`
}

// pathJSON is a difference in a document; from_path and from are missing where
// it was added, to_path and to where it was removed.
type pathJSON struct {
	FromPath *string         `json:"from_path,omitempty"`
	ToPath   *string         `json:"to_path,omitempty"`
	From     json.RawMessage `json:"from,omitempty"`
	To       json.RawMessage `json:"to,omitempty"`
}

func newColumnPathsJSON(diff chrononaut.Diff) []columnPathsJSON {
	shape := make([]columnPathsJSON, len(diff))
	for i, c := range diff {
		shape[i].columnJSON = columnJSON(c)
		for _, p := range c.Paths() {
			if p.FromPath == "" && p.ToPath == "" {
				continue // The whole value is there already.
			}
			path := pathJSON{From: p.From, To: p.To}
			if p.From != nil {
				path.FromPath = &p.FromPath
			}
			if p.To != nil {
				path.ToPath = &p.ToPath
			}
			shape[i].Paths = append(shape[i].Paths, path)
		}
	}
	return shape
}

// differences prints what became of one record.
func (p *printer) differences(format string, from, to diffEnd, diff chrononaut.Diff) {
	diffs := valueDiffs(diff)
	if format == formatSideBySide {
		p.sideBySide(from, to, diffs)
		return
	}
	p.unified(from.name+"  "+from.text, to.name+"  "+to.text, diffs)
}

// diffEnd is what the heading of one side says: the record, and in one line or
// in two which state it is.
type diffEnd struct {
	name, text string
	lines      []string
}

func (p *printer) diffEnd(name string, c *chrononaut.Change, absent string) diffEnd {
	e := diffEnd{name: clean(name), text: p.end(c, absent).text}
	if e.lines = []string{e.text}; c != nil {
		by := fmt.Sprintf("version %d, %s", c.Version, c.Operation)
		if c.Actor != "" {
			by += " by " + clean(c.Actor)
		}
		e.lines = []string{by, p.second(c.Changed)}
	}
	return e
}

// unified prints differences as lines that begin with - and +.
func (p *printer) unified(from, to string, diffs []valueDiff) {
	p.line("%s", p.paint(bad, "--- "+from))
	p.line("%s", p.paint(good, "+++ "+to))
	for _, d := range diffs {
		if d.hidden {
			p.line("%s", p.paint(changed, "! "+d.to+" (hidden) changed"))
			continue
		}
		if d.from != "" {
			p.line("%s", p.paint(bad, "-"+d.from+": "+d.old))
		}
		if d.to != "" {
			p.line("%s", p.paint(good, "+"+d.to+": "+d.new))
		}
	}
}

const (
	pipeWidth     = 130 // of two columns that are not printed on a terminal
	wrappedLines  = 8   // of a value; what is longer is cut
	narrowestSide = 8
)

// sideBySide prints the earlier values to the left and the later ones to the
// right, over the whole width of a terminal. The sign between them is that of
// diff -y: | for changed, < for gone, > for new.
func (p *printer) sideBySide(from, to diffEnd, diffs []valueDiff) {
	width := pipeWidth
	if p.tty {
		width = p.width
	}
	side := max(narrowestSide, (width-len(" | "))/2)
	p.sides(side, " ", strong, strong, from.name, to.name)
	for i := range max(len(from.lines), len(to.lines)) {
		var x, y string
		if i < len(from.lines) {
			x = from.lines[i]
		}
		if i < len(to.lines) {
			y = to.lines[i]
		}
		p.sides(side, " ", faint, faint, x, y)
	}
	for _, d := range diffs {
		switch {
		case d.hidden:
			p.sides(side, "|", changed, changed, d.from+" (hidden)", d.to+" (hidden)")
		case d.from == "":
			p.sides(side, ">", plain, good, "", d.to+": "+d.new)
		case d.to == "":
			p.sides(side, "<", bad, plain, d.from+": "+d.old, "")
		default:
			p.sides(side, "|", bad, good, d.from+": "+d.old, d.to+": "+d.new)
		}
	}
}

func (p *printer) sides(width int, sign string, left, right tone, from, to string) {
	a, b := wrapText(from, width), wrapText(to, width)
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		space := strings.Repeat(" ", max(0, width-ansi.StringWidth(x)))
		line := p.paint(left, x) + space + " " + sign + " " + p.paint(right, y)
		p.line("%s", strings.TrimRight(line, " "))
	}
}

// wrapText breaks a text into lines of a width, in cells of a terminal, and cuts
// it after some.
func wrapText(text string, width int) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(ansi.Hardwrap(text, width, true), "\n")
	if len(lines) > wrappedLines {
		lines = lines[:wrappedLines]
		lines[wrappedLines-1] = ansi.Truncate(lines[wrappedLines-1], width-1, "") + "…"
	}
	return lines
}
