// Command nft-operator opens Services of type LoadBalancer on Linux gateways.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	ctrlmanager "sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/nft-operator/nft-operator/api/v1alpha1"
	"github.com/nft-operator/nft-operator/controllers"
	"github.com/nft-operator/nft-operator/internal/ansible"
	"github.com/nft-operator/nft-operator/internal/watches"
)

// version is set when a release is built.
var version = "development"

// settings are the flags.
type settings struct {
	version           bool
	watches           string
	namespace         string
	workDir           string
	metricsAddress    string
	probeAddress      string
	leaderElect       bool
	maxConcurrentRuns int
	runTimeout        time.Duration
	settle            time.Duration
	keepAnsibleLoaded bool
	logging           zap.Options
}

// collectAt is how much garbage there may be, in percent of what is in use. Half
// of Go's own: what is in use grows with the cluster, and work is rare.
const collectAt = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if err := run(parseFlags()); err != nil {
		fmt.Fprintln(os.Stderr, "nft-operator:", err)
		os.Exit(1)
	}
}

func parseFlags() settings {
	var s settings
	flag.BoolVar(&s.version, "version", false, "print the version and end")
	flag.StringVar(&s.watches, "watches", "watches.yaml", "the watches.yaml that says which playbook runs for NftGateway; ansible.cfg lies beside it")
	flag.StringVar(&s.namespace, "namespace", "nft-operator-system", "the namespace of the NftGateways and their Secrets")
	flag.StringVar(&s.workDir, "work-dir", ansible.DefaultWorkDir(), "private folder for the files of a run, keys among them; best memory-backed")
	flag.StringVar(&s.metricsAddress, "metrics-bind-address", ":8080", "where metrics are served; 0 for nowhere")
	flag.StringVar(&s.probeAddress, "health-probe-bind-address", ":8081", "where /healthz and /readyz are served; 0 for nowhere")
	flag.BoolVar(&s.leaderElect, "leader-elect", true, "let only one of several operators act")
	flag.IntVar(&s.maxConcurrentRuns, "max-concurrent-runs", 4, "playbook runs at one time, each of up to 10 hosts; a host takes 10 to 20 MiB there")
	flag.DurationVar(&s.runTimeout, "run-timeout", 90*time.Second, "time after which a playbook run is ended, besides the spec.rollout.confirmTimeout that hosts may wait")
	flag.DurationVar(&s.settle, "settle", 25*time.Millisecond, "how long no other change must have come before a run; while they keep coming, it waits for forty times as long, and longer with each run of a burst")
	flag.BoolVar(&s.keepAnsibleLoaded, "keep-ansible-loaded", true, "fork playbook runs from a process that has Ansible loaded, which saves each run half a second; it takes about 60 MiB")
	s.logging.BindFlags(flag.CommandLine)
	flag.Parse()
	return s
}

func run(s settings) error {
	if s.version {
		fmt.Println("nft-operator", version)
		return nil
	}
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&s.logging)))
	if s.maxConcurrentRuns < 2 {
		return fmt.Errorf("--max-concurrent-runs is %d, it must be at least 2: one for hosts that fail, one for the others", s.maxConcurrentRuns)
	}
	for _, program := range []string{"ansible-playbook", "ssh"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not on the path: install the packages ansible-core and openssh-client", program)
		}
	}
	watch, err := watchOf(s.watches)
	if err != nil {
		return err
	}
	project := filepath.Dir(s.watches)
	templates, err := ansible.ReadTemplates(project)
	if err != nil {
		return err
	}
	workDir, err := ansible.OpenWorkDir(s.workDir)
	if err != nil {
		return err
	}
	manager, err := newManager(s)
	if err != nil {
		return err
	}
	runner := &ansible.PlaybookRunner{WorkDir: workDir, ProjectDir: project, Timeout: s.runTimeout}
	if s.keepAnsibleLoaded {
		if err := loadAnsible(manager, runner); err != nil {
			return err
		}
	}
	err = controllers.SetUp(manager, controllers.Options{
		Namespace:         s.namespace,
		Watch:             watch,
		Runner:            runner,
		Templates:         templates,
		MaxConcurrentRuns: s.maxConcurrentRuns,
		Settle:            s.settle,
	})
	if err != nil {
		return err
	}
	err = manager.Start(ctrl.SetupSignalHandler())
	runner.Close()
	workDir.CloseConnections()
	return err
}

// loadAnsible has Ansible loaded for the runs of an operator that leads.
func loadAnsible(manager ctrl.Manager, runner *ansible.PlaybookRunner) error {
	runner.Server = ansible.NewServer(runner.WorkDir, runner.ProjectDir, manager.GetLogger().WithName("ansible"))
	return manager.Add(ctrlmanager.RunnableFunc(func(ctx context.Context) error {
		_ = runner.Server.Warm(ctx) // the log is told; runs do without
		return nil
	}))
}

// watchOf finds what watches.yaml says of NftGateway.
func watchOf(path string) (watches.Watch, error) {
	all, err := watches.Load(path)
	if err != nil {
		return watches.Watch{}, err
	}
	kind := v1alpha1.GroupVersion.WithKind("NftGateway")
	for _, watch := range all {
		if watch.GroupVersionKind != kind {
			return watch, fmt.Errorf("%s has an entry for %s, which this operator does not watch: remove it", path, watch.GroupVersionKind)
		}
	}
	watch, found := watches.For(all, kind)
	if !found {
		return watch, fmt.Errorf("%s has no entry for %s: it must say which playbook runs for it", path, kind)
	}
	return watch, nil
}

func newManager(s settings) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // the API server's own flow control is fairer than a fixed rate here
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Cache:                  controllers.CacheOptions(s.namespace),
		Metrics:                metricsserver.Options{BindAddress: s.metricsAddress},
		HealthProbeBindAddress: s.probeAddress,
		LeaderElection:         s.leaderElect,
		// Start returns only when every run has ended, and then the program ends.
		LeaderElectionReleaseOnCancel: true,
		LeaderElectionID:              "nft-operator.io",
		LeaderElectionNamespace:       s.namespace,
	})
	if err != nil {
		return nil, err
	}
	if err := manager.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return manager, manager.AddReadyzCheck("ping", healthz.Ping)
}
