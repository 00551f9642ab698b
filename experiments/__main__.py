"""``python -m experiments`` and the console script ``earmark``."""

from __future__ import annotations

import atexit
import gc
import sys

import experiments.lean_imports  # noqa: F401  before Lightning
from experiments.runs.own_code import find_own_code


def main() -> int:
    """Run the command line."""
    find_own_code()
    gc.set_threshold(50_000, 20, 100)  # a command's imports make millions of objects that stay: a fifth of their time
    from experiments.cli import main as run

    atexit.register(gc.freeze)  # the interpreter's last collections would walk all of torch: two seconds at the prompt
    return run()


if __name__ == "__main__":
    sys.exit(main())
