package watches

import (
	"regexp"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

var (
	watchFields     = []string{"version", "group", "kind", "playbook", "reconcilePeriod", "finalizer", "manageStatus"}
	finalizerFields = []string{"finalizer.name", "finalizer.playbook"}
	kindName        = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
)

// readWatch reads one entry of the list; false where something is wrong with it.
func readWatch(item *yaml.Node, folder string, found *problems) (Watch, bool) {
	before := len(found.list)
	if item.Kind != yaml.MappingNode {
		found.add(item.Line, "", "a watch is a mapping with version, group, kind and playbook")
		return Watch{}, false
	}
	fields := readFields(item, "", watchFields, found)
	watch := Watch{
		GroupVersionKind: readKind(fields, item.Line, found),
		ReconcilePeriod:  readPeriod(fields, found),
		Finalizer:        readFinalizer(fields, folder, found),
	}
	if f, ok := required(fields, "playbook", item.Line, found); ok {
		watch.Playbook = readPlaybook(f, folder, found)
	}
	checkManageStatus(fields, found)
	return watch, len(found.list) == before
}

func readKind(fields map[string]field, line int, found *problems) schema.GroupVersionKind {
	read := func(name string, valid func(string) bool, example string) string {
		f, ok := required(fields, name, line, found)
		if !ok {
			return ""
		}
		text, ok := readText(f, found)
		if ok && !valid(text) {
			found.add(f.line, name, "%q is not a %s; write one such as %s", text, name, example)
		}
		return text
	}
	return schema.GroupVersionKind{
		Group:   read("group", func(s string) bool { return len(validation.IsDNS1123Subdomain(s)) == 0 }, "nft-operator.io"),
		Version: read("version", func(s string) bool { return len(validation.IsDNS1035Label(s)) == 0 }, "v1alpha1"),
		Kind:    read("kind", kindName.MatchString, "NftGateway"),
	}
}

// readPeriod demands a second at least: 0 means "never" elsewhere, and a gateway
// that nobody looks at again would drift unseen.
func readPeriod(fields map[string]field, found *problems) time.Duration {
	f, ok := fields["reconcilePeriod"]
	if !ok {
		return DefaultReconcilePeriod
	}
	const advice = "%q is not a period; write a number with a unit, at least 1s, such as 30s, 10m or 1h30m"
	if f.value.Kind != yaml.ScalarNode {
		found.add(f.line, f.name, advice, "")
		return 0
	}
	period, err := time.ParseDuration(f.value.Value)
	if err != nil || period < time.Second {
		found.add(f.line, f.name, advice, f.value.Value)
	}
	return period
}

func readFinalizer(fields map[string]field, folder string, found *problems) *Finalizer {
	f, ok := fields["finalizer"]
	if !ok {
		return nil
	}
	if f.value.Kind != yaml.MappingNode {
		found.add(f.line, f.name, "must be a mapping with name and playbook")
		return nil
	}
	inner := readFields(f.value, "finalizer.", finalizerFields, found)
	var finalizer Finalizer
	if name, ok := required(inner, "finalizer.name", f.line, found); ok {
		finalizer.Name = readFinalizerName(name, found)
	}
	if playbook, ok := required(inner, "finalizer.playbook", f.line, found); ok {
		finalizer.Playbook = readPlaybook(playbook, folder, found)
	}
	return &finalizer
}

func readFinalizerName(f field, found *problems) string {
	name, ok := readText(f, found)
	if ok && (!strings.Contains(name, "/") || len(validation.IsQualifiedName(name)) > 0) {
		found.add(f.line, f.name, "%q is not the name of a finalizer; write a domain and a name, such as nft-operator.io/finalizer", name)
	}
	return name
}

// checkManageStatus takes false only. Left out, ansible-operator would write
// conditions of its own; here the operator writes the documented ones always.
func checkManageStatus(fields map[string]field, found *problems) {
	f, ok := fields["manageStatus"]
	if !ok {
		return
	}
	if f.value.ShortTag() != "!!bool" || !strings.EqualFold(f.value.Value, "false") {
		found.add(f.line, f.name, "only false is supported: the operator writes the documented conditions itself; write false, or remove it")
	}
}
