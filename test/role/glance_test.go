package role_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nft-operator/nft-operator/internal/ansible"
)

const (
	seenFile = "/run/nft-operator/seen.json"
	keptCode = "/run/nft-operator/code"
	callsLog = "/tmp/calls"
	armed    = "/tmp/armed"
)

// TestNothingIsListedWhereNothingChanged counts the programs that a run starts.
func TestNothingIsListedWhereNothingChanged(t *testing.T) {
	h := newSharedHost(t)
	h.fakeNft(t, `echo "$@" >> `+callsLog)
	calls := func(vars ansible.Vars, differently run) (answer, []string) {
		h.exec(t, "rm", "-f", callsLog)
		got := h.play(t, vars, differently)
		if got.Status != "ok" || len(got.Result.Drift) > 0 {
			t.Fatalf("%s %+v", got.Status, got.Result)
		}
		return got, strings.Split(strings.TrimSpace(h.exec(t, "sh", "-c", "cat "+callsLog+" 2>/dev/null || true")), "\n")
	}
	if _, made := calls(edge(web, api), run{}); len(made) < 2 {
		t.Fatalf("the first run called nft with %q only, so nothing is logged", made)
	}
	ranged := api
	ranged.Sources = []string{"198.51.100.0/25"}
	for _, step := range []struct {
		name   string
		vars   ansible.Vars
		action string
		calls  []string
	}{
		{"nothing", edge(web, api), "none", []string{""}},
		{"one more", edge(web, web6, api), "elements", []string{"--file -"}},
		{"source ranges", edge(web, web6, ranged), "elements", []string{"--file -"}},
		{"all closed", edge(), "elements", []string{"--file -"}},
		{"nothing to open", edge(), "none", []string{""}},
	} {
		t.Run(step.name, func(t *testing.T) {
			got, made := calls(step.vars, run{fence: &ansible.Fence{Epoch: 1, Sequence: 1}})
			if got.Result.Action != step.action || !slices.Equal(made, step.calls) {
				t.Errorf("%+v; nft was called with %q", got.Result, made)
			}
			if got.Result.Revision == "" || got.Result.Structure == "" || got.Result.Versions.Nft == "" || got.Result.LocalChain.State != "Accepted" || len(got.Result.Drops) != 3 {
				t.Errorf("an answer that lacks something: %+v", got.Result)
			}
			h.assertConverged(t)
		})
	}
	for name, differently := range map[string]run{"a check": {dry: true}, "another structure": {interfaces: []string{"eth0", "lo"}}} {
		if _, made := calls(edge(), differently); len(made) < 2 {
			t.Errorf("%s looked at nothing: nft was called with %q", name, made)
		}
	}
}

// TestAChangeDoesNotWaitForALook that is due: the next run without one looks. One
// that is long overdue is not put off for a change either.
func TestAChangeDoesNotWaitForALook(t *testing.T) {
	h := newSharedHost(t)
	h.fakeNft(t, `echo "$@" >> `+callsLog)
	for ago, looks := range map[float64][]bool{400: {false, true, false}, 1000: {true, false, false}} {
		h.exec(t, "rm", "-f", seenFile)
		h.apply(t, edge(web))
		noted := h.noted(t)
		noted["looked"] = earlier(t, noted["looked"], ago)
		h.put(t, seenFile, text(t, noted))
		for i, looks := range looks {
			h.exec(t, "sh", "-c", ": > "+callsLog)
			h.apply(t, edge(web, api))
			if made := h.file(t, callsLog); strings.Contains(made, "list") != looks {
				t.Errorf("run %d, %v s after a look: looks: %t; nft was called with %q", i, ago, looks, made)
			}
		}
	}
}

