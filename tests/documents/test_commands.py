"""Every ``earmark`` line of README and docs is one that the parser takes, of tables, scales and rows that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.cli import build_parser
from experiments.table_files.spec import TABLES, read_table

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"(?:\.venv/bin/)?earmark (.*)")
ENDS = {"&&", "|", ";", ">", "<"}


def commands(path: Path) -> Iterator[list[str]]:
    """The words behind ``earmark`` of each line of a block; remarks stand behind # or three spaces."""
    is_block = False
    for line in path.read_text(encoding="utf-8").splitlines():
        is_block ^= line.startswith("```")
        found = COMMAND.match(line.strip()) if is_block or line.startswith("    ") else None
        if found is None or "…" in line or re.search(r"\w\|\w", line):  # left out, or one of several
            continue
        words = shlex.split(re.split(r"\s{3,}", found[1])[0], comments=True)
        end = next((place for place, word in enumerate(words) if word in ENDS), len(words))
        yield words[:end]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands_parse_and_name_what_there_is(path: Path) -> None:
    parser = build_parser()
    for words in commands(path):
        arguments, rest = parser.parse_known_args(words)
        assert not rest or words[0] == "fit", words
        if (TABLES / f"{vars(arguments).get('table')}.yaml").is_file():
            table = read_table(arguments.table, scale=arguments.scale)
            assert {*arguments.rows} <= {*table.rows, *table.grids}, words


def test_the_pages_have_commands() -> None:
    assert sum(len(list(commands(path))) for path in PAGES) > 120
