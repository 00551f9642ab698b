"""What importing makes of a manifest's texts: normalised, kept as written in a held-out split, or left out and named.

Whoever gives a test split wants every utterance of it in a word error rate, beside published figures: a text that is
not letters alone is kept there, and counts. What training learns from is letters alone.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from datamodules.corpora.clip_corpus import SPLITS
from datamodules.importers.entry import ManifestEntry, ManifestError
from datamodules.run_warning import RunWarning, first_names
from datamodules.texts.text_rules import TextRules, UnspeakableTextError, code_of, has_own_rules, normalise

LEFT_OUT = "left_out.json"
LETTER_APOSTROPHE = "ʼ"  # U+02BC, by Unicode a letter: Kʼicheʼ, Navajo ʼáníishjí


class Taken(NamedTuple):
    """A text as it is learnt and scored; ``reason`` says why it was kept as written, empty for all others.

    ``cut`` are its words that lost an apostrophe that is a letter, as they were written.
    """

    text: str
    reason: str = ""
    cut: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextsTaken:
    """How texts are taken: by ``own`` rules before ours; ``kept_splits`` keep what is not letters alone."""

    own: Mapping[str, TextRules] = field(default_factory=dict)
    kept_splits: Sequence[str] = ()

    def take(self, entry: ManifestEntry, split: str) -> Taken:
        """Raises ``UnspeakableTextError``, and ``ManifestError`` for an utterance without a language."""
        if entry.language is None:
            where = f"{entry.place}: utterance {entry.utterance_id!r}"
            raise ManifestError(f"{where} has no language, allowed: --language xx")
        if code_of(entry.language) not in self.own:
            warn_of_generic_rules(entry.language)
        try:
            text = normalise(entry.text, language=entry.language, own=self.own)
            return Taken(text, cut=self._cut(entry.text, entry.language))
        except UnspeakableTextError as error:
            if split not in self.kept_splits:
                raise
            return Taken(normalise(entry.text, language=entry.language, own=self.own, as_written=True), error.reason)

    def _cut(self, text: str, language: str) -> tuple[str, ...]:
        """Words at whose end the language's rules know no such letter."""
        cut = []
        for word in text.split() if LETTER_APOSTROPHE in text else ():
            bare = word.strip('.,;:!?…«»“”"()[]')
            at_ends = bare.startswith(LETTER_APOSTROPHE) + bare.endswith(LETTER_APOSTROPHE)
            if len(bare) > 1 and at_ends:
                kept = normalise(bare, language=language, own=self.own, as_written=True)
                if kept.startswith("'") + kept.endswith("'") < at_ends:
                    cut.append(bare)
        return tuple(cut)


def warn_of_generic_rules(language: str) -> None:
    """Say, once a language, that nothing is known of its letters and apostrophes."""
    if not has_own_rules(language):
        warnings.warn(
            f"language {language!r} has the generic text rules alone: lower case, no punctuation, any script "
            "(--text-rules FILE has your own)",
            category=RunWarning,
            stacklevel=2,
        )


@dataclass
class TextNotes:
    """What was kept as written and what was left out, each utterance with its split and the reason."""

    kept: list[tuple[str, ManifestEntry, str]] = field(default_factory=list)
    left_out: list[tuple[str, ManifestEntry, str]] = field(default_factory=list)
    cut: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # words, by language

    def say(self, num_utterances: Mapping[str, int]) -> None:
        """A line a split of what is kept as written, and one of what is left out of a held-out one.

        And one a language of words that lost an apostrophe that is a letter.
        """
        for language, words in self.cut.items():
            _warn(f"language {language!r}: {words.total()} words lost the letter {LETTER_APOSTROPHE} (U+02BC) at an end"
                  f": {first_names(sorted(words))} (--text-rules FILE with letters: \"'\" keeps it)")  # fmt: skip
        for split in SPLITS:
            if kept := _of(self.kept, split):
                _warn(f"{split}: kept as written, of {num_utterances[split]}: {kept}; digits, signs and other scripts "
                      "stand as they are, brackets are spaces, and all of it counts in error rates")  # fmt: skip
            if split != "train" and (left_out := _of(self.left_out, split)):
                _warn(f"{split}: left out, beside {num_utterances[split]} that are taken: {left_out} ({LEFT_OUT})")

    def write(self, folder: Path) -> None:
        """Every utterance that is left out, by name."""
        record = [
            {"split": split, "id": entry.utterance_id, "place": entry.place, "reason": reason, "text": entry.text}
            for split, entry, reason in self.left_out
        ]
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        (folder / LEFT_OUT).write_text(text, encoding="utf-8")

    def counts(self) -> dict[str, dict[str, int]]:
        """Language -> reason -> utterances that are left out."""
        counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for _, entry, reason in self.left_out:
            counts[str(entry.language)][reason] += 1
        return counts


def _of(noted: Sequence[tuple[str, ManifestEntry, str]], split: str) -> str:
    """``2 digits, 1 signs (u7, u9, u12)``; empty for none."""
    of_split = [(entry.utterance_id, reason) for at, entry, reason in noted if at == split]
    counts = Counter(reason for _, reason in of_split)
    counted = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    return f"{counted} ({first_names([name for name, _ in of_split])})" if of_split else ""


def _warn(line: str) -> None:
    warnings.warn(line, category=RunWarning, stacklevel=3)
