"""Three test utterances as each row of a table wrote them: what errors look like behind a rate.

Which three is a rule, not a choice: of the texts of one row, ordered by CER, the first, the middle one and the last; of
utterances with one CER the longer text comes first, then the id. Texts are those of one run a row, at the first fold
and seed at which the named row has finished, as they were scored. ``earmark report TABLE --quote ROW``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.listings.score_files import Files
from experiments.reporting.markdown_text import escaped
from experiments.stored_results.stored_scores import UTTERANCES, Utterance, read_utterances
from lightning_modules.metrics.edits import utterance_edits

Texts = Mapping[str, Utterance]  # of one run, by utterance id


def quoted(cells: Sequence[Cell], scores: Files, rows: Sequence[str], *, chosen_by: str) -> str:
    """Markdown: a table an utterance, a line a row, and which finished rows have none. Raises ``UserError``."""
    finished = {cell.place: cell for cell in cells if cell.state == "finished"}
    written = {place: found for place, cell in finished.items() if (found := _texts(cell, scores))}
    places = sorted((place for place in written if place.row == chosen_by), key=lambda at: (at.fold or "", at.seed))
    if not places:
        raise UserError(f"--quote {chosen_by}: no finished run of it has test texts")
    place = places[0]
    texts = {row: written[at] for row in rows if (at := place._replace(row=row)) in written}
    lines = [f"Of `{chosen_by}`, {place.run}, by its character error rate:"]
    for name, utterance in three(written[place]).items():
        lines += ["", *_table(name, utterance, texts)]
    ended = {at.row for at in finished}
    if without := [row for row in rows if row in ended and row not in texts]:
        lines += ["", f"No texts of {place.run}: {', '.join(map(escaped, without))}."]
    return "\n".join(lines) + "\n"


def three(texts: Texts) -> dict[str, Utterance]:
    """The best, the median and the worst utterance.

    >>> written = {"a": "x", "b": "abcd", "c": "abc"}
    >>> texts = {name: Utterance(name, "", "", "abcd", text) for name, text in written.items()}
    >>> {name: utterance.hypothesis for name, utterance in three(texts).items()}
    {'best': 'abcd', 'median': 'abc', 'worst': 'x'}
    """
    ordered = sorted(texts.values(), key=lambda of: (cer(of), -len(of.reference), of.utterance_id))
    return {"best": ordered[0], "median": ordered[len(ordered) // 2], "worst": ordered[-1]}


def cer(utterance: Utterance) -> float:
    """Edits over characters of the reference; above 1 where more was written than said."""
    return utterance_edits(utterance.reference, utterance.hypothesis).characters.rate


def _texts(cell: Cell, scores: Files) -> Texts:
    path = scores.file(cell, UTTERANCES)
    return {} if path is None else {of.utterance_id: of for of in read_utterances(path)}


def _table(name: str, said: Utterance, texts: Mapping[str, Texts]) -> list[str]:
    """What was said, and what each row wrote that heard it."""
    lines = [
        f"**{name.capitalize()}**: {escaped(said.utterance_id)} ({escaped(said.language)})",
        "",
        "| row | CER % | text |",
        "| --- | --- | --- |",
        f"| *said* | | {escaped(said.reference)} |",
    ]
    for row, of_row in texts.items():
        if (wrote := of_row.get(said.utterance_id)) is not None:
            lines.append(f"| {escaped(row)} | {100 * cer(wrote):.0f} | {escaped(wrote.hypothesis) or '(nothing)'} |")
    return lines
