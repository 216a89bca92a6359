package ansible

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/apenella/go-ansible/v2/pkg/execute"
	"github.com/apenella/go-ansible/v2/pkg/playbook"
	"github.com/go-logr/logr"

	"github.com/nft-operator/nft-operator/internal/ansible/forkserver"
)

// Run is one execution of a playbook on the hosts of one gateway.
type Run struct {
	// Playbook is the path of the playbook.
	Playbook string
	// Targets are the hosts.
	Targets []Target
	// Access is how they are entered.
	Access Access
	// Vars are what they are to enforce.
	Vars Vars
	// Check asks what would change, and changes nothing.
	Check bool
	// ConfirmTimeoutSeconds is how long a host waits to be reached anew after a
	// change that could cut the way in; it takes the change back otherwise. Zero
	// is the role's default.
	ConfirmTimeoutSeconds int
	// Fence orders the runs; nil for a run by hand, which is not ordered.
	Fence *Fence
	// Told, where it is not nil, is called with what a host reported while the
	// run goes on for others.
	Told func(host string, report Report)
}

// defaultConfirmTimeout is the role's.
const defaultConfirmTimeout = 30 * time.Second

// confirmTimeout is how long the hosts of the run may wait to be reached anew.
// A run that were ended before that could not tell what became of the change.
func (r Run) confirmTimeout() time.Duration {
	if r.ConfirmTimeoutSeconds == 0 {
		return defaultConfirmTimeout
	}
	return time.Duration(r.ConfirmTimeoutSeconds) * time.Second
}

// reportedIn reports whether there is a report of every host.
func (r Run) reportedIn(reports map[string]Report) bool {
	return !slices.ContainsFunc(r.Targets, func(t Target) bool {
		_, found := reports[t.Name]
		return !found
	})
}

// Fence makes hosts refuse a writer that others overtook: one of a smaller
// Epoch, or of the same with a smaller Sequence, than a host has seen.
type Fence struct {
	// Epoch grows with each operator that takes over.
	Epoch int64 `yaml:"epoch"`
	// Sequence grows with each run of that operator.
	Sequence int64 `yaml:"sequence"`
}

// Runner is the one seam to Ansible. Run returns a report for each host that
// was reported on, keyed by name. Its error says why others were not (errors.Is
// ErrTimeout, ErrRunnerFailed, or the context's error).
type Runner interface {
	Run(ctx context.Context, run Run) (map[string]Report, error)
}

// Errors of a Runner.
var (
	// ErrTimeout: the run did not end within its time and was killed.
	ErrTimeout = errors.New("the playbook run took too long and was ended")
	// ErrRunnerFailed: Ansible itself could not run the playbook.
	ErrRunnerFailed = errors.New("ansible-playbook failed")
)

// PlaybookRunner runs ansible-playbook by go-ansible.
type PlaybookRunner struct {
	// WorkDir holds the private folders of runs.
	WorkDir WorkDir
	// ProjectDir holds ansible.cfg, playbooks and roles.
	ProjectDir string
	// Timeout bounds one run, besides what hosts may wait for a confirmation.
	Timeout time.Duration
	// Server has Ansible loaded already; nil where each run is to load it.
	Server *forkserver.Server
}

var _ Runner = (*PlaybookRunner)(nil)

