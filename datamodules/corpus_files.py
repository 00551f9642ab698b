"""What the files of a corpus were when it was made: ``files.json`` beside the card.

It holds size, times and SHA-256 of every file that a training reads: lists, manifests, and the audio that
they name, wherever it lies. ``corpus_changes.py`` compares. Standard library only: the planner imports it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from datamodules.corpus_folder import CorpusMissingError

FILES = "files.json"


class CorpusChangedError(CorpusMissingError):
    """Files of a corpus are not what they were when it was made."""


class FileFacts(NamedTuple):
    """Size, the times of the last write and of the last change of the inode, and what was read.

    A write sets both times; who sets the first back (``touch -r``, ``rsync -t``) moves the second on. ``digest`` is the
    SHA-256 of the contents, empty where they were never read.
    """

    size_bytes: int
    modified_ns: int
    changed_ns: int
    digest: str = ""


def stated(path: Path) -> FileFacts:
    """Size and times of a file. Raises ``OSError``."""
    found = os.stat(path)
    return FileFacts(found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def facts_of(path: Path) -> FileFacts:
    """The same with its contents' digest; the times are those before they were read. Raises ``OSError``."""
    facts = stated(path)
    with path.open("rb") as file:
        return facts._replace(digest=hashlib.file_digest(file, "sha256").hexdigest())


def read_if_there(path: Path) -> FileFacts | None:
    """The same, or None for a file that is gone or cannot be read."""
    try:
        return facts_of(path)
    except OSError:
        return None


def listed_cuts(path: Path) -> Iterable[dict[str, Any]]:
    """The lines of a Lhotse manifest of ours, in order. Raises ``OSError`` and ``ValueError``."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def text_files(folder: Path) -> list[str]:
    """Names, from the folder, of the lists and manifests of a corpus."""
    return sorted(
        path.relative_to(folder).as_posix() for path in [*folder.glob("*.tsv"), *folder.glob("manifests/*.gz")]
    )


def audio_files(folder: Path) -> list[str]:
    """The files that the manifests name: as they stand there, absolute where the corpus was imported."""
    names = {
        str(source["source"]): None
        for path in sorted(folder.glob("manifests/*.jsonl.gz"))
        for cut in listed_cuts(path)
        for source in cut["recording"]["sources"]
    }
    return list(names)


def record_files(folder: Path, *, known: Mapping[str, FileFacts] | None = None) -> None:
    """Write ``files.json`` of a corpus that was just made; ``known`` are facts of files that were read for it."""
    known = known or {}
    names = [*text_files(folder), *audio_files(folder)]
    write_facts(folder, {name: known.get(name) or facts_of(folder / name) for name in names})


def read_facts(folder: Path, name: str = FILES) -> dict[str, FileFacts] | None:
    """What ``files.json``, or another of its form, says; None where there is none.

    Raises ``CorpusChangedError`` for a damaged one.
    """
    path = folder / name
    try:
        return {file: FileFacts(*facts) for file, facts in json.loads(path.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CorpusChangedError(f"{path} is damaged ({error}); delete it, the next plan makes it anew") from error


def write_facts(folder: Path, facts: Mapping[str, FileFacts], name: str = FILES) -> None:
    """Replace ``files.json``, or another of its form, in one step. Raises ``OSError``."""
    lines = ",\n".join(f"{json.dumps(file)}: {json.dumps(of)}" for file, of in facts.items())
    partial = folder / f"{name}.{os.getpid()}.partial"
    try:
        partial.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
        partial.replace(folder / name)
    finally:
        partial.unlink(missing_ok=True)