// TestCountersAreTrueWithoutALook compares with a run that looks.
func TestCountersAreTrueWithoutALook(t *testing.T) {
	h := newHost(t)
	h.fakeNft(t, `echo "$@" >> `+callsLog)
	vars := limited(edge(web, api), ansible.ServiceLimitVars{Service: "shop/api", Rate: packetsIn(1, "day")})
	h.apply(t, vars)
	h.exec(t, "rm", callsLog)
	for range 3 {
		h.knockAt("203.0.113.11:8443")
		h.knockAt("203.0.113.99:9")
	}
	glanced := h.apply(t, vars).Result
	if h.has(callsLog) {
		t.Fatalf("it looked: nft was called with %q", h.file(t, callsLog))
	}
	h.exec(t, "rm", seenFile)
	looked := h.apply(t, vars).Result
	if !slices.Equal(glanced.Drops, looked.Drops) || !slices.Equal(glanced.Limits.Over, looked.Limits.Over) || len(looked.Limits.Over) != 1 || h.dropped(t) < 3 {
		t.Errorf("without a look %+v %+v, with one %+v %+v", glanced.Drops, glanced.Limits, looked.Drops, looked.Limits)
	}
}

// TestAnInterfaceThatGoesIsMissed though no file and no ruleset changed.
func TestAnInterfaceThatGoesIsMissed(t *testing.T) {
	h := newSharedHost(t)
	h.exec(t, "ip", "link", "add", "soon", "type", "bridge")
	both := run{interfaces: []string{"eth0", "soon"}}
	for range 2 {
		if got := h.play(t, edge(web), both); got.Status != "ok" {
			t.Fatal(got.Output)
		}
	}
	h.exec(t, "ip", "link", "delete", "soon")
	h.refused(t, edge(web), both, ansible.ReasonInterfaceMissing)
}

// TestCompiledCodeIsRunOnlyWhereItIsOurs puts other code in the place of what an
// earlier run compiled. Where nothing else is wrong it runs, which shows that the
// others do not for the reason that each names.
func TestCompiledCodeIsRunOnlyWhereItIsOurs(t *testing.T) {
	h := newHost(t)
	const other = `import marshal, os, sys
path = "` + keptCode + `"
key, code = marshal.loads(open(path, "rb").read())
code = {name: marshal.dumps(compile("raise SystemExit(7)", name, "exec")) for name in code}
open(path, "wb").write(marshal.dumps((key + sys.argv[1], code)))
`
	for _, test := range []struct {
		name, key, more string
		run             bool
	}{
		{"ours", "", "true", true},
		{"of other sources", "x", "true", false},
		{"of somebody else", "", "chown nobody " + keptCode, false},
		{"others may write it", "", "chmod 0602 " + keptCode, false},
		{"a group may write it", "", "chmod 0620 " + keptCode, false},
		{"cut off", "", "truncate --size 100 " + keptCode, false},
		{"nothing", "", "rm " + keptCode, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.exec(t, "rm", "-f", keptCode)
			h.apply(t, edge(web))
			h.exec(t, "python3", "-c", other, test.key)
			h.exec(t, "sh", "-c", test.more)
			if got := h.play(t, edge(web), run{}); (got.Status != "ok") != test.run {
				t.Errorf("%s: %s", got.Status, got.Output)
			}
			if mode := h.exec(t, "stat", "--format", "%a %U", keptCode); !test.run && mode != "600 root\n" {
				t.Errorf("kept anew as %q", mode)
			}
		})
	}
	h.exec(t, "rm", "-f", keptCode)
	h.apply(t, edge(web))
	if got := h.play(t, edge(), run{removal: true}); got.Status != "ok" || h.has(seenFile) || h.has(keptCode) {
		t.Errorf("%s: something is left: %s", got.Status, h.exec(t, "ls", "/run/nft-operator"))
	}
}

