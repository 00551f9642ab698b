"""``blocks:`` of a table: tests draw by the named kind of source, or say why they are not made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from datamodules.annotations import ClipReferences
from experiments.errors import UserError
from experiments.reporting.significance import Significance, compare_rows
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.folds import read_blocks

F1 = "test/event_f1_macro"


def compared(
    stored: ModuleType, folder: Path, sources: Mapping[str, Mapping[str, str]], *, blocks: str | None
) -> Significance:
    references: ClipReferences = replace(stored.some_references(24), sources=sources)
    tracker = stored.Folders(folder)
    table = replace(stored.make_table(folder, "sed", ["base", "late"]), blocks=blocks)
    cells = [
        stored.event_cell(table, tracker, row, seed, references, stored.moved(references, every=every + seed))
        for row, every in (("base", 7), ("late", 2))
        for seed in (0, 1)
    ]
    return compare_rows(
        table, cells, StoredScores(tracker), stored.Splits(references), baseline="base", num_resamples=200
    )


def groups(num: int) -> dict[str, str]:
    return {f"clip{k:02}": f"source{k % num}" for k in range(24)}


def test_the_named_kind_is_drawn_and_no_coarser_one(stored: ModuleType, tmp_path: Path) -> None:
    sources = {"family": groups(10), "session": groups(12)}
    by_default = compared(stored, tmp_path / "a", sources, blocks=None).test_set["late", F1]
    assert (by_default.units, by_default.num_units) == ("families", 10)
    named = compared(stored, tmp_path / "b", sources, blocks="session").test_set["late", F1]
    assert (named.units, named.num_units) == ("sessions", 12)


@pytest.mark.parametrize(
    ("blocks", "says"),
    [
        ("session", "blocks: 4 sessions to draw from, allowed: 10 or more"),
        ("speaker", "blocks: no speaker is recorded of its clips"),
    ],
)
def test_a_table_is_tested_by_its_blocks_or_not_at_all(
    stored: ModuleType, tmp_path: Path, blocks: str, says: str
) -> None:
    found = compared(stored, tmp_path, {"session": groups(4)}, blocks=blocks)
    assert not found.test_set
    assert any(says in line for line in found.left_out)


def test_without_recorded_sources_clips_are_drawn_as_ever(stored: ModuleType, tmp_path: Path) -> None:
    test = compared(stored, tmp_path, {}, blocks=None).test_set["late", F1]
    assert (test.units, test.num_units) == ("clips", 24)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UserError, match=r"t.yaml: blocks: unknown kind of source 'familly' \(did you mean 'family'"):
        read_blocks("familly", where="t.yaml")
