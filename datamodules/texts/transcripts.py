"""Files of texts by utterance: lines of ``id text``, NIST trn, JSON lines. Standard library only.

===========  ======================================  ==========================================================
form         a line                                  taken where
===========  ======================================  ==========================================================
JSON lines   ``{"id": "a1", "text": "hello"}``       the name ends in ``.jsonl`` or ``.json``, or every line
                                                     opens with a brace
trn          ``hello (a1)``                          the name ends in ``.trn``, or every line ends in a word in
                                                     parentheses
text         ``a1 hello`` (a blank or a tab)         all else: also Kaldi's ``text`` and ``utt2spk``
===========  ======================================  ==========================================================

In all of them an utterance may have no text. Ids and texts come in Unicode normal form C and without outer blanks, and
are otherwise as the file has them. Empty lines are skipped.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from datamodules.texts.utf8_text import NotUtf8Error, read_utf8

_TRN_LINE = re.compile(r"(?:(.*)\s)?\(([^\s()]+)\)", re.DOTALL)
_JSON_LINE = re.compile(r'\{\s*"')
_Parse = Callable[[str], tuple[str, str]]  # raises ValueError with what is allowed


class TranscriptFileError(ValueError):
    """A file of texts that cannot be read; the text names file, line, value and what is allowed."""


class _Line(NamedTuple):
    number: int
    text: str


def read_transcripts(path: Path | str) -> dict[str, str]:
    """Texts by utterance id, in the file's order.

    Raises ``TranscriptFileError`` for a line that is not of the file's form, an id that stands on two lines, and bytes
    that are not UTF-8; ``OSError`` if the file can't be opened.
    """
    path = Path(path)
    lines = _lines(path)
    form, parse = _form(path, lines)
    texts: dict[str, str] = {}
    first_line: dict[str, int] = {}
    for line in lines:
        try:
            utterance, text = parse(line.text)
        except ValueError as error:
            raise TranscriptFileError(f"{path}, line {line.number} (read as {form}): {error}") from None
        if utterance in texts:
            raise TranscriptFileError(
                f"{path}, line {line.number} (read as {form}): id {utterance!r} stands on line "
                f"{first_line[utterance]} already; allowed: each id once"
            )
        texts[utterance], first_line[utterance] = text, line.number
    return texts


def write_transcripts(path: Path | str, texts: Mapping[str, str]) -> None:
    """Write ``id``, tab, text, sorted by id, in one step. Raises ``ValueError`` for what would be read otherwise."""
    path = Path(path)
    for utterance, text in texts.items():
        if not utterance or utterance != utterance.strip() or re.search(r"\s", utterance):
            raise ValueError(f"{path}: id {utterance!r}, allowed: an id without blanks")
        if re.search(r"[\r\n]", text):
            raise ValueError(f"{path}: the text of {utterance} has a line end: {text!r}")
    partial = path.with_name(path.name + ".partial")
    partial.write_text(
        "".join(f"{utterance}\t{texts[utterance]}\n" for utterance in sorted(texts)), encoding="utf-8", newline=""
    )
    partial.replace(path)


def _lines(path: Path) -> list[_Line]:
    try:
        content = read_utf8(path)
    except NotUtf8Error as error:
        raise TranscriptFileError(str(error)) from error
    numbered = enumerate(re.split(r"\r\n|\n|\r", unicodedata.normalize("NFC", content)), start=1)
    return [_Line(number, line.strip()) for number, line in numbered if line.strip()]


def _form(path: Path, lines: list[_Line]) -> tuple[str, _Parse]:
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".json") or (lines and all(_JSON_LINE.match(line.text) for line in lines)):
        return "JSON lines", _parse_json
    if suffix == ".trn" or (lines and all(_TRN_LINE.fullmatch(line.text) for line in lines)):
        return "trn", _parse_trn
    return "id text", _parse_text


def _parse_text(line: str) -> tuple[str, str]:
    utterance, *rest = line.split(maxsplit=1)
    return utterance, rest[0] if rest else ""


def _parse_trn(line: str) -> tuple[str, str]:
    match = _TRN_LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"{_short(line)}, allowed: a text and then its id in parentheses")
    return match[2], (match[1] or "").strip()


def _parse_json(line: str) -> tuple[str, str]:
    allowed = 'allowed: {"id": "…", "text": "…"}'
    try:
        fields = json.loads(line)
    except ValueError:
        raise ValueError(f"{_short(line)} is no JSON object, {allowed}") from None
    if not isinstance(fields, dict) or not all(isinstance(fields.get(key), str) for key in ("id", "text")):
        raise ValueError(f"{_short(line)}, {allowed}")
    utterance, text = (unicodedata.normalize("NFC", fields[key]).strip() for key in ("id", "text"))
    if not utterance or re.search(r"\s", utterance):
        raise ValueError(f"id {fields['id']!r}, allowed: an id without blanks")
    if any("\ud800" <= character <= "\udfff" for character in utterance + text):
        raise ValueError(f"{_short(line)} escapes half of a surrogate pair, allowed: whole characters")
    return utterance, text


def _short(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:60] + "…")
