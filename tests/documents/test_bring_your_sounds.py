"""docs/bring_your_sounds.md: every block is run as it stands, over recordings with label tracks of our own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .blocks import ROOT, blocks, run_block

PAGE = "docs/bring_your_sounds.md"


@pytest.mark.integration
def test_every_block_runs_in_the_order_in_which_it_stands(folder: Path) -> None:
    table, folds = blocks(PAGE, "yaml")
    check, imported, launched = blocks(PAGE, "sh")
    (folder / "garden.yaml").write_text(table, encoding="utf-8")
    assert "no errors" in run_block(check, folder)
    printed = run_block(imported, folder)
    assert re.search(r"great tit +\d+ \+ 0 +\d+ \+ 0 +\d+ \+ 0", printed)
    report = run_block(launched, folder)
    assert re.search(r"\| strong +\|.*\d", report)
    (folder / "garden.yaml").write_text(table + folds, encoding="utf-8")
    assert "weak fold 2 seed 1" in run_block("earmark plan garden.yaml", folder)


def test_the_labels_that_it_shows_are_read_and_all_layouts_are_named(tmp_path: Path) -> None:
    from datamodules.importers.sound_events.detect import LAYOUTS
    from datamodules.importers.sound_events.read import read_clips

    (tmp_path / "monday.txt").write_text(blocks(PAGE, "text")[0], encoding="utf-8")
    [clip] = read_clips(tmp_path / "monday.txt")
    assert clip.labels == {"blackbird", "great tit"}
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert [name for name in LAYOUTS if f"`{name}`" not in text] == []
