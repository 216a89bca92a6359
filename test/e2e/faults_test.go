package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
)

// fault is one thing that is wrong with a host, or with what leads to it.
type fault struct {
	name      string
	breaks    func(t *testing.T, box *lab.Box, gateway *v1alpha1.NftGateway)
	condition string
	reason    string
	says      string
}

var faults = []fault{
	{"secret-missing", func(_ *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		g.Spec.SSH.PrivateKeySecretRef.Name = "nowhere"
	}, v1alpha1.ConditionAccepted, "SecretNotFound", "kubectl -n nft-operator-system create secret"},
	{"key-malformed", func(t *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		useSecret(t, g, []byte("not a key"))
	}, v1alpha1.ConditionAccepted, "PrivateKeyMalformed", "ssh-keygen"},
	{"key-encrypted", func(t *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		key, err := lab.NewEncryptedKey("locked", "secret")
		if err != nil {
			t.Fatal(err)
		}
		useSecret(t, g, key.Private)
	}, v1alpha1.ConditionAccepted, "PrivateKeyEncrypted", "ssh-keygen -p"},
	{"no-known-hosts", func(_ *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		g.Spec.SSH.KnownHosts = ""
	}, v1alpha1.ConditionAccepted, "KnownHostsMissing", "ssh-keyscan"},
	{"other-key", func(t *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		key, err := lab.NewKey("stranger")
		if err != nil {
			t.Fatal(err)
		}
		useSecret(t, g, key.Private)
	}, v1alpha1.ConditionReachable, "AuthenticationFailed", "authorized_keys"},
	{"host-key-changed", func(t *testing.T, box *lab.Box, _ *v1alpha1.NftGateway) {
		must(t, box.NewHostKeys())
	}, v1alpha1.ConditionReachable, "HostKeyChanged", "reinstalled"},
	{"host-key-unknown", func(_ *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		g.Spec.SSH.KnownHosts = the.net.Gateways[0].KnownHostsLine()
	}, v1alpha1.ConditionReachable, "HostKeyUnknown", "ssh-keyscan"},
	{"wrong-user", func(_ *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		g.Spec.SSH.User = "somebody"
	}, v1alpha1.ConditionReachable, "AuthenticationFailed", "spec.ssh.user"},
	{"nobody-listens", func(t *testing.T, box *lab.Box, _ *v1alpha1.NftGateway) {
		must(t, box.StopSSH())
	}, v1alpha1.ConditionReachable, "ConnectionRefused", "sshd"},
	{"no-answer", func(t *testing.T, box *lab.Box, _ *v1alpha1.NftGateway) {
		must(t, box.BlackHole(true))
	}, v1alpha1.ConditionReachable, "ConnectionTimeout", "does not answer"},
	{"no-such-name", func(_ *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		g.Spec.Hosts[0].Address = "gw.example.org"
	}, v1alpha1.ConditionReachable, "NameNotResolved", "spec.hosts"},
	{"no-sudo-rights", func(t *testing.T, box *lab.Box, _ *v1alpha1.NftGateway) {
		must(t, box.Remove("/etc/sudoers.d/"+lab.User))
	}, v1alpha1.ConditionProgrammed, "SudoRefused", "without a password"},
	{"no-sudo", func(t *testing.T, box *lab.Box, _ *v1alpha1.NftGateway) {
		must(t, box.Remove("/usr/bin/sudo"))
	}, v1alpha1.ConditionProgrammed, "SudoRefused", "install sudo"},
	{"not-root", func(_ *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		g.Spec.SSH.Become = v1alpha1.BecomeNone
	}, v1alpha1.ConditionProgrammed, "NotRoot", "Sudo"},
	{"no-python", func(t *testing.T, box *lab.Box, _ *v1alpha1.NftGateway) {
		must(t, box.Remove("/usr/bin/python3"))
	}, v1alpha1.ConditionProgrammed, "PythonMissing", "install the package"},
	{"no-nft", func(t *testing.T, box *lab.Box, _ *v1alpha1.NftGateway) {
		must(t, box.Remove("/usr/sbin/nft"))
	}, v1alpha1.ConditionProgrammed, "NftMissing", "install the package nftables"},
	{"no-interface", func(_ *testing.T, _ *lab.Box, g *v1alpha1.NftGateway) {
		g.Spec.PublicInterfaces = []v1alpha1.InterfaceName{"eth7"}
	}, v1alpha1.ConditionProgrammed, "InterfaceNotFound", "eth7"},
	{"etc-read-only", func(t *testing.T, box *lab.Box, _ *v1alpha1.NftGateway) {
		if output, err := box.Exec("sh", "-c", "mount -t tmpfs none /etc/nft-operator 2>/dev/null || { mkdir /etc/nft-operator && mount -t tmpfs none /etc/nft-operator; }; mount -o remount,ro /etc/nft-operator"); err != nil {
			t.Fatal(err, output)
		}
	}, v1alpha1.ConditionProgrammed, "WriteFailed", "/etc/nft-operator"},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// useSecret gives the gateway a Secret of its own.
func useSecret(t *testing.T, gateway *v1alpha1.NftGateway, privateKey []byte) {
	t.Helper()
	secret := lab.NewSSHSecret(gateway.Name, privateKey)
	must(t, the.api.Create(t.Context(), secret))
	t.Cleanup(func() { _ = the.api.Delete(context.Background(), secret) })
	gateway.Spec.SSH.PrivateKeySecretRef.Name = secret.Name
}

// gatewayOfBox is an NftGateway of one box with one interface. The operator's
// own address counts as management, because that interface is public here.
func gatewayOfBox(t *testing.T, name string, box *lab.Box) *v1alpha1.NftGateway {
	t.Helper()
	gateway := lab.NewEdge(name)
	gateway.Spec.Hosts = []v1alpha1.GatewayHost{{Name: "box", Address: v1alpha1.HostAddress(box.Cluster.IPv4.String())}}
	gateway.Spec.PublicInterfaces = []v1alpha1.InterfaceName{"eth0"}
	gateway.Spec.SSH.KnownHosts = box.KnownHostsLine() + "\n"
	gateway.Spec.Firewall.ManagementCIDRs = cidrs(lab.ClusterNetworks)
	return gateway
}

func createGateway(t *testing.T, gateway *v1alpha1.NftGateway) {
	t.Helper()
	must(t, the.api.Create(t.Context(), gateway))
	t.Cleanup(func() {
		if err := client.IgnoreNotFound(the.api.Delete(context.Background(), gateway)); err != nil {
			t.Error(err)
		}
		for _, host := range gateway.Spec.Hosts { // the lab has no garbage collector
			object := &v1alpha1.NftGatewayHost{ObjectMeta: metav1.ObjectMeta{Namespace: gateway.Namespace, Name: gateway.Name + "." + host.Name}}
			_ = the.api.Delete(context.Background(), object)
		}
	})
}

// TestEachFaultHasItsReasonAndHarmsNobodyElse breaks many hosts at once, each
// in its own way, and meanwhile opens a Service on the good ones.
func TestEachFaultHasItsReasonAndHarmsNobodyElse(t *testing.T) {
	boxes := map[string]*lab.Box{}
	for number, fault := range faults {
		box, err := the.net.NewBox(fmt.Sprintf("fault%d", number))
		must(t, err)
		t.Cleanup(func() { _ = box.Close() })
		boxes[fault.name] = box
		gateway := gatewayOfBox(t, fault.name, box)
		fault.breaks(t, box, gateway)
		createGateway(t, gateway)
	}
	s := openShop(t)
	started := time.Now()
	s.service("witness", []string{"203.0.113.70"})
	await(t, "the good gateways to open the witness", func() error {
		for _, gateway := range the.net.Gateways {
			if output, err := gateway.Exec("nft", "get", "element", "inet", "nft_operator", "services4", "{ 203.0.113.70 . tcp . 80 }"); err != nil {
				return errOpen(output)
			}
		}
		return nil
	})
	t.Logf("with %d broken hosts, the good ones were current after %s", len(faults), time.Since(started).Round(time.Millisecond))

	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			condition := awaitHost(t, fault.name, "box", fault.condition, metav1.ConditionFalse, fault.reason)
			if !strings.Contains(condition.Message, fault.says) {
				t.Errorf("the message does not say %q: %s", fault.says, condition.Message)
			}
			awaitHost(t, fault.name, "box", v1alpha1.ConditionProgrammed, metav1.ConditionFalse, fault.reason)
			assertUnchanged(t, boxes[fault.name], fault)
		})
	}
}

