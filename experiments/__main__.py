"""``python -m experiments`` and the console script ``earmark``."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys


def _find_own_code() -> None:
    """A user's code is found in the current folder, as ``python -m`` and the trainings that are started find it.

    A console script has its own folder there instead.
    """
    with contextlib.suppress(OSError):  # a folder that was removed
        here = os.getcwd()
        if not sys.flags.safe_path and here not in sys.path:
            sys.path.insert(0, here)


def main() -> int:
    """Run the command line."""
    _find_own_code()
    from experiments.cli import main as run

    atexit.register(gc.freeze)  # the interpreter's last collections would walk all of torch: two seconds at the prompt
    return run()


if __name__ == "__main__":
    sys.exit(main())
