package lab

import (
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// PodServing is a container that answers at ports such as tcp/80 and udp/53, and
// prints from where it was asked. Only [KubeNode] has its image.
func PodServing(ports ...string) corev1.Container {
	return corev1.Container{
		Name: "server", Image: PodImage, ImagePullPolicy: corev1.PullNever, Args: ports,
		// Without a request, every other process of a busy machine goes first.
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m")}},
	}
}

// NewPodDeployment is a Deployment of one Pod with a container of [PodServing].
func NewPodDeployment(namespace, name string, pods map[string]string, ports ...string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: pods},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: pods},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{PodServing(ports...)}},
			},
		},
	}
}

// NewPodService is a Service of type LoadBalancer for Pods with these labels, of
// both families, with addresses for [ControlPlane.AssignFromPools]. Pods see the
// client's address.
func NewPodService(namespace, name, addresses string, pods map[string]string, ports ...string) *corev1.Service {
	bothFamilies := corev1.IPFamilyPolicyPreferDualStack
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Annotations: map[string]string{AddressesAnnotation: addresses},
		},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeLoadBalancer, IPFamilyPolicy: &bothFamilies, Selector: pods,
			ExternalTrafficPolicy: corev1.ServiceExternalTrafficPolicyLocal,
		},
	}
	for _, text := range ports {
		service.Spec.Ports = append(service.Spec.Ports, servicePort(text))
	}
	return service
}

// servicePort panics where the text, for example tcp/80, is none.
func servicePort(text string) corev1.ServicePort {
	protocol, number, _ := strings.Cut(text, "/")
	port, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		panic(fmt.Sprintf("port %q: %v", text, err))
	}
	return corev1.ServicePort{Name: protocol + "-" + number, Protocol: corev1.Protocol(strings.ToUpper(protocol)), Port: int32(port)}
}
