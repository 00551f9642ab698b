"""Recordings with their texts, of any manifest that ``earmark data import`` reads; the texts as a recogniser's symbols.

A text is normalised as import does, by the rules of its language where one is known, and by those that the run's corpus
was imported with; a character (of words: a word) that is no symbol of the recogniser is refused, since no path says it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datamodules.annotations import Unit
from datamodules.importers.entry import ManifestEntry, ManifestError, default_id
from datamodules.importers.read import read_manifest
from datamodules.run_warning import RunWarning, first_names
from datamodules.texts.text_rules import TextRules, UnspeakableTextError, normalise
from datamodules.texts.tokenizer import Tokenizer
from datamodules.texts.utf8_text import NotUtf8Error, read_utf8
from experiments.errors import UserError
from lightning_modules.decoding.texts import is_tag

NO_LANGUAGE = "und"  # ISO 639's "undetermined": the rules that all languages share


@dataclass(frozen=True)
class GivenText:
    """A stretch of audio and what is said in it."""

    utterance_id: str
    audio: Path
    text: str
    start: float = 0.0
    duration: float | None = None
    channel: int | None = None  # None: the mean of all
    language: str | None = None
    names_channel: bool = True  # False: nobody named one, so that the first is taken, as training takes it


def of_manifest(
    path: Path, *, language: str | None = None, format_name: str = "auto", audio_root: Path | None = None
) -> list[GivenText]:
    """Those of a manifest or a Kaldi data folder. Raises ``UserError`` naming line and key, and for an id twice."""
    try:
        entries = read_manifest(path, language=language, format_name=format_name, audio_root=audio_root)
    except ManifestError as error:  # import's option has the name of align's formats of output
        raise UserError(str(error).replace(" --format ", " --manifest-format ")) from None
    given = [_given(entry) for entry in entries]
    places: dict[str, str] = {}
    for entry, one in zip(entries, given, strict=True):
        if one.utterance_id in places:
            raise UserError(f"{entry.place}: id {one.utterance_id!r} stands at {places[one.utterance_id]} already")
        places[one.utterance_id] = entry.place
    return given


def of_files(audio: Path, text: Path, *, language: str | None = None) -> GivenText:
    """One recording whose text is a file's, in any number of lines. Raises ``UserError``."""
    try:
        content = read_utf8(text)
    except OSError as error:
        raise UserError(f"{text}: {error.strerror or error}") from None
    except NotUtf8Error as error:
        raise UserError(str(error)) from None
    return GivenText(default_id(audio.name, 0.0, False), audio, " ".join(content.split()), language=language)


def _given(entry: ManifestEntry) -> GivenText:
    return GivenText(
        entry.utterance_id or default_id(entry.audio.name, entry.start_seconds, entry.start_seconds > 0),
        entry.audio, entry.text, entry.start_seconds, entry.duration_seconds, entry.channel, entry.language,
        entry.names_channel,
    )  # fmt: skip


@dataclass(frozen=True)
class Spelling:
    """How a recogniser writes: its ``symbols``, of ``unit``, by the text ``rules`` of its corpus.

    Rules are of all languages of a corpus that has some of its own, else of none.
    """

    symbols: tuple[str, ...]
    unit: Unit
    rules: Mapping[str, TextRules] = field(default_factory=dict)

    def warn_of_general_rules(self, texts: Sequence[GivenText]) -> None:
        """A line that names texts of no language, where the corpus has rules by language."""
        unsaid = [one.utterance_id for one in texts if one.language is None]
        if unsaid and len(self.rules) > 1:
            warnings.warn(
                f"{len(unsaid)} texts say no language and get the general text rules ({first_names(unsaid)}); the "
                f"corpus of this recogniser has rules of its own, allowed: --language, one of {', '.join(self.rules)}",
                RunWarning,
                stacklevel=2,
            )

    def tokens(self, given: GivenText) -> Sequence[int]:
        """Those of a text, with the tag of its language where the recogniser writes one.

        Raises ``ValueError`` with the reason alone.
        """
        tags = tuple(symbol[1:-1] for symbol in self.symbols if is_tag(symbol))
        tokenizer = Tokenizer(self.symbols, self.unit, tags)
        try:
            text = normalise(given.text, language=given.language or self._language, own=self.rules)
        except UnspeakableTextError as error:
            raise ValueError(f"its text has {error}; allowed: words as they are spoken") from None
        if unknown := tokenizer.unknown(text):
            what = "words" if self.unit == "word" else "characters"
            raise ValueError(f"its text has {what} that the recogniser does not write: {' '.join(sorted(unknown)[:8])}")
        if tags and given.language is None:
            raise ValueError(f"this recogniser writes the language first; say --language, one of {', '.join(tags)}")
        return tokenizer.encode_in(text, given.language) if tags and given.language else tokenizer.encode(text)

    @property
    def _language(self) -> str:
        """Whose rules a text of no language gets: the corpus's, where that has one language."""
        return next(iter(self.rules)) if len(self.rules) == 1 else NO_LANGUAGE