// assertUnchanged fails where a run that failed left a ruleset or a conf behind.
func assertUnchanged(t *testing.T, box *lab.Box, fault fault) {
	t.Helper()
	conf, err := box.ReadFile("/etc/nftables.conf")
	if err != nil || strings.Contains(string(conf), "nft-operator") {
		t.Errorf("nftables.conf was written: %v", err)
	}
	if fault.reason == "WriteFailed" || fault.reason == "NftMissing" { // enforced though not persisted, and nothing to ask
		return
	}
	if ruleset, err := box.Ruleset(); err != nil || strings.TrimSpace(ruleset) != "" {
		t.Errorf("a ruleset was loaded: %s %v", ruleset, err)
	}
}

func TestADeadHostDelaysNobodyAndCatchesUp(t *testing.T) {
	s := openShop(t)
	awaitGateway(t, edge)
	dead, alive := the.net.Gateways[0], the.net.Gateways[1]
	must(t, the.net.Via(alive))
	serve(t, "tcp 203.0.113.71:80")
	must(t, dead.BlackHole(true))
	t.Cleanup(func() { _ = dead.BlackHole(false) })

	started := time.Now()
	s.service("web", []string{"203.0.113.71"})
	await(t, "the living gateway to open", func() error {
		protocol, to := doorOf("tcp 203.0.113.71:80")
		return the.net.Client.Knock(protocol, the.net.Client.Primary.IPv4, to, closedPatience)
	})
	t.Logf("the living gateway opened after %s", time.Since(started).Round(time.Millisecond))
	// The kernel opens before its host is told of.
	await(t, "the Service to say which host lags", func() error {
		condition := s.awaitCondition("web", metav1.ConditionFalse, "HostNotProgrammed")
		if !strings.Contains(condition.Message, "on 1 of 2 gateway hosts") || !strings.Contains(condition.Message, "edge.gw1") {
			return errors.New(condition.Message)
		}
		return nil
	})
	awaitHost(t, edge, "gw1", v1alpha1.ConditionReachable, metav1.ConditionFalse, "ConnectionTimeout")

	must(t, dead.BlackHole(false))
	s.awaitOpen("web")
	must(t, the.net.Via(dead))
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.71:80")
}

