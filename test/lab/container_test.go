package lab

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// inContainer runs a shell command confined like the operator, in a container
// with what its Deployment mounts.
func inContainer(t *testing.T, script string) (string, error) {
	t.Helper()
	deployment, err := readDeployment()
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := deployment.volumes()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newContainer("/bin/true", volumes)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.addFiles(serviceAccountMount, map[string][]byte{"token": []byte("secret")}); err != nil {
		t.Fatal(err)
	}
	c.Command = []string{"sh", "-c", script}
	process, err := c.process()
	if err != nil {
		t.Fatal(err)
	}
	output, err := process.CombinedOutput()
	return string(output), err
}

// TestAContainerIsConfined tries what the operator must not be able to do.
func TestAContainerIsConfined(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, script, want string }{
		{"root of the files", "touch /x", "Read-only file system"},
		{"configuration", "touch /etc/x", "Read-only file system"},
		{"user database", "echo me::0:0::/:/bin/sh >>/etc/passwd", "cannot create /etc/passwd"},
		{"roles", "touch /opt/nft-operator/roles/x", "Read-only file system"},
		{"beside the volumes", "touch /run/x", "Read-only file system"},
		{"kernel", "echo 1 >/proc/sys/net/ipv4/ip_forward", "Permission denied"},
		{"sysfs", "touch /sys/x", "Read-only file system"},
		{"token", "echo x >/var/run/secrets/kubernetes.io/serviceaccount/token", "cannot create"},
		{"root by sudo", "sudo -n true", `"no new privileges" flag is set`},
		{"root by number", "setpriv --reuid 0 true", "setresuid failed"},
		{"another user", "setpriv --reuid 1999 true", "setresuid failed"},
		{"mounts", "mount -o remount,rw /", "mount"},
		{"network", "nft list ruleset", "Operation not permitted"},
		{"other processes", "kill -0 2", "No such process"},
		{"too much memory", "head -c 17M /dev/zero >/tmp/x", "No space left on device"},
		{"this folder", "ls " + here, "No such file or directory"},
		{"the lab", "ls " + labDirectory, "No such file or directory"},
		{"a home", "ls /root", "Permission denied"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if output, err := inContainer(t, test.script); err == nil || !strings.Contains(output, test.want) {
				t.Errorf("want %q, got %v, %q", test.want, err, output)
			}
		})
	}
}

// TestAContainerHasWhatItNeeds shows that the test above can fail.
func TestAContainerHasWhatItNeeds(t *testing.T) {
	for _, test := range []struct{ name, script, want string }{
		{"user", "id -u; id -g; id -G", fmt.Sprintf("%d\n%d\n%d\n", containerUser, containerGroup, containerGroup)},
		{"rights", "grep -E '^(Cap|NoNewPrivs)' /proc/self/status | tr -d '\\t'", strings.Join([]string{
			"CapInh:0000000000000000", "CapPrm:0000000000000000", "CapEff:0000000000000000",
			"CapBnd:0000000000000000", "CapAmb:0000000000000000", "NoNewPrivs:1", "",
		}, "\n")},
		{"volumes", "for d in /run/nft-operator /tmp /dev/shm; do touch $d/x && ls $d; done", "x\nx\nx\n"},
		{"project", "ls", "LICENSE\nansible.cfg\nplaybooks\nroles\ntemplates\nwatches.yaml\n"},
		{"token", "cd /var/run/secrets/kubernetes.io/serviceaccount; stat --format=%u:%a token; cat token", fmt.Sprintf("%d:400\nsecret", containerUser)},
		{"first process", "echo $$", "1\n"},
		{"homes", "ls /home", ""},
		// Of the file systems that are writable, none is the image's.
		{"mounts", `awk '$4 ~ /^rw/ { print $2 }' /proc/mounts | sort | tr '\n' ' '`,
			"/dev/full /dev/null /dev/pts /dev/random /dev/shm /dev/tty /dev/urandom /dev/zero /proc /run/nft-operator /tmp "},
	} {
		t.Run(test.name, func(t *testing.T) {
			if output, err := inContainer(t, test.script); err != nil || output != test.want {
				t.Errorf("want %q, got %v, %q", test.want, err, output)
			}
		})
	}
}
