package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"text/tabwriter"

	"github.com/jackc/pgx/v5/pgxpool"
)

const envURL = "CHRONONAUT_TEST_DATABASE_URL"

// result is one figure, as -json writes it.
type result struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	// Ours and Limit are what is added to None. In the figures of reading as of a
	// time they are whole: None is the present, Limit is written by hand. So are
	// those of holds: None is capture that does not ask for them.
	Ours         float64 `json:"ours"`
	Limit        float64 `json:"limit"`
	None         float64 `json:"none"`
	RatioToLimit float64 `json:"ratio_to_limit"`
	// The following are only of reading as of a time, and the first of holds; left out
	// when not measured.
	RatioToNone    float64 `json:"ratio_to_none,omitempty"`
	Periods        float64 `json:"periods,omitempty"` // the extension
	RatioToPeriods float64 `json:"ratio_to_periods,omitempty"`

	Server string `json:"server"`

	// The smallest and the largest Ours of a round, which say how steady it is.
	least, most float64
	asof, held  bool
}

func main() { os.Exit(run()) }

func run() (code int) {
	var (
		short = flag.Bool("short", false, "smaller sizes and fewer rounds: under 50 seconds")
		file  = flag.String("json", "", "also write the figures to `file`, one JSON object a line")
		keep  = flag.Bool("keep", false, "leave the database on the server, to look at plans")
		names = flag.String("run", "", "only the figures whose name matches `regex`")
	)
	flag.Parse()
	pattern, err := regexp.Compile(*names)
	if err != nil || flag.NArg() != 0 {
		flag.Usage()
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, *short, *keep, pattern, *file); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

func bench(ctx context.Context, short, keep bool, pattern *regexp.Regexp, file string) error {
	url := os.Getenv(envURL)
	if url == "" {
		return errors.New(envURL + " names no server\nTry: make bench, which starts one")
	}
	size, asofSize, heldSize := full, fullAsof, fullHeld
	if short {
		size, asofSize, heldSize = small, smallAsof, smallHeld
	}
	chosen := chooseFigures(pattern)
	chosenAsof, grows := chooseAsof(pattern)
	isHeld := chooseHeld(pattern)
	if len(chosen)+len(chosenAsof) == 0 && !grows && !isHeld {
		return fmt.Errorf("no figure is called %s", pattern)
	}
	var results []result
	err := withDatabase(ctx, url, keep, func(pool *pgxpool.Pool) error {
		server, err := describeServer(ctx, pool)
		if err != nil {
			return err
		}
		fmt.Printf("%s\n%s\n%d rows, %d rounds\n\n", server.version, server.settings, size.rows, size.rounds)
		if len(chosen) > 0 {
			if results, err = measure(ctx, pool, size, chosen); err != nil {
				return err
			}
		}
		if isHeld {
			held, err := measureHeld(ctx, pool, heldSize)
			if err != nil {
				return err
			}
			results = append(results, held...)
		}
		if len(chosenAsof) > 0 || grows {
			read, err := measureAsof(ctx, pool, asofSize, chosenAsof, grows)
			if err != nil {
				return err
			}
			results = append(results, read...)
		}
		for i := range results {
			results[i].Server = server.version + "; " + server.settings
		}
		return nil
	})
	if err != nil {
		return err
	}
	if file != "" {
		if err := writeJSON(file, results); err != nil {
			return fmt.Errorf("write the figures: %w", err)
		}
	}
	return printTable(results)
}

func printTable(results []result) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	header := ""
	for _, r := range results {
		columns := "figure\tunit\twithout\tadded by ours\tleast to most\tadded by the limit\tratio\t"
		if r.asof {
			columns = "figure\tunit\tpresent\tours\tleast to most\tratio\tby hand\tratio\tperiods\tratio\t"
		}
		if r.held {
			columns = "figure\tunit\twithout the question\twith it\tleast to most\tratio\t"
		}
		if columns != header {
			header = columns
			fmt.Fprintln(w, header)
		}
		if r.held {
			fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%.1f to %.1f\t%.2f\t\n", r.Name, r.Unit, r.None, r.Ours, r.least, r.most, r.RatioToNone)
			continue
		}
		if r.asof {
			fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%.1f to %.1f\t%s\t%s\t%s\t%s\t%s\t\n", r.Name, r.Unit, r.None, r.Ours, r.least, r.most,
				measured(r.RatioToNone), measured(r.Limit), measured(r.RatioToLimit), measured(r.Periods), measured(r.RatioToPeriods))
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%.1f\t%.1f\t%.1f to %.1f\t%.1f\t%.2f\t\n", r.Name, r.Unit, r.None, r.Ours, r.least, r.most, r.Limit, r.RatioToLimit)
	}
	return w.Flush()
}

func measured(f float64) string {
	if f == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", f)
}

func writeJSON(file string, results []result) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	encoder := json.NewEncoder(f)
	for _, r := range results {
		if err := encoder.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
