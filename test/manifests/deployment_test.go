package manifests

import (
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestTheDeploymentIsRestrictedAndLivesOn(t *testing.T) {
	pod := deployment.Spec.Template.Spec
	operator := operatorContainer(t)
	tests := []struct {
		name      string
		got, want any
	}{
		{"replicas", *deployment.Spec.Replicas, int32(2)},
		{"service account", pod.ServiceAccountName, "nft-operator"},
		{"leader election", slices.Contains(operator.Args, "--leader-elect"), true},
		{"liveness", operator.LivenessProbe.HTTPGet.Path, "/healthz"},
		{"readiness", operator.ReadinessProbe.HTTPGet.Path, "/readyz"},
		{"memory is limited", operator.Resources.Limits.Memory().IsZero(), false},
		{"memory is requested", operator.Resources.Requests.Memory().IsZero(), false},
		{"CPU is requested", operator.Resources.Requests.Cpu().IsZero(), false},
		{"not root", *pod.SecurityContext.RunAsNonRoot, true},
		{"any user", pod.SecurityContext.RunAsUser == nil && operator.SecurityContext.RunAsUser == nil, true},
		{"seccomp", pod.SecurityContext.SeccompProfile.Type, corev1.SeccompProfileTypeRuntimeDefault},
		{"no escalation", *operator.SecurityContext.AllowPrivilegeEscalation, false},
		{"read-only root", *operator.SecurityContext.ReadOnlyRootFilesystem, true},
		{"no capability", slices.Equal(operator.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}), true},
		{"none added", len(operator.SecurityContext.Capabilities.Add), 0},
		{"nothing of the node", pod.HostNetwork || pod.HostPID || pod.HostIPC, false},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, test.got, test.want)
		}
	}
}

// TestKeysLieInMemory: every folder that can be written is, and the operator's
// lies in one of them.
func TestKeysLieInMemory(t *testing.T) {
	inMemory := map[string]bool{}
	for _, volume := range deployment.Spec.Template.Spec.Volumes {
		if volume.EmptyDir == nil || volume.EmptyDir.Medium != corev1.StorageMediumMemory || volume.EmptyDir.SizeLimit.IsZero() {
			t.Errorf("volume %s is not memory with a limit", volume.Name)
		}
		inMemory[volume.Name] = true
	}
	operator := operatorContainer(t)
	within := func(mount corev1.VolumeMount) bool {
		return inMemory[mount.Name] && slices.ContainsFunc(operator.Args, func(argument string) bool {
			return strings.HasPrefix(argument, "--work-dir="+mount.MountPath+"/")
		})
	}
	if !slices.ContainsFunc(operator.VolumeMounts, within) {
		t.Errorf("no mount of %v holds the folder of %v", operator.VolumeMounts, operator.Args)
	}
}

// TestPodSecurityAdmitsTheOperatorOnly asks the admission of the namespace.
func TestPodSecurityAdmitsTheOperatorOnly(t *testing.T) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: deployment.Namespace, Name: "tried", Labels: deployment.Spec.Template.Labels},
		Spec:       deployment.Spec.Template.Spec,
	}
	if err := api.Create(t.Context(), pod.DeepCopy(), client.DryRunAll); err != nil {
		t.Errorf("the operator's Pod is refused: %v", err)
	}
	escalates := true
	more := pod.DeepCopy()
	more.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = &escalates
	if err := api.Create(t.Context(), more, client.DryRunAll); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "PodSecurity") {
		t.Errorf("a Pod that may do more: %v, want it refused", err)
	}
}

func TestWhatSelectsTheOperatorDoes(t *testing.T) {
	pod := labels.Set(deployment.Spec.Template.Labels)
	var service corev1.Service
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: deployment.Namespace, Name: "nft-operator-metrics"}, &service); err != nil {
		t.Fatal(err)
	}
	for name, selector := range map[string]map[string]string{
		"PodDisruptionBudget": budget.Spec.Selector.MatchLabels,
		"NetworkPolicy":       networkPolicy.Spec.PodSelector.MatchLabels,
		"metrics Service":     service.Spec.Selector,
	} {
		if len(selector) == 0 || !labels.SelectorFromSet(selector).Matches(pod) {
			t.Errorf("%s selects %v, the Pods have %v", name, selector, pod)
		}
	}
	if port := service.Spec.Ports[0].TargetPort.String(); !slices.Contains(slices.Collect(maps.Keys(portsOf(t))), port) {
		t.Errorf("the metrics Service leads to port %s, which the Pods do not have", port)
	}
}

func TestTheNetworkPolicyNamesWhatIsNeeded(t *testing.T) {
	if got := networkPolicy.Spec.PolicyTypes; len(got) != 2 {
		t.Errorf("it is about %v, want both directions", got)
	}
	var into, out []string
	for _, rule := range networkPolicy.Spec.Ingress {
		for _, port := range rule.Ports {
			into = append(into, port.Port.String())
			if _, found := portsOf(t)[port.Port.String()]; !found {
				t.Errorf("port %s is let in, and the Pods do not have it", port.Port)
			}
		}
	}
	for _, rule := range networkPolicy.Spec.Egress {
		for _, port := range rule.Ports {
			out = append(out, string(*port.Protocol)+"/"+port.Port.String())
		}
	}
	if want := []string{"metrics", "probes"}; !slices.Equal(into, want) {
		t.Errorf("lets in %v, want %v", into, want)
	}
	if want := []string{"UDP/53", "TCP/53", "TCP/443", "TCP/6443", "TCP/22"}; !slices.Equal(out, want) {
		t.Errorf("lets out %v, want %v", out, want)
	}
}

func portsOf(t *testing.T) map[string]int32 {
	t.Helper()
	ports := map[string]int32{}
	for _, port := range operatorContainer(t).Ports {
		ports[port.Name] = port.ContainerPort
	}
	return ports
}
