package image

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// users are the image's own, and two that a cluster may choose.
var users = []int{65532, 12345, 1000680000}

func TestProgramsRunAsAnyUser(t *testing.T) {
	tests := []struct {
		name    string
		program []string
		want    string
	}{
		{"operator", entryPoint("--version"), "nft-operator " + *version},
		{"flags", entryPoint("--help"), "-leader-elect"},
		{"ansible", []string{"env", "HOME=" + workMount, "ansible-playbook", "--version"}, "ansible-playbook [core 2."},
	}
	for _, user := range users {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				output, err := inContainer(t, user, test.program...)
				if err != nil || !strings.Contains(output, test.want) {
					t.Errorf("as user %d: %v, %s", user, err, output)
				}
			})
		}
	}
}

// entryPoint is a copy: an append to the image's own would be shared.
func entryPoint(arguments ...string) []string {
	return slices.Concat(shipped.config.Entrypoint, arguments)
}

func TestThereIsOpenSSH(t *testing.T) {
	// As root, whom /etc/passwd knows: the next test is about all others.
	if output, err := inContainer(t, 0, "ssh", "-V"); err != nil || !strings.HasPrefix(output, "OpenSSH_") {
		t.Errorf("%v, %s", err, output)
	}
}

// TestARunReachesTheNetworkAsAnyUser runs the real playbook as the operator
// does. Nothing listens there, and to see that, ssh must have known its user.
func TestARunReachesTheNetworkAsAnyUser(t *testing.T) {
	for _, user := range users {
		output, err := inContainer(t, user, "/attempt", workMount+"/private")
		if err != nil || !strings.HasPrefix(output, "ConnectionRefused") {
			t.Errorf("as user %d: %v, %s", user, err, output)
		}
	}
}

// TestTheContainerIsRestricted shows that the tests above can fail.
func TestTheContainerIsRestricted(t *testing.T) {
	tests := []struct {
		name    string
		program []string
		want    string
	}{
		{"root file system", []string{"touch", "/opt/nft-operator/x"}, "Read-only file system"},
		{"temporary files", []string{"touch", "/tmp/x"}, "Read-only file system"},
		{"user database", []string{"ssh", "-G", "host.invalid"}, "No user exists for uid 12345"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			output, err := inContainer(t, 12345, test.program...)
			if err == nil || !strings.Contains(output, test.want) {
				t.Errorf("want %q, got %v, %s", test.want, err, output)
			}
		})
	}
}

func TestTheImageSaysWhatItIs(t *testing.T) {
	config := shipped.config
	if !regexp.MustCompile(`^[1-9][0-9]*(:[0-9]+)?$`).MatchString(config.User) {
		t.Errorf("user %q: a kubelet cannot tell that it is not root", config.User)
	}
	if want := []string{"/usr/bin/tini", "--", "/usr/local/bin/nft-operator"}; !slices.Equal(config.Entrypoint, want) {
		t.Errorf("entrypoint %q, want the operator with a pid 1 that waits for orphans, %q", config.Entrypoint, want)
	}
	for _, name := range []string{"title", "description", "source", "documentation", "licenses", "revision", "base.name"} {
		if value := config.Labels["org.opencontainers.image."+name]; value == "" || value == "unknown" {
			t.Errorf("label %s is %q", name, value)
		}
	}
	if got := config.Labels["org.opencontainers.image.version"]; got != *version {
		t.Errorf("version %q in the labels, want %q", got, *version)
	}
}
