"""What is known of a clip: when its classes sound, which do, or nothing; and how the clips of other kinds are said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from datamodules.run_warning import first_names

LabelKind = Literal["strong", "weak", "unlabelled"]
ALL_KINDS: tuple[LabelKind, ...] = ("strong", "weak", "unlabelled")
LABELLED: tuple[LabelKind, ...] = ("strong", "weak")


def label_kind(custom: Mapping[str, Any], *, strong: bool) -> LabelKind:
    """The kind of label of a cut whose ``custom`` this is, in a manifest with or without events.

    A manifest that names no kind is of one kind alone. Without its events a strong clip is a weak one. Raises
    ``ValueError`` for a word that is no kind.

    >>> label_kind({}, strong=True), label_kind({}, strong=False), label_kind({"label_kind": "strong"}, strong=False)
    ('strong', 'weak', 'weak')
    """
    said = custom.get("label_kind", "strong" if strong else "weak")
    if said not in ALL_KINDS:
        raise ValueError(f"has label_kind {said!r}, allowed: {', '.join(ALL_KINDS)}")
    kind: LabelKind = "weak" if said == "strong" and not strong else said
    return kind


def says_left_out(left_out: Mapping[LabelKind, Sequence[str]], *, num_clips: int, what: str) -> str | None:
    """How many of ``num_clips`` are not there for their kind of label, by name; None where all are.

    >>> says_left_out({"weak": ["a"], "unlabelled": []}, num_clips=3, what="training clips are left out")
    '1 of 3 training clips are left out: 1 weak (a)'
    """
    parts = [f"{len(ids)} {kind} ({first_names(ids)})" for kind, ids in left_out.items() if ids]
    number = sum(map(len, left_out.values()))
    return f"{number} of {num_clips} {what}: {', '.join(parts)}" if parts else None
