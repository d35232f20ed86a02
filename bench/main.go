package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"

	"github.com/chrononaut-go/chrononaut/chronomigrate"
)

const envURL = "CHRONONAUT_TEST_DATABASE_URL"

// bench is one run.
type bench struct {
	url   string
	short bool
	keep  bool
	// layout is that of the tables whose past is read.
	layout chronomigrate.Layout
	// past is how many rows they have.
	past int
	// versions are those of the large history that is read.
	versions int
	names    *regexp.Regexp // nil is all
}

// output says what becomes of the figures, besides being printed.
type output struct {
	json, plots, update string
	markdown            bool
}

func main() { os.Exit(run()) }

func run() (code int) {
	var (
		b   bench
		out output
	)
	flag.BoolVar(&b.short, "short", false, "smaller sizes and fewer rounds; without -run only update_one and update_bulk: under 50 seconds")
	flag.IntVar(&b.past, "past", fullAsof.rows, "read the past of tables of `n` rows with ten times as many versions")
	flag.Func("layout", "read the past of tables tracked with `LAYOUT`, json or period", func(s string) error {
		b.layout = chronomigrate.Layout(s)
		if b.layout != chronomigrate.LayoutJSON && b.layout != chronomigrate.LayoutPeriod {
			return errors.New("there is no such layout")
		}
		return nil
	})
	flag.BoolVar(&b.keep, "keep", false, "leave the databases on the server, to look at plans")
	flag.StringVar(&out.json, "json", "", "also write the figures to `file`, one JSON object a line")
	flag.StringVar(&out.plots, "plot", "", "also draw the figures, as SVG files in `dir`")
	flag.StringVar(&out.update, "update", "", "replace the tables of these figures in a Markdown `file`, such as docs/performance.md")
	flag.BoolVar(&out.markdown, "markdown", false, "print Markdown tables")
	flag.IntVar(&b.versions, "versions", 1_000_000, "read a history of `n` versions beside one of 100,000; it stays on the server for the next run")
	drop := flag.Bool("drop", false, "measure nothing: drop the histories that earlier runs left on the server")
	from := flag.String("from", "", "measure nothing: take the figures from a `file` that -json has written")
	names := flag.String("run", "", "only the figures whose name matches `regex`")
	flag.Parse()
	pattern, err := regexp.Compile(*names)
	if err != nil || flag.NArg() != 0 || b.versions < smallHistory || b.versions%smallHistory != 0 || b.past < smallAsof.rows {
		flag.Usage()
		return 2
	}
	if *names != "" {
		b.names = pattern
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var results []result
	switch b.url = os.Getenv(envURL); {
	case *from != "":
		results, err = readResults(*from)
	case b.url == "":
		err = errors.New(envURL + " names no server\nTry: make bench, which starts one")
	case *drop:
		err = b.dropHistories(ctx)
	default:
		results, err = b.measure(ctx)
	}
	// What was measured is written, also when something else could not be.
	if err := errors.Join(err, out.write(results)); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		return 1
	}
	return 0
}

// wants reports whether a figure is to be measured.
func (b *bench) wants(name string) bool {
	if b.names == nil {
		return !b.short || isInShort(name)
	}
	return b.names.MatchString(name)
}

// measure measures the wanted figures. It returns them also when others could not
// be measured.
func (b *bench) measure(ctx context.Context) (results []result, err error) {
	server, err := b.describeServer(ctx)
	if err != nil {
		return nil, err
	}
	server += fmt.Sprintf("; %d cores", runtime.NumCPU())
	fmt.Println(server)
	var failed []error
	any := false
	for _, s := range sections {
		if !s.wanted(b) {
			continue
		}
		any = true
		measured, err := s.timed(ctx, b)
		results = append(results, measured...)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", s.title, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	if !any {
		return nil, fmt.Errorf("no figure is called %s", b.names)
	}
	for i := range results {
		results[i].Server = server
	}
	return results, errors.Join(failed...)
}

func (o output) write(results []result) error {
	if len(results) == 0 {
		return nil
	}
	tables := tabulate(results)
	if o.markdown {
		for _, t := range tables {
			fmt.Printf("\n## %s\n\n", t.title)
			printMarkdown(os.Stdout, t)
		}
	} else if err := printText(os.Stdout, tables); err != nil {
		return err
	}
	if o.json != "" {
		if err := writeResults(o.json, results); err != nil {
			return fmt.Errorf("write the figures: %w", err)
		}
	}
	if o.update != "" {
		if err := updateFile(o.update, tables, results[0].Server); err != nil {
			return fmt.Errorf("update the tables: %w", err)
		}
	}
	if o.plots != "" {
		if err := drawAll(o.plots, results); err != nil {
			return fmt.Errorf("draw the figures: %w", err)
		}
	}
	return nil
}
