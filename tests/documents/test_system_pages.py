"""docs/systems: the line of a table stands in a row of its page's own table, and its command plans that table."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from experiments.cli import build_parser, main
from experiments.configuration.schema import parse
from experiments.table_files.spec import TABLES, read_table
from experiments.table_files.yaml_files import read_yaml, to_yaml

from .blocks import PAGES, blocks

SYSTEMS = [page for page in PAGES if page.startswith("docs/systems/")]


@pytest.mark.parametrize("page", SYSTEMS, ids=lambda page: Path(page).stem)
def test_its_line_is_one_of_a_row(page: str, tmp_path: Path) -> None:
    """In the last of the rows that the page's command names and that train, or where none does that score."""
    (command,), (line,) = blocks(page, "sh"), blocks(page, "yaml")
    arguments = build_parser().parse_args(shlex.split(command)[1:])
    (tmp_path / "line.yaml").write_text(line, encoding="utf-8")
    said = read_yaml(tmp_path / "line.yaml")
    settings = said.get("set", said)
    raw = read_yaml(TABLES / f"{arguments.table}.yaml")
    stage = "score" if "scoring" in settings else "fit"
    names = [name for name in arguments.rows if name in raw["rows"] and raw["rows"][name].get("stage", "fit") == stage]
    entry = {key: value for key, value in raw["rows"][names[-1]].items() if key != "scales"}
    raw["rows"]["as_the_page_says"] = {**entry, "set": {**entry.get("set", {}), **settings}}
    path = tmp_path / f"{arguments.table}.yaml"
    path.write_text(to_yaml(raw), encoding="utf-8")
    table = read_table(str(path), scale="full")  # smaller ones set encoders, too, and ask which of both holds
    row = table.rows["as_the_page_says"]
    parse(row.config, stage=row.stage, seed=0, where=page, imports=table.imports)


@pytest.mark.parametrize("page", SYSTEMS, ids=lambda page: Path(page).stem)
def test_its_command_plans(
    page: str, earmark_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a corpus every cell is missing."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # configurations are checked here, not by a process that imports
    (command,) = blocks(page, "sh")
    words = shlex.split(command)
    assert main(words[1:]) == 0
    planned = capsys.readouterr().out
    assert [row for row in words[words.index("--rows") + 1].split(",") if row not in planned] == []
    assert "missing" in planned
