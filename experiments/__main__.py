"""``python -m experiments`` and the console script ``earmark``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line."""
    from experiments.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
