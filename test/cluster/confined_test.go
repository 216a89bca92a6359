package cluster

import (
	"context"
	"regexp"
	"strings"
	"testing"
)

// anyUser is what OpenShift, for example, would give the Pods: a user that no
// file of the image knows, in root's group.
const anyUser = "1000650000"

// TestTheOperatorWorksAsAnyUser, with nothing that it could write to or become.
func TestTheOperatorWorksAsAnyUser(t *testing.T) {
	installed(t)
	t.Cleanup(func() {
		_, err := the.kube.Kubectl(context.Background(), namespaced("rollout", "undo", "deployment/nft-operator")...)
		must(t, err)
	})
	kubectl(t, namespaced("patch", "deployment/nft-operator", "--patch",
		`{"spec": {"template": {"spec": {"securityContext": {"runAsUser": `+anyUser+`, "runAsGroup": 0}}}}}`)...)
	kubectl(t, namespaced("rollout", "status", "--timeout", patience.String(), "deployment/nft-operator")...)

	status := kubectl(t, namespaced("exec", "deployment/nft-operator", "--", "cat", "/proc/1/status")...)
	for name, want := range map[string]string{
		"Uid": anyUser, "Gid": "0", "CapEff": "0000000000000000", "CapBnd": "0000000000000000", "NoNewPrivs": "1", "Seccomp": "2",
	} {
		if got := regexp.MustCompile(`(?m)^` + name + `:\s+(\S+)`).FindStringSubmatch(status); got == nil || got[1] != want {
			t.Errorf("%s of the operator's process is %q, want %s", name, got, want)
		}
	}
	output, err := the.kube.Kubectl(t.Context(), namespaced("exec", "deployment/nft-operator", "--", "touch", "/usr/local/bin/mine")...)
	if err == nil || !strings.Contains(output, "Read-only file system") {
		t.Errorf("writing to the root file system: %v\n%s", err, output)
	}
	serve(t, "anybody", "203.0.113.30", "tcp/80")
}
