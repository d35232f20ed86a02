package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// progress shows how far a baseline, an import or a conversion is: a bar on a
// terminal, a line now and then elsewhere.
type progress struct {
	ofRecords bool // what is counted is records, not rows
	w         io.Writer
	tty       bool
	width     int
	label     string
	now       func() time.Time

	begun time.Time
	last  time.Time
	drawn bool
}

func (a *app) progress(label string) *progress {
	p := &progress{w: a.Stderr, tty: a.StderrTTY, width: a.Width, label: label, now: time.Now}
	if a.quiet || a.json {
		p.w = io.Discard
	}
	p.begun = p.now()
	p.last = p.begun
	return p
}

const (
	barInterval  = 100 * time.Millisecond
	lineInterval = 5 * time.Second
)

func (p *progress) show(b chronomigrate.BaselineProgress) {
	interval := lineInterval
	if p.tty {
		interval = barInterval
	}
	now := p.now()
	if p.drawn && now.Sub(p.last) < interval || !p.tty && now.Sub(p.last) < interval {
		return
	}
	p.last, p.drawn = now, true
	if !p.tty {
		text := fmt.Sprintf("%s read, %d recorded", plural(b.Rows, "row", "rows"), b.Recorded)
		if p.ofRecords {
			text = plural(b.Rows, "record", "records")
		}
		fmt.Fprintf(p.w, "%s: %s%s%s\n", p.label, text, percent(b), p.pace(b, now))
		return
	}
	count := plural(b.Rows, "row", "rows")
	if p.ofRecords {
		count = plural(b.Rows, "record", "records")
	}
	text := " " + count + percent(b) + p.pace(b, now)
	room := min(p.width-len(text)-len(p.label)-4, 40)
	bar := ""
	if room >= 5 && b.Total > 0 {
		full := int(min(b.Rows, b.Total) * int64(room) / b.Total)
		bar = " [" + strings.Repeat("=", full) + strings.Repeat(" ", room-full) + "]"
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s%s%s", p.label, bar, text)
}

// percent is a guess: the total is.
func percent(b chronomigrate.BaselineProgress) string {
	if b.Total <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%d%%)", min(b.Rows*100/b.Total, 99))
}

// pace is how many rows go by in a second, and how long the rest takes at that.
func (p *progress) pace(b chronomigrate.BaselineProgress, now time.Time) string {
	elapsed := now.Sub(p.begun)
	if b.Rows <= 0 || elapsed < time.Second {
		return ""
	}
	rate := float64(b.Rows) / elapsed.Seconds()
	text := fmt.Sprintf(", %.0f/s", rate)
	if b.Total > b.Rows {
		left := time.Duration(float64(b.Total-b.Rows) / rate * float64(time.Second))
		text += ", " + left.Round(time.Second).String() + " left"
	}
	return text
}

// end takes the bar away.
func (p *progress) end() {
	if p.drawn && p.tty {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
