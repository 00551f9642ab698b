"""Alignments as files: Praat's TextGrid an utterance, and CTM and JSON of all of them together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from experiments.applying.aligning.aligner import AlignedText
from experiments.applying.transcribing.transcript import Token, Word


def as_textgrid(aligned: AlignedText) -> str:
    """Tiers ``words`` and ``tokens`` over the whole utterance, in Praat's long form; gaps are intervals of no text."""
    tiers: tuple[tuple[str, Sequence[Word | Token]], ...] = (
        ("words", aligned.words), ("tokens", [token for word in aligned.words for token in word.tokens])
    )  # fmt: skip
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "",
        "xmin = 0", f"xmax = {_seconds(aligned.duration)}", "tiers? <exists>", f"size = {len(tiers)}", "item []:",
    ]  # fmt: skip
    for number, (name, said) in enumerate(tiers, start=1):
        intervals = list(_without_gaps(said, aligned.duration))
        lines += [
            f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"',
            "        xmin = 0", f"        xmax = {_seconds(aligned.duration)}",
            f"        intervals: size = {len(intervals)}",
        ]  # fmt: skip
        for place, (start, end, text) in enumerate(intervals, start=1):
            quoted = text.replace('"', '""')
            lines += [f"        intervals [{place}]:", f"            xmin = {start}", f"            xmax = {end}"]
            lines += [f'            text = "{quoted}"']
    return "\n".join(lines) + "\n"


def words_ctm(aligned: Iterable[AlignedText]) -> str:
    """``utterance 1 start duration word confidence``, seconds from the utterance's start."""
    return "".join(
        f"{_name(one)} 1 {word.start:.3f} {word.end - word.start:.3f} {word.text} {word.confidence or 0.0:.3f}\n"
        for one in aligned
        for word in one.words
    )


def tokens_ctm(aligned: Iterable[AlignedText]) -> str:
    """The same of tokens, with the posterior at the spike."""
    return "".join(
        f"{_name(one)} 1 {token.start:.3f} {token.end - token.start:.3f} {token.text} {token.probability or 0.0:.3f}\n"
        for one in aligned
        for word in one.words
        for token in word.tokens
    )


def as_json(aligned: Iterable[AlignedText], *, record: Mapping[str, Any]) -> str:
    """``record`` and all utterances, their words and tokens."""
    content = {**record, "utterances": [asdict(one) for one in aligned]}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _without_gaps(said: Sequence[Word | Token], duration: float) -> Iterable[tuple[str, str, str]]:
    """(start, end, text) as written, from 0 to the end; an interval of no length in milliseconds is left out."""
    end = _seconds(0.0)
    for one in said:
        start, stop = _seconds(one.start), _seconds(one.end)
        if start != end:
            yield end, start, ""
        if stop != start:
            yield start, stop, one.text
        end = stop
    if end != _seconds(duration):
        yield end, _seconds(duration), ""


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _name(aligned: AlignedText) -> str:
    return re.sub(r"\s", "_", aligned.utterance_id)
