package cli

import (
	"testing"
	"time"
)

func TestParseWhen(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 2*60*60)
	for in, want := range map[string]time.Time{
		"2026-11-24":                       time.Date(2026, 11, 24, 0, 0, 0, 0, zone),
		"2026-11-24 09:30":                 time.Date(2026, 11, 24, 9, 30, 0, 0, zone),
		" 2026-11-24 09:30:15 ":            time.Date(2026, 11, 24, 9, 30, 15, 0, zone),
		"2026-11-24 09:30:15.123456":       time.Date(2026, 11, 24, 9, 30, 15, 123456000, zone),
		"2026-11-24T09:30:15":              time.Date(2026, 11, 24, 9, 30, 15, 0, zone),
		"2026-11-24T09:30:15Z":             time.Date(2026, 11, 24, 9, 30, 15, 0, time.UTC),
		"2026-11-24t09:30:15z":             time.Date(2026, 11, 24, 9, 30, 15, 0, time.UTC),
		"2026-11-24T09:30:15.000001-05:30": time.Date(2026, 11, 24, 15, 0, 15, 1000, time.UTC),
		"2026-11-24 09:30:15.123456+01":    time.Date(2026, 11, 24, 8, 30, 15, 123456000, time.UTC),
	} {
		got, err := parseWhen(in, zone)
		if err != nil || got.relative || !got.at.Equal(want) {
			t.Errorf("parseWhen(%q) = %+v, %v; want %s", in, got, err, want)
		}
	}
	for in, want := range map[string]time.Duration{
		"now": 0, "NOW": 0, "-2h": 2 * time.Hour, "-90m": 90 * time.Minute, "-1d12h": 36 * time.Hour, "-2w": 14 * 24 * time.Hour, "-45s": 45 * time.Second, "-0s": 0,
	} {
		got, err := parseWhen(in, zone)
		if err != nil || !got.relative || got.ago != want {
			t.Errorf("parseWhen(%q) = %+v, %v; want %s ago", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "yesterday", "2h", "-", "-2", "-h", "-2x", "--2h", "-2h ago", "-1.5h", "2026-02-30", "2026-13-01", "2026-11-24 25:00", "24.11.2026", "09:30", "-99999999999999999999h", "-9999999999999w",
	} {
		if got, err := parseWhen(in, zone); err == nil {
			t.Errorf("parseWhen(%q) = %+v, want an error", in, got)
		}
	}
}

// FuzzParseWhen checks that a time that is printed reads back as the same time.
func FuzzParseWhen(f *testing.F) {
	for _, seed := range []string{"2026-11-24", "2026-11-24 09:30:15.123456+01", "-1d2h", "now", "2026-11-24T09:30:15Z"} {
		f.Add(seed)
	}
	zone := time.FixedZone("", -(3*60+30)*60)
	f.Fuzz(func(t *testing.T, s string) {
		w, err := parseWhen(s, zone)
		switch {
		case err != nil:
			return
		case w.relative && w.ago < 0:
			t.Fatalf("parseWhen(%q) lies in the future", s)
		case w.relative:
			return
		}
		for _, tty := range []bool{true, false} {
			printed := (&printer{tty: tty, location: zone}).time(w.at)
			if w.at.IsZero() {
				continue
			}
			again, err := parseWhen(printed, time.UTC)
			if err != nil || !again.at.Equal(w.at.Truncate(time.Microsecond)) {
				t.Fatalf("parseWhen(%q) = %s, printed as %q, which reads as %s, %v", s, w.at, printed, again.at, err)
			}
		}
	})
}