// Run is Runner's.
func (r *PlaybookRunner) Run(ctx context.Context, run Run) (map[string]Report, error) {
	times := phases{began: time.Now()}
	dir, err := r.WorkDir.newRun()
	if err != nil {
		return nil, fmt.Errorf("%w: private folder of the run: %w", ErrRunnerFailed, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := writePrivate(dir, run); err != nil {
		return nil, fmt.Errorf("%w: files of the run: %w", ErrRunnerFailed, err)
	}
	control, err := r.WorkDir.control(run.Access)
	if err != nil {
		return nil, fmt.Errorf("%w: folder for connections: %w", ErrRunnerFailed, err)
	}

	times.asked = time.Now()
	results, err := followResults(filepath.Join(dir, resultsFile), times, run.Told)
	if err != nil {
		return nil, fmt.Errorf("%w: results of the run: %w", ErrRunnerFailed, err)
	}
	limit := r.Timeout + run.confirmTimeout()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	output := &tail{limit: 4096}
	ended := r.execute(ctx, dir, run, r.environment(dir, control, len(run.Targets)), output)

	reports, err := results.end()
	switch {
	case run.reportedIn(reports): // what was reported is true, however the run ended
		return reports, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return reports, fmt.Errorf("%w (limit %s)", ErrTimeout, limit)
	case ctx.Err() != nil:
		return reports, ctx.Err()
	case err != nil:
		return reports, fmt.Errorf("%w: results: %w", ErrRunnerFailed, err)
	case ended == nil:
		return reports, fmt.Errorf("%w: it ended well but reported nothing: %s", ErrRunnerFailed, output.lastLine())
	default:
		return reports, fmt.Errorf("%w: %w: %s", ErrRunnerFailed, ended, output.lastLine())
	}
}

// Close ends the process that has Ansible loaded. No run may be under way.
func (r *PlaybookRunner) Close() {
	if r.Server != nil {
		r.Server.Close()
	}
}

// writePrivate writes the files of a run, the private key among them.
func writePrivate(dir string, run Run) error {
	identity := filepath.Join(dir, identityFile)
	if err := os.WriteFile(identity, run.Access.PrivateKey.pem, 0o600); err != nil {
		return err
	}
	return WriteFiles(dir, run, identity)
}

// execute runs ansible-playbook to its end and returns how it ended. Its
// error holds no environment and no vars.
func (r *PlaybookRunner) execute(ctx context.Context, dir string, run Run, env []string, output *tail) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	group := &processGroup{dir: r.ProjectDir, env: env, server: r.Server}
	command := playbook.NewAnsiblePlaybookCmd(
		playbook.WithPlaybooks(run.Playbook),
		playbook.WithPlaybookOptions(&playbook.AnsiblePlaybookOptions{
			Inventory:     filepath.Join(dir, InventoryFile),
			ExtraVarsFile: []string{"@" + filepath.Join(dir, VarsFile)},
			Check:         run.Check,
			Diff:          run.Check,
		}),
	)
	err := execute.NewDefaultExecute(
		execute.WithCmd(command),
		execute.WithExecutable(group),
		execute.WithOutput(copyOutput{}),
		execute.WithWrite(output),
		execute.WithWriteError(output),
	).Execute(ctx)
	if ended := group.finish(); ended != nil {
		return ended
	}
	return err
}

// environment of ansible-playbook: only what it needs, so that the operator's
// own environment reaches neither Ansible nor an error text.
func (r *PlaybookRunner) environment(dir, control string, forks int) []string {
	return append(commonEnvironment(r.WorkDir, r.ProjectDir),
		"HOME="+dir,
		"TMPDIR="+dir, // everything else may be read-only
		"ANSIBLE_LOCAL_TEMP="+filepath.Join(dir, "tmp"),
		"ANSIBLE_SSH_CONTROL_PATH_DIR="+control,
		"ANSIBLE_FORKS="+strconv.Itoa(max(1, forks)),
		"NFT_OPERATOR_RESULTS="+filepath.Join(dir, resultsFile),
	)
}

// commonEnvironment is the part of it that all runs have in common.
func commonEnvironment(work WorkDir, projectDir string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"),
		"LC_ALL=C.UTF-8",
		"ANSIBLE_CONFIG=" + filepath.Join(projectDir, "ansible.cfg"),
		"ANSIBLE_INVENTORY_ENABLED=yaml", // the only kind that WriteFiles writes
		"ANSIBLE_NOCOLOR=1",
		"PYTHONDONTWRITEBYTECODE=1",
	}, work.account...)
}

// NewServer makes what has Ansible loaded for the runs of a PlaybookRunner with
// the same folders.
func NewServer(work WorkDir, projectDir string, log logr.Logger) *forkserver.Server {
	return forkserver.New(forkserver.Options{
		Folder: work.server(),
		Dir:    projectDir,
		Env:    commonEnvironment(work, projectDir),
		Log:    log,
	})
}
