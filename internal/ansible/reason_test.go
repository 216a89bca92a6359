package ansible

import (
	"strings"
	"testing"
)

func TestClassifyUnreachable(t *testing.T) {
	for text, want := range map[string]Reason{
		"Failed to connect to the host via ssh: @@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@@\nHost key verification failed.": ReasonHostKeyChanged,
		"Failed to connect to the host via ssh: Host key verification failed.":                                                             ReasonHostKeyUnknown,
		"Failed to connect to the host via ssh: No ED25519 host key is known for 192.0.2.1 and you have requested strict checking.":        ReasonHostKeyUnknown,
		"Failed to connect to the host via ssh: nobody@192.0.2.1: Permission denied (publickey).":                                          ReasonAuthenticationFailed,
		"Failed to connect to the host via ssh: ssh: connect to host 192.0.2.1 port 22: Connection refused":                                ReasonConnectionRefused,
		"Failed to connect to the host via ssh: ssh: connect to host 192.0.2.1 port 22: Connection timed out":                              ReasonConnectionTimeout,
		"Failed to connect to the host via ssh: ssh: connect to host 192.0.2.1 port 22: No route to host":                                  ReasonNoRoute,
		"Failed to connect to the host via ssh: ssh: Could not resolve hostname gw1.example.org: Name or service not known":                ReasonNameNotResolved,
		"Failed to connect to the host via ssh: kex_exchange_identification: Connection closed by remote host":                             ReasonUnreachable,
	} {
		reason, message := classifyUnreachable(text)
		if reason != want {
			t.Errorf("%q: got %s, want %s", text, reason, want)
		}
		if message == "" || !reason.Unreachable() || reason.Entered() {
			t.Errorf("%q: message %q, unreachable %v", text, message, reason.Unreachable())
		}
	}
}

func TestClassifyFailure(t *testing.T) {
	for name, test := range map[string]struct {
		failure failure
		want    Reason
	}{
		"the module's own reason":   {failure{Reason: "NftMissing", Msg: "install nftables"}, ReasonNftMissing},
		"of a later release":        {failure{Reason: "NewerState", Msg: "state.json is of version 9"}, ReasonNewerState},
		"with advice":               {failure{Reason: "LimitsUnsupported", Msg: "Error: Could not process rule"}, ReasonLimitsUnsupported},
		"a reason nobody knows":     {failure{Reason: "{{ x }}", Msg: "?"}, ReasonApplyFailed},
		"sudo wants a password":     {failure{Msg: "Missing sudo password"}, ReasonSudoRefused},
		"sudo says so itself":       {failure{ModuleStderr: "sudo: a password is required\n", Msg: "MODULE FAILURE"}, ReasonSudoRefused},
		"not a sudoer":              {failure{ModuleStdout: "nftop is not in the sudoers file.", Msg: "MODULE FAILURE"}, ReasonSudoRefused},
		"no sudo":                   {failure{ModuleStderr: "/bin/sh: 1: sudo: not found", Msg: "MODULE FAILURE"}, ReasonSudoRefused},
		"the connection died":       {failure{Msg: "Timeout (12s) waiting for privilege escalation prompt: "}, ReasonConnectionTimeout},
		"no python":                 {failure{ModuleStdout: "/bin/sh: 1: /usr/bin/python3: not found\r\n", Msg: "MODULE FAILURE"}, ReasonPythonMissing},
		"anything else is quoted":   {failure{Msg: "the disk is on fire"}, ReasonApplyFailed},
		"control characters go out": {failure{Msg: "a\x1b[31mb\x00c"}, ReasonApplyFailed},
	} {
		t.Run(name, func(t *testing.T) {
			reason, message := classifyFailure(test.failure)
			if reason != test.want {
				t.Errorf("got %s (%s), want %s", reason, message, test.want)
			}
			if reason.Entered() == reason.Unreachable() || strings.ContainsAny(message, "\x1b\x00") {
				t.Errorf("message %q", message)
			}
		})
	}
}

func TestLimitsUnsupportedSaysWhatToDo(t *testing.T) {
	_, message := classifyFailure(failure{Reason: "LimitsUnsupported", Msg: strings.Repeat("nft says much. ", 100)})
	if !strings.HasPrefix(message, "update the host's nftables or kernel, or take the limit out") || !strings.Contains(message, "the host says: nft says much.") {
		t.Errorf("message %q", message)
	}
}
