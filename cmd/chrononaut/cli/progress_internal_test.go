package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// TestProgress lets a second pass between the chunks of a baseline.
func TestProgress(t *testing.T) {
	t.Parallel()
	run := func(p *progress, b *strings.Builder, total int64) []string {
		clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		p.w, p.now, p.begun, p.last = b, func() time.Time { return clock }, clock, clock
		for i := int64(1); i <= 12; i++ {
			clock = clock.Add(time.Second)
			p.show(chronomigrate.BaselineProgress{Rows: i * 10, Recorded: i * 5, Total: total})
		}
		p.end()
		return strings.Split(b.String(), "\n")
	}

	t.Run("a pipe has a line every few seconds", func(t *testing.T) {
		t.Parallel()
		var b strings.Builder
		got := run(&progress{label: "baseline of todos"}, &b, 100)
		want := []string{
			"baseline of todos: 50 rows read, 25 recorded (50%), 10/s, 5s left",
			"baseline of todos: 100 rows read, 50 recorded (99%), 10/s",
			"",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("a terminal has a bar that fits and goes away", func(t *testing.T) {
		t.Parallel()
		var b strings.Builder
		got := run(&progress{label: "baseline of todos", tty: true, width: 60}, &b, 120)
		if len(got) != 1 {
			t.Fatalf("%d lines, want one that is written again and again: %q", len(got), got)
		}
		bars := strings.Split(got[0], "\r\x1b[K")
		if bars[6] != "baseline of todos [=====     ] 60 rows (50%), 10/s, 6s left" || bars[len(bars)-1] != "" {
			t.Errorf("the bars are %q", bars)
		}
		for _, bar := range bars {
			if len(bar) >= 60 {
				t.Errorf("%q does not fit into 60 columns", bar)
			}
		}
	})
	t.Run("without an estimate there is no bar", func(t *testing.T) {
		t.Parallel()
		var b strings.Builder
		if got := run(&progress{label: "baseline", tty: true, width: 60}, &b, 0); strings.Contains(got[0], "[=") || strings.Contains(got[0], "%") {
			t.Errorf("it shows %q", got)
		}
	})
}
