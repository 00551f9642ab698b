"""Every utterance with what was said and what was written under each other, the worst first: as CSV and as a web page.

The alignment is the one that the error rate counts, in words. In the CSV it is three texts of equal width, for a
fixed-width font: ``***`` stands where a word is missing, and S, D or I under the words that differ. The page is one
file without scripts or links, so that it opens wherever artifacts are looked at.
"""

from __future__ import annotations

import csv
import html
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from datamodules.annotations import UtteranceReferences
from lightning_modules.metrics.edits import UtteranceEdits, align, words
from lightning_modules.metrics.text_scores import TextScores

COLUMNS = (
    "utterance", "language", "speaker", "seconds", "words", "errors", "wer", "cer",
    "substitutions", "deletions", "insertions", "reference", "hypothesis", "aligned_reference", "aligned_hypothesis",
    "aligned_edits", "training_text",
)  # fmt: skip
MAX_ROWS_HTML = 2000  # of the page, the worst; a browser grows slow beyond. The CSV has them all
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em; color: #1b1b1b; background: #fff }
table.utterances { border-collapse: collapse }
table.utterances > tbody > tr { border-top: 1px solid #ccc }
table.utterances > thead th { text-align: left; padding: .3em .8em; position: sticky; top: 0; background: #fff }
table.utterances > tbody > tr > td { padding: .45em .8em; vertical-align: top }
td.rate { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.who { color: #555; white-space: nowrap }
.pairs { display: flex; flex-wrap: wrap; gap: .35em .2em }
.pairs span { display: inline-flex; flex-direction: column; padding: 0 .25em; border-radius: 3px }
.pairs b { font-weight: normal }
.substitution { background: #fde3c8 } .deletion { background: #f9cfd0 } .insertion { background: #d5e4f7 }
.key span { padding: 0 .4em; border-radius: 3px }
"""


class AlignedRows(NamedTuple):
    """Reference, hypothesis and the edits' letters as three texts of equal width."""

    reference: str
    hypothesis: str
    edits: str


def aligned_rows(reference: str, hypothesis: str) -> AlignedRows:
    """Words under each other, as jiwer draws them.

    >>> for row in aligned_rows("quite a bit of longer", "quite bit of an longest"):
    ...     print(row, end="|\\n")
    quite a   bit of *** longer |
    quite *** bit of an  longest|
          D          I   S      |
    """
    columns: list[tuple[str, str, str]] = []
    for said, written in align(words(reference), words(hypothesis)):
        cells = ("***" if said is None else said, "***" if written is None else written, _letter(said, written))
        width = max(map(_width, cells))
        first, second, third = (cell + " " * (width - _width(cell)) for cell in cells)
        columns.append((first, second, third))
    return AlignedRows(*(" ".join(row) for row in zip(*columns, strict=True))) if columns else AlignedRows("", "", "")


def write_error_csv(
    path: Path,
    scores: TextScores,
    hypotheses: Mapping[str, str],
    references: UtteranceReferences,
    distances: Mapping[str, str],
) -> None:
    """Every utterance, the most errors per word first; rates of empty references are empty cells.

    ``distances`` says of each id ``near_training`` or ``far_from_training``, the column ``training_text``.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for utterance, edits in worst_first(scores):
            reference, hypothesis = references.texts[utterance], hypotheses[utterance]
            rates = [f"{unit.rate:.4f}" if unit.length else "" for unit in edits]
            writer.writerow(
                (
                    utterance,
                    references.languages[utterance],
                    references.speakers[utterance],
                    f"{references.duration_seconds[utterance]:.2f}",
                    edits.words.length,
                    edits.words.errors,
                    *rates,
                    edits.words.substitutions,
                    edits.words.deletions,
                    edits.words.insertions,
                    reference,
                    hypothesis,
                    *aligned_rows(reference, hypothesis),
                    distances[utterance],
                )
            )


def write_error_html(
    path: Path, scores: TextScores, hypotheses: Mapping[str, str], references: UtteranceReferences, *, title: str
) -> None:
    """The same as a page; words that differ are coloured, reference above hypothesis."""
    words_total, characters_total = scores.total
    rows = list(worst_first(scores))
    note = f" The worst {MAX_ROWS_HTML} are shown." if len(rows) > MAX_ROWS_HTML else ""
    lines = [
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1>",
        f"<p>{len(rows)} utterances, word error {words_total.rate:.1%}, character error {characters_total.rate:.1%}."
        f"{note} Reference above, hypothesis below.</p>",
        '<p class="key"><span class="substitution">substituted</span> <span class="deletion">deleted</span> '
        '<span class="insertion">inserted</span></p>',
        '<table class="utterances"><thead><tr><th>WER</th><th>CER</th><th>utterance</th><th>words</th></tr></thead>',
        "<tbody>",
        *(_html_row(utterance, edits, hypotheses[utterance], references) for utterance, edits in rows[:MAX_ROWS_HTML]),
        "</tbody></table></body></html>\n",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def worst_first(scores: TextScores) -> Iterator[tuple[str, UtteranceEdits]]:
    """Utterances by falling word error rate, then by falling number of errors, then by id."""
    yield from sorted(
        scores.utterances.items(),
        key=lambda item: (-item[1].words.rate, -item[1].words.errors, -item[1].characters.errors, item[0]),
    )


def _html_row(utterance: str, edits: UtteranceEdits, hypothesis: str, references: UtteranceReferences) -> str:
    cells = [f'<td class="rate">{unit.rate:.0%}</td>' if unit.length else "<td></td>" for unit in edits]
    about = ", ".join(
        (
            references.languages[utterance],
            references.speakers[utterance],
            f"{references.duration_seconds[utterance]:.1f} s",
        )
    )
    pairs = "".join(
        f"<span{_html_class(said, written)}><b>{_html_word(said)}</b><b>{_html_word(written)}</b></span>"
        for said, written in align(words(references.texts[utterance]), words(hypothesis))
    )
    return (
        f'<tr>{"".join(cells)}<td class="who">{html.escape(utterance)}<br>{html.escape(about)}</td>'
        f'<td><div class="pairs">{pairs}</div></td></tr>'
    )


def _letter(said: str | None, written: str | None) -> str:
    """S, D, I, or nothing where the words are equal."""
    if said == written:
        return ""
    return "I" if said is None else "D" if written is None else "S"


def _html_class(said: str | None, written: str | None) -> str:
    kind = {"S": "substitution", "D": "deletion", "I": "insertion"}.get(_letter(said, written))
    return "" if kind is None else f' class="{kind}"'


def _html_word(word: str | None) -> str:
    return "&nbsp;" if word is None else html.escape(word)


def _width(word: str) -> int:
    """Columns in a fixed-width font: wide characters take two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in word)
    return len(word) + wide - sum(unicodedata.combining(character) > 0 for character in word)
