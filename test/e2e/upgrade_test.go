package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/test/lab"
	"github.com/nft-operator/nft-operator/test/left"
)

const stateFile = "/var/lib/nft-operator/state.json"

// TestAnOperatorTakesTheGatewayOfAnOlderReleaseOver stops the operator, makes
// one gateway what an older release left, and starts the operator again: what is
// open stays open, streams do not break, and counters go on.
func TestAnOperatorTakesTheGatewayOfAnOlderReleaseOver(t *testing.T) {
	const release = "../left/testdata/version-2-limits"
	awaitGateway(t, edge)
	gateway := the.net.Gateways[0]
	must(t, the.net.Via(gateway))
	s := leftShop(t)
	for _, door := range []string{"tcp 203.0.113.10:443", "udp 203.0.113.10:443"} {
		serve(t, door)
	}
	must(t, the.operator.Stop())
	t.Cleanup(func() { startIfEnded(t) })
	bare(t, gateway)
	must(t, left.PutOn(gateway, release))
	tables := handles(t, gateway)

	vigil := keepVigil(t, "203.0.113.10:443")
	stream, err := the.net.Client.OpenStream(the.net.Client.Primary.IPv4, netip.MustParseAddrPort("203.0.113.10:443"), openPatience)
	must(t, err)
	startOperator(t)
	await(t, "the older release's state to be of this one", func() error { return writtenByThisRelease(gateway) })
	for _, name := range []string{"web", "udp", "api"} {
		s.awaitOpen(name)
	}
	awaitGateway(t, edge)
	vigil.end()
	if state := stream.Close(); state.Broken != nil || state.Bytes == 0 || state.Resent > state.Needless {
		t.Errorf("the stream: %+v", state)
	}
	// Its Services ask for no limits, so the table of those goes.
	if now := handles(t, gateway); now["nft_operator"] != tables["nft_operator"] {
		t.Errorf("tables and handles: %v, before %v", now, tables)
	}
	counted, err := gateway.Exec("nft", "list", "set", "inet", "nft_operator", "services4")
	if err != nil || !strings.Contains(counted, "203.0.113.11 . tcp . 8443 counter packets 2 bytes 120") {
		t.Errorf("the count of before is not there: %v\n%s", err, counted)
	}
	assertOpen(t, the.net.Client.Primary.IPv4, "tcp 203.0.113.10:443", "udp 203.0.113.10:443")
}

// TestTheGatewayOfALaterReleaseIsLeftAlone raises the version of one gateway's
// state: there nothing opens or closes, everybody is told why, and the other
// gateway goes on.
func TestTheGatewayOfALaterReleaseIsLeftAlone(t *testing.T) {
	s := openShop(t)
	later, other := the.net.Gateways[0], the.net.Gateways[1]
	s.service("stays", []string{"203.0.113.130"})
	s.service("goes", []string{"203.0.113.131"})
	s.awaitOpen("stays")
	s.awaitOpen("goes")
	awaitGateway(t, edge)
	serve(t, "tcp 203.0.113.130:80")
	vigil := keepVigil(t, "203.0.113.130:80")

	mine, err := later.ReadFile(stateFile)
	must(t, err)
	var state map[string]any
	must(t, json.Unmarshal(mine, &state))
	state["schema"], state["release"] = 99, "9.8.7"
	raised, err := json.Marshal(state)
	must(t, err)
	must(t, later.ReplaceFile(stateFile, raised, 0o600))
	s.remove("goes")
	s.service("comes", []string{"203.0.113.132"})

	told := awaitHost(t, edge, later.Name, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "NewerState")
	for _, part := range []string{stateFile + " is of version 99", "written by nft-operator 9.8.7", "nothing was changed", "Upgrade the operator", "docs/upgrade.md"} {
		if !strings.Contains(told.Message, part) {
			t.Errorf("%q is not in the condition: %s", part, told.Message)
		}
	}
	awaitHost(t, edge, later.Name, v1alpha1.ConditionReachable, metav1.ConditionTrue, "LoggedIn")
	await(t, "the NftGateway to tell", func() error { return gatewayTells(t, later.Name+": NewerState") })
	await(t, "the Service to be told", func() error {
		waiting := s.awaitCondition("comes", metav1.ConditionFalse, "HostNotProgrammed")
		if waiting.Message != "open as asked on 1 of 2 gateway hosts; edge.gw1: NewerState" {
			return errors.New(waiting.Message)
		}
		return nil
	})
	await(t, "the other gateway to follow", func() error { return holdsOnly(other, "203.0.113.130:80", "203.0.113.132:80") })
	if err := holdsOnly(later, "203.0.113.130:80", "203.0.113.131:80"); err != nil {
		t.Errorf("the gateway was changed: %v", err)
	}
	if now, err := later.ReadFile(stateFile); err != nil || !bytes.Equal(now, raised) {
		t.Errorf("the state is not the later release's any more: %s %v", now, err)
	}

	must(t, later.ReplaceFile(stateFile, mine, 0o600))
	checkNow(t, edge)
	awaitGateway(t, edge)
	s.awaitOpen("comes")
	vigil.end()
	must(t, holdsOnly(later, "203.0.113.130:80", "203.0.113.132:80"))
}

