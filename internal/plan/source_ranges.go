package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// sourceRanges are the sources that a Service admits. The zero value admits
// everybody.
type sourceRanges struct {
	restricted bool
	ipv4, ipv6 []netip.Prefix
}

// sourceRangesOf reads a Service's ranges: the field where it is not empty,
// else the old annotation. One bad entry spoils them all: to leave it out could
// close the Service for somebody silently, to read it generously could open it.
func sourceRangesOf(service *corev1.Service) (sourceRanges, error) {
	entries, origin := service.Spec.LoadBalancerSourceRanges, "spec.loadBalancerSourceRanges"
	if len(entries) == 0 {
		entries, origin = annotatedRanges(service), "annotation "+corev1.AnnotationLoadBalancerSourceRangesKey
	}
	ranges, err := parseSourceRanges(entries)
	if err != nil {
		return sourceRanges{}, fmt.Errorf("%s: %w", origin, err)
	}
	return ranges, nil
}

// annotatedRanges are the entries of the annotation, none where it is blank.
func annotatedRanges(service *corev1.Service) []string {
	text := service.Annotations[corev1.AnnotationLoadBalancerSourceRangesKey]
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func parseSourceRanges(entries []string) (sourceRanges, error) {
	prefixes := make([]netip.Prefix, 0, len(entries))
	for _, entry := range entries {
		prefix, err := parsePrefix(strings.TrimSpace(entry))
		if err != nil {
			return sourceRanges{}, err
		}
		prefixes = append(prefixes, prefix)
	}
	merged := mergePrefixes(prefixes)
	firstIPv6 := slices.IndexFunc(merged, func(p netip.Prefix) bool { return p.Addr().Is6() })
	if firstIPv6 < 0 {
		firstIPv6 = len(merged)
	}
	return sourceRanges{
		restricted: len(entries) > 0,
		ipv4:       merged[:firstIPv6:firstIPv6],
		ipv6:       merged[firstIPv6:],
	}, nil
}

// to are the sources that may reach an address: nil for any, and false where
// the ranges name nobody of the address's family.
func (r sourceRanges) to(address netip.Addr) ([]netip.Prefix, bool) {
	if !r.restricted {
		return nil, true
	}
	sources := r.ipv6
	if address.Is4() {
		sources = r.ipv4
	}
	if len(sources) == 0 {
		return nil, false
	}
	// Merged, a prefix of length 0 is the only one.
	if sources[0].Bits() == 0 {
		return nil, true
	}
	return sources, true
}
