package main

import (
	"errors"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// picture shows some figures as bars, the first at the top.
type picture struct {
	file, title, axis string
	figures           []string
	bars              []bar
	// mark is a value to draw a line at, such as a goal; 0 is none.
	mark float64
}

// bar is one of the bars of each figure.
type bar struct {
	name  string
	value func(r result) (float64, bool)
	color color.Color
}

var (
	oursBar  = bar{"ours", func(r result) (float64, bool) { return r.Ours, true }, color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}}
	limitBar = bar{"the limit", func(r result) (float64, bool) { return value(r.Limit) }, color.RGBA{R: 0x8c, G: 0x9d, B: 0xae, A: 0xff}}
	noneBar  = bar{"without", func(r result) (float64, bool) { return value(r.None) }, color.RGBA{R: 0xd5, G: 0xd9, B: 0xde, A: 0xff}}
	ratioBar = bar{"ours ÷ the limit", func(r result) (float64, bool) { return value(r.Ratio) }, oursBar.color}
	peerBars = []bar{
		peerBar(periods, color.RGBA{R: 0xe0, G: 0x8a, B: 0x1e, A: 0xff}),
		peerBar(tableLog, color.RGBA{R: 0xb2, G: 0x3a, B: 0x48, A: 0xff}),
	}
)

func peerBar(w way, c color.Color) bar {
	return bar{w.String(), func(r result) (float64, bool) { v, ok := r.Peers[w.String()]; return v, ok }, c}
}

func value(f *float64) (float64, bool) {
	if f == nil {
		return 0, false
	}
	return *f, true
}

var pictures = []picture{
	{
		file: "capture.svg", title: "What capture adds", axis: "µs a row",
		figures: []string{"update_one", "update_bulk", "insert_bulk", "delete_bulk", "copy"},
		bars:    append([]bar{oursBar, limitBar}, peerBars...),
	},
	{
		file: "limit.svg", title: "What capture adds, ours to the limit", axis: "times what the limit adds (the line: 1.3)",
		figures: namesOf(captureFigures), bars: []bar{ratioBar}, mark: 1.3,
	},
	{
		file: "clients.svg", title: "16 clients", axis: "statements a second",
		figures: []string{"concurrent_rows", "concurrent_hot"},
		bars:    append([]bar{oursBar, limitBar, noneBar}, peerBars...),
	},
	{
		file: "bytes.svg", title: "What a version of Chinook's rows takes", axis: "bytes",
		figures: []string{bytesTable, bytesIndexes, bytesWAL},
		bars:    append([]bar{oursBar, limitBar}, peerBars...),
	},
	{
		file: "reads.svg", title: "Reading history, on the server", axis: "µs",
		figures: questions(),
		bars:    []bar{oursBar.called("large history"), limitBar.called("100,000 versions")},
	},
}

func (b bar) called(name string) bar {
	b.name = name
	return b
}

// drawAll draws the pictures for which every figure was measured.
func drawAll(dir string, results []result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range pictures {
		var shown []result
		for _, name := range p.figures {
			if i := slices.IndexFunc(results, func(r result) bool { return r.Name == name }); i >= 0 {
				shown = append(shown, results[i])
			}
		}
		if len(shown) < len(p.figures) {
			fmt.Printf("not drawn: %s, of whose figures some were not measured\n", p.file)
			continue
		}
		if err := p.draw(filepath.Join(dir, p.file), shown); err != nil {
			return fmt.Errorf("%s: %w", p.file, err)
		}
	}
	return nil
}

// In points, of which an inch has 72.
const (
	barHeight  vg.Length = 8 // A bar with its gap; the figures are one bar apart.
	pageWidth  vg.Length = 600
	pageMargin vg.Length = 90
	// Labels are a little wider than the library thinks.
	pagePadding vg.Length = 10
)

func (p picture) draw(file string, shown []result) (err error) {
	slices.Reverse(shown) // The axis grows upwards.
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	drawing := plot.New()
	drawing.Title.Text = p.title
	drawing.X.Label.Text = p.axis
	drawing.Title.Padding = barHeight
	drawing.Legend.Padding = 2
	drawing.Add(plotter.NewGrid())
	longest := 0.0
	for i, b := range p.bars {
		values := make(plotter.Values, len(shown))
		for n, r := range shown {
			if v, ok := b.value(r); ok {
				values[n] = max(v, 0) // What adds nothing may seem to save some.
				longest = max(longest, v)
			}
		}
		chart, err := plotter.NewBarChart(values, 0.85*barHeight)
		if err != nil {
			return err
		}
		chart.Horizontal = true
		chart.Color = b.color
		chart.LineStyle.Width = 0
		chart.Offset = barHeight * vg.Length(float64(len(p.bars)-1)/2-float64(i))
		drawing.Add(chart)
		if len(p.bars) > 1 {
			drawing.Legend.Add(b.name, chart)
		}
	}
	drawing.X.Min, drawing.X.Max = 0, 1.02*longest
	if len(p.bars) > 1 {
		drawing.X.Max = 1.4 * longest // The legend has its place at the right.
	}
	names := make([]string, len(shown))
	for n, r := range shown {
		names[n] = r.Name
	}
	drawing.NominalY(names...)
	if p.mark > 0 {
		line, err := plotter.NewLine(plotter.XYs{{X: p.mark, Y: -0.5}, {X: p.mark, Y: float64(len(shown)) - 0.5}})
		if err != nil {
			return err
		}
		line.Color = peerBars[1].color
		drawing.Add(line)
	}
	canvas := vgsvg.New(pageWidth, pageMargin+barHeight*vg.Length(len(shown)*(len(p.bars)+1)))
	drawing.Draw(draw.Crop(draw.New(canvas), pagePadding, -pagePadding, 0, -pagePadding))
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = canvas.WriteTo(f)
	return err
}
