package watches

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var nftGateway = schema.GroupVersionKind{Group: "nft-operator.io", Version: "v1alpha1", Kind: "NftGateway"}

// write makes a folder with a watches.yaml and the playbooks apply.yml and
// remove.yml, and returns the path of watches.yaml.
func write(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"apply.yml", "remove.yml"} {
		path := filepath.Join(folder, "playbooks", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("[]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(folder, "watches.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// minimal is a watch that is complete; tests add fields after line 4.
const minimal = `- version: v1alpha1
  group: nft-operator.io
  kind: NftGateway
  playbook: playbooks/apply.yml
`

func TestLoad(t *testing.T) {
	tests := []struct {
		name, text string
		period     time.Duration
		finalizer  string
	}{
		{name: "the least", text: minimal, period: 10 * time.Hour},
		{name: "a document marker and comments", text: "# first\n---\n" + minimal + "...\n", period: 10 * time.Hour},
		{name: "a period", text: minimal + "  reconcilePeriod: 1h30m\n", period: 90 * time.Minute},
		{name: "the shortest period", text: minimal + "  reconcilePeriod: 1s\n", period: time.Second},
		{name: "status is not managed", text: minimal + "  manageStatus: false\n", period: 10 * time.Hour},
		{name: "a finalizer", text: minimal + "  finalizer:\n    name: nft-operator.io/finalizer\n    playbook: playbooks/remove.yml\n",
			period: 10 * time.Hour, finalizer: "nft-operator.io/finalizer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.text)
			got, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			playbooks := filepath.Join(filepath.Dir(path), "playbooks")
			want := Watch{GroupVersionKind: nftGateway, Playbook: filepath.Join(playbooks, "apply.yml"), ReconcilePeriod: tt.period}
			if tt.finalizer != "" {
				want.Finalizer = &Finalizer{Name: tt.finalizer, Playbook: filepath.Join(playbooks, "remove.yml")}
			}
			if diff := cmp.Diff([]Watch{want}, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPlaybookPaths(t *testing.T) {
	path := write(t, minimal)
	folder := filepath.Dir(path)

	t.Run("absolute in the file", func(t *testing.T) {
		absolute := filepath.Join(folder, "playbooks", "apply.yml")
		got, err := Load(write(t, strings.Replace(minimal, "playbooks/apply.yml", absolute, 1)))
		if err != nil || got[0].Playbook != absolute {
			t.Errorf("%+v, %v; want %s", got, err, absolute)
		}
	})
	t.Run("relative to the file, wherever the process is", func(t *testing.T) {
		t.Chdir(filepath.Join(folder, "playbooks"))
		got, err := Load("../watches.yaml")
		if err != nil || !filepath.IsAbs(got[0].Playbook) || filepath.Base(got[0].Playbook) != "apply.yml" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestFor(t *testing.T) {
	watches, err := Load(write(t, minimal+strings.Replace(minimal, "v1alpha1", "v1beta1", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := For(watches, nftGateway); !ok || got.GroupVersionKind != nftGateway {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := For(watches, schema.GroupVersionKind{Group: "nft-operator.io", Version: "v1", Kind: "NftGateway"}); ok {
		t.Error("found a version that is not watched")
	}
}

func TestWhatIsWrong(t *testing.T) {
	const needed = "each with version, group, kind and playbook"
	tests := []struct {
		name, text string
		// want has the problems a line each; FILE and DIR stand for the paths.
		want string
	}{
		{name: "empty", text: "", want: "FILE:1: the file is empty; write a list of watches, " + needed},
		{name: "comments only", text: "# nothing\n", want: "FILE:1: the file is empty; write a list of watches, " + needed},
		{name: "a mapping", text: "version: v1\n", want: "FILE:1: the file must be a list of watches, " + needed},
		{name: "an empty list", text: "[]\n", want: "FILE:1: the file must be a list of watches, " + needed},
		{name: "a list of text", text: "- NftGateway\n", want: "FILE:1: a watch is a mapping with version, group, kind and playbook"},
		{name: "no YAML", text: "- version: [\n", want: "FILE is not YAML: yaml: line 1: did not find expected node content"},
		{name: "two documents", text: minimal + "---\n" + minimal, want: "FILE:5: a second YAML document is not read; write all watches in one list"},
		{name: "everything is missing", text: "- {}\n",
			want: "FILE:1: group: missing; it is required\nFILE:1: version: missing; it is required\nFILE:1: kind: missing; it is required\nFILE:1: playbook: missing; it is required"},

		{name: "role", text: minimal + "  role: nft\n",
			want: "FILE:5: role: not supported: roles are not run by themselves; write playbook, with a playbook that uses the role"},
		{name: "vars", text: minimal + "  vars: {a: b}\n",
			want: "FILE:5: vars: not supported: a playbook gets its variables from the custom resource and from nowhere else; remove it, and write constants in the playbook"},
		{name: "selector", text: minimal + "  selector: {}\n",
			want: "FILE:5: selector: not supported: every object of the kind is watched; remove it"},
		{name: "blacklist", text: minimal + "  blacklist: []\n",
			want: "FILE:5: blacklist: not supported: what a playbook makes is not watched, so nothing needs to be left out; remove it"},
		{name: "watchDependentResources", text: minimal + "  watchDependentResources: false\n",
			want: "FILE:5: watchDependentResources: not supported: what a playbook makes is not watched; remove it"},
		{name: "watchClusterScopedResources", text: minimal + "  watchClusterScopedResources: true\n",
			want: "FILE:5: watchClusterScopedResources: not supported: what a playbook makes is not watched; remove it"},
		{name: "watchAnnotationsChanges", text: minimal + "  watchAnnotationsChanges: true\n",
			want: "FILE:5: watchAnnotationsChanges: not supported: a change of annotations starts no run; remove it"},
		{name: "snakeCaseParameters", text: minimal + "  snakeCaseParameters: false\n",
			want: "FILE:5: snakeCaseParameters: not supported: the names of variables are those of the documented schema; remove it"},
		{name: "markUnsafe", text: minimal + "  markUnsafe: true\n",
			want: "FILE:5: markUnsafe: not supported: no text of a custom resource reaches a playbook, so there is nothing to mark; remove it"},
		{name: "maxRunnerArtifacts", text: minimal + "  maxRunnerArtifacts: 1\n",
			want: "FILE:5: maxRunnerArtifacts: not supported: ansible-runner is not used and leaves no artifacts; remove it"},
		{name: "unknown", text: minimal + "  Playbook: x\n",
			want: `FILE:5: Playbook: not a field that is known; write one of ["version" "group" "kind" "playbook" "reconcilePeriod" "finalizer" "manageStatus"]`},
		{name: "merge keys", text: minimal + "  <<: {}\n",
			want: `FILE:5: <<: not a field that is known; write one of ["version" "group" "kind" "playbook" "reconcilePeriod" "finalizer" "manageStatus"]`},
		{name: "a field twice", text: minimal + "  kind: Other\n", want: "FILE:5: kind: written already in line 3; remove one of the two"},
		{name: "a kind twice", text: minimal + minimal, want: "FILE:5: kind: NftGateway is watched already since line 1; remove one of the two"},

		{name: "version that is a number", text: replace("v1alpha1", "1"), want: "FILE:1: version: must be text; write it in quotes if it looks like a number or a boolean"},
		{name: "bad version", text: replace("v1alpha1", "V1"), want: `FILE:1: version: "V1" is not a version; write one such as v1alpha1`},
		{name: "blank group", text: replace("nft-operator.io", `" "`), want: "FILE:2: group: must be text; write it in quotes if it looks like a number or a boolean"},
		{name: "bad group", text: replace("nft-operator.io", "nft_operator"), want: `FILE:2: group: "nft_operator" is not a group; write one such as nft-operator.io`},
		{name: "bad kind", text: replace("NftGateway", "nftgateways"), want: `FILE:3: kind: "nftgateways" is not a kind; write one such as NftGateway`},

		{name: "no such playbook", text: replace("apply.yml", "none.yml"),
			want: "FILE:4: playbook: there is no playbook DIR/playbooks/none.yml; write a path relative to the folder of this file"},
		{name: "a folder", text: replace("playbooks/apply.yml", "playbooks"),
			want: "FILE:4: playbook: DIR/playbooks is not a file; write the path of a playbook"},
		{name: "an environment variable", text: replace("playbooks", "${HOME}"),
			want: `FILE:4: playbook: "${HOME}/apply.yml": environment variables are not replaced; write the path`},
		{name: "a list of playbooks", text: replace("playbooks/apply.yml", "[a, b]"),
			want: "FILE:4: playbook: must be text; write it in quotes if it looks like a number or a boolean"},

		{name: "status is managed", text: minimal + "  manageStatus: true\n",
			want: "FILE:5: manageStatus: only false is supported: the operator writes the documented conditions itself; write false, or remove it"},
		{name: "false in quotes", text: minimal + "  manageStatus: \"false\"\n",
			want: "FILE:5: manageStatus: only false is supported: the operator writes the documented conditions itself; write false, or remove it"},

		{name: "never again", text: minimal + "  reconcilePeriod: 0\n", want: period("0")},
		{name: "a number without unit", text: minimal + "  reconcilePeriod: 60\n", want: period("60")},
		{name: "too short", text: minimal + "  reconcilePeriod: 999ms\n", want: period("999ms")},
		{name: "negative", text: minimal + "  reconcilePeriod: -5m\n", want: period("-5m")},
		{name: "a list of periods", text: minimal + "  reconcilePeriod: [5m]\n", want: period("")},

		{name: "finalizer as text", text: minimal + "  finalizer: x\n", want: "FILE:5: finalizer: must be a mapping with name and playbook"},
		{name: "empty finalizer", text: minimal + "  finalizer: {}\n",
			want: "FILE:5: finalizer.name: missing; it is required\nFILE:5: finalizer.playbook: missing; it is required"},
		{name: "finalizer with a role and variables", text: minimal + "  finalizer:\n    name: nft-operator.io/finalizer\n    playbook: playbooks/remove.yml\n    role: nft\n    vars: {state: absent}\n",
			want: "FILE:8: finalizer.role: not supported: roles are not run by themselves; write playbook, with a playbook that uses the role\n" +
				"FILE:9: finalizer.vars: not supported: a playbook gets its variables from the custom resource and from nowhere else; write playbook, with a playbook for the end"},
		{name: "finalizer without a domain", text: minimal + "  finalizer:\n    name: finalizer\n    playbook: playbooks/none.yml\n    kind: x\n",
			want: `FILE:8: finalizer.kind: not a field that is known; write one of ["finalizer.name" "finalizer.playbook"]` + "\n" +
				`FILE:6: finalizer.name: "finalizer" is not the name of a finalizer; write a domain and a name, such as nft-operator.io/finalizer` + "\n" +
				"FILE:7: finalizer.playbook: there is no playbook DIR/playbooks/none.yml; write a path relative to the folder of this file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.text)
			watches, err := Load(path)
			if err == nil {
				t.Fatalf("accepted as %+v", watches)
			}
			if watches != nil {
				t.Errorf("watches in spite of the error: %+v", watches)
			}
			got := strings.NewReplacer(path, "FILE", filepath.Dir(path), "DIR").Replace(err.Error())
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func replace(written, by string) string { return strings.Replace(minimal, written, by, 1) }

func period(written string) string {
	return `FILE:5: reconcilePeriod: "` + written + `" is not a period; write a number with a unit, at least 1s, such as 30s, 10m or 1h30m`
}

func TestProblemsCanBeToldApart(t *testing.T) {
	path := write(t, minimal+"  role: nft\n")
	_, err := Load(path)
	var problem *Problem
	if !errors.As(err, &problem) {
		t.Fatalf("%T is no *Problem", err)
	}
	if problem.File != path || problem.Line != 5 || problem.Field != "role" {
		t.Errorf("%+v", problem)
	}
}

func TestNoFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "watches.yaml"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