func TestARotatedKeyIsPickedUp(t *testing.T) {
	box, err := the.net.NewBox("rotated")
	must(t, err)
	t.Cleanup(func() { _ = box.Close() })
	gateway := gatewayOfBox(t, "rotated", box)
	useSecret(t, gateway, the.net.Key.Private)
	createGateway(t, gateway)
	awaitGateway(t, gateway.Name)

	fresh, err := lab.NewKey("fresh")
	must(t, err)
	must(t, box.ReplaceFile("/home/"+lab.User+"/.ssh/authorized_keys", []byte(fresh.Public+"\n"), 0o644))
	before := successes(t, "rotated.box")
	var secret corev1.Secret
	must(t, the.api.Get(t.Context(), client.ObjectKey{Namespace: gateway.Namespace, Name: gateway.Name}, &secret))
	secret.Data[corev1.SSHAuthPrivateKey] = fresh.Private
	must(t, the.api.Update(t.Context(), &secret))
	await(t, "a run with the new key", func() error {
		if successes(t, "rotated.box") == before {
			return errors.New("no run has succeeded since")
		}
		return nil
	})
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(fresh.Public))
	must(t, err)
	log, err := box.ReadFile("/var/log/sshd.log")
	if err != nil || !strings.Contains(string(log), ssh.FingerprintSHA256(public)) {
		t.Errorf("nobody logged in with the new key: %s %v", log, err)
	}
}

// TestWaysIn reaches hosts by IPv6, as root without sudo, and through a jump host.
func TestWaysIn(t *testing.T) {
	jump, err := the.net.NewBox("jump")
	must(t, err)
	t.Cleanup(func() { _ = jump.Close() })
	for name, change := range map[string]func(*lab.Box, *v1alpha1.NftGateway){
		"by-ipv6": func(box *lab.Box, g *v1alpha1.NftGateway) {
			g.Spec.Hosts[0].Address = v1alpha1.HostAddress(box.Cluster.IPv6.String())
		},
		"as-root": func(_ *lab.Box, g *v1alpha1.NftGateway) {
			g.Spec.SSH.User, g.Spec.SSH.Become = "root", v1alpha1.BecomeNone
		},
		"by-jump": func(_ *lab.Box, g *v1alpha1.NftGateway) {
			g.Spec.SSH.JumpHost = &v1alpha1.JumpHost{Address: v1alpha1.HostAddress(jump.Cluster.IPv4.String())}
			g.Spec.SSH.KnownHosts += jump.KnownHostsLine() + "\n"
			// Only from the jump host, so that no other way can work.
			g.Spec.Firewall.ManagementCIDRs = []v1alpha1.CIDR{v1alpha1.CIDR(jump.Cluster.IPv4.String() + "/32")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			box, err := the.net.NewBox(name)
			must(t, err)
			t.Cleanup(func() { _ = box.Close() })
			gateway := gatewayOfBox(t, name, box)
			change(box, gateway)
			createGateway(t, gateway)
			awaitGateway(t, name)
			checkNow(t, name) // a second run comes in by the ruleset that the first one loaded
			awaitGateway(t, name)
		})
	}
}
