package ansible

import (
	"fmt"
	"regexp"
	"strings"
)

// Reason says in one word why a host does not enforce its intent. It becomes
// the reason of a condition, and the label of a metric.
type Reason string

// Reasons why a host could not be entered.
const (
	ReasonHostKeyUnknown       Reason = "HostKeyUnknown"
	ReasonHostKeyChanged       Reason = "HostKeyChanged"
	ReasonAuthenticationFailed Reason = "AuthenticationFailed"
	ReasonConnectionRefused    Reason = "ConnectionRefused"
	ReasonConnectionTimeout    Reason = "ConnectionTimeout"
	ReasonNoRoute              Reason = "NoRoute"
	ReasonNameNotResolved      Reason = "NameNotResolved"
	ReasonUnreachable          Reason = "Unreachable"
)

// Reasons why a host that could be entered was left unchanged. The module
// names more of them itself, see roles/nft/README.md.
const (
	ReasonSudoRefused      Reason = "SudoRefused"
	ReasonPythonMissing    Reason = "PythonMissing"
	ReasonNotRoot          Reason = "NotRoot"
	ReasonNftMissing       Reason = "NftMissing"
	ReasonUnsupported      Reason = "Unsupported"
	ReasonInterfaceMissing Reason = "InterfaceNotFound"
	ReasonSSHPortClosed    Reason = "SSHPortClosed"
	ReasonRulesetRejected  Reason = "RulesetRejected"
	ReasonReadBackMismatch Reason = "ReadBackMismatch"
	ReasonBusy             Reason = "Busy"
	ReasonWriteFailed      Reason = "WriteFailed"
	ReasonInvalidVars      Reason = "InvalidVars"
	// LimitsUnsupported: the host cannot keep a limit that is asked for.
	ReasonLimitsUnsupported Reason = "LimitsUnsupported"
	// StaleWriter: another operator, or a later run of this one, was there since.
	ReasonStaleWriter Reason = "StaleWriter"
	// NewerState: a later release left on the host what this one does not understand.
	ReasonNewerState Reason = "NewerState"
	// RollbackNotArmed: the host could not promise to take the change back.
	ReasonRollbackNotArmed Reason = "RollbackNotArmed"
	// RollbackPending: an earlier change still waits for its confirmation.
	ReasonRollbackPending Reason = "RollbackPending"
	// NotConfirmed: the change cut the way in; the host takes it back by itself.
	ReasonNotConfirmed Reason = "NotConfirmed"
	// RolledBack: the host took this very change back before, and has nothing
	// earlier that openings could be changed in.
	ReasonRolledBack  Reason = "RolledBack"
	ReasonApplyFailed Reason = "ApplyFailed"
)

// Reasons why nothing is known of the host.
const (
	ReasonRunTimeout   Reason = "RunTimeout"
	ReasonRunnerFailed Reason = "RunnerFailed"
)

// moduleReasons are those that the module may name.
var moduleReasons = map[Reason]bool{
	ReasonNotRoot: true, ReasonNftMissing: true, ReasonUnsupported: true,
	ReasonInterfaceMissing: true, ReasonSSHPortClosed: true, ReasonRulesetRejected: true,
	ReasonReadBackMismatch: true, ReasonBusy: true, ReasonWriteFailed: true,
	ReasonInvalidVars: true, ReasonStaleWriter: true, ReasonNewerState: true, ReasonRollbackNotArmed: true,
	ReasonLimitsUnsupported: true, ReasonRollbackPending: true, ReasonNotConfirmed: true, ReasonRolledBack: true,
}

// moduleAdvice goes before the module's message where that cannot know what a
// person can do: it comes first, because a long message is cut at its end.
var moduleAdvice = map[Reason]string{
	ReasonLimitsUnsupported: "update the host's nftables or kernel, or take the limit out of the Service's annotations or spec.rateLimiting; the host says: ",
}

// Unreachable reports whether the reason means that nobody could log in.
func (r Reason) Unreachable() bool {
	switch r {
	case ReasonHostKeyUnknown, ReasonHostKeyChanged, ReasonAuthenticationFailed, ReasonConnectionRefused,
		ReasonConnectionTimeout, ReasonNoRoute, ReasonNameNotResolved, ReasonUnreachable:
		return true
	default:
		return false
	}
}

