// Command demo tells, with real parts and real packets, what nft-operator does:
// a cluster of one node, two gateways, the operator as it is shipped, and a client
// that knocks on doors. make demo starts it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/nft-operator/nft-operator/test/lab"
)

func main() {
	once := flag.Bool("once", false, "end after the story, rather than stay up to be looked at")
	flag.StringVar(&shipped.image, "image", "", "the operator's image, an OCI archive")
	flag.StringVar(&shipped.manifests, "install", "", "the file that installs the operator")
	flag.Parse()
	var pipe lifeline
	if lab.Outermost() {
		var err error
		if pipe, err = prepare(); err != nil {
			fmt.Fprintln(os.Stderr, "demo:", err)
			os.Exit(1)
		}
	}
	lab.Isolate(lab.Isolation{ControlPlane: true, Node: true, Door: "127.0.0.1:0"})
	pipe.hold()
	ctrl.SetLogger(logr.Discard()) // the operator, another process, has its own
	os.Exit(run(*once))
}

// shipped is the operator as users get it.
var shipped struct{ image, manifests string }

// prepare does what only the process outside of the lab can.
func prepare() (lifeline, error) {
	if err := checkSurroundings(); err != nil {
		return lifeline{}, err
	}
	return openOutside()
}

// checkSurroundings says what to do where the demo cannot begin.
func checkSurroundings() error {
	if os.Geteuid() != 0 {
		return errors.New("this makes network namespaces and needs root: run `make demo`, which calls sudo")
	}
	for _, path := range []string{shipped.image, shipped.manifests} {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("there is no file %q: run `make demo` in the top folder of the repository, which makes it", path)
		}
	}
	return nil
}

// run tells the story and returns the exit code. Where it is interrupted nothing
// needs to be undone: the lab ends with this process.
func run(once bool) int {
	defer closeOutside()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	t := newTeller()
	ended := make(chan error, 1)
	go func() { ended <- tell(context.Background(), t, once) }()
	select {
	case err := <-ended:
		if err != nil {
			t.line("\ndemo: %v", err)
			return 1
		}
	case received := <-interrupted:
		t.line("\nInterrupted. The lab is gone.")
		return 128 + int(received.(syscall.Signal))
	}
	if !once {
		<-interrupted
		t.line("\nThe lab is gone.")
	}
	return t.exitCode()
}

// tell builds a world and tells the story in it.
func tell(ctx context.Context, t *teller, once bool) error {
	w, err := newWorld(ctx, t)
	if err != nil {
		return err
	}
	s := &story{teller: t, world: w, by: w.net.Gateways[0]}
	if err := s.tell(ctx); err != nil {
		return fmt.Errorf("the story cannot go on: %w", err)
	}
	t.sum()
	if t.failed > 0 {
		t.line("What the operator complained of, if anything:")
		t.quote(complaints(w.operatorLog(ctx)))
	}
	if err := w.openDoor(); err != nil || once {
		return err
	}
	return w.invite(t)
}