// TestAnOperatorOfAnotherReleaseThanItsPlaybooks meets playbooks that want newer
// variables, and others that want older ones: gateways stay as they are, and the
// condition says whose fault it is.
func TestAnOperatorOfAnotherReleaseThanItsPlaybooks(t *testing.T) {
	awaitGateway(t, edge)
	t.Cleanup(func() {
		must(t, the.operator.Stop())
		startOperator(t)
		awaitGateway(t, edge)
	})
	for by, writer := range map[int]string{+1: "an older release", -1: "a newer release"} {
		must(t, the.operator.Stop())
		startOperatorWith(t, lab.OperatorOptions{Project: projectWithSchema(t, by)})
		checkNow(t, edge)
		for _, gateway := range the.net.Gateways {
			await(t, "the condition of "+gateway.Name, func() error {
				told := awaitHost(t, edge, gateway.Name, v1alpha1.ConditionProgrammed, metav1.ConditionFalse, "InvalidVars")
				if !strings.Contains(told.Message, writer+" wrote the variables") || !strings.Contains(told.Message, "of one release") {
					return errors.New(told.Message)
				}
				return nil
			})
		}
	}
}

// leftShop has the Services of test/left/testdata.
func leftShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{t: t, name: "shop"}
	must(t, the.api.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.name}}))
	s.service("web", []string{"203.0.113.10", "2001:db8:1b::10"}, withPorts("tcp/443"))
	s.service("udp", []string{"203.0.113.10"}, withPorts("udp/443"))
	s.service("api", []string{"203.0.113.11"}, withPorts("tcp/8443"), withSources("198.51.100.0/25", "198.51.100.200/32"))
	t.Cleanup(func() {
		must(t, the.api.DeleteAllOf(context.Background(), &corev1.Service{}, client.InNamespace(s.name)))
	})
	for _, name := range []string{"web", "udp", "api"} {
		s.awaitOpen(name)
	}
	return s
}

// bare makes a gateway one that nothing was ever loaded on.
func bare(t *testing.T, gateway *lab.Gateway) {
	t.Helper()
	_, err := gateway.Exec("sh", "-ec", "rm -rf /run/nft-operator /var/lib/nft-operator /etc/nft-operator /etc/nftables.conf* /etc/nftables.d; nft flush ruleset")
	must(t, err)
}

// handles are those of the tables: one that is replaced does not keep it.
func handles(t *testing.T, gateway *lab.Gateway) map[string]string {
	t.Helper()
	listing, err := gateway.Exec("nft", "--handle", "list", "tables")
	must(t, err)
	found := map[string]string{}
	for _, match := range regexp.MustCompile(`table inet (\S+) # handle (\d+)`).FindAllStringSubmatch(listing, -1) {
		found[match[1]] = match[2]
	}
	return found
}

func writtenByThisRelease(gateway *lab.Gateway) error {
	text, err := gateway.ReadFile(stateFile)
	if err != nil {
		return err
	}
	var state struct{ Release string }
	if err := json.Unmarshal(text, &state); err != nil || state.Release == "" {
		return fmt.Errorf("it is %s: %w", text, err)
	}
	return nil
}

// gatewayTells complains unless the shared NftGateway's Programmed says so.
func gatewayTells(t *testing.T, what string) error {
	t.Helper()
	var gateway v1alpha1.NftGateway
	if err := the.api.Get(t.Context(), types.NamespacedName{Namespace: lab.OperatorNamespace, Name: edge}, &gateway); err != nil {
		return err
	}
	condition := apimeta.FindStatusCondition(gateway.Status.Conditions, v1alpha1.ConditionProgrammed)
	if condition == nil || condition.Status != metav1.ConditionFalse || !strings.Contains(condition.Message, what) {
		return fmt.Errorf("condition is %+v", condition)
	}
	return nil
}

// holdsOnly complains unless the gateway's kernel opens exactly these doors.
func holdsOnly(gateway *lab.Gateway, doors ...string) error {
	elements, err := gateway.SetElements("nft_operator", "services4")
	if err != nil {
		return err
	}
	missing := map[string]string{}
	for _, door := range doors {
		missing[elementOf(door)] = door
	}
	for _, element := range elements {
		if missing[string(element)] == "" {
			return fmt.Errorf("%s opens %x as well", gateway.Name, element)
		}
		delete(missing, string(element))
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s does not open %v", gateway.Name, missing)
	}
	return nil
}

// projectWithSchema copies the playbooks, with a role that wants variables of
// another version.
func projectWithSchema(t *testing.T, by int) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"watches.yaml", "ansible.cfg", "playbooks", "roles", "templates"} {
		output, err := exec.Command("cp", "-r", filepath.Join("..", "..", name), folder).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
	path := filepath.Join(folder, "roles", "nft", "action_plugins", "nft_ruleset.py")
	text, err := os.ReadFile(path)
	must(t, err)
	schema := regexp.MustCompile(`(?m)^SCHEMA = (\d+)$`)
	number, err := strconv.Atoi(string(schema.FindSubmatch(text)[1]))
	must(t, err)
	must(t, os.WriteFile(path, schema.ReplaceAll(text, fmt.Appendf(nil, "SCHEMA = %d", number+by)), 0o644))
	return folder
}
