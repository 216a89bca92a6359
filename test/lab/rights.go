package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// Right is one verb for one resource, with "/" and the subresource if it is for one.
type Right struct {
	Verb, Group, Resource string
	// InCluster is for all namespaces and for what is in none; without it, the
	// right is for the operator's own namespace.
	InCluster bool
}

func (r Right) String() string {
	where := "in " + OperatorNamespace
	if r.InCluster {
		where = "in the cluster"
	}
	resource := strings.TrimSuffix(r.Resource+"."+r.Group, ".")
	return fmt.Sprintf("%s %s %s", r.Verb, resource, where)
}

// ShippedRights are those that config/rbac gives the operator.
func ShippedRights() ([]Right, error) {
	repository, err := repositoryRoot()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(repository, "config", "rbac", "role.yaml"))
	if err != nil {
		return nil, err
	}
	var rights []Right
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var role rbacv1.ClusterRole // a Role is the same without a field that we have none of
		if err := yaml.UnmarshalStrict(bytes.TrimPrefix(document, []byte("---\n")), &role); err != nil {
			return nil, err
		}
		for _, rule := range role.Rules {
			more, err := rightsOf(rule, role.Kind == "ClusterRole")
			if err != nil {
				return nil, err
			}
			rights = append(rights, more...)
		}
	}
	return rights, nil
}

func rightsOf(rule rbacv1.PolicyRule, inCluster bool) ([]Right, error) {
	if len(rule.ResourceNames)+len(rule.NonResourceURLs) > 0 {
		return nil, fmt.Errorf("rule %v: names and URLs cannot be compared yet", rule)
	}
	var rights []Right
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				if slices.Contains([]string{group, resource, verb}, "*") {
					return nil, fmt.Errorf("rule %v gives more than can be named", rule)
				}
				rights = append(rights, Right{verb, group, resource, inCluster})
			}
		}
	}
	return rights, nil
}

// CompareRights says which calls were refused, or allowed by other rights than
// those shipped, and which rights no call has used.
//
// A right in the cluster is used by a call beyond the operator's own namespace
// only: for one within it, the smaller right would do.
func CompareRights(shipped []Right, calls []APICall) (wrong []APICall, unused []Right) {
	used := map[Right]bool{}
	for _, call := range calls {
		used[call.Right] = true
		if call.Refused != "" || call.Resource != "" && !covers(shipped, call.Right) {
			wrong = append(wrong, call)
		}
	}
	for _, right := range shipped {
		if !used[right] {
			unused = append(unused, right)
		}
	}
	return wrong, unused
}

func covers(shipped []Right, right Right) bool {
	everywhere := right
	everywhere.InCluster = true
	return slices.Contains(shipped, right) || slices.Contains(shipped, everywhere)
}
