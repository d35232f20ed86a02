package chronomigrate_test

import (
	"slices"
	"testing"

	"github.com/chrononaut-go/chrononaut/chronodriver"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// The statements that Check names for what it finds repair it, and so does Fix.
// What a human has to decide is left.
func TestFix(t *testing.T) {
	t.Parallel()
	for _, tc := range drifts() {
		byHuman := tc.repair != "" || tc.opts != nil
		if !byHuman {
			t.Run("by hand: "+tc.name, func(t *testing.T) {
				t.Parallel()
				f := checked(t)
				tc.make(f)
				problems, err := f.migrator.Check(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				var done []string
				for _, p := range problems {
					if len(p.Fix) == 0 {
						t.Errorf("%s %s has no statement", p.Kind, p.Object)
					}
					for _, step := range p.Fix {
						if !slices.Contains(done, step.SQL) {
							f.exec(step.SQL)
							done = append(done, step.SQL)
						}
					}
				}
				f.wantCheck()
			})
		}
		t.Run("by the command: "+tc.name, func(t *testing.T) {
			t.Parallel()
			f := checked(t)
			tc.make(f)
			planned, err := f.migrator.Fix(t.Context(), &chronomigrate.FixOpts{Apply: &chronomigrate.ApplyOpts{DryRun: true}})
			if err != nil {
				t.Fatal(err)
			}
			fixed, err := f.migrator.Fix(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(fixed.Plans) != len(planned.Plans) || tc.want != nil && !byHuman && len(fixed.Plans) == 0 {
				t.Errorf("%d plans were run, %d were planned", len(fixed.Plans), len(planned.Plans))
			}
			if byHuman != (len(fixed.Left) > 0) {
				t.Errorf("left: %v", fixed.Left)
			}
			if !byHuman {
				f.wantCheck()
			}
		})
	}

	t.Run("a table that is named is repaired and no other", func(t *testing.T) {
		t.Parallel()
		f := checked(t)
		f.exec(`ALTER TABLE todos DISABLE TRIGGER ALL`, `ALTER TABLE people DISABLE TRIGGER ALL`)
		fixed, err := f.migrator.Fix(t.Context(), &chronomigrate.FixOpts{Tables: []chronodriver.Table{{Schema: "public", Name: "people"}}})
		if err != nil || len(fixed.Plans) != 1 || fixed.Plans[0].Table.Name != "people" || len(fixed.Left) != 0 {
			t.Errorf("Fix() = %+v, %v", fixed, err)
		}
		f.wantCheck("trigger_disabled zzzz_chrononaut_version", "trigger_disabled 000_chrononaut_before_delete", "trigger_disabled 000_chrononaut_capture_insert", "trigger_disabled 000_chrononaut_capture_update",
			"trigger_disabled 000_chrononaut_capture_delete", "trigger_disabled 000_chrononaut_capture_partition", "trigger_disabled 000_chrononaut_capture", "trigger_disabled 000_chrononaut_truncate")
	})
}
