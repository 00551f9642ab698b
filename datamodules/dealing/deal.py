"""Deals the clips of a corpus into parts by what they were recorded from, so that each part is a test split once.

Of ``of`` parts, part ``fold`` is tested on, the next one validates and the rest train; no source is in two of them. The
deal hangs on the corpus alone: whatever the seed, the order of the manifests or the languages of a row, it is the same.
Parts are alike in seconds and, as far as whole sources allow, in seconds of each label (Sechidis et al. 2011 deal
single examples in this way).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from datamodules.run_warning import first_names

Split = Literal["train", "validation", "test"]
KINDS = ("family", "speaker", "session", "group", "background")  # of recorded sources
GIVEN_FOLDS = "fold"  # the parts are those that whoever published a corpus gave it: ESC-50's folds
DEALT_BY = (*KINDS, GIVEN_FOLDS)
LEAST_PARTS = 3  # one to test on, one to validate, one to train on


@dataclass(frozen=True)
class Deal:
    """Deal ``fold`` of ``of``, by a kind of recorded source, or by the folds that the corpus itself gives."""

    fold: int
    of: int
    by: str = "family"

    def __post_init__(self) -> None:
        if self.of < LEAST_PARTS or not 0 <= self.fold < self.of:
            raise ValueError(f"deal: fold {self.fold} of {self.of}; allowed: 0 to of - 1, and of {LEAST_PARTS} or more")
        if self.by not in DEALT_BY:
            raise ValueError(f"deal: by {self.by!r}; allowed: {', '.join(DEALT_BY)}")

    def part_of(self, split: Split, part: int) -> bool:
        """Whether a part belongs to a split in this fold."""
        held_out: dict[int, Split] = {self.fold: "test", (self.fold + 1) % self.of: "validation"}
        return held_out.get(part, "train") == split


class Dealt(NamedTuple):
    """What a deal must know of a clip; ``labels`` are its classes, or its language."""

    clip_id: str
    source: str
    seconds: float
    labels: Collection[str]


def deal_parts(
    clips: Sequence[Dealt], *, num_parts: int, where: str, sizes: Sequence[float] | None = None
) -> dict[str, int]:
    """The part of each clip, by its id. Raises ``ValueError`` (``where: …``) for fewer sources than parts.

    Sources go, from the one with the largest share of anything on, each to the part that has least of what it brings:
    ``argmin_p load_p @ share / size_p``, both as vectors over labels and all labels together. ``sizes`` are the parts'
    shares, equal by default.

    >>> clips = [Dealt(f"{source}{k}", source, 1.0, ("dog",)) for source in "abc" for k in range(2)]
    >>> deal_parts(clips, num_parts=3, where="mine")
    {'a0': 0, 'a1': 0, 'b0': 1, 'b1': 1, 'c0': 2, 'c1': 2}
    """
    shares = _shares(clips)
    sizes = sizes or (1.0,) * num_parts
    if len(shares) < num_parts:
        raise ValueError(
            f"{where}: {len(shares)} sources ({first_names(sorted(shares))}); allowed: {num_parts} or more"
        )
    loads: list[dict[str, float]] = [defaultdict(float) for _ in range(num_parts)]
    part_of: dict[str, int] = {}
    for source in sorted(shares, key=lambda source: (-_norm(shares[source]), source)):
        share = shares[source]
        part_of[source] = min(range(num_parts), key=lambda part: (_dot(loads[part], share) / sizes[part], part))
        for label, amount in share.items():
            loads[part_of[source]][label] += amount
    return {clip.clip_id: part_of[clip.source] for clip in clips}


def given_parts(fold_of: Mapping[str, str], *, num_parts: int, where: str) -> dict[str, int]:
    """The part of each clip by its own fold, folds in the order of their numbers or names.

    Raises ``ValueError`` (``where: …``) where there are not ``num_parts`` folds.

    >>> given_parts({"a": "10", "b": "9", "c": "11"}, num_parts=3, where="mine")
    {'a': 1, 'b': 0, 'c': 2}
    """
    folds = sorted(set(fold_of.values()), key=lambda fold: (int(fold) if fold.isdecimal() else math.inf, fold))
    if len(folds) != num_parts:
        raise ValueError(f"{where}: the corpus has {len(folds)} folds ({first_names(folds)}); allowed: as many")
    return {clip_id: folds.index(fold) for clip_id, fold in fold_of.items()}


def _shares(clips: Sequence[Dealt]) -> dict[str, dict[str, float]]:
    """Each source's share of the seconds of every label, and (under "") of all clips; summed in the order of ids."""
    seconds: dict[str, dict[str, float]] = {}
    totals: dict[str, float] = defaultdict(float)
    for clip in sorted(clips):
        of_source = seconds.setdefault(clip.source, defaultdict(float))
        for label in ("", *sorted(clip.labels)):
            of_source[label] += clip.seconds
            totals[label] += clip.seconds
    return {
        source: {label: amount / totals[label] for label, amount in of_label.items()}
        for source, of_label in seconds.items()
    }


def _norm(share: Mapping[str, float]) -> float:
    return math.sqrt(_dot(share, share))


def _dot(left: Mapping[str, float], right: Mapping[str, float]) -> float:
    return math.fsum(left.get(label, 0.0) * amount for label, amount in right.items())
