"""What an imported corpus of sound events holds, in a few lines: clips by kind of label, events by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datamodules.clips.label_kinds import ALL_KINDS
from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.text_table import align
from datamodules.corpus_files import listed_cuts
from datamodules.corpus_folder import CorpusCard

Cut = Mapping[str, Any]


def summarise_clips(folder: Path, card: CorpusCard) -> list[str]:
    """A table by split, and a line of sample rates and folds."""
    cuts = {split: list(listed_cuts(_manifest(folder, split))) for split in SPLITS}
    rows: list[tuple[str, ...]] = [("", *SPLITS)]
    rows.append(("clips", *(str(len(cuts[split])) for split in SPLITS)))
    rows.append(("minutes", *(f"{sum(cut['duration'] for cut in cuts[split]) / 60:.1f}" for split in SPLITS)))
    rows.append(("recordings", *(str(len({cut["custom"]["group"] for cut in cuts[split]})) for split in SPLITS)))
    for kind in ALL_KINDS:
        counts = [sum(cut["custom"]["label_kind"] == kind for cut in cuts[split]) for split in SPLITS]
        if any(counts):
            rows.append((f"{kind} clips", *map(str, counts)))
    rows += [(label, *(_of_class(cuts[split], label) for split in SPLITS)) for label in card.classes]
    return [*align(rows), "(of a class: events in strong clips + weak clips with its tag)", *_audio(cuts, card)]


def _manifest(folder: Path, split: str) -> Path:
    return folder / "manifests" / ("test.jsonl.gz" if split == "test" else f"{split}_strong.jsonl.gz")


def _of_class(cuts: Sequence[Cut], label: str) -> str:
    events = sum(said["custom"]["label"] == label for cut in cuts for said in cut.get("supervisions", ()))
    tags = sum(cut["custom"]["label_kind"] == "weak" and label in cut["custom"]["tags"] for cut in cuts)
    return f"{events} + {tags}"


def _audio(cuts: Mapping[str, Sequence[Cut]], card: CorpusCard) -> list[str]:
    every = [cut for of in cuts.values() for cut in of]
    rates = Counter(cut["recording"]["sampling_rate"] for cut in every)
    lines = [f"served at {card.sample_rate_hz} Hz: " + ", ".join(f"{n} clips of {hz} Hz" for hz, n in rates.items())]
    folds = sorted({str(cut["custom"]["fold"]) for cut in every if "fold" in cut["custom"]})
    if folds:
        by_fold = f"folds: {{deals: {len(folds)}, by: fold}}"
        lines.append(f"{len(folds)} folds ({', '.join(folds)}); to test on each in turn, in a table: {by_fold}")
    return lines
