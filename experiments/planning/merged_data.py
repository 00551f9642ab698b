"""Where the labels and cards are kept that came with merged packs: for data that is not itself on this disk.

``mlruns/merged/DIGEST/`` has what is known of the data with this digest, which the keys of its runs say.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = "merged"
MERGED = "earmark.merged"  # a tag of a run: the digest of the pack that it came in
_DIGEST = re.compile(r"[0-9a-f]{8,128}", re.ASCII)


def merged_folder(root: Path, digest: str) -> Path:
    """The folder of data with this digest, which need not be there.

    Raises ``ValueError`` for what is no digest, and might lead elsewhere.

    >>> merged_folder(Path("mlruns"), "0123abcd").as_posix()
    'mlruns/merged/0123abcd'
    """
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is no digest of data")
    return root / FOLDER / digest


def is_merged(root: Path, digest: str) -> bool:
    """Whether a merged pack brought what a report needs of this data."""
    return bool(_DIGEST.fullmatch(digest)) and merged_folder(root, digest).is_dir()
