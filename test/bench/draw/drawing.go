package main

import (
	"errors"
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgsvg" // the format
)

const (
	width, height = 18 * vg.Centimeter, 10 * vg.Centimeter
	barWidth      = vg.Centimeter
)

func (d drawing) save(path string) error {
	canvas := plot.New()
	canvas.Title.Text, canvas.X.Label.Text, canvas.Y.Label.Text = d.Title, d.X, d.Y
	canvas.Title.Padding = vg.Millimeter * 3
	canvas.Legend.Top, canvas.Legend.Padding, canvas.Legend.XOffs = true, vg.Millimeter, -2*vg.Millimeter
	canvas.Add(plotter.NewGrid())
	var err error
	switch d.Kind {
	case "lines":
		err = d.addLines(canvas)
	case "stacks":
		err = d.addStacks(canvas)
	default:
		err = fmt.Errorf("there is no kind %q", d.Kind)
	}
	if err != nil {
		return err
	}
	return canvas.Save(width, height, path)
}

// addLines draws lines over logarithmic axes.
func (d drawing) addLines(canvas *plot.Plot) error {
	var all []float64
	for i, one := range d.Series {
		if len(one.X) != len(one.Y) {
			return fmt.Errorf("series %s has %d x and %d y", one.Name, len(one.X), len(one.Y))
		}
		points := make(plotter.XYs, len(one.X))
		for j := range points {
			if one.X[j] <= 0 || one.Y[j] <= 0 {
				return fmt.Errorf("series %s: a logarithm needs what is above zero", one.Name)
			}
			points[j] = plotter.XY{X: one.X[j], Y: one.Y[j]}
		}
		all = append(all, one.Y...)
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return fmt.Errorf("series %s: %w", one.Name, err)
		}
		line.Color, line.Width = plotutil.Color(i), vg.Points(1.5)
		line.Dashes = plotutil.Dashes(i)
		marks.Color, marks.Shape = plotutil.Color(i), draw.CircleGlyph{}
		canvas.Add(line, marks)
		canvas.Legend.Add(one.Name, line, marks)
	}
	if len(all) == 0 {
		return errors.New("there is nothing to draw")
	}
	canvas.X.Scale, canvas.Y.Scale = plot.LogScale{}, plot.LogScale{}
	canvas.X.Tick.Marker, canvas.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	// Room for the legend above the lines.
	canvas.Y.Min, canvas.Y.Max = slices.Min(all)/1.5, slices.Max(all)*8
	return nil
}

// addStacks draws a stack for each label, of a part of each series.
func (d drawing) addStacks(canvas *plot.Plot) error {
	var below *plotter.BarChart
	var entries []entry
	totals := make([]float64, len(d.Labels))
	for i, one := range d.Series {
		if len(one.Y) != len(d.Labels) {
			return fmt.Errorf("series %s has %d values for %d labels", one.Name, len(one.Y), len(d.Labels))
		}
		bars, err := plotter.NewBarChart(plotter.Values(one.Y), barWidth)
		if err != nil {
			return fmt.Errorf("series %s: %w", one.Name, err)
		}
		bars.Color, bars.LineStyle.Width = shade(i), 0
		if below != nil {
			bars.StackOn(below)
		}
		below = bars
		for j, value := range one.Y {
			totals[j] += value
		}
		if slices.Max(one.Y) > 0 {
			canvas.Add(bars)
			entries = append(entries, entry{one.Name, bars})
		}
	}
	for _, one := range slices.Backward(entries) { // the uppermost first, as in the stacks
		canvas.Legend.Add(one.name, one.bars)
	}
	if len(totals) == 0 || slices.Max(totals) == 0 {
		return errors.New("there is nothing to draw")
	}
	canvas.NominalX(d.Labels...)
	// Room for the legend beside the stacks.
	canvas.X.Max = float64(len(d.Labels)) + 0.5
	canvas.Y.Min = 0
	return nil
}

// entry is what a legend has of a part.
type entry struct {
	name string
	bars *plotter.BarChart
}

// shades tell the parts of a stack apart, of which there are more than a palette
// for lines has colours.
var shades = []color.Color{
	color.RGBA{0x4e, 0x79, 0xa7, 0xff}, color.RGBA{0xf2, 0x8e, 0x2b, 0xff}, color.RGBA{0xe1, 0x57, 0x59, 0xff},
	color.RGBA{0x76, 0xb7, 0xb2, 0xff}, color.RGBA{0x59, 0xa1, 0x4f, 0xff}, color.RGBA{0xed, 0xc9, 0x48, 0xff},
	color.RGBA{0xb0, 0x7a, 0xa1, 0xff}, color.RGBA{0xff, 0x9d, 0xa7, 0xff}, color.RGBA{0x9c, 0x75, 0x5f, 0xff},
	color.RGBA{0xba, 0xb0, 0xac, 0xff}, color.RGBA{0x1f, 0x3a, 0x5f, 0xff}, color.RGBA{0x8c, 0x56, 0x4b, 0xff},
	color.RGBA{0x2c, 0xa0, 0x2c, 0xff},
}

func shade(i int) color.Color { return shades[i%len(shades)] }
