"""How long a plan looks at a corpus of 100,000 files: nothing changed, no record yet, new times, and read whole.

    python benchmarks/corpus_check.py [--files 100000] [--kilobytes 32]

The corpus is a manifest and files of noise without a sound header: the check knows bytes alone. Beside it the reading
of every file that ``earmark data check --digest`` does, at whose price a plan could be sure. Times are of files that
the system still has in memory.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from datamodules.corpus_changes import check_files, note_files
from datamodules.corpus_files import FILES, facts_of, record_files


def make(folder: Path, *, files: int, size_bytes: int) -> None:
    """A corpus folder as the check sees it: a card, a manifest, audio."""
    (folder / "manifests").mkdir(parents=True)
    noise = os.urandom(size_bytes)
    names = [f"audio/train/{number:06d}.flac" for number in range(files)]
    (folder / "audio" / "train").mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(name.encode() + noise)
    with gzip.open(folder / "manifests" / "train.jsonl.gz", "wt", compresslevel=1) as lines:
        for name in names:
            cut = {"id": Path(name).stem, "recording": {"sources": [{"type": "file", "source": name}]}}
            lines.write(json.dumps(cut) + "\n")
    (folder / "corpus.json").write_text("{}")


def timed(what: str, call: Callable[[], object]) -> None:
    """Print how long it takes."""
    start = time.perf_counter()
    call()
    print(f"{what:<44} {time.perf_counter() - start:7.2f} s")


def main() -> None:
    """Make the corpus and print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--kilobytes", type=int, default=32)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as home:
        os.environ["EARMARK_DATA"] = home
        folder = Path(home) / "large"
        make(folder, files=arguments.files, size_bytes=arguments.kilobytes * 1024)
        paths = sorted((folder / "audio" / "train").iterdir())
        timed("recorded as it is made", lambda: record_files(folder))
        print(f"{'  files.json':<44} {(folder / FILES).stat().st_size / 1e6:7.1f} MB")
        timed("plan: nothing changed", lambda: check_files("large"))
        for path in paths:
            os.utime(path)
        timed("plan: all times are new, contents compared", lambda: check_files("large"))
        timed("plan: the one after", lambda: check_files("large"))
        (folder / FILES).unlink()
        timed("plan: no record yet", lambda: note_files("large"))
        timed("all read", lambda: [facts_of(path) for path in paths])


if __name__ == "__main__":
    main()
