package chronomigrate_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// TestGoldenSecurity compares the table of docs/security.md with what CheckHardened
// tries.
func TestGoldenSecurity(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../docs/security.md", "<!-- attacks: written by TestGoldenSecurity -->\n", "<!-- end of attacks -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	published, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no table of attacks", file)
	}
	attacks, err := chronomigrate.Attacks()
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ who, action, outcome, by string }
	var rows []row
	for _, a := range attacks {
		if !slices.Contains([]chronomigrate.Outcome{chronomigrate.OutcomeRefused, chronomigrate.OutcomeDetected, chronomigrate.OutcomeNeither}, a.Outcome) {
			t.Errorf("%s: published is %q", a.Action, a.Outcome)
		}
		last := len(rows) - 1
		if last >= 0 && rows[last].action == a.Action && rows[last].outcome == string(a.Outcome) && rows[last].by == a.By {
			rows[last].who += ", " + string(a.Attacker)
			continue
		}
		rows = append(rows, row{string(a.Attacker), a.Action, string(a.Outcome), a.By})
	}
	var b strings.Builder
	b.WriteString("\n| attacker | action | outcome | by |\n|---|---|---|---|\n")
	for _, r := range rows {
		b.WriteString("| " + r.who + " | " + r.action + " | " + r.outcome + " | " + r.by + " |\n")
	}
	b.WriteString("\n")
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(published, b.String()); diff != "" {
		t.Errorf("%s is not what is tried (-published +tried):\n%s", file, diff)
	}
}
