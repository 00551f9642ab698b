"""The version of scoring under a table: one line where all runs share it, and the cells by name where they do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

from experiments.planning.cell import Cell
from experiments.reporting.scored_by import UNKNOWN, scoring_notes, versions_of
from experiments.runs import keys, phase_keys, recipe
from experiments.table_files.spec import read_table

CLASS = "lightning_modules.sed.detection_scoring.DetectionScoring"


def _cell(folder: Path, stored: ModuleType, seed: int, **tags: str) -> Cell:
    """A finished run of weak_sed's mil under today's code, with these tags."""
    table = read_table("weak_sed")
    row = table.rows["mil"]
    cell: Cell = stored.make_cell(
        stored.make_table(folder, "sed", ["mil"]), stored.Folders(folder / str(seed)), "mil", seed, {}
    )
    code = keys.code_digests(row.config, recipe_version=recipe.VERSION)
    assert cell.run is not None
    return replace(cell, row=row, code=code, run=replace(cell.run, tags={**cell.run.tags, **tags}))


def test_versions_are_said_and_never_mixed_silently(tmp_path: Path, stored: ModuleType) -> None:
    tagged = _cell(tmp_path, stored, 0)
    said = phase_keys.scored_by(tagged.row.config, tagged.code, imports=())
    digest = said.split(" ")[1]
    tagged = _cell(tmp_path, stored, 1, scored_by=said)
    before = _cell(tmp_path, stored, 2, **{"key.code": keys.code_key(tagged.code)})  # no such tag, and today's code
    assert versions_of([tagged, before]) == {CLASS: {digest: [tagged.name, before.name]}}
    notes = scoring_notes(versions_of([tagged, before]))
    assert notes == [f"scored by {CLASS} ({digest[:8]})"]
    assert scoring_notes(versions_of([tagged, before]), only_mixed=True) == []

    other = _cell(tmp_path, stored, 3, scored_by=f"{CLASS} {'0' * 16}")
    unknown = _cell(tmp_path, stored, 4, **{"key.code": "of then"})
    assert scoring_notes(versions_of([unknown])) == []
    (note,) = scoring_notes(versions_of([tagged, other, unknown]), only_mixed=True)
    assert note == (
        f"scored by different versions of {CLASS}, which may count otherwise: "
        f"{tagged.name}: {digest[:8]}; {other.name}: 00000000; {unknown.name}: {UNKNOWN}"
    )
