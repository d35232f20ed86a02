package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/chrononaut-go/chrononaut/chronodriver"
)

// when is a time as a person writes it: absolute, or some time ago.
type when struct {
	at       time.Time
	ago      time.Duration
	relative bool
	// local says that the time was written without a zone.
	local bool
}

const whenHint = "a time is '2026-11-24 09:30' (local time), 2026-11-24T09:30:00Z, -2h, -3d or now."

var layouts = []string{
	"2006-01-02",
	"2006-01-02 15:04",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999Z07",
}

var errWhen = errors.New("not a time that is understood")

// parseWhen reads a time. Times without a zone are in location.
func parseWhen(s string, location *time.Location) (when, error) {
	s = strings.TrimSpace(s)
	if strings.EqualFold(s, "now") {
		return when{relative: true}, nil
	}
	if strings.HasPrefix(s, "-") {
		ago, err := parseAgo(s[1:])
		return when{ago: ago, relative: true}, err
	}
	if len(s) > 10 && (s[10] == 'T' || s[10] == 't') {
		s = s[:10] + " " + s[11:]
	}
	if strings.HasSuffix(s, "z") {
		s = s[:len(s)-1] + "Z"
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, location); err == nil {
			return when{at: t, local: !strings.Contains(layout, "Z")}, nil
		}
	}
	return when{}, errWhen
}

var agoPattern = regexp.MustCompile(`^(\d+)(w|d|h|m|s)`)

var units = map[string]time.Duration{"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second}

// parseAgo reads 2h, 1d12h, 90m, 45s, 3w.
func parseAgo(s string) (time.Duration, error) {
	total := time.Duration(0)
	if s == "" {
		return 0, errWhen
	}
	for s != "" {
		match := agoPattern.FindStringSubmatch(s)
		if match == nil {
			return 0, errWhen
		}
		n, err := strconv.ParseInt(match[1], 10, 64)
		unit := units[match[2]]
		if err != nil || n > (1<<62-int64(total))/int64(unit) {
			return 0, errWhen
		}
		total += time.Duration(n) * unit
		s = s[len(match[0]):]
	}
	return total, nil
}

// parseWhen reads a time. One without a zone is refused where the environment names
// a zone that nobody knows: Go takes UTC then, and says nothing.
func (a *app) parseWhen(s string) (when, error) {
	w, err := parseWhen(s, a.Location)
	if err == nil && w.local {
		err = unknownZone(a.Env("TZ"))
	}
	return w, err
}

// zoneError is about the environment variable TZ.
type zoneError struct{ zone string }

func (e *zoneError) Error() string {
	return "the environment variable TZ is " + quoteArg(e.zone) + ", which is no time zone that is known"
}

const zoneHint = "TZ=Europe/Vienna, or a time with its zone: 2026-11-24T09:30:00+01:00."

func unknownZone(zone string) error {
	name := strings.TrimPrefix(zone, ":")
	if name == "" {
		return nil
	}
	var err error
	if filepath.IsAbs(name) {
		var data []byte
		if data, err = os.ReadFile(name); err == nil {
			_, err = time.LoadLocationFromTZData(name, data)
		}
	} else {
		_, err = time.LoadLocation(name)
	}
	if err != nil {
		return &zoneError{zone}
	}
	return nil
}

// parseTimeFlag reads the value of a flag that is a time; the empty value is
// the zero when.
func (a *app) parseTimeFlag(flag, value string) (*when, error) {
	if value == "" {
		return nil, nil
	}
	w, err := a.parseWhen(value)
	var zone *zoneError
	if errors.As(err, &zone) {
		return nil, usagef(zoneHint, "--%s %s: %v", flag, quoteArg(value), err)
	}
	if err != nil {
		return nil, usagef(whenHint, "--%s %s: %v", flag, quoteArg(value), err)
	}
	return &w, nil
}

// time returns the time; the zero time for nil. What is relative is relative
// to the database's clock, which is the one in the history.
func (db *database) time(ctx context.Context, w *when) (time.Time, error) {
	if w == nil {
		return time.Time{}, nil
	}
	if !w.relative {
		return w.at, nil
	}
	now, err := db.now(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the database's clock: %w", err)
	}
	return now.Add(-w.ago), nil
}

func (db *database) now(ctx context.Context) (now time.Time, err error) {
	if db.driver.Dialect() != chronodriver.PostgreSQL {
		return time.Now(), nil
	}
	rows, err := db.driver.Query(ctx, `SELECT pg_catalog.clock_timestamp()`)
	if err != nil {
		return now, err
	}
	_, err = scanLast(rows, &now)
	return now, err
}
