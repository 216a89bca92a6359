package main

import (
	"math"
	"slices"
)

// quantile is the smallest value that so large a part of the values is not above.
func quantile(values []float64, part float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(part*float64(len(sorted))))-1)]
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// ratios are those of values that were measured in turns.
func ratios(values, references []float64) []float64 {
	found := make([]float64, len(values))
	for i := range values {
		found[i] = values[i] / references[i]
	}
	return found
}
