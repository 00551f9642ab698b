"""Files of words that a scoring takes as they stand, on a corpus that was imported with text rules of its own.

Texts from outside and those that Whisper writes follow such rules in a run (``training/corpus_rules.py``). ``hotwords``
and a ``word_list`` are compared with texts, so the user has to know which of them no text can hold.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from datamodules.corpus_folder import CorpusMissingError, data_root
from datamodules.joined_corpora import corpus_names
from datamodules.run_warning import RunWarning, first_names
from datamodules.texts.corpus_text_rules import FILE, text_rules_of
from datamodules.texts.text_rules import TextRules, UnspeakableTextError, normalise
from datamodules.texts.utf8_text import read_utf8
from experiments.planning.cell import Cell
from experiments.table_files.table_values import corpus_of

HOTWORDS, WORD_LIST = "hotwords", "word_list"


def warn_of_raw_texts(cells: Iterable[Cell]) -> None:
    """A line a row that would run with such a file: corpus, rules, and what of the file is not as its texts are."""
    rows = {cell.row.name: cell.row for cell in cells if cell.would_run and cell.key is not None}
    for name, row in rows.items():
        files, corpus = [*_named(row.config.get("scoring"))], corpus_of(row.config)
        try:
            rules = text_rules_of(corpus) if files else {}
        except CorpusMissingError:
            continue  # which its cell says
        if not rules:
            continue
        files_of = [data_root() / one / FILE for one in corpus_names(corpus)]
        kept = ", ".join(str(path) for path in files_of if path.is_file())
        for key, file in files:
            if says := _says(key, Path(file), rules):
                warnings.warn(
                    f"row {name}: {key} {file}: {says} (text rules of corpus {corpus!r}: {kept}); a row takes the file "
                    "as it stands",
                    RunWarning,
                    stacklevel=2,
                )


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """The files of words of a section, each with its key."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in (HOTWORDS, WORD_LIST) and isinstance(item, str):
                yield key, item
            else:
                yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def _says(key: str, file: Path, rules: Mapping[str, TextRules]) -> str:
    """Empty where all is as texts are, and of a file that cannot be read, which the run refuses."""
    if key == WORD_LIST:
        # perhaps those of a whole language: looking at each takes seconds
        return "its words are compared as they stand, not normalised"
    try:
        phrases = list(filter(None, (" ".join(line.split()) for line in read_utf8(file).splitlines())))
    except (OSError, ValueError):
        return ""
    other = [phrase for phrase in phrases if phrase not in _forms(phrase, rules)]
    if not other:
        return ""
    return f"{len(other)} of {len(phrases)} phrases are written otherwise than its texts can be ({first_names(other)})"


def _forms(phrase: str, rules: Mapping[str, TextRules]) -> Sequence[str]:
    forms = []
    for language in rules:
        try:
            forms.append(normalise(phrase, language=language, own=rules))
        except UnspeakableTextError:
            continue
    return forms