// failure is what Ansible says of a task that failed.
type failure struct {
	Reason       Reason `json:"reason"`
	Msg          string `json:"msg"`
	ModuleStderr string `json:"module_stderr"`
	ModuleStdout string `json:"module_stdout"`
}

func (f failure) text() string {
	return strings.TrimSpace(strings.Join([]string{f.Msg, f.ModuleStderr, f.ModuleStdout}, "\n"))
}

// symptom maps a text that ssh, sudo or a shell prints to a reason and to what
// a person can do. Their texts are all that they give; this is the one place
// that reads them.
type symptom struct {
	text   *regexp.Regexp
	reason Reason
	advice string
}

// unreachableSymptoms are tried in order. Host keys come first, because ssh
// reports a permission error after a changed key as well.
var unreachableSymptoms = []symptom{
	{regexp.MustCompile(`REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed|host key .* has changed`), ReasonHostKeyChanged,
		"the host's key is not the known one: if the host was reinstalled, put its new key into known_hosts; if not, somebody may sit in between"},
	{regexp.MustCompile(`No \S+ host key is known|Host key verification failed`), ReasonHostKeyUnknown,
		"the host's key is not in known_hosts: compare what ssh-keyscan prints with the host's console and add it"},
	{regexp.MustCompile(`Permission denied|Too many authentication failures|no such identity`), ReasonAuthenticationFailed,
		"the host refuses the user or the key: check spec.ssh.user and that the Secret's public key is in that user's authorized_keys"},
	{regexp.MustCompile(`Could not resolve hostname`), ReasonNameNotResolved,
		"the address does not resolve: check the name in spec.hosts, or use an IP address"},
	{regexp.MustCompile(`Connection refused`), ReasonConnectionRefused,
		"nothing listens on the SSH port: check that sshd runs, and the port"},
	{regexp.MustCompile(`timed out|Timeout, server|Operation timed out`), ReasonConnectionTimeout,
		"the host does not answer: check that it is up and that the way to its SSH port is open"},
	{regexp.MustCompile(`No route to host|Network is unreachable`), ReasonNoRoute,
		"there is no route to the host from the operator"},
}

// failureSymptoms are tried in order for hosts that could be entered.
var failureSymptoms = []symptom{
	{regexp.MustCompile(`(?i)sudo: a (terminal|password) is required|Missing sudo password|sudo.*(incorrect|password)|is not in the sudoers file|not allowed to execute|sudo: (command )?not found|sudo\S*: .*No such file`), ReasonSudoRefused,
		"sudo does not let the user become root without a password: install sudo and allow it, or log in as root with become: None"},
	{regexp.MustCompile(`waiting for privilege escalation prompt`), ReasonConnectionTimeout, // Ansible's sudo never waits for a person: the connection died
		"the host does not answer: check that it is up and that the way to its SSH port is open"},
	{regexp.MustCompile(`(?i)python3?: (command )?not found|python3?: No such file|python3?: cannot execute|can't open .*python|The module failed to execute correctly.*python|unable to execute /usr/bin/python3|python3.*No such file or directory`), ReasonPythonMissing,
		"/usr/bin/python3 is not there: install the package python3-minimal or python3"},
}

// Entered reports whether the reason means that somebody could log in.
func (r Reason) Entered() bool {
	return r != "" && !r.Unreachable() && r != ReasonRunTimeout && r != ReasonRunnerFailed
}

func classifyUnreachable(text string) (Reason, string) {
	for _, symptom := range unreachableSymptoms {
		if symptom.text.MatchString(text) {
			return symptom.reason, symptom.advice
		}
	}
	return ReasonUnreachable, "SSH failed: " + printable(text)
}

func classifyFailure(f failure) (Reason, string) {
	if moduleReasons[f.Reason] {
		return f.Reason, moduleAdvice[f.Reason] + printable(f.Msg)
	}
	for _, symptom := range failureSymptoms {
		if symptom.text.MatchString(f.text()) {
			return symptom.reason, symptom.advice
		}
	}
	return ReasonApplyFailed, printable(f.text())
}

// printable bounds a foreign text and takes control characters out of it.
func printable(text string) string {
	const limit = 1024
	text = strings.Map(func(r rune) rune {
		if r == '\n' || r >= ' ' && r != 0x7f {
			return r
		}
		return -1
	}, strings.TrimSpace(text))
	if len(text) > limit {
		return fmt.Sprintf("%s… (%d bytes more)", strings.ToValidUTF8(text[:limit], ""), len(text)-limit)
	}
	return text
}