// TestWhatHandsDoBetweenRunsIsFound at once, whether a run has something to
// change or not, and told as what it was.
func TestWhatHandsDoBetweenRunsIsFound(t *testing.T) {
	h := newSharedHost(t)
	h.apply(t, edge(web, api))
	for _, hand := range []struct{ name, script, drift string }{
		{"adds an element", `add element inet nft_operator services4 { 203.0.113.99 . tcp . 22 }`, "services4 got 1 element"},
		{"deletes an element", `delete element inet nft_operator services4 { 203.0.113.11 . tcp . 8443 }`, "services4 lost 1 element"},
		{"adds a rule", `insert rule inet nft_operator input accept`, "chain input was changed"},
		{"flushes a set", `flush set inet nft_operator services4`, "services4 lost"},
		{"flushes a chain", `flush chain inet nft_operator input`, "chain input was changed"},
		{"deletes our table", `delete table inet nft_operator`, "table inet nft_operator was gone"},
		{"leaves nothing, as a boot", `flush ruleset`, "table inet nft_operator was gone"},
		{"makes our table sleep", `add table inet nft_operator { flags dormant; }`, "table nft_operator was changed"},
		{"makes another table", `table inet other { chain c { type filter hook forward priority 10; }; }`, ""},
		{"adds and deletes an element", "add element inet nft_operator services4 { 203.0.113.99 . tcp . 22 }\ndelete element inet nft_operator services4 { 203.0.113.99 . tcp . 22 }", ""},
	} {
		for name, vars := range map[string]ansible.Vars{"nothing to do": edge(web, api), "one more": edge(web, web6, api)} {
			t.Run(hand.name+", "+name, func(t *testing.T) {
				h.apply(t, edge(web, api))
				h.apply(t, edge(web, api))
				for _, line := range strings.Split(hand.script, "\n") {
					h.nft(t, line)
				}
				got := h.apply(t, vars).Result
				if told := strings.Join(got.Drift, "; "); !strings.Contains(told, hand.drift) || hand.drift == "" && told != "" {
					t.Errorf("drift: %q", told)
				}
				h.assertConverged(t)
			})
		}
	}
}

// TestFilesThatHandsChangeBetweenRunsAreFound though the kernel is as it was.
func TestFilesThatHandsChangeBetweenRunsAreFound(t *testing.T) {
	h := newSharedHost(t)
	for _, path := range []string{conf, bootFile, acceptedChain, bootUnit} {
		h.apply(t, edge(web))
		h.apply(t, edge(web))
		if path == bootUnit && !h.has(bootUnit) {
			continue // nothing boots this host
		}
		h.exec(t, "sh", "-c", "echo '# a hand' >> "+path)
		if got := h.apply(t, edge(web)).Result; len(got.Drift) != 1 || !strings.Contains(got.Drift[0], path+" was edited") {
			t.Errorf("%s: %+v", path, got)
		}
		h.assertConverged(t)
	}
	h.put(t, theirChain, "chain local-chain {\n\ttcp dport 4443 accept\n}\n")
	h.apply(t, edge(web))
	if !strings.Contains(h.ours(t), "4443") {
		t.Error("the administrator's own rules are not in force")
	}
}

// TestANoteIsBelievedOnlyWhereAllOfItFits deletes an element behind the back of a
// note that says that nothing was changed since. It is believed, which shows that
// the others are not for the reason that each names.
func TestANoteIsBelievedOnlyWhereAllOfItFits(t *testing.T) {
	h := newSharedHost(t)
	for _, test := range []struct {
		name     string
		spoil    func(noted map[string]any)
		believed bool
	}{
		{"all fits", func(map[string]any) {}, true},
		{"of another boot", func(noted map[string]any) { noted["boot"] = "5c5c5c5c-0000-4000-8000-000000000000" }, false},
		{"of another network namespace", func(noted map[string]any) { noted["namespace"] = plus(t, noted["namespace"], 1) }, false},
		{"of an earlier table", func(noted map[string]any) { noted["tables"] = []any{json.Number("99"), nil} }, false},
		{"with a table of limits", func(noted map[string]any) { noted["tables"].([]any)[1] = json.Number("99") }, false},
		{"from long ago", func(noted map[string]any) { noted["looked"] = 0 }, false},
		{"from a while ago", func(noted map[string]any) { noted["looked"] = earlier(t, noted["looked"], 400) }, false},
		{"from the future", func(noted map[string]any) { noted["looked"] = 1 << 40 }, false},
		{"of another release", func(noted map[string]any) { noted["release"] = "9.8.7" }, false},
		{"of a later version", func(noted map[string]any) { noted["schema"] = 9 }, false},
		{"of another nft", func(noted map[string]any) { noted["program"].([]any)[2] = 5 }, false},
		{"of another structure", func(noted map[string]any) { noted["asked"].(map[string]any)["structure"] = "5c" }, false},
		{"one transaction behind", func(noted map[string]any) { noted["generation"] = plus(t, noted["generation"], -1) }, false},
		{"without a generation", func(noted map[string]any) { delete(noted, "generation") }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.apply(t, edge(web, api))
			h.apply(t, edge(web, api))
			h.nft(t, `delete element inet nft_operator services4 { 203.0.113.11 . tcp . 8443 }`)
			noted := h.noted(t)
			noted["generation"] = plus(t, noted["generation"], 1) // the hand's transaction
			test.spoil(noted)
			h.put(t, seenFile, text(t, noted))
			if got := h.apply(t, edge(web, api)).Result; (len(got.Drift) == 0) != test.believed {
				t.Errorf("%+v", got)
			}
			h.exec(t, "rm", seenFile)
			h.apply(t, edge(web, api))
			h.assertConverged(t)
		})
	}
	h.put(t, seenFile, "no note")
	if got := h.apply(t, edge(web, api)).Result; got.Action != "none" {
		t.Errorf("without a note: %+v", got)
	}
}

