"""Other people's lists of texts, as ``earmark score text`` reads them: a form is clear, asked for, or refused.

=======  ==========================================  ======================================================
form     a line                                      found where
=======  ==========================================  ======================================================
kaldi    ``a1 hello``                                all else: the first word is an id
tsv      ``a1<TAB>hello``                            tabs; a heading may name the columns
csv      ``a1,"hello, you"``                         the name ends in ``.csv``, or a heading with ``,`` or ``;``
trn      ``hello (a1)``                              the name ends in ``.trn``, or every line ends in an id
jsonl    ``{"id": "a1", "text": "hello"}``           the name ends in ``.jsonl``/``.json``, or braces; NeMo's too
plain    ``hello``                                   only when asked for: the number of the line is the id
=======  ==========================================  ======================================================

Files that two forms fit come in both, and ``experiments/commands/score_text.py`` takes the one whose ids match. Stored
texts of runs have one form alone and a reader of their own, ``transcripts.py``. Standard library only.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from datamodules.texts.transcripts import TranscriptFileError
from datamodules.texts.utf8_text import NotUtf8Error, has_surrogate, read_utf8

Form = Literal["kaldi", "tsv", "csv", "trn", "jsonl", "plain"]
Side = Literal["reference", "hypothesis"]
FORMS: tuple[Form, ...] = get_args(Form)

ID_NAMES = (
    *("id", "utt", "utt_id", "uttid", "utterance", "utterance_id", "segment", "segment_id", "recording", "key"),
    *("file", "filename", "file_name", "path", "clip", "audio", "audio_file", "audio_path", "audio_filepath"),
)
_SHARED_TEXTS = ("text", "transcript", "transcription", "sentence", "words", "normalized_text")
# In order: a file with both sides (NeMo's text and pred_text) gives each side its own column.
TEXT_NAMES: dict[Side, tuple[str, ...]] = {
    "reference": ("reference", "ref", *_SHARED_TEXTS),
    "hypothesis": ("hypothesis", "hyp", "prediction", "pred_text", "pred", *_SHARED_TEXTS),
}
_ALL_TEXT_NAMES = {name for names in TEXT_NAMES.values() for name in names}
_TRN_LINE = re.compile(r"(?:(.*)\s)?\(([^\s()]+)\)")
_MAX_HEADING = 2000  # characters; csv itself fails from 131072 on
_SECONDS = r"\d+(?:\.\d*)?"
_NOT_READ = {  # form: (its lines, how to convert)
    "ctm": (rf"\S+\s+\S+\s+{_SECONDS}\s+{_SECONDS}\s+\S+(?:\s+{_SECONDS})?", "join each utterance's words"),
    "stm": (rf"\S+\s+\S+\s+\S+\s+{_SECONDS}\s+{_SECONDS}(?:\s.*)?", "take an id and the text of each line"),
}
_ASK = f"say which with --format ({', '.join(FORMS)})"


class _Line(NamedTuple):
    number: int
    text: str


class _Row(NamedTuple):
    line: int
    utterance: str
    text: str


@dataclass(frozen=True)
class TextList:
    """Texts by id in one form, the line of each, and what a reader should know (a heading, the column taken)."""

    path: Path
    form: Form
    texts: dict[str, str]
    lines: dict[str, int] = field(repr=False)
    remark: str = ""


def read_text_lists(path: Path | str, *, side: Side, form: Form | None = None) -> list[TextList]:
    """The file in each form that fits it, one unless it is ambiguous; ``form`` decides.

    Raises ``TranscriptFileError`` in one line with file, line and what is allowed, ``OSError`` if it can't be opened.
    """
    path = Path(path)
    lines = _lines(path)
    forms = _fitting(path, [line for line in lines if line.text.strip()]) if form is None else [form]
    lists, errors = [], []
    for candidate in forms:
        try:
            lists.append(_read(path, lines, candidate, side, asked=form is not None))
        except TranscriptFileError as error:
            errors.append(error)
    if not lists:
        raise errors[-1]
    return lists


def _lines(path: Path) -> list[_Line]:
    try:
        lines = unicodedata.normalize("NFC", read_utf8(path)).split("\n")
    except NotUtf8Error as error:
        raise TranscriptFileError(str(error)) from error
    return [_Line(number, line) for number, line in enumerate(lines[:-1] if not lines[-1] else lines, start=1)]


def _fitting(path: Path, lines: list[_Line]) -> list[Form]:
    """The forms that a file may have, by its name, its heading and the look of all its lines."""
    suffix = path.suffix.lower()
    for name, (shape, way) in _NOT_READ.items():
        spoken = [line for line in lines if not line.text.startswith(";;")]
        if suffix == f".{name}" or (spoken and all(re.fullmatch(shape, line.text.strip()) for line in spoken)):
            number = spoken[0].number if spoken else 1
            raise TranscriptFileError(
                f"{path}, line {number}: {name} is not read; {way} into lines of an id, a blank and the text "
                f"(or, if it isn't {name}, {_ASK})"
            )
    if suffix in (".jsonl", ".json") or (lines and all(re.match(r'\s*\{\s*"', line.text) for line in lines)):
        return ["jsonl"]
    if suffix == ".trn":
        return ["trn"]
    if lines and any(_names(lines[0].text, delimiter) for delimiter in ",;"):
        return ["csv"]
    if suffix == ".csv":
        return ["csv"]
    by_first: Form = "tsv" if any("\t" in line.text.strip() for line in lines) else "kaldi"
    trn = bool(lines) and all(_TRN_LINE.fullmatch(line.text.strip()) for line in lines)
    return ["trn", by_first] if trn else [by_first]


def _read(path: Path, lines: list[_Line], form: Form, side: Side, *, asked: bool) -> TextList:
    where = f"(read as {form})"
    remark = ""
    try:
        if form == "plain":
            rows: Iterable[_Row] = [_Row(line.number, f"line {line.number}", line.text.strip()) for line in lines]
        elif form in ("csv", "tsv"):
            rows, remark = _table(lines, form, side)
        elif form == "jsonl":
            rows, remark = _json(lines, side)
        else:
            rows, remark = _words(lines, form, asked=asked)
        if form in ("kaldi", "tsv", "csv") and not (asked or remark):
            _require_no_heading(list(rows))
    except _LineError as error:
        raise TranscriptFileError(f"{path}, line {error.number} {where}: {error}") from None
    texts: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for row in rows:
        problem = ""
        if not row.utterance:
            problem = "no id, allowed: an id and its text"
        elif has_surrogate(row.utterance + row.text):
            problem = f"{_short(row.utterance)} has half of a surrogate pair, allowed: whole characters"
        elif row.utterance in texts:
            hint = "; without ids in the file, --format plain" if form == "kaldi" else ""
            problem = (
                f"id {row.utterance!r} stands on line {numbers[row.utterance]} already; allowed: each id once{hint}"
            )
        if problem:
            raise TranscriptFileError(f"{path}, line {row.line} {where}: {problem}")
        texts[row.utterance], numbers[row.utterance] = row.text, row.line
    return TextList(path, form, texts, numbers, remark)


class _LineError(ValueError):
    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


def _names(line: str, delimiter: str) -> list[str] | None:
    """The columns' names if the line is a heading: an id's or a text's known name, all of them different."""
    if len(line) > _MAX_HEADING:
        return None
    cells = next(csv.reader([line], delimiter=delimiter), []) if delimiter != " " else line.split()
    names = [cell.strip().lower() for cell in cells]
    known = (
        len(names) > 1 and any(name in ID_NAMES for name in names) and any(name in _ALL_TEXT_NAMES for name in names)
    )
    return names if known and len(set(names)) == len(names) else None


