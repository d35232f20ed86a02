package chrononaut_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chrononaut-go/chrononaut"
	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

// Random writes to one record and merges based on random versions of it, against a
// model that keeps all states.
func TestMergeAgreesWithAModel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TABLE docs (id integer PRIMARY KEY, a integer, b text, c numeric, hidden text, loose text)`)
	f.track("docs", &chronomigrate.TrackOptions{Hidden: []string{"hidden"}, Untracked: []string{"loose"}})
	table := f.name("docs")
	random := rand.New(rand.NewPCG(35, 2026))
	value := func(column string) any {
		n := random.IntN(3)
		switch {
		case random.IntN(4) == 0:
			return nil
		case column == "a":
			return n
		case column == "c":
			return fmt.Sprint(n, ".5")
		}
		return string(rune('x' + n))
	}
	names := []string{"a", "b", "c", "hidden", "loose"}
	some := func() map[string]any {
		set := map[string]any{}
		for _, name := range names {
			if random.IntN(5) < 2 {
				set[name] = value(name)
			}
		}
		return set
	}
	for id := range 8 {
		key := chrononaut.Key{"id": id}
		f.exec(fmt.Sprintf(`INSERT INTO docs (id) VALUES (%d)`, id))
		// states are those of all versions; setters says in which versions the hidden
		// column was set.
		states := []map[string]any{{"a": nil, "b": nil, "c": nil, "hidden": nil, "loose": nil}}
		hiddenSet := map[int]bool{}
		// apply writes to the model, and reports whether that makes a version.
		apply := func(set map[string]any) {
			now := states[len(states)-1]
			next := maps.Clone(now)
			maps.Copy(next, set)
			versioned := false
			for _, name := range names {
				versioned = versioned || name != "loose" && next[name] != now[name]
			}
			if !versioned {
				now["loose"] = next["loose"]
				return
			}
			hiddenSet[len(states)] = next["hidden"] != now["hidden"]
			states = append(states, next)
		}
		for range 30 {
			if set := some(); random.IntN(2) == 0 && len(set) > 0 {
				sql, args := `UPDATE docs SET `, []any{id}
				for i, name := range slices.Sorted(maps.Keys(set)) {
					if i > 0 {
						sql += ", "
					}
					args = append(args, set[name])
					sql += fmt.Sprintf("%s = $%d", name, len(args))
				}
				if _, err := f.db.Exec(t.Context(), sql+` WHERE id = $1`, args...); err != nil {
					t.Fatal(err)
				}
				apply(set)
				continue
			}
			version, mine := random.IntN(len(states)), some()
			base, now := states[version], states[len(states)-1]
			var left map[string]any
			var overlap []string
			if version == len(states)-1 {
				left = mine
			} else {
				left = map[string]any{}
				for _, name := range slices.Sorted(maps.Keys(mine)) {
					changed := false
					switch name {
					case "hidden":
						for v := version + 1; v < len(states); v++ {
							changed = changed || hiddenSet[v]
						}
					case "loose":
					default:
						if mine[name] == base[name] {
							continue
						}
						changed = now[name] != base[name]
					}
					if changed {
						overlap = append(overlap, name)
					}
					left[name] = mine[name]
				}
			}
			got, err := f.client.Merge(t.Context(), table, key, version, mine)
			var stale *chrononaut.StaleError
			switch {
			case err == nil && overlap == nil:
				apply(left)
				if got != len(states)-1 {
					t.Fatalf("version %d, want %d", got, len(states)-1)
				}
			case !errors.As(err, &stale) || cmp.Diff(overlap, stale.Overlap) != "":
				t.Fatalf("merge of %v at %d of %v: %v, want overlap %q", mine, version, states, err, overlap)
			}
			var a *int
			var b, c, hidden, loose *string
			var at int
			if err := f.pool.QueryRow(t.Context(), `SELECT a, b, c::text, hidden, loose, version FROM docs WHERE id = $1`, id).Scan(&a, &b, &c, &hidden, &loose, &at); err != nil {
				t.Fatal(err)
			}
			row := map[string]any{"a": plain(a), "b": plain(b), "c": plain(c), "hidden": plain(hidden), "loose": plain(loose)}
			if diff := cmp.Diff(states[len(states)-1], row); diff != "" || at != len(states)-1 {
				t.Fatalf("after a merge of %v at %d: version %d of %d (-want +got):\n%s", mine, version, at, len(states)-1, diff)
			}
		}
	}
}

func plain[V any](value *V) any {
	if value == nil {
		return nil
	}
	return *value
}
