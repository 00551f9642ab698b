"""What is typed next is said after success, where a person looks."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from experiments.cli import build_parser
from experiments.commands.data.next_plan import next_words
from experiments.commands.shell.next_command import same_cells, say_next
from experiments.table_files.spec import TABLES, read_table
from experiments.table_files.yaml_files import read_yaml


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_next_command_is_of_the_same_cells_and_parses() -> None:
    words = ["weak_sed", "--scale", "demo", "--rows", "mil,fsl", "--seeds", "0,1", "--set", "data.corpus=a b"]
    arguments = build_parser().parse_args(["plan", *words])
    assert same_cells(arguments) == words
    again = build_parser().parse_args(["run", *same_cells(arguments)])
    assert (again.table, again.rows, again.seeds, again.overrides) == (
        "weak_sed",
        ["mil", "fsl"],
        [0, 1],
        ["data.corpus=a b"],
    )


@pytest.mark.parametrize(("out", "err", "said"), [(1, 1, True), (0, 1, False), (1, 0, False), (0, 0, False)])
def test_only_a_terminal_is_told(monkeypatch: pytest.MonkeyPatch, out: int, err: int, said: bool) -> None:
    streams = {True: Terminal(), False: io.StringIO()}
    monkeypatch.setattr(sys, "stdout", Terminal() if out else io.StringIO())
    monkeypatch.setattr(sys, "stderr", streams[bool(err)])
    say_next("run", "my table.yaml", why="two rows")
    assert streams[bool(err)].getvalue() == ("next: earmark run 'my table.yaml'    two rows\n" if said else "")


@pytest.mark.parametrize(
    ("corpus", "classes"),
    [
        ("soundscapes/demo", 1),
        ("soundscapes/study-fold3", 1),
        ("tones/tiny", 1),
        ("prompts", 0),
        ("mine", 0),
        ("bank", 1),
    ],
)
def test_a_corpus_is_followed_by_a_plan_that_there_is(corpus: str, classes: int) -> None:
    arguments = build_parser().parse_args(next_words(SimpleNamespace(name=corpus, classes=["dog"] * classes)))  # type: ignore[arg-type]
    assert arguments.command == "plan"
    table = read_table(arguments.table, scale=arguments.scale)
    assert arguments.scale in (None, *read_yaml(TABLES / f"{table.name}.yaml")["scales"])
