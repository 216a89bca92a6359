package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
)

func TestForHost(t *testing.T) {
	tests := []struct {
		name       string
		edit       func(*v1alpha1.NftGatewaySpec)
		interfaces []string
		port       uint16
		err        string
	}{
		{name: "interfaces of the gateway, default port", interfaces: []string{"eth0"}, port: 22},
		{name: "interfaces and port of its own",
			edit: func(s *v1alpha1.NftGatewaySpec) {
				s.SSH.Port = 2222
				s.Hosts[0].Port = ptr(int32(2022))
				s.Hosts[0].PublicInterfaces = []v1alpha1.InterfaceName{"wan@if3", "bond0.100", "bond0.100"}
			}, interfaces: []string{"bond0.100", "wan@if3"}, port: 2022},
		{name: "port of the gateway", edit: func(s *v1alpha1.NftGatewaySpec) { s.SSH.Port = 2222 }, interfaces: []string{"eth0"}, port: 2222},
		{name: "no interface", edit: func(s *v1alpha1.NftGatewaySpec) { s.PublicInterfaces = nil },
			err: "spec.hosts[name=gw1].publicInterfaces: is empty, and so is spec.publicInterfaces; write the interfaces that face the outside"},
		{name: "a wildcard", edit: func(s *v1alpha1.NftGatewaySpec) { s.PublicInterfaces = []v1alpha1.InterfaceName{"eth*"} },
			err: `spec.hosts[name=gw1].publicInterfaces: "eth*" is not the name of an interface; write it as 'ip link' shows it, such as eth0`},
		{name: "a newline", edit: func(s *v1alpha1.NftGatewaySpec) { s.PublicInterfaces = []v1alpha1.InterfaceName{"eth0\n"} },
			err: `spec.hosts[name=gw1].publicInterfaces: "eth0\n" is not the name of an interface; write it as 'ip link' shows it, such as eth0`},
		{name: "a long name", edit: func(s *v1alpha1.NftGatewaySpec) { s.PublicInterfaces = []v1alpha1.InterfaceName{"interface0123456"} },
			err: `spec.hosts[name=gw1].publicInterfaces: "interface0123456" is not the name of an interface; write it as 'ip link' shows it, such as eth0`},
		{name: "a port that does not exist", edit: func(s *v1alpha1.NftGatewaySpec) { s.Hosts[0].Port = ptr(int32(65536)) },
			err: "spec.hosts[name=gw1].port: 65536 does not exist; write a number from 1 to 65535"},
		{name: "a bad name", edit: func(s *v1alpha1.NftGatewaySpec) { s.Hosts[0].Name = "gw1 ansible_host=x" },
			err: `spec.hosts[].name: "gw1 ansible_host=x" is not a host name; write lower-case letters, digits and '-', such as gw1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			gw := gateway()
			if tt.edit != nil {
				tt.edit(&gw.Spec)
			}
			plan := planFor(t, gw, service("web"))
			host, err := plan.ForHost(&gw.Spec, gw.Spec.Hosts[0])
			wantError(t, err, tt.err)
			if err != nil {
				return
			}
			if host.Name != "gw1" || host.SSHPort != tt.port || len(host.Gateway.Exposures) != 1 {
				t.Errorf("%+v", host)
			}
			if diff := cmp.Diff(tt.interfaces, host.PublicInterfaces); diff != "" {
				t.Errorf("interfaces (-want +got):\n%s", diff)
			}
		})
	}
}
