"""Has Ansible loaded, and forks for each run of ansible-playbook.

The operator starts this file with a socket as descriptor 3. Each message on it
is a request: a JSON object with args, env and dir, and a descriptor, the socket
of the run. The process that is forked for it tells its process ID on that, and
runs only when it is told to go, with descriptors for its output and its error
output: who gives a request up can be sure that nothing runs, and that nobody
holds the output. The end of the process is told on the same socket, as the
status of wait(2). When the operator is gone, all of it ends.
"""

import contextlib
import ctypes
import gc
import glob
import importlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
import traceback

REQUESTS = 3  # the descriptor
LONGEST = 1 << 20  # bytes of a request
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>

libc = ctypes.CDLL(None, use_errno=True)


class ForkServer:
    """Forks what requests ask for, and tells how that ended."""

    def __init__(self, requests, prepare, main):
        self.requests = requests
        self.prepare = prepare
        self.main = main
        self.pid = os.getpid()
        self.runs = {}  # process ID: the socket on which its end is told

    def serve(self):
        ended, wake = socket.socketpair()
        ended.setblocking(False)
        wake.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self.requests, select.POLLIN)
        poll.register(ended, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if ended.fileno() in ready:
                with contextlib.suppress(BlockingIOError):
                    ended.recv(4096)
                self.tell_ends()
            if self.requests.fileno() in ready and not self.answer((ended, wake)):
                return

    def answer(self, own):
        """Fork for one request. False when nobody asks any more."""
        message, descriptors, flags, address = socket.recv_fds(self.requests, LONGEST, 1)
        if not message:
            return False
        control = socket.socket(fileno=descriptors[0])
        try:
            pid = os.fork()
        except OSError as error:  # the closed socket tells that nothing was started
            print("fork: %s" % error, file=sys.stderr, flush=True)
            pid = None
            control.close()
        if pid == 0:
            for other in (self.requests, *own, *self.runs.values()):
                other.close()
            exit_with(lambda: self.run(json.loads(message), control))
        if pid:
            self.runs[pid] = control
        return True

    def run(self, request, control):
        """What the forked process does."""
        os.setpgid(0, 0)
        end_with(self.pid)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        control.send(b"%d" % os.getpid())
        message, outputs, flags, address = socket.recv_fds(control, 16, 2)
        if message != b"go":
            os._exit(0)
        for descriptor, standard in zip(outputs, (1, 2)):
            os.dup2(descriptor, standard)
            os.close(descriptor)
        control.close()
        os.environ.clear()
        os.environ.update(entry.split("=", 1) for entry in request["env"])
        os.chdir(request["dir"])
        sys.argv = request["args"]
        tempfile.tempdir = None  # what TMPDIR said before
        leader = os.getpid()
        os.register_at_fork(after_in_child=lambda: end_with(leader))
        self.prepare()
        return self.main()

    def tell_ends(self):
        """Tell of each process that ended, and end what is left of its group."""
        while self.runs:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return
            # Nobody else can have its number before it was waited for.
            with contextlib.suppress(OSError):
                os.killpg(found.si_pid, signal.SIGKILL)
            status = os.waitpid(found.si_pid, 0)[1]
            with self.runs.pop(found.si_pid) as control, contextlib.suppress(OSError):
                control.send(b"%d" % status)

    def end(self):
        """End every run with all its processes."""
        for pid in self.runs:
            for kill in (os.killpg, os.kill):  # a process that was just forked leads no group yet
                with contextlib.suppress(OSError):
                    kill(pid, signal.SIGKILL)


def end_with(parent):
    """Have this process killed when its parent ends."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def exit_with(main):
    """End this process as the interpreter ends after main. What the server has
    to do at its own end is not this process's business."""
    code = 250
    try:
        code = main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit((code or 0) & 0xFF)


def refresh(constants):
    """Read the settings anew, as ansible.constants does when it is loaded:
    some of them come from the environment."""
    for name in constants.config.get_configuration_definitions():
        constants.set_constant(name, constants.config.get_config_value(name, variables=vars(constants)))


# Plugins that the operator's playbooks use, by kind.
PLUGINS = {
    "action": ("normal",),
    "cache": ("memory",),
    "inventory": ("yaml",),
    "strategy": ("linear",),
}

# Kinds of which every run loads all plugins.
KINDS = ("become", "callback", "connection", "shell", "vars")

# What is loaded when it is needed first.
MODULES = (
    "ansible.executor.process.worker",
    "ansible.executor.task_executor",
    "ansible.modules",
    "ansible.playbook.handler_task_include",
    "ansible.plugins.action",
    "ansible.utils.hashing",
    "ansible.utils.shlex",
    "multiprocessing.popen_fork",
)


def load_plugins(folders):
    from ansible.plugins import loader

    for folder in folders:
        loader.add_all_plugin_dirs(folder)
    for kind in KINDS:
        list(getattr(loader, kind + "_loader").all(class_only=True))
    for kind, names in PLUGINS.items():
        for name in names:
            getattr(loader, kind + "_loader").get(name, class_only=True)
    for path in files_of(folders, "action_plugins"):
        loader.action_loader.get(name_of(path), class_only=True)


def load_modules():
    for name in MODULES:
        importlib.import_module(name)


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def files_of(folders, *kinds):
    """The Python files in subfolders of these kinds."""
    return sorted(path for folder in folders for kind in kinds for path in glob.glob(os.path.join(folder, kind, "**", "*.py"), recursive=True))


def load():
    """Load Ansible. Return main, what a run calls before that, and what to tell
    the operator: which files this process is of, and what could not be done
    beforehand, so that each run does it."""
    from ansible.cli.playbook import main
    from ansible import constants, release

    refresh(constants)  # what fails here would fail in each run
    folders = ["playbooks", *sorted(glob.glob("roles/*"))]
    files = [release.__file__, *files_of(folders, "action_plugins", "callback_plugins", "controller", "library", "module_utils")]
    files += [*glob.glob("templates/*"), *glob.glob("roles/*/meta/*")]
    if constants.CONFIG_FILE:
        files.append(constants.CONFIG_FILE)
    changed = {os.path.abspath(path): os.stat(path).st_mtime_ns for path in files}  # before they are read
    skipped = []
    for step in (load_modules, lambda: load_plugins(folders)):
        try:
            step()
        except Exception as error:
            skipped.append("%s: %s" % (type(error).__name__, error))
    # A run ends before it has garbage worth collecting, and looking for some
    # would write to all the pages that it shares with this process.
    gc.collect()
    gc.freeze()
    gc.disable()

    return main, lambda: refresh(constants), {"files": changed, "skipped": skipped}


def main():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the kernel's, to a stopped process whose parent ended
    requests = socket.socket(fileno=REQUESTS)
    requests.set_inheritable(False)
    ansible_playbook, prepare, told = load()
    requests.send(json.dumps(told).encode())
    server = ForkServer(requests, prepare, ansible_playbook)
    try:
        server.serve()
    finally:
        server.end()


if __name__ == "__main__":
    main()
