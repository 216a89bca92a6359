package ansible

import (
	"gopkg.in/yaml.v3"
)

// Target is one host of a run.
type Target struct {
	// Name of the host in the inventory, the name in spec.hosts.
	Name string
	// Address that SSH connects to: an IP address or a DNS name.
	Address string
	// Port that SSH connects to.
	Port uint16
	// SSHDPort is the port that the SSH server itself listens on, which the
	// failsafe keeps open.
	SSHDPort uint16
	// User that logs in.
	User string
	// PublicInterfaces face the outside.
	PublicInterfaces []string
	// Revision of the intent, and Structure, that of the intent without its
	// openings: see Revision.
	Revision, Structure string
	// Hold leaves the structure on the host as it is, and changes openings only.
	Hold bool
	// Retry tries a structure again that the host took back.
	Retry bool
}

// inventory is Ansible's YAML inventory with one group, gateways.
type inventory struct {
	Gateways inventoryGroup `yaml:"gateways"`
}

type inventoryGroup struct {
	Hosts map[string]inventoryHost `yaml:"hosts"`
	Vars  inventoryVars            `yaml:"vars"`
}

type inventoryHost struct {
	Address          string   `yaml:"ansible_host"`
	Port             uint16   `yaml:"ansible_port"`
	User             string   `yaml:"ansible_user"`
	Host             string   `yaml:"nft_host"`
	PublicInterfaces []string `yaml:"nft_public_interfaces"`
	SSHPort          uint16   `yaml:"nft_ssh_port"`
	Revision         string   `yaml:"nft_revision"`
	Structure        string   `yaml:"nft_structure"`
	Hold             bool     `yaml:"nft_hold,omitempty"`
	Retry            bool     `yaml:"nft_retry,omitempty"`
}

type inventoryVars struct {
	Connection  string `yaml:"ansible_connection"`
	Interpreter string `yaml:"ansible_python_interpreter"`
	SSHArgs     string `yaml:"ansible_ssh_common_args"`
	Timeout     int    `yaml:"ansible_ssh_timeout"`
	Become      bool   `yaml:"ansible_become"`
	// ConfirmTimeout is left out where the role's default will do.
	ConfirmTimeout int    `yaml:"nft_confirm_timeout,omitempty"`
	Fence          *Fence `yaml:"nft_fence,omitempty"`
}

// remotePython is Debian's interpreter. Naming it saves the remote execution
// that finding one would cost.
const remotePython = "/usr/bin/python3"

// inventoryYAML writes the inventory of a run whose ssh_config lies at sshConfig.
func inventoryYAML(run Run, sshConfig string) ([]byte, error) {
	hosts := make(map[string]inventoryHost, len(run.Targets))
	for _, target := range run.Targets {
		hosts[target.Name] = inventoryHost{
			Address:          target.Address,
			Port:             target.Port,
			User:             target.User,
			Host:             target.Name,
			PublicInterfaces: target.PublicInterfaces,
			SSHPort:          target.SSHDPort,
			Revision:         target.Revision,
			Structure:        target.Structure,
			Hold:             target.Hold,
			Retry:            target.Retry,
		}
	}
	return yaml.Marshal(inventory{Gateways: inventoryGroup{
		Hosts: hosts,
		Vars: inventoryVars{
			Connection:  "ssh",
			Interpreter: remotePython,
			SSHArgs:     "-F " + shellQuote(sshConfig),
			Timeout:     run.Access.ConnectTimeoutSeconds, // Ansible's own would win over ssh_config's
			Become:      run.Access.Become,

			ConfirmTimeout: run.ConfirmTimeoutSeconds,
			Fence:          run.Fence,
		},
	}})
}
