"""An edit in place of a corpus's files is noticed, before a stored result counts for other data than it was made of.

A plan and a training look at size and times of all files, and at the contents of a few. Where a time alone is another
(a copy, a checkout, another disk), the contents decide, and the new times are recorded. Everything is read by
``earmark data check --digest`` (``corpora/card_digest.py``).

Files that are gone are no change: they make no stored result wrong, and whoever needs them says so.
"""

from __future__ import annotations

import hashlib
import os
import warnings
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from datamodules.corpus_files import (
    FILES,
    CorpusChangedError,
    FileFacts,
    audio_files,
    read_facts,
    read_if_there,
    stated,
    text_files,
    write_facts,
)
from datamodules.corpus_folder import SCALED, WHOLE, data_root, mixing_command, preparing_command
from datamodules.run_warning import RunWarning, first_names

SAMPLED_FILES = 32
SAMPLED_BYTES = 64 * 2**20  # all that is read of an unchanged corpus: tens of milliseconds


def note_files(name: str) -> None:
    """Record the files of a corpus that was made before earmark did so, as they are now, and say it, once.

    Of audio the sizes and times alone, but for a few: a plan does not read a whole corpus.
    """
    folder = data_root() / name
    if (folder / FILES).exists():
        return
    try:
        texts, audio = text_files(folder), audio_files(folder)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        return  # a training that reads it says what is wrong with a manifest
    facts = {file: of for file in [*texts, *audio] if (of := _there(folder / file))}
    wanted = {*texts, *_sample(facts)}
    facts |= {file: of for file in wanted & facts.keys() if (of := read_if_there(folder / file))}
    newest_ns = stated(folder / "corpus.json").modified_ns
    newer = [file for file in audio if file in facts and facts[file].modified_ns > newest_ns]
    warnings.warn(
        f"corpus {name!r} was made without a record of its {len(facts)} files: they count as they are now"
        + (f"; {len(newer)} are newer than the corpus ({first_names(newer)})" if newer else "")
        + f"; to compare all with what was prepared: earmark data check --digest {name}",
        RunWarning,
        stacklevel=2,
    )
    _keep(name, facts)


def check_files(name: str) -> None:
    """Compare a corpus with its record. Raises ``CorpusChangedError``, one line, for files with other contents."""
    folder = data_root() / name
    known = read_facts(folder)
    if known is None:
        return
    changed: list[str] = []
    retimed: list[str] = []
    unsure: list[str] = []
    same: dict[str, FileFacts] = {}
    for file, facts in known.items():
        now = _there(folder / file)
        if now is None:
            continue
        if now.size_bytes != facts.size_bytes:
            changed.append(file)
        elif now == facts._replace(digest="") or (not facts.digest and now.modified_ns == facts.modified_ns):
            same[file] = now
        else:
            (retimed if facts.digest else unsure).append(file)
    sampled = [file for file in _sample(same) if known[file].digest]
    read = {file: now for file in [*_shown(retimed, name), *sampled] if (now := read_if_there(folder / file))}
    differing = [file for file, now in read.items() if now.digest != known[file].digest]
    is_sample = any(file in same for file in differing)  # then there may be more
    if fresh := {file: read[file] for file in retimed if file in read and read[file].digest == known[file].digest}:
        _keep(name, {**known, **fresh})
    changed += differing
    if changed or unsure:
        raise CorpusChangedError(_complaint(name, known, changed, unsure, at_least=is_sample))


def _complaint(
    name: str, known: Mapping[str, FileFacts], changed: Sequence[str], unsure: Sequence[str], *, at_least: bool
) -> str:
    is_imported = any(map(os.path.isabs, known))
    is_ours = name in WHOLE or name.partition("/")[0] in SCALED
    of_users = f"earmark data import {name} …" if is_imported else mixing_command(name)
    again = f"{preparing_command(name) if is_ours else of_users} --rebuild"
    if not changed:
        return (
            f"corpus {name!r}: {len(unsure)} of {len(known)} files have another time than when they were seen first, "
            f"and their contents were not recorded ({first_names(unsure)}); "
            f"compare all: earmark data check --digest {name}"
        )
    return (
        f"corpus {name!r}: {'at least ' if at_least else ''}{len(changed)} of {len(known)} files changed since it was "
        f"{'imported' if is_imported else 'prepared'} ({first_names(changed)}); restore them, or make it again: {again}"
    )


def _there(path: Path) -> FileFacts | None:
    try:
        return stated(path)
    except OSError:
        return None


def _sample(facts: Mapping[str, FileFacts]) -> list[str]:
    """A few files, always the same of the same names, and not more of them than is read in a moment."""
    chosen, left = [], SAMPLED_BYTES
    for name in sorted(facts, key=_hash)[:SAMPLED_FILES]:
        if facts[name].size_bytes <= left:
            chosen.append(name)
            left -= facts[name].size_bytes
    return chosen


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode(errors="surrogatepass")).digest()


def _shown(names: list[str], corpus: str) -> Iterable[str]:
    """The names, with a progress bar where somebody may wait for it."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    show = console.is_terminal and len(names) > SAMPLED_FILES
    return track(names, f"{corpus}: new times, comparing contents", console=console, disable=not show)


def _keep(name: str, facts: Mapping[str, FileFacts]) -> None:
    try:
        write_facts(data_root() / name, facts)
    except OSError as error:
        warnings.warn(
            f"corpus {name!r}: {error.filename} cannot be written ({error.strerror}): "
            "files whose times change are compared anew every time",
            RunWarning,
            stacklevel=3,
        )
