package ansible

import (
	"fmt"
	"strings"
)

// jumpAlias is the jump host's name within the ssh_config. A name that is no
// address keeps its settings from meeting those of a host at the same address.
const jumpAlias = "nft-operator-jump"

// sshConfig writes the ssh_config(5) of a run. A configuration file rather
// than options on the command line, because ProxyJump hands on only the file:
// the jump host is thus verified as strictly as the hosts.
// identityFile is empty where the user's own keys shall be tried.
func sshConfig(run Run, knownHostsFile, identityFile string) string {
	var config strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&config, format+"\n", args...) }

	line("# Written by nft-operator for one gateway.")
	if jump := run.Access.Jump; jump != nil {
		line("Host %s", jumpAlias)
		line("  HostName %s", jump.Address)
		line("  Port %d", jump.Port)
		line("  User %s", jump.User)
		for _, target := range run.Targets {
			line("Host %s", target.Address)
			line("  ProxyJump %s", jumpAlias)
		}
	}
	line("Host *")
	line("  StrictHostKeyChecking yes")
	line("  UserKnownHostsFile %s", configQuote(knownHostsFile))
	line("  GlobalKnownHostsFile /dev/null")
	line("  UpdateHostKeys no")
	line("  PreferredAuthentications publickey")
	if identityFile != "" {
		line("  IdentityFile %s", configQuote(identityFile))
		line("  IdentitiesOnly yes")
		line("  IdentityAgent none")
	}
	line("  ForwardAgent no")
	line("  ConnectTimeout %d", run.Access.ConnectTimeoutSeconds)
	line("  ServerAliveInterval 5")
	line("  ServerAliveCountMax 3")
	line("  LogLevel ERROR")
	return config.String()
}

// configQuote writes a path for ssh_config, where % starts a token.
func configQuote(path string) string {
	return `"` + strings.ReplaceAll(path, "%", "%%") + `"`
}

// shellQuote writes a path for Ansible's ssh arguments, which it splits as a shell would.
func shellQuote(path string) string {
	return "'" + strings.ReplaceAll(path, "'", `'"'"'`) + "'"
}
