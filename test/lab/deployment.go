package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"
)

// shipped is the Deployment of config/manager, as far as it says how the
// operator's container runs.
type shipped struct {
	deployment appsv1.Deployment
	container  corev1.Container
}

// readDeployment reads the Deployment, and refuses one that confines its
// container otherwise than the lab does.
func readDeployment() (shipped, error) {
	var s shipped
	repository, err := repositoryRoot()
	if err != nil {
		return s, err
	}
	path := filepath.Join(repository, "config", "manager", "deployment.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := yaml.UnmarshalStrict(text, &s.deployment); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	pod := s.deployment.Spec.Template.Spec
	if len(pod.Containers) != 1 || len(pod.InitContainers) != 0 || pod.TerminationGracePeriodSeconds == nil {
		return s, fmt.Errorf("%s: want one container and a grace period", path)
	}
	s.container = pod.Containers[0]
	if !equality.Semantic.DeepEqual(pod.SecurityContext, confinedPod) || !equality.Semantic.DeepEqual(s.container.SecurityContext, confinedContainer) {
		return s, fmt.Errorf("%s: the lab confines the operator in another way; change container_init.go with it", path)
	}
	return s, nil
}

// What container_init.go does. It has no seccomp filter: that is the container
// runtime's own.
var (
	confinedPod = &corev1.PodSecurityContext{
		RunAsNonRoot:   new(true),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	confinedContainer = &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		ReadOnlyRootFilesystem:   new(true),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
)

// grace is how long the operator may take to end.
func (s shipped) grace() time.Duration {
	return time.Duration(*s.deployment.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
}

// environment is that of the container, each as NAME=VALUE.
func (s shipped) environment() ([]string, error) {
	var environment []string
	for _, variable := range s.container.Env {
		value := variable.Value
		if from := variable.ValueFrom; from != nil {
			if from.FieldRef == nil || from.FieldRef.FieldPath != "metadata.namespace" {
				return nil, fmt.Errorf("the Deployment's variable %s: the lab knows only metadata.namespace", variable.Name)
			}
			value = s.deployment.Namespace
		}
		environment = append(environment, variable.Name+"="+value)
	}
	return environment, nil
}

// arguments are the container's, with its variables filled in.
func (s shipped) arguments() ([]string, error) {
	environment, err := s.environment()
	if err != nil {
		return nil, err
	}
	var pairs []string
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		pairs = append(pairs, "$("+name+")", value)
	}
	fill := strings.NewReplacer(pairs...)
	var arguments []string
	for _, argument := range s.container.Args {
		arguments = append(arguments, fill.Replace(argument))
	}
	return arguments, nil
}

// volume is memory that the container may write to.
type volume struct {
	name, target string
	bytes        int64
}

func (s shipped) volumes() ([]volume, error) {
	memory := map[string]int64{}
	for _, v := range s.deployment.Spec.Template.Spec.Volumes {
		if v.EmptyDir == nil || v.EmptyDir.Medium != corev1.StorageMediumMemory || v.EmptyDir.SizeLimit == nil {
			return nil, fmt.Errorf("the Deployment's volume %s: the lab knows only memory of a limited size", v.Name)
		}
		memory[v.Name] = v.EmptyDir.SizeLimit.Value()
	}
	var volumes []volume
	for _, mount := range s.container.VolumeMounts {
		if memory[mount.Name] == 0 || mount.ReadOnly || mount.SubPath != "" {
			return nil, fmt.Errorf("the Deployment's mount at %s is of a kind that the lab does not know", mount.MountPath)
		}
		volumes = append(volumes, volume{name: mount.Name, target: mount.MountPath, bytes: memory[mount.Name]})
	}
	if len(volumes) == 0 {
		return nil, errors.New("the Deployment mounts nothing")
	}
	return volumes, nil
}