def _column(names: list[str], wanted: Iterable[str], what: str, number: int) -> int:
    for name in wanted:
        if name in names:
            return names.index(name)
    raise _LineError(number, f"columns {', '.join(names)}: none is the {what}, allowed: {', '.join(wanted)}")


def _table(lines: list[_Line], form: Form, side: Side) -> tuple[list[_Row], str]:
    """Rows of CSV (quotes as Python's ``csv`` reads them) or of tab-separated columns (no quotes)."""
    filled = [line for line in lines if line.text.strip()]
    if not filled:
        return [], ""
    delimiter = "\t"
    if form == "csv":
        delimiter = ";" if _names(filled[0].text, ";") or "," not in filled[0].text else ","
    texts = (line.text + "\n" for line in lines)
    reader = (
        csv.reader(texts, delimiter=delimiter, strict=True)
        if form == "csv"
        else csv.reader(texts, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    )
    cells: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                cells.append((start, [" ".join(cell.split("\n")).strip() for cell in row]))
            start = reader.line_num + 1
    except csv.Error as error:
        raise _LineError(start, f"{error}, allowed: CSV as Python's csv module reads it") from None
    names = _names(filled[0].text, delimiter)
    key, text, width, remark = 0, 1, 2, ""
    if names is not None:
        number = filled[0].number
        key, text = _column(names, ID_NAMES, "id", number), _column(names, TEXT_NAMES[side], f"{side}", number)
        width, remark, cells = (
            len(names),
            f"line {number} is a heading, columns {names[key]} and {names[text]}",
            cells[1:],
        )
    rows = []
    for number, row in cells:
        if len(row) != width and not (form == "tsv" and names is None and len(row) == 1 and " " not in row[0]):
            raise _LineError(
                number, f"{len(row)} columns, allowed: {width}" + ("" if names else f", or a heading; or {_ASK}")
            )
        rows.append(_Row(number, row[key], row[text] if len(row) > text else ""))
    return rows, remark


def _json(lines: list[_Line], side: Side) -> tuple[list[_Row], str]:
    """The keys are chosen once for the file, or a line without ``pred_text`` would be scored against itself."""
    objects: list[tuple[int, dict[str, object]]] = []
    for line in lines:
        if line.text.strip():
            try:
                fields = json.loads(line.text)
            except (ValueError, RecursionError):
                fields = None
            if not isinstance(fields, dict):
                raise _LineError(line.number, f'{_short(line.text)}, allowed: {{"id": "…", "text": "…"}}')
            objects.append((line.number, fields))
    if not objects:
        return [], ""
    present = list(dict.fromkeys(key for _, fields in objects for key in fields))
    key = present[_column(present, ID_NAMES, "id", objects[0][0])]
    text = present[_column(present, TEXT_NAMES[side], f"{side}", objects[0][0])]
    rows = []
    for number, fields in objects:
        values = [fields.get(name) for name in (key, text)]
        if not all(isinstance(value, str) for value in values):
            raise _LineError(number, f'allowed: {{"{key}": "…", "{text}": "…"}}, both texts')
        rows.append(_Row(number, *(unicodedata.normalize("NFC", str(value)).strip() for value in values)))
    return rows, f"keys {key} and {text}"


def _words(lines: list[_Line], form: Form, *, asked: bool) -> tuple[list[_Row], str]:
    filled = [_Line(line.number, line.text.strip()) for line in lines if line.text.strip()]
    remark = ""
    if form == "kaldi" and filled and len(filled[0].text.split()) == 2 and _names(filled[0].text, " "):
        remark, filled = f"line {filled[0].number} is a heading ({filled[0].text})", filled[1:]
    rows = []
    for line in filled:
        match = _TRN_LINE.fullmatch(line.text)
        if form == "kaldi":
            utterance, *rest = line.text.split(maxsplit=1)
            rows.append(_Row(line.number, utterance, rest[0] if rest else ""))
        elif match is None:
            raise _LineError(line.number, f"{_short(line.text)}, allowed: a text and then its id in parentheses")
        else:
            rows.append(_Row(line.number, match[2], (match[1] or "").strip()))
    if form == "kaldi" and not asked:
        _require_ids(rows)
    return rows, remark


def _require_ids(rows: list[_Row]) -> None:
    """Refuse first words that don't look like ids: with a comma in each, or said elsewhere in the texts."""
    if rows and all("," in row.utterance or ";" in row.utterance for row in rows):
        raise _LineError(rows[0].line, f"{_short(rows[0].utterance)} as an id looks like CSV: {_ASK}")
    said = {word for row in rows for word in row.text.split()}
    for row in rows:
        if row.utterance in said and any(map(str.isalpha, row.utterance)):
            raise _LineError(
                row.line, f"the first word {row.utterance!r} is a word of the texts too, so it may be no id: {_ASK}"
            )


def _require_no_heading(rows: list[_Row]) -> None:
    """Refuse a first line that alone has no digit in its id: a heading whose names aren't known."""
    numbered = [any(map(str.isdigit, row.utterance)) for row in rows]
    if len(rows) > 2 and not numbered[0] and all(numbered[1:]):
        raise _LineError(
            rows[0].line,
            f"id {_short(rows[0].utterance)} looks like a heading (all others have digits); allowed: an id's column "
            f"named {', '.join(ID_NAMES[:4])}, … and a text's named text, transcript, …; or, if it is an id, {_ASK}",
        )


def _short(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:60] + "…")
