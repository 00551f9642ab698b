"""``earmark data check --digest CORPUS``: reads all of a corpus and says whether it is still what was prepared.

Two questions: does the card's digest come out again from the samples and texts on the disk, and has every file the
contents that were recorded when the corpus was made? Where both hold, what was not recorded then (an old corpus, new
modification times) is recorded now. Exit code 1 where something changed or is gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.errors import UserError, number_of

if TYPE_CHECKING:
    from datamodules.corpus_files import FileFacts


@dataclass(frozen=True)
class DigestCheck:
    """What was found; ``digest_found`` is empty where files that it is made of cannot be read.

    ``changed`` are files with other contents than recorded, ``unrecorded`` counts those that have no record to compare.
    """

    corpus: str
    files: int
    bytes: int
    digest: str
    digest_found: str
    changed: list[str]
    gone: list[str]
    unrecorded: int

    @property
    def is_whole(self) -> bool:
        """Whether everything is as it was prepared."""
        return self.digest == self.digest_found and not self.changed and not self.gone


def run(corpus: str, *, as_json: bool) -> int:
    """Read, compare and print; returns the exit code. Raises ``UserError`` for what is no such corpus."""
    try:
        found = check_digest(corpus)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{corpus}: cannot be compared: {error}") from error
    print(json.dumps(asdict(found), indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(found)))
    return int(not found.is_whole)


def check_digest(corpus: str) -> DigestCheck:
    """Read every file of a corpus of clips or utterances. Raises ``OSError`` and ``ValueError`` for a damaged one."""
    from datamodules.corpus_files import audio_files, read_facts, text_files, write_facts
    from datamodules.corpus_folder import data_root, read_card

    card, folder = read_card(corpus), data_root() / corpus
    texts, audio = text_files(folder), audio_files(folder)
    if not audio:
        raise ValueError("it has no manifests; allowed: a corpus of clips or of speech")
    known = read_facts(folder) or {}
    now = _read_all(folder, list(dict.fromkeys([*texts, *audio, *known])))
    whole = {name: facts for name, facts in now.items() if facts is not None}
    found = DigestCheck(
        corpus=corpus,
        files=len(now),
        bytes=sum(facts.size_bytes for facts in whole.values()),
        digest=card.digest,
        digest_found=_digest_found(folder, has_classes=bool(card.classes), whole=whole, gone=len(whole) < len(now)),
        changed=[name for name in whole if name in known and _differs(known[name], whole[name])],
        gone=[name for name, facts in now.items() if facts is None],
        unrecorded=sum(name not in known or not known[name].digest for name in now),
    )
    if found.is_whole and whole != known:
        write_facts(folder, whole)
    return found


def _read_all(folder: Path, names: list[str]) -> dict[str, FileFacts | None]:
    from datamodules.corpus_files import read_if_there
    from experiments.waiting import with_bar

    return {name: read_if_there(folder / name) for name in with_bar(names, "reading")}


def _differs(old: FileFacts, new: FileFacts) -> bool:
    return old.size_bytes != new.size_bytes or old.digest not in ("", new.digest)


def _digest_found(folder: Path, *, has_classes: bool, whole: Mapping[str, FileFacts], gone: bool) -> str:
    from datamodules.corpora.card_digest import card_digest

    if gone:
        return ""
    return card_digest(folder, has_classes=has_classes, audio=whole)


def _lines(found: DigestCheck) -> list[str]:
    from datamodules.run_warning import first_names

    read = f"{found.corpus}: {number_of(found.files, 'file')}, {found.bytes / 1e6:.1f} MB read"
    if found.is_whole:
        noted = f"; {found.unrecorded} had no record of their contents and have one now" if found.unrecorded else ""
        return [f"{read}: all as it was prepared, digest {found.digest}{noted}"]
    lines = [read]
    if found.changed:
        lines.append(f"{len(found.changed)} changed since it was made: {first_names(found.changed, 10)}")
    if found.gone:
        lines.append(f"{len(found.gone)} are gone or cannot be read: {first_names(found.gone, 10)}")
    if found.digest_found and found.digest_found != found.digest:
        lines.append(f"digest {found.digest_found} instead of the card's {found.digest}")
        if not found.changed:
            lines.append(f"which files, nobody knows: {found.unrecorded} had no record of their contents")
    return [*lines, "restore the files, or make the corpus again with --rebuild"]
