"""Which split each clip is in: as given, by the layout or by a list of its own, else dealt by recording.

Absent splits are dealt out of the training clips: 80, 8 and 12 % of the seconds of every class, as far as whole
recordings allow; clips of the last two folds are the test and validation clips where a layout gives folds. Recordings
of which nothing is labelled train.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datamodules.corpora.clip_corpus import SPLITS
from datamodules.dealing.deal import LEAST_PARTS, Dealt, deal_parts, given_parts
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_clips.placed_clips import PlacedClip

SHARES = {"train": 0.80, "validation": 0.08, "test": 0.12}

BySplit = dict[str, list[PlacedClip]]


def dealt_splits(by_list: Mapping[str, Sequence[PlacedClip]], *, name: str) -> tuple[BySplit, str | None]:
    """Clips by split, and what was dealt in a line (None where all is given). ``by_list`` has the splits with lists.

    Raises ``ManifestError`` for lists that give a split to some clips alone or to another than theirs, and where there
    are too few recordings.
    """
    given = _given(by_list)
    absent = [split for split in SPLITS if not given[split] and split not in by_list]
    if not absent:
        return given, None
    training, given["train"] = given["train"], []
    split_of = _dealt(training, absent, name=name)
    for clip in training:
        given[split_of[clip.clip_id]].append(clip)
    return given, _says(given, absent, by_fold=_has_folds(training, absent))


def _given(by_list: Mapping[str, Sequence[PlacedClip]]) -> BySplit:
    """The clips in the split that their layout says, else in that of their list."""
    given: BySplit = {split: [] for split in SPLITS}
    in_training = list(by_list.get("train", ()))
    has_splits = any(clip.split is not None for clip in in_training)
    for clip in in_training:
        if clip.split is None and has_splits:
            raise ManifestError(f"{clip.place}: has no split, and other clips of its list have, allowed: all or none")
        if clip.split not in (None, "train") and clip.split in by_list:
            raise ManifestError(f"{clip.place}: is of split {clip.split!r}, allowed: no --{clip.split} of its own")
        given[clip.split or "train"].append(clip)
    for split in SPLITS[1:]:
        for clip in by_list.get(split, ()):
            if clip.split not in (None, split):
                raise ManifestError(f"{clip.place}: is of split {clip.split!r}, allowed: {split!r}, as its list")
            given[split].append(clip)
    return given


def _has_folds(clips: Sequence[PlacedClip], absent: Sequence[str]) -> bool:
    return len(absent) == 2 and all(clip.fold is not None for clip in clips)


def _dealt(clips: Sequence[PlacedClip], absent: Sequence[str], *, name: str) -> dict[str, str]:
    """The split of each training clip by its id."""
    if _has_folds(clips, absent) and len(folds := {clip.fold for clip in clips}) >= LEAST_PARTS:
        fold_of = {clip.clip_id: str(clip.fold) for clip in clips}
        last = {len(folds) - 1: "test", len(folds) - 2: "validation"}
        parts = given_parts(fold_of, num_parts=len(folds), where=name)
        return {clip_id: last.get(part, "train") for clip_id, part in parts.items()}
    splits = ["train", *absent]
    labelled = {clip.recording for clip in clips if clip.kind != "unlabelled"}
    dealt = [
        Dealt(clip.clip_id, clip.recording, clip.duration_seconds, (*sorted(clip.tags), f"\0{clip.kind}"))
        for clip in clips
        if clip.recording in labelled
    ]
    sizes = [SHARES[split] for split in splits]
    try:
        parts = deal_parts(dealt, num_parts=len(splits), where=name, sizes=sizes)
    except ValueError as error:
        lists = " and ".join(f"--{split}" for split in absent)
        raise ManifestError(f"{error} recordings to deal {', '.join(splits)} from, or {lists} of their own") from error
    return {clip.clip_id: splits[parts.get(clip.clip_id, 0)] for clip in clips}


def _says(given: BySplit, absent: Sequence[str], *, by_fold: bool) -> str:
    counts = ", ".join(
        f"{split} {len(clips)} clips of {len({clip.recording for clip in clips})} recordings"
        for split, clips in given.items()
    )
    how = "by the folds given" if by_fold else "by recording, classes alike (80, 8, 12 %)"
    return f"dealt {how}: {counts}"
