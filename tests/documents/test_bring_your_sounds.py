"""docs/bring_your_sounds.md: every block is run as it stands, over recordings with label tracks of our own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from .. import warm_commands
from ..launches import environment

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "bring_your_sounds.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(DOCUMENT.read_text(encoding="utf-8")) if name == language]


def run_block(folder: Path, text: str) -> str:
    printed = ""
    for line in text.splitlines():
        name, *arguments = shlex.split(line)
        assert name == "earmark", line
        done = warm_commands.run(arguments, environment=environment(folder), cwd=folder)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        printed += done.stdout
    return printed


@pytest.mark.integration
def test_every_block_runs_in_the_order_in_which_it_stands(folder: Path) -> None:
    table, folds = blocks("yaml")
    check, imported, launched = blocks("sh")
    (folder / "garden.yaml").write_text(table, encoding="utf-8")
    assert "no errors" in run_block(folder, check)
    printed = run_block(folder, imported)
    assert re.search(r"great tit +\d+ \+ 0 +\d+ \+ 0 +\d+ \+ 0", printed)
    report = run_block(folder, launched)
    assert re.search(r"\| strong +\|.*\d", report)
    (folder / "garden.yaml").write_text(table + folds, encoding="utf-8")
    assert "weak fold 2 seed 1" in run_block(folder, "earmark plan garden.yaml")


def test_the_labels_that_it_shows_are_read_and_all_layouts_are_named(tmp_path: Path) -> None:
    from datamodules.importers.sound_events.detect import LAYOUTS
    from datamodules.importers.sound_events.read import read_clips

    (tmp_path / "monday.txt").write_text(blocks("")[0], encoding="utf-8")
    [clip] = read_clips(tmp_path / "monday.txt")
    assert clip.labels == {"blackbird", "great tit"}
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [name for name in LAYOUTS if f"`{name}`" not in text] == []
