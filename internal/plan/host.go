package plan

import (
	"fmt"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

// Host is what one host must enforce: what its gateway does, and where.
type Host struct {
	Gateway Gateway
	// Name is unique within the gateway, a DNS-1123 label.
	Name string
	// PublicInterfaces are sorted, each there once.
	PublicInterfaces []string
	// SSHPort is where the operator connects to, and SSHDPort where the host's
	// SSH server listens: the same, unless a port forwarding lies between.
	SSHPort, SSHDPort uint16
}

const defaultSSHPort = 22

var interfaceName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$`)

// ForHost plans one of the hosts of spec, the spec of the gateway. The error, a
// *SpecError, is about this host only; the others can go on.
func (g Gateway) ForHost(spec *v1alpha1.NftGatewaySpec, host v1alpha1.GatewayHost) (Host, error) {
	if len(validation.IsDNS1123Label(host.Name)) > 0 {
		return Host{}, &SpecError{Field: "spec.hosts[].name", Problem: quote(host.Name) + " is not a host name; write lower-case letters, digits and '-', such as gw1"}
	}
	interfaces, err := publicInterfaces(spec, host)
	if err != nil {
		return Host{}, err
	}
	port, err := sshPort(spec, host)
	if err != nil {
		return Host{}, err
	}
	planned := Host{Gateway: g, Name: host.Name, PublicInterfaces: interfaces, SSHPort: port, SSHDPort: port}
	if host.SSHDPort != nil {
		planned.SSHDPort, err = portOf(*host.SSHDPort, host.Name, "sshdPort")
	}
	return planned, err
}

func publicInterfaces(spec *v1alpha1.NftGatewaySpec, host v1alpha1.GatewayHost) ([]string, error) {
	field := fmt.Sprintf("spec.hosts[name=%s].publicInterfaces", host.Name)
	var names []string
	for _, name := range spec.InterfacesOf(host) {
		if !interfaceName.MatchString(string(name)) {
			return nil, &SpecError{Field: field, Problem: quote(string(name)) + " is not the name of an interface; write it as 'ip link' shows it, such as eth0"}
		}
		names = append(names, string(name))
	}
	if len(names) == 0 {
		return nil, &SpecError{Field: field, Problem: "is empty, and so is spec.publicInterfaces; write the interfaces that face the outside"}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

func sshPort(spec *v1alpha1.NftGatewaySpec, host v1alpha1.GatewayHost) (uint16, error) {
	port := spec.SSHPort(host)
	if port == 0 {
		return defaultSSHPort, nil
	}
	return portOf(port, host.Name, "port")
}

func portOf(number int32, host, field string) (uint16, error) {
	if number < 1 || number > 65535 {
		return 0, &SpecError{Field: fmt.Sprintf("spec.hosts[name=%s].%s", host, field), Problem: fmt.Sprintf("%d does not exist; write a number from 1 to 65535", number)}
	}
	return uint16(number), nil
}
