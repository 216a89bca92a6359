package main

import "fmt"

// unit says what a figure counts, and how it is written.
type unit string

const (
	seconds   unit = "s"
	mebibytes unit = "MiB"
	perSecond unit = "/s"
	gigabits  unit = "Gbit/s"
	share     unit = "%"
	count     unit = ""
)

// write gives three digits to what has a fraction.
func (u unit) write(value float64) string {
	switch u {
	case seconds:
		if value < 0.1 {
			return fmt.Sprintf("%.1f ms", 1000*value)
		}
		return fmt.Sprintf("%.2f s", value)
	case mebibytes:
		return fmt.Sprintf("%.0f MiB", value)
	case perSecond:
		return fmt.Sprintf("%.0f /s", value)
	case gigabits:
		return fmt.Sprintf("%.2f Gbit/s", value)
	case share:
		return fmt.Sprintf("%.1f %%", 100*value)
	default:
		return fmt.Sprintf("%.1f", value)
	}
}
