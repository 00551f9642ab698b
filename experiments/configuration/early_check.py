"""Configurations checked by a process that was started before it was known which: it imports while a plan is made.

``python -m experiments.configuration.early_check FOLDER MODULES`` imports, waits for the end of its standard input and
answers what lies in the folder then (``check.py``).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from experiments import lean_imports
from experiments.configuration import check
from experiments.errors import UserError


class EarlyCheck:
    """That process, until ``end``; ``modules`` are those of the classes that it will build."""

    def __init__(self, modules: Iterable[str]) -> None:
        """Raises ``OSError`` where there is no process left."""
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "experiments.configuration.early_check", self._folder.name, ",".join(modules)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def check(self, questions: Sequence[check.Question]) -> bool:
        """Whether all passed; a refusal is for a check with all its imports to repeat, in its own words."""
        folder = Path(self._folder.name)
        check.ask(folder, questions)
        self._process.communicate()
        with contextlib.suppress(UserError):
            if self._process.returncode == 0:
                check.hear(folder)
                return True
        return False

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.terminate()
        self._process.communicate()
        self._folder.cleanup()


def _main(folder: str, modules: str) -> int:
    gc.disable()  # it lives for seconds, and a sixth of them would be looking through what was imported
    lean_imports.for_checks()
    for name in ("experiments.configuration.schema", *filter(None, modules.split(","))):
        with contextlib.suppress(Exception):  # what is wrong with it is said of the row that names it
            importlib.import_module(name)
    sys.stdin.read()
    return check.main([folder]) if Path(folder, check.QUESTIONS).exists() else 1


if __name__ == "__main__":
    os._exit(_main(*sys.argv[1:]))  # half a second less than taking all of torch down
