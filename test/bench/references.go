package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nft-operator/nft-operator/test/lab"
)

// watcher is a bare client that watches Services: nobody learns of a write
// sooner.
type watcher struct {
	stop func()
	seen chan event
}

type event struct {
	kind watch.EventType
	name string
	// open says whether the Service has an address.
	open bool
	at   time.Time
}

func watchServices(ctx context.Context, api client.WithWatch) (*watcher, error) {
	watching, err := api.Watch(ctx, &corev1.ServiceList{}, client.InNamespace(namespace))
	if err != nil {
		return nil, err
	}
	w := &watcher{stop: watching.Stop, seen: make(chan event, 1<<16)}
	go func() {
		for one := range watching.ResultChan() {
			if service, ok := one.Object.(*corev1.Service); ok {
				w.seen <- event{one.Type, service.Name, len(service.Status.LoadBalancer.Ingress) > 0, time.Now()}
			}
		}
		close(w.seen)
	}()
	return w, nil
}

// await returns when the Service was seen to be opened, or to be gone.
func (w *watcher) await(name string, open bool) (time.Time, error) {
	for {
		select {
		case one, ok := <-w.seen:
			if !ok {
				return time.Time{}, fmt.Errorf("the watch ended before it told of Service %s", name)
			}
			if one.name == name && (open && one.open || !open && one.kind == watch.Deleted) {
				return one.at, nil
			}
		case <-time.After(doorPatience):
			return time.Time{}, fmt.Errorf("the watch does not tell of Service %s", name)
		}
	}
}

// shell keeps a connection by SSH to a gateway, as the operator does.
type shell struct{ arguments []string }

func openShell(net *lab.Topology, gateway *lab.Gateway) (*shell, error) {
	directory, err := os.MkdirTemp("", "ssh")
	if err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{"key": net.Key.Private, "known_hosts": []byte(gateway.KnownHostsLine())} {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	s := &shell{arguments: []string{
		"-F", "none", "-i", filepath.Join(directory, "key"), "-o", "UserKnownHostsFile=" + filepath.Join(directory, "known_hosts"),
		"-o", "ControlMaster=auto", "-o", "ControlPersist=yes", "-o", "ControlPath=" + filepath.Join(directory, "control"),
		lab.User + "@" + gateway.Cluster.IPv4.String(), "true",
	}}
	return s, s.run() // logs in
}

func (s *shell) run() error {
	// Without pipes, which the kept connection would hold open.
	if err := exec.Command("ssh", s.arguments...).Run(); err != nil {
		return fmt.Errorf("ssh: %w", err)
	}
	return nil
}

// took is how long something took.
func took(what func() error) (time.Duration, error) {
	began := time.Now()
	err := what()
	return time.Since(began), err
}

// allShells runs true on several gateways at once.
func allShells(shells []*shell) error {
	failures := make(chan error, len(shells))
	var group sync.WaitGroup
	for _, one := range shells {
		group.Go(func() { failures <- one.run() })
	}
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// bareSet is a set of as many elements as there are Services, on a gateway that
// the operator does not know.
type bareSet struct{ gateway *lab.Gateway }

const bareTable = "inet bench"

func newBareSet(gateway *lab.Gateway, elements int) (bareSet, error) {
	var text strings.Builder
	for number := range elements {
		fmt.Fprintf(&text, "\t\t\t%s,\n", element(number))
	}
	script := fmt.Sprintf(`table %[1]s
delete table %[1]s
table %[1]s {
	set services {
		type ipv4_addr . inet_proto . inet_service
		counter
		elements = {
%[2]s		}
	}
}
`, bareTable, &text)
	return bareSet{gateway}, gateway.Nft(script)
}

func element(number int) string {
	door := doorOf(number)
	return fmt.Sprintf("%s . tcp . %d", door.Addr(), door.Port())
}

// change adds one element, by a plain nft, and takes it away again.
func (s bareSet) change() (time.Duration, error) {
	const one = "{ " + lastAddress + " . tcp . 9000 }\n"
	adding, err := took(func() error { return s.gateway.Nft("add element " + bareTable + " services " + one) })
	if err != nil {
		return 0, err
	}
	return adding, s.gateway.Nft("delete element " + bareTable + " services " + one)
}
