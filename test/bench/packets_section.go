package main

import (
	"context"
	"fmt"
)

const (
	noRuleset   = "no ruleset"
	onlyTracked = "conntrack alone"

	// smallRounds and largeRounds of all rulesets: the medians are told. Small packets
	// take less time, and have targets.
	smallRounds, largeRounds = 25, 11
)

// smallPackets are of two kinds: rulesets do more for what they do not know.
var smallPackets = []struct {
	name string
	kind packetKind
}{
	{"64-byte UDP packets of a known connection", knownPackets},
	{"never answered 64-byte UDP packets", firstPackets},
}

// packetCounts are how many Services there are.
var packetCounts = []int{1, 100, 1000, 10000}

// restrictedParts are how many of the Services name source ranges.
var restrictedParts = []float64{0, 0.5}

func productWith(count int, restricted float64) string {
	return fmt.Sprintf("%d Services, %.0f %% with source ranges", count, 100*restricted)
}

func ancestorWith(count int) string { return fmt.Sprintf("one rule for each of %d Services", count) }

func measurePacketsSection(ctx context.Context) (section, error) {
	c, err := openPacketContest(ctx)
	if err != nil {
		return section{}, err
	}
	if err := c.run(ctx, smallRounds, knownPackets, firstPackets); err != nil {
		return section{}, err
	}
	if err := c.run(ctx, largeRounds, newConnections, goodput); err != nil {
		return section{}, err
	}
	return section{Figures: packetFigures(c), Plots: packetPlots(c)}, nil
}

// openPacketContest gives each ruleset a gateway of its own, so that nothing is
// loaded while something is measured.
func openPacketContest(ctx context.Context) (*contest, error) {
	names := []string{noRuleset, onlyTracked}
	for _, count := range packetCounts {
		for _, restricted := range restrictedParts {
			names = append(names, productWith(count, restricted))
		}
		names = append(names, ancestorWith(count))
	}
	c, err := newContest(names)
	if err != nil {
		return nil, err
	}
	if err := c.named(onlyTracked).gateway.Nft(conntrackAlone); err != nil {
		return nil, err
	}
	for _, count := range packetCounts {
		for _, restricted := range restrictedParts {
			gateway := c.named(productWith(count, restricted)).gateway
			if err := applyServices(ctx, c.net, gateway, servicesWithLast(count, restricted)); err != nil {
				return nil, err
			}
		}
		if err := c.named(ancestorWith(count)).gateway.Nft(oneRulePerService(servicesWithLast(count, 0))); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// measured is one of the rates, with how it is told.
type measured struct {
	name, file string
	unit       unit
	scale      float64
	kind       packetKind
}

var packetMeasures = []measured{
	{smallPackets[0].name + " a core carries", "known-packets", perSecond, 1, knownPackets},
	{smallPackets[1].name + " a core carries", "first-packets", perSecond, 1, firstPackets},
	{"goodput of one TCP connection", "goodput", gigabits, 1e-9, goodput},
	{"new TCP connections a core carries", "connections", perSecond, 1, newConnections},
}

func (m measured) median(of *contender) float64 { return m.scale * median(of.rates[m.kind]) }

func packetFigures(c *contest) []figure {
	var figures []figure
	for _, m := range packetMeasures {
		for _, count := range packetCounts {
			for _, restricted := range restrictedParts {
				name := productWith(count, restricted)
				figures = append(figures, figure{
					Name: m.name + ", " + name, Value: m.median(c.named(name)), Unit: m.unit,
					References: []reference{
						{noRuleset, m.median(c.named(noRuleset))},
						{onlyTracked, m.median(c.named(onlyTracked))},
						{"one rule per Service", m.median(c.named(ancestorWith(count)))},
					},
				})
			}
		}
	}
	return append(figures, packetTargets(c)...)
}

// nearly is what many Services are to let through of what one or none do.
var nearly = &target{Least: 0.95}

func packetTargets(c *contest) []figure {
	most := packetCounts[len(packetCounts)-1]
	var figures []figure
	for _, small := range smallPackets {
		for _, restricted := range restrictedParts {
			lowest := 1.0
			for _, count := range packetCounts[1:] {
				lowest = min(lowest, c.relative(productWith(count, restricted), productWith(1, restricted), small.kind))
			}
			name := productWith(most, restricted)
			figures = append(figures, figure{
				Name:  fmt.Sprintf("%s, %.0f %% with source ranges, the lowest of all numbers of Services, of that with one", small.name, 100*restricted),
				Value: lowest, Unit: share, Target: nearly,
			}, figure{
				Name: small.name + ", " + name + ", of conntrack alone", Value: c.relative(name, onlyTracked, small.kind), Unit: share,
				References: []reference{{"one rule per Service", c.relative(ancestorWith(most), onlyTracked, small.kind)}},
				Target:     nearly,
			})
		}
	}
	return figures
}

func packetPlots(c *contest) []plot {
	var plots []plot
	for _, m := range packetMeasures {
		drawn := plot{Name: m.file, Kind: lines, Title: m.name, X: "Services", Y: string(m.unit)}
		for _, restricted := range restrictedParts {
			line := series{Name: fmt.Sprintf("nft-operator, %.0f %% with source ranges", 100*restricted)}
			for _, count := range packetCounts {
				line.add(float64(count), m.median(c.named(productWith(count, restricted))))
			}
			drawn.Series = append(drawn.Series, line)
		}
		ancestor := series{Name: "one rule per Service"}
		for _, count := range packetCounts {
			ancestor.add(float64(count), m.median(c.named(ancestorWith(count))))
		}
		drawn.Series = append(drawn.Series, ancestor)
		for _, name := range []string{noRuleset, onlyTracked} {
			line := series{Name: name}
			for _, count := range packetCounts {
				line.add(float64(count), m.median(c.named(name)))
			}
			drawn.Series = append(drawn.Series, line)
		}
		plots = append(plots, drawn)
	}
	return plots
}
