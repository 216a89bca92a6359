"""Runs ansible-playbook, once for each line of JSON that it reads.

A run is forked from this process, which has Ansible imported: that is half of
the time of a short run. A line holds the arguments, a file for the output, and
the environment variables to add; the answer is a line with the exit status.
"""

import json
import os
import sys

from ansible.cli.playbook import PlaybookCLI


def play(request):
    os.environ.update(request["environment"])
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor in 1, 2:
        os.dup2(output, descriptor)
    try:
        PlaybookCLI.cli_executor(["ansible-playbook"] + request["arguments"])
    except SystemExit as ended:
        return ended.code or 0


def main():
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = play(json.loads(line))
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)  # what is to be done at exit is the parent's to do
        _child, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
