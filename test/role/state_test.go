package role_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

const (
	conf          = "/etc/nftables.conf"
	backup        = "/etc/nftables.conf.before-nft-operator"
	theirChain    = "/etc/nftables.d/local-chain.nft"
	acceptedChain = "/etc/nft-operator/local-chain.nft"
	bootFile      = "/var/lib/nft-operator/boot.nft"
	limitsFile    = "/var/lib/nft-operator/limits.nft"
	bootUnit      = "/etc/systemd/system/nft-operator.service"
)

// exec runs a command on the host and demands success.
func (h *host) exec(t reporter, command ...string) string {
	t.Helper()
	output, err := h.Exec(command...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// file reads a file of the host.
func (h *host) file(t reporter, path string) string {
	t.Helper()
	content, err := h.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// put writes a file of the host.
func (h *host) put(t reporter, path, content string) {
	t.Helper()
	if err := h.ReplaceFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// nft loads a script by hand.
func (h *host) nft(t reporter, script string) {
	t.Helper()
	if err := h.Nft(script); err != nil {
		t.Fatal(err)
	}
}

// ours lists our table without what packets and time change.
func (h *host) ours(t reporter) string {
	t.Helper()
	return h.table(t, "nft_operator")
}

// table lists one of ours likewise.
func (h *host) table(t reporter, name string) string {
	t.Helper()
	return stateless(t, h.exec(t, "nft", "--stateless", "--json", "list", "table", "inet", name))
}

// footprint is everything that a run might leave on the host.
func (h *host) footprint(t reporter) string {
	t.Helper()
	return h.kernel(t) + h.files(t) + h.exec(t, "sh", "-c", "find /run | sort")
}

// kernel lists the whole ruleset with its handles, by the lab's own nft: the
// host's may be a fake.
func (h *host) kernel(t reporter) string {
	t.Helper()
	ruleset, err := h.Namespace.Command("nft", "--stateless", "--handle", "list", "ruleset").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(ruleset)
}

// files lists names, modes, sizes, times and numbers of files that outlive a boot.
func (h *host) files(t reporter) string {
	t.Helper()
	return h.exec(t, "sh", "-ec",
		`find /etc /var/lib /root /tmp -type f -printf '%p %m %s %T@ %i\n' -o -printf '%p %y %m\n' | sort`)
}

// stateless reduces a listing to what is enforced, in an order of its own: a
// kernel lists elements in the order in which they happen to lie, and objects in
// that in which they came to be. Only the order of a chain's rules means something.
func stateless(t reporter, listing string) string {
	t.Helper()
	var parsed struct{ Nftables []map[string]map[string]any }
	if err := json.Unmarshal([]byte(listing), &parsed); err != nil {
		t.Fatalf("%v:\n%s", err, listing)
	}
	var lines []string
	rules := map[string][]string{}
	for _, object := range parsed.Nftables {
		if object["metainfo"] != nil {
			continue
		}
		for kind, body := range object {
			line := kind + " " + text(t, bare(body))
			if kind == "rule" {
				chain := text(t, body["chain"])
				rules[chain] = append(rules[chain], line)
			} else {
				lines = append(lines, line)
			}
		}
	}
	slices.Sort(lines)
	for _, chain := range slices.Sorted(maps.Keys(rules)) {
		lines = append(lines, rules[chain]...)
	}
	return strings.Join(lines, "\n")
}

// bare takes handles, counts and elements that packets made away, and sorts the
// other elements.
func bare(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for _, state := range []string{"handle", "packets", "bytes", "expires"} {
			delete(value, state)
		}
		if value["timeout"] != nil {
			delete(value, "elem")
		}
		for key, inner := range value {
			value[key] = bare(inner)
		}
		if elements, ok := value["elem"].([]any); ok {
			sortByText(elements)
		}
	case []any:
		for i, inner := range value {
			value[i] = bare(inner)
		}
	}
	return value
}

// booted lists what a file makes of a kernel that has just booted: before any
// interface is there but the loopback.
func (h *host) booted(t reporter, file, table string) string {
	t.Helper()
	return stateless(t, h.exec(t, "unshare", "--net", "sh", "-ec",
		"nft -f "+file+" && nft --stateless --json list table inet "+table))
}

// assertConverged demands that a boot would give what is in force.
func (h *host) assertConverged(t reporter) {
	t.Helper()
	h.assertBoots(t, "nft_operator", conf, bootFile)
	if h.has(limitsFile) {
		h.assertBoots(t, "nft_operator_limits", conf, limitsFile)
	}
}

func (h *host) assertBoots(t reporter, table string, files ...string) {
	t.Helper()
	now := h.table(t, table)
	for _, file := range files {
		if booted := h.booted(t, file, table); now != booted {
			t.Errorf("%s does not give what is in force:\n%s", file, difference(t, booted, now))
		}
	}
}

// count is the counter of an element of services4.
func (h *host) count(t reporter, address string) (packets float64) {
	t.Helper()
	var listing struct {
		Nftables []struct {
			Set struct {
				Elem []json.RawMessage `json:"elem"`
			} `json:"set"`
		} `json:"nftables"`
	}
	if err := json.Unmarshal([]byte(h.exec(t, "nft", "--json", "list", "set", "inet", "nft_operator", "services4")), &listing); err != nil {
		t.Fatal(err)
	}
	for _, entry := range listing.Nftables[1].Set.Elem {
		var element struct {
			Elem struct {
				Val     struct{ Concat []any }
				Counter struct{ Packets float64 }
			}
		}
		if err := json.Unmarshal(entry, &element); err != nil {
			t.Fatal(err)
		}
		if reflect.DeepEqual(element.Elem.Val.Concat[0], address) {
			return element.Elem.Counter.Packets
		}
	}
	t.Fatalf("services4 holds no %s", address)
	return 0
}

// dropped is the number of packets that no Service was open for.
func (h *host) dropped(t reporter) (packets float64) {
	t.Helper()
	var listing struct {
		Nftables []struct {
			Counter struct{ Packets float64 }
		}
	}
	if err := json.Unmarshal([]byte(h.exec(t, "nft", "--json", "list", "counter", "inet", "nft_operator", "no_service")), &listing); err != nil {
		t.Fatal(err)
	}
	return listing.Nftables[1].Counter.Packets
}

func text(t reporter, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

func sortByText(values []any) {
	slices.SortFunc(values, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
}
