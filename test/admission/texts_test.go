package admission

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/nft-operator/nft-operator/internal/ratelimit"
	"github.com/nft-operator/nft-operator/internal/ratelimit/ratelimittest"
)

var tables = map[string]ratelimittest.Table{
	ratelimit.AncestorAnnotation:        ratelimittest.DataRates,
	ratelimit.RateAnnotation:            ratelimittest.DataRates,
	ratelimit.PerSourceAnnotation:       ratelimittest.DataRates,
	ratelimit.PerPortAnnotation:         ratelimittest.PerPort,
	ratelimit.ConnectionRateAnnotation:  ratelimittest.ConnectionRates,
	ratelimit.ConnectionLimitAnnotation: ratelimittest.ConnectionLimits,
}

func TestWhatTheParserReadsIsAccepted(t *testing.T) {
	for annotation, table := range tables {
		for _, good := range table.Good {
			if err := try(t.Context(), service("good", annotation, good.Text)); err != nil {
				t.Errorf("%s: %q: %v", annotation, good.Text, err)
			}
		}
	}
}

// TestWhatTheParserRefusesIsRefused, but for what the table says gets past. The
// message names the annotation; internal/ratelimit checks its examples.
func TestWhatTheParserRefusesIsRefused(t *testing.T) {
	for annotation, table := range tables {
		for _, bad := range slices.Concat(table.Bad, ratelimittest.TooLong) {
			if !utf8.ValidString(bad.Text) {
				continue // no request can carry it
			}
			err := try(t.Context(), service("bad", annotation, bad.Text))
			switch {
			case bad.PastPolicy != "":
				if err != nil {
					t.Errorf("%s: %.40q is refused although %s: %v", annotation, bad.Text, bad.PastPolicy, err)
				}
			case !apierrors.IsInvalid(err):
				t.Errorf("%s: %.40q is not refused as invalid: %v", annotation, bad.Text, err)
			case !strings.Contains(err.Error(), "denied request: annotation "+annotation+" cannot be read"):
				t.Errorf("%s: %.40q is refused with: %v", annotation, bad.Text, err)
			}
		}
	}
}

// TestNoSizeGetsPast: expressions may only cost so much, and one that costs more
// counts as broken, so the Service would pass.
func TestNoSizeGetsPast(t *testing.T) {
	for name, fill := range map[string]func(annotations map[string]string){
		"many annotations": func(annotations map[string]string) {
			for i := range 20_000 {
				annotations[fmt.Sprintf("note-%d", i)] = ""
			}
		},
		"a large one of ours": func(annotations map[string]string) {
			annotations[ratelimit.PerSourceAnnotation] = strings.Repeat("1", 240<<10)
		},
		"all of ours, of the full length": func(annotations map[string]string) {
			for annotation := range tables {
				annotations[annotation] = strings.Repeat("1", 128)
			}
		},
	} {
		s := service("large", ratelimit.RateAnnotation, unread)
		fill(s.Annotations)
		if err := try(t.Context(), s); !apierrors.IsInvalid(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
