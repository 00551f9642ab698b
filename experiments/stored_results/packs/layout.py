"""What a pack of results may hold: the names of its files, and how much of everything.

``manifest.json`` comes first and has the digest and the size of every other file. ``plan.json`` has the cells of the
table, ``table.yaml`` its file, ``references/`` what the test splits' labels are, ``runs/KEY/`` one run's files. Names
are plain ASCII below these folders, so none can leave the folder that a pack is unfolded into.
"""

from __future__ import annotations

import re

from experiments.runs import run_folder

FORMAT, VERSION = "earmark results", 1
MANIFEST, PLAN, TABLE_FILE = "manifest.json", "plan.json", "table.yaml"
RUN = "run.json"  # of a run's folder: what MLflow knows of it
RECORDS = ("config.yaml", "key.json", "journal.jsonl", "environment.txt", "provenance.json", "metrics.json")
SCORES = (".csv", ".tsv", ".json", ".txt")  # of scores/: what is text; pictures are drawn again
CURVES = "curve_statistics.npz"  # of scores/, where it is asked for: as large as the curves themselves
DECODING = "decoding.json"  # of scores/NAME/, of each of several decoders
NGRAMS = run_folder.NGRAMS.removeprefix("scores/")  # where predictions are asked for: some megabytes
WEIGHTS, WEIGHTS_KEPT = OF_WEIGHTS = ("checkpoints/best.safetensors", "checkpoints/best.json")  # where asked for
NAME_CHARACTERS = 100  # what a tar archive takes without extensions

MEGABYTE = 2**20
MOST_FILES = 100_000
MOST_BYTES = 1024 * MEGABYTE  # all files of a pack, unpacked
MOST_BYTES_OF_A_FILE = 256 * MEGABYTE
MOST_TIMES = 500  # as large unpacked as packed; thousands of similar runs are a hundred times
FREE_BYTES = 64 * MEGABYTE  # that a small pack may unpack to, whatever its own size
MOST_MEMORY_BYTES = 256 * MEGABYTE  # for unpacking: a header may ask for 4 GB

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.=+-]*"
_KEY = r"[0-9a-f]{16}"
_NAMES = re.compile(
    rf"{PLAN}|{TABLE_FILE}|references/{_KEY}\.json"
    rf"|runs/{_KEY}/(?:{RUN}|{'|'.join(map(re.escape, RECORDS))})"
    rf"|runs/{_KEY}/scores/(?:{re.escape(CURVES)}|{re.escape(NGRAMS)}|{_PART}(?:{'|'.join(map(re.escape, SCORES))}))"
    rf"|runs/{_KEY}/scores/{_PART}/{re.escape(DECODING)}"
    rf"|runs/{_KEY}/(?:{'|'.join(map(re.escape, OF_WEIGHTS))})"
    rf"|runs/{_KEY}/predictions/{_PART}(?:/{_PART})*",
    re.ASCII,
)


def is_known(name: str) -> bool:
    """Whether a file of this name may be in a pack.

    >>> is_known("runs/0123456789abcdef/scores/../x.csv"), is_known("/etc/passwd"), is_known("log.txt")
    (False, False, False)
    >>> is_known("runs/0123456789abcdef/scores/events_test.tsv")
    True
    >>> is_known("runs/0123456789abcdef/scores/beam/decoding.json")
    True
    """
    return len(name) <= NAME_CHARACTERS and _NAMES.fullmatch(name) is not None


def most_bytes(packed_bytes: int) -> int:
    """What a pack of this size may unpack to."""
    return min(MOST_BYTES, max(FREE_BYTES, MOST_TIMES * packed_bytes))
