package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

func TestInterfaceLimits(t *testing.T) {
	const gigabit, packets = "1gbit burst 1 mbytes", "400 packets/second"
	tests := []struct {
		name string
		spec []v1alpha1.InterfaceLimit
		// want is each with its ingress and egress.
		want string
		err  string
	}{
		{name: "none"},
		{name: "both directions", spec: []v1alpha1.InterfaceLimit{{Name: "eth0", Ingress: gigabit, Egress: packets}},
			want: "eth0: 1 gbit/second burst 1 mbytes, 400 packets/second burst 40 packets"},
		{name: "sorted by name", spec: []v1alpha1.InterfaceLimit{{Name: "eth1", Egress: packets}, {Name: "bond0.100", Ingress: gigabit}, {Name: "eth0:1", Ingress: packets}},
			want: "bond0.100: 1 gbit/second burst 1 mbytes, none; eth0:1: 400 packets/second burst 40 packets, none; eth1: none, 400 packets/second burst 40 packets"},

		{name: "without a limit", spec: []v1alpha1.InterfaceLimit{{Name: "eth0"}},
			err: "spec.rateLimiting.interfaces[eth0]: has no limit; write ingress, egress or both"},
		{name: "ingress without period", spec: []v1alpha1.InterfaceLimit{{Name: "eth1", Egress: gigabit}, {Name: "eth0", Ingress: "2 mbytes"}},
			err: `spec.rateLimiting.interfaces[eth0].ingress: at column 9: a period is missing, such as "/second": write for example "16mbit burst 256 kbytes"`},
		{name: "egress that is hostile", spec: []v1alpha1.InterfaceLimit{{Name: "eth0", Ingress: gigabit, Egress: "2 mbytes/second; drop"}},
			err: `spec.rateLimiting.interfaces[eth0].egress: at column 16: ";" has no place here: write for example "16mbit burst 256 kbytes"`},
		{name: "name that is hostile", spec: []v1alpha1.InterfaceLimit{{Name: "eth0", Ingress: gigabit}, {Name: `eth1" ; drop`, Ingress: gigabit}},
			err: `spec.rateLimiting.interfaces[1].name: "eth1\" ; drop" is not the name of an interface; write it as 'ip link' shows it, such as eth0`},
		{name: "wildcard", spec: []v1alpha1.InterfaceLimit{{Name: "eth*", Ingress: gigabit}},
			err: `spec.rateLimiting.interfaces[0].name: "eth*" is not the name of an interface; write it as 'ip link' shows it, such as eth0`},
		{name: "twice", spec: []v1alpha1.InterfaceLimit{{Name: "eth0", Ingress: gigabit}, {Name: "eth1", Ingress: gigabit}, {Name: "eth0", Egress: gigabit}},
			err: "spec.rateLimiting.interfaces: names eth0 twice; write one entry for each interface"},
		{name: "too many", spec: make([]v1alpha1.InterfaceLimit, 33),
			err: "spec.rateLimiting.interfaces: has 33 entries; write at most 32"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := ForGateway(gateway(limiting(v1alpha1.RateLimiting{Interfaces: tt.spec})), nil, nil)
			wantError(t, err, tt.err)
			var words []string
			for _, limit := range plan.RateLimiting.Interfaces {
				words = append(words, fmt.Sprintf("%s: %s, %s", limit.Name, orNone(limit.Ingress), orNone(limit.Egress)))
			}
			if got := strings.Join(words, "; "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
