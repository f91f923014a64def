"""Running tests against a changed module, in a forked process that has the libraries loaded.

Belongs here: putting the changed source in the place of the module, running pytest, and stopping
what hangs. Does not belong here: what is changed (`mutants.py`), which tests are run
(`__main__.py`). Nothing is written to the working tree.
"""

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import CodeType, ModuleType

import pytest

OWN = ("orf_books", "orf_books_tests")
IMPORTING_LIBRARIES = ("hypothesis", "orf_books_tests.conftest")
LOOK_EVERY_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of the tests."""

    passed: bool
    seconds: float


def run_tests(
    tests: Sequence[str], module: str = "", source: str = "", *, seconds: float = 300.0
) -> Trial:
    """Run test files until the first one fails.

    Args:
        tests: files, and options of pytest.
        module: the module that is changed, as it is imported; none by default.
        source: its changed source.
        seconds: a run that takes longer is stopped, and has not passed.
    """
    started = time.monotonic()
    child = os.fork()
    if not child:
        _run_and_exit(tests, module, source)
    while time.monotonic() - started < seconds:
        finished, status = os.waitpid(child, os.WNOHANG)
        if finished:
            return Trial(status == 0, time.monotonic() - started)
        time.sleep(LOOK_EVERY_SECONDS)
    # With whatever the tests started.
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Trial(passed=False, seconds=time.monotonic() - started)


def _run_and_exit(tests: Sequence[str], module: str, source: str) -> None:
    status = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        if module:
            sys.meta_path.insert(0, _ChangedModule(module, source))
        chosen = ["-o", "addopts=--import-mode=importlib", "-m", "not slow and not machines"]
        plain = ["--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly"]
        status = pytest.main(["-x", "-q", "--hypothesis-seed=0", *chosen, *plain, *tests])
    finally:
        os._exit(status)


class _ChangedModule(importlib.abc.MetaPathFinder):
    """Finds one module, with another source."""

    def __init__(self, module: str, source: str) -> None:
        self._module, self._source = module, source

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - importlib's
    ) -> importlib.machinery.ModuleSpec | None:
        """The module; None for any other."""
        if fullname != self._module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        assert spec
        assert spec.origin
        loader = _ChangedSource(fullname, spec.origin, self._source)
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=loader)


class _ChangedSource(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - importlib's
        return compile(self._source, self.path, "exec", dont_inherit=True)


def load_libraries() -> None:
    """Import what tests import, but nothing of our own, which may be changed."""
    reading, writing = os.pipe()
    if not os.fork():
        for name in IMPORTING_LIBRARIES:
            importlib.import_module(name)
        with os.fdopen(writing, "w") as pipe:
            pipe.write("\n".join(sys.modules))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        names = pipe.read().split()
    os.wait()
    for name in names:
        if name.split(".")[0] not in OWN:
            # Some are made by others, and cannot be imported by themselves.
            with suppress(ImportError):
                importlib.import_module(name)
    # Or each process would look through them for garbage.
    gc.freeze()
