package bundle

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/nft-operator/nft-operator/test/lab"
)

// TestTheDeploymentIsThatOfInstallYAML, to the last field.
func TestTheDeploymentIsThatOfInstallYAML(t *testing.T) {
	text, err := kube.Kubectl(t.Context(), "kustomize", "../../config/manager")
	if err != nil {
		t.Fatal(err)
	}
	var want appsv1.Deployment
	for document := range strings.SplitSeq(text, "\n---\n") {
		if strings.Contains(document, "\nkind: Deployment\n") {
			if err := yaml.UnmarshalStrict([]byte(document), &want); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want.Name == "" || len(strategy.Spec.Deployments) != 1 {
		t.Fatalf("Deployments %q in config/manager, %d in the bundle", want.Name, len(strategy.Spec.Deployments))
	}
	if difference := cmp.Diff(want.Spec, strategy.Spec.Deployments[0].Spec); difference != "" {
		t.Errorf("the bundle's differs (-config/manager +bundle):\n%s", difference)
	}
}

// TestPodSecurityAdmitsTheOperatorOnly asks the admission of the namespace that
// config/olm makes.
func TestPodSecurityAdmitsTheOperatorOnly(t *testing.T) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: lab.OperatorNamespace, Name: "tried", Labels: deployment.Spec.Template.Labels},
		Spec:       deployment.Spec.Template.Spec,
	}
	if err := api.Create(t.Context(), pod.DeepCopy(), client.DryRunAll); err != nil {
		t.Errorf("the operator's Pod is refused: %v", err)
	}
	root := pod.DeepCopy()
	root.Spec.SecurityContext.RunAsNonRoot = nil
	if err := api.Create(t.Context(), root, client.DryRunAll); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "PodSecurity") {
		t.Errorf("a Pod that may be root: %v, want it refused", err)
	}
}

func TestWhatSelectsTheOperatorDoes(t *testing.T) {
	var budget policyv1.PodDisruptionBudget
	var service corev1.Service
	var policy networkingv1.NetworkPolicy
	for object, name := range map[client.Object]string{&budget: "nft-operator", &policy: "nft-operator", &service: "nft-operator-metrics"} {
		if err := api.Get(t.Context(), client.ObjectKey{Namespace: lab.OperatorNamespace, Name: name}, object); err != nil {
			t.Fatal(err)
		}
	}
	pod := labels.Set(deployment.Spec.Template.Labels)
	for name, selector := range map[string]map[string]string{
		"PodDisruptionBudget": budget.Spec.Selector.MatchLabels,
		"metrics Service":     service.Spec.Selector,
		"NetworkPolicy":       policy.Spec.PodSelector.MatchLabels,
	} {
		if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(pod) {
			t.Errorf("%s selects %v, the Pods have %v", name, selector, pod)
		}
	}
}

// TestTheSuggestedNamespaceIsThatOfConfig: consoles make it of an annotation.
func TestTheSuggestedNamespaceIsThatOfConfig(t *testing.T) {
	var suggested, want corev1.Namespace
	if err := json.Unmarshal([]byte(csv.GetAnnotations()["operatorframework.io/suggested-namespace-template"]), &suggested); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../config/namespace/namespace.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, &want); err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(want, suggested); difference != "" {
		t.Errorf("(-config/namespace +bundle):\n%s", difference)
	}
}

// TestOLMActsInTheOperatorsNamespaceOnly: with another mode, or another
// OperatorGroup, it would grant the operator's Role in all namespaces.
func TestOLMActsInTheOperatorsNamespaceOnly(t *testing.T) {
	modes, _, err := unstructured.NestedSlice(csv.Object, "spec", "installModes")
	if err != nil || len(modes) != 4 {
		t.Fatalf("%d modes, %v", len(modes), err)
	}
	for _, mode := range modes {
		mode := mode.(map[string]any)
		if want := mode["type"] == "OwnNamespace"; mode["supported"] != want {
			t.Errorf("%s: %v, want %v", mode["type"], mode["supported"], want)
		}
	}
	group := &unstructured.Unstructured{}
	group.SetAPIVersion("operators.coreos.com/v1")
	group.SetKind("OperatorGroup")
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: lab.OperatorNamespace, Name: "nft-operator"}, group); err != nil {
		t.Fatal(err)
	}
	targets, _, err := unstructured.NestedStringSlice(group.Object, "spec", "targetNamespaces")
	if difference := cmp.Diff([]string{lab.OperatorNamespace}, targets); difference != "" || err != nil {
		t.Errorf("the OperatorGroup: %s, %v", difference, err)
	}
}

// TestTheSubscriptionOfTheDocsIsOfItsSchema, and its catalog.
func TestTheSubscriptionOfTheDocsIsOfItsSchema(t *testing.T) {
	text, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## With OLM\n")
	if !found {
		t.Fatal("docs/install.md does not tell of OLM")
	}
	_, block, _ := strings.Cut(section, "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	if err := api.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "olm"}}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"CatalogSource", "Subscription"} {
		if !strings.Contains(block, "\nkind: "+kind+"\n") {
			t.Errorf("there is no %s", kind)
		}
	}
	for document := range strings.SplitSeq(block, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(document), &object.Object); err != nil {
			t.Fatal(err)
		}
		if err := api.Create(t.Context(), object, client.DryRunAll); err != nil {
			t.Error(err)
		}
	}
}
