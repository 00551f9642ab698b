"""What a launch begins as soon as its table is read, while its plan is still being made."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from experiments.launching.executors import Executor
from experiments.launching.snapshot import Snapshot
from experiments.launching.warm_start import warmed
from experiments.table_files.spec import Table


class Beginning(NamedTuple):
    """How many runs at once, what each has of its machine, who starts them, and copies of code by their originals."""

    slots: int
    machine: Mapping[str, Any]
    executor: Executor
    copies: Mapping[Path, Path]


@contextlib.contextmanager
def begun(
    slots: int, machine: Mapping[str, Any], executor: Executor, *, table: Table, root: Path
) -> Iterator[Beginning]:
    """Until it ends, the executor's runs of a table import the code as it is now, and on this machine start warm.

    The snapshot of the code goes to ``root``; a disk that has no place for it is said.
    """
    with contextlib.ExitStack() as stack:
        copies: Mapping[Path, Path] = {}
        try:
            snapshot = Snapshot(root, table)
        except OSError as error:
            line = f"no snapshot of the code ({error.strerror or error}): runs that are still to start see every edit"
            print(f"warning: {line}", file=sys.stderr)
        else:
            stack.callback(snapshot.release)
            copies, executor.code = snapshot.copies, snapshot.environment()
        stack.enter_context(warmed(executor, table))
        yield Beginning(slots, machine, executor, copies)
