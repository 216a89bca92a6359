"""The beginning of every program that runs on a gateway: it finds the role's
modules in what was shipped with it, and calls what was asked for.

It is sent as a text, with one call of main() after it, and Python reads it from
standard input: so nothing is installed. Compiled modules are kept in memory
until the next boot, because compiling them takes longer than most runs.
"""

import sys
import time

BEGAN = time.monotonic()
sys.path[:] = [path for path in sys.path if path]  # nothing from the folder in which a login begins

import marshal  # noqa: E402
import os  # noqa: E402
import zlib  # noqa: E402
from binascii import a2b_base64  # noqa: E402

PACKAGES = ("ansible", "ansible.module_utils", "ansible.module_utils.nft_operator")
ENTRY = "ansible.module_utils.nft_operator.entry"


class Modules:
    """Finds and loads the role's modules."""

    def __init__(self, digest, archive, kept):
        self.key = "%s %x" % (digest, sys.hexversion)
        self.archive = archive
        self.sources = None
        self.code = _kept(kept, self.key)
        self.compiled = self.code is not None  # by an earlier run
        if not self.compiled:
            self.code = {name: marshal.dumps(compile(source, "%s.py" % name, "exec", dont_inherit=True)) for name, source in self._sources().items()}

    def _sources(self):
        if self.sources is None:
            self.sources = marshal.loads(zlib.decompress(a2b_base64(self.archive)))
        return self.sources

    def find_spec(self, name, path=None, target=None):
        if name not in self.code:
            return None
        return type(sys.__spec__)(name, self, is_package=name in PACKAGES)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(marshal.loads(self.code[module.__name__]), module.__dict__)

    def get_source(self, name):
        return self._sources()[name]

    def keep(self, path):
        """Keep what was compiled for the next run. The caller is root and holds the lock."""
        if self.compiled:
            return
        try:
            descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(marshal.dumps((self.key, self.code)))
            os.replace(path + ".new", path)
        except OSError:
            pass  # no room: then the next run compiles too


def _kept(path, key):
    """What an earlier run kept; None where that was of other sources or of another
    Python, or somebody else could have written it."""
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid == os.geteuid() and not found.st_mode & 0o22:
                kept, code = marshal.loads(file.read())
                return code if kept == key else None
    except (OSError, ValueError, EOFError, TypeError):
        pass
    return None


def main(name, params, texts, digest, archive, kept):
    """Call what was asked for. texts are parameters that are long."""
    modules = Modules(digest, archive, kept)
    sys.meta_path.insert(0, modules)
    for key, text in texts.items():
        params[key] = zlib.decompress(a2b_base64(text)).decode("utf-8")
    __import__(ENTRY)
    sys.modules[ENTRY].main(name, params, modules.keep, BEGAN)
