package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/internal/ratelimit"
)

// InterfaceLimit is what may be forwarded by one interface of every host. What
// is nil has no limit; not both are.
type InterfaceLimit struct {
	Name string
	// Ingress is for what comes in by it, Egress for what goes out.
	Ingress, Egress *ratelimit.Rate
}

const maxInterfaceLimits = 32

// interfaceLimits are sorted by name, each of which is there once.
func (r *specReader) interfaceLimits(field string, interfaces []v1alpha1.InterfaceLimit) []InterfaceLimit {
	if len(interfaces) > maxInterfaceLimits {
		r.fail(field, "has %d entries; write at most %d", len(interfaces), maxInterfaceLimits)
		return nil
	}
	limits := make([]InterfaceLimit, 0, len(interfaces))
	for i, one := range interfaces {
		if !interfaceName.MatchString(string(one.Name)) {
			r.fail(fmt.Sprintf("%s[%d].name", field, i), "%s is not the name of an interface; write it as 'ip link' shows it, such as eth0", quote(string(one.Name)))
			continue
		}
		limits = append(limits, r.interfaceLimit(fmt.Sprintf("%s[%s]", field, one.Name), one))
	}
	slices.SortFunc(limits, func(a, b InterfaceLimit) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(limits); i++ {
		if limits[i].Name == limits[i-1].Name {
			r.fail(field, "names %s twice; write one entry for each interface", limits[i].Name)
		}
	}
	return limits
}

func (r *specReader) interfaceLimit(field string, one v1alpha1.InterfaceLimit) InterfaceLimit {
	if one.Ingress == "" && one.Egress == "" {
		r.fail(field, "has no limit; write ingress, egress or both")
	}
	return InterfaceLimit{
		Name:    string(one.Name),
		Ingress: r.rate(field+".ingress", one.Ingress),
		Egress:  r.rate(field+".egress", one.Egress),
	}
}
