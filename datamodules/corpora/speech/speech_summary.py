"""What a speech corpus holds, in a few lines of text: clips, minutes, characters, speakers by language and split."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.text_table import align


class _Listed(NamedTuple):
    seconds: float
    text: str
    language: str
    speaker: str


def summarise_speech(folder: Path) -> list[str]:
    """Clips and minutes by language and split, correlation of text and clip lengths, what was dropped and why.

    Raises ``OSError`` and ``ValueError`` for a folder that is not a speech corpus.
    """
    by_split = {split: list(_read(folder / "manifests" / f"{split}.jsonl.gz")) for split in SPLITS}
    by_language: dict[str, list[_Listed]] = defaultdict(list)
    for split in SPLITS:
        for listed in by_split[split]:
            by_language[listed.language].append(listed)
    rows: list[tuple[str, ...]] = [("language", *SPLITS, "speakers", "characters", "alphabet", "r")]
    for language in sorted(by_language):
        of_language = by_language[language]
        cells = (_amount([listed for listed in by_split[split] if listed.language == language]) for split in SPLITS)
        rows.append((language, *cells, *_facts(of_language)))
    everything = [listed for split in SPLITS for listed in by_split[split]]
    rows.append(("all", *(_amount(by_split[split]) for split in SPLITS), *_facts(everything)))
    return [
        *align(rows),
        f"(clips · minutes; r: correlation of characters and seconds; texts in two splits: {_shared(by_split)})",
        *_dropped(folder),
    ]


def _read(path: Path) -> Iterator[_Listed]:
    with gzip.open(path, "rt", encoding="utf-8") as manifest:
        for line in manifest:
            cut = json.loads(line)
            (said,) = cut["supervisions"]
            yield _Listed(cut["duration"], said["text"], said["language"], said["speaker"])


def _amount(listed: list[_Listed]) -> str:
    return f"{len(listed)} · {sum(one.seconds for one in listed) / 60:.1f}"


def _facts(listed: list[_Listed]) -> tuple[str, str, str, str]:
    """Speakers, characters, size of the alphabet without the space, correlation."""
    lengths, seconds = [len(one.text) for one in listed], [one.seconds for one in listed]
    varied = len(set(lengths)) > 1 and len(set(seconds)) > 1
    correlation = f"{np.corrcoef(lengths, seconds)[0, 1]:.2f}" if varied else "–"
    alphabet = set().union(*(set(one.text) for one in listed)) - {" "}
    return str(len({one.speaker for one in listed})), str(sum(lengths)), str(len(alphabet)), correlation


def _shared(by_split: dict[str, list[_Listed]]) -> int:
    texts = [{one.text for one in listed} for listed in by_split.values()]
    return sum(map(len, texts)) - len(set().union(*texts))


def _dropped(folder: Path) -> list[str]:
    counts = json.loads((folder / "dropped.json").read_text(encoding="utf-8"))
    return [
        f"left out of {language}: " + ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
        for language, reasons in sorted(counts.items())
        if reasons
    ]
