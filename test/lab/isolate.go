package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Isolation says what the lab needs from the world outside of it.
type Isolation struct {
	// ControlPlane makes sure that the programs of [StartControlPlane] are
	// there. They are built before the lab is entered, because inside of it
	// there is no network to fetch sources from.
	ControlPlane bool

	// ForeignKinds makes sure that [ControlPlane.InstallForeignKinds] has its
	// files, for the same reason.
	ForeignKinds bool

	// Machine makes sure that the image of [Topology.NewMachine] is there, for
	// the same reason.
	Machine bool

	// Node makes sure that what [Topology.StartNode] starts is there, for the same
	// reason, and that nothing of its Pods stays in the machine's control groups.
	Node bool

	// OLM makes sure that what [ControlPlane.StartOLM] starts is there, for the same
	// reason. It needs ForeignKinds and Node too.
	OLM bool

	// Door is a TCP address outside of the lab, for example "127.0.0.1:0", at
	// which [ControlPlane.OpenDoor] lets programs outside reach the API server.
	Door string
}

// A process of the lab learns from this variable which part it plays. Unset
// means that it was started from outside.
const (
	stageVariable = "NFT_OPERATOR_LAB_STAGE"
	stageInit     = "init"   // pid 1 of the lab
	stageInside   = "inside" // its child, which Isolate returns to
	stageBox      = "box"    // pid 1 of a box

	stageUndertaker = "undertaker" // outlives the lab, and takes its control groups away
	// First process of a container.
	stageContainer = "container"
)

// doorVariable holds the outer address of the door, where there is one.
const doorVariable = "NFT_OPERATOR_LAB_DOOR"

// Descriptors that the outer process hands down, after the three standard ones.
const (
	lifelineDescriptor = 3
	doorDescriptor     = 4
)

// passedOn are the signals that the outer process hands to the inner one.
// SIGQUIT is how `go test` asks a test that hangs for its stacks.
var passedOn = []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT}

var inside bool

// Isolate moves the program into mount, network, process, IPC and host name
// namespaces of its own. It runs the program again inside of them, with the
// same arguments, environment and standard files, and returns true there. The
// outer process waits, passes signals on and exits with the inner one's code.
//
// It must be called first in TestMain or main. Inside, /run, /dev/shm and
// TMPDIR are private and held in memory, and the network is an empty loopback.
// Whichever process dies first, and however, the rest dies with it.
func Isolate(want Isolation) bool {
	if inside {
		return true
	}
	stage := os.Getenv(stageVariable)
	// Programs started from here must not take themselves for part of the lab.
	_ = os.Unsetenv(stageVariable)
	switch stage {
	case stageInit:
		os.Exit(initMain())
	case stageContainer:
		os.Exit(containerMain())
	case stageBox:
		os.Exit(boxMain())
	case stageUndertaker:
		os.Exit(undertakerMain())
	case stageInside:
		inside = true
		holdDoor()
	default:
		os.Exit(outsideMain(want))
	}
	return true
}

// Outermost tells, before [Isolate], whether this process is the one that somebody
// started. All others that run this program are parts of the lab.
func Outermost() bool { return !inside && os.Getenv(stageVariable) == "" }

func outsideMain(want Isolation) int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "the lab needs root: it makes network namespaces; run make test as root or with sudo")
		return 1
	}
	code, err := runInside(want)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		return 1
	}
	return code
}

// runInside starts the lab's pid 1 and returns its exit code.
func runInside(want Isolation) (code int, err error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = os.Args
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), stageVariable+"="+stageInit)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
		Pdeathsig:  unix.SIGKILL,
		// A terminal sends Ctrl-C to its whole process group; the inner process
		// is to get it once, from here.
		Setpgid: true,
	}
	if want.ControlPlane {
		directory, err := EnsureKube(os.Stderr)
		if err != nil {
			return 0, err
		}
		cmd.Env = append(cmd.Env, assetsVariable+"="+directory)
	}
	if want.ForeignKinds {
		files, err := EnsureForeignKinds()
		if err != nil {
			return 0, err
		}
		cmd.Env = append(cmd.Env, foreignKindsVariable+"="+files)
	}
	if want.OLM {
		directory, err := EnsureOLM(os.Stderr)
		if err != nil {
			return 0, err
		}
		cmd.Env = append(cmd.Env, olmVariable+"="+directory)
	}
	if want.Machine {
		directory, err := EnsureMachineImage(os.Stderr)
		if err != nil {
			return 0, err
		}
		cmd.Env = append(cmd.Env, machineVariable+"="+directory)
	}
	if want.Node {
		environment, undertaker, failure := prepareNode()
		if failure != nil {
			return 0, failure
		}
		defer func() { err = errors.Join(err, undertaker.end()) }()
		cmd.Env = append(cmd.Env, environment...)
	}

	// The lab's pid 1 ends when this pipe closes, that is when this process is
	// gone. Pdeathsig alone misses a death between clone and prctl.
	read, write, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer func() { _ = write.Close() }()
	cmd.ExtraFiles = []*os.File{read}
	if want.Door != "" {
		door, err := listenOutside(want.Door)
		if err != nil {
			return 0, err
		}
		cmd.ExtraFiles = append(cmd.ExtraFiles, door.file)
		cmd.Env = append(cmd.Env, doorVariable+"="+door.address)
	}

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, passedOn...)
	// Pdeathsig follows the thread that starts the process, not this process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("cannot make namespaces: %w; the lab needs root with CAP_SYS_ADMIN, in a container too", err)
	}
	for _, file := range cmd.ExtraFiles {
		_ = file.Close()
	}
	go func() {
		for received := range signals {
			_ = cmd.Process.Signal(received)
		}
	}()
	return exitCode(cmd.Wait())
}

// exitCode is what a shell would say of how a command ended.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return statusCode(exit.Sys().(syscall.WaitStatus)), nil
	default:
		return 0, err
	}
}

func statusCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