// TestFaultsOfAChangeThatWasNotLookedAtFirst has nft misbehave, or a hand
// interfere, when a run relies on what it knows.
func TestFaultsOfAChangeThatWasNotLookedAtFirst(t *testing.T) {
	h := newSharedHost(t)
	h.fakeNft(t, `case "$*" in --file*) if in_host && [ -e `+armed+` ]; then . `+armed+`; fi;; esac`)
	for _, test := range []struct{ name, fault, reason string }{
		{"a hand is at the elements before", `"$real" 'delete element inet nft_operator services4 { 203.0.113.11 . tcp . 8443 }'`, ""},
		{"a hand is at the elements afterwards", `rm ` + armed + `; "$real" "$@"; "$real" 'delete element inet nft_operator services4 { 203.0.113.10 . tcp . 443 }'; exit 0`, ""},
		{"a hand is at another table", `"$real" 'add table inet other'`, ""},
		{"nft pretends once", `rm ` + armed + `; exit 0`, ""},
		{"nft pretends", `exit 0`, "ReadBackMismatch"},
		{"nft fails once", `rm ` + armed + `; echo 'it is Monday' >&2; exit 1`, ""},
		{"nft fails", `echo 'it is Monday' >&2; exit 1`, "RulesetRejected"},
		{"nft fails after it loaded", `"$real" "$@"; echo 'it broke afterwards' >&2; exit 1`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.apply(t, edge(web, api))
			h.apply(t, edge(web, api))
			h.put(t, armed, test.fault+"\n")
			got := h.play(t, edge(web, web6), run{}).Result
			if string(got.Reason) != test.reason {
				t.Fatalf("%s: %s", got.Reason, got.Msg)
			}
			h.exec(t, "rm", "-f", armed)
			if test.reason != "" {
				h.apply(t, edge(web, web6))
			} else if told := strings.Join(got.Drift, "; "); strings.Contains(told, "2001:db8") || strings.Contains(told, "203.0.113.11") {
				t.Errorf("what the run changed itself is told as drift: %s", told)
			}
			h.assertConverged(t)
		})
	}
}

// noted is what the last run noted, with numbers as they are written.
func (h *host) noted(t *testing.T) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(h.file(t, seenFile)))
	decoder.UseNumber()
	var noted map[string]any
	if err := decoder.Decode(&noted); err != nil {
		t.Fatal(err)
	}
	return noted
}

// earlier is a time in seconds, that long before another.
func earlier(t *testing.T, looked any, ago float64) float64 {
	t.Helper()
	seconds, err := looked.(json.Number).Float64()
	if err != nil {
		t.Fatal(err)
	}
	return seconds - ago
}

func plus(t *testing.T, number any, more int64) json.Number {
	t.Helper()
	value, err := number.(json.Number).Int64()
	if err != nil {
		t.Fatal(err)
	}
	return json.Number(strconv.FormatInt(value+more, 10))
}
