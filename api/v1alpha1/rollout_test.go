package v1alpha1

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestMaxUnavailableOf(t *testing.T) {
	for name, test := range map[string]struct {
		most  *intstr.IntOrString
		hosts int
		want  int
	}{
		"left out, few hosts":       {nil, 3, 1},
		"left out, many hosts":      {nil, 11, 2},
		"a number":                  {new(intstr.FromInt32(5)), 64, 5},
		"a percentage, rounded":     {new(intstr.FromString("50%")), 5, 2},
		"all of them":               {new(intstr.FromString("100%")), 7, 7},
		"of one host":               {new(intstr.FromString("1%")), 1, 1},
		"what no API server let in": {new(intstr.FromString("some")), 9, 1},
	} {
		if got := (Rollout{MaxUnavailable: test.most}).MaxUnavailableOf(test.hosts); got != test.want {
			t.Errorf("%s: %d of %d hosts, want %d", name, got, test.hosts, test.want)
		}
	}
}

func TestConfirmTimeoutOrDefault(t *testing.T) {
	if got := (Rollout{}).ConfirmTimeoutOrDefault(); got != 30*time.Second {
		t.Errorf("left out, it is %s", got)
	}
	if got := (Rollout{ConfirmTimeout: &metav1.Duration{Duration: time.Minute}}).ConfirmTimeoutOrDefault(); got != time.Minute {
		t.Errorf("of a minute, it is %s", got)
	}
}
