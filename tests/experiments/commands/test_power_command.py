"""``earmark plan TABLE --power``: what it prints, and what it refuses in a line."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from types import ModuleType as Stored

import pytest

from experiments.commands import plan, power, table_arguments
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.stored_results import split_references

WRONG = {"base": [30, 31, 28], "better": [20, 18, 25]}


def arguments(*differences: str) -> argparse.Namespace:
    return argparse.Namespace(difference=list(differences), results=[], as_run=False)


def planned(
    stored: Stored, folder: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, list[int]], **changes: object
) -> None:
    """A plan of finished runs in the place of one of the store's."""
    tracker = stored.Folders(folder)
    table = replace(stored.make_table(folder, "asr", list(wrong), baseline="base"), **changes)
    cells: list[Cell] = [
        stored.text_cell(table, tracker, row, seed, stored.texts(number, num=60, speakers=1))
        for row, numbers in wrong.items()
        for seed, number in enumerate(numbers)
    ]
    monkeypatch.setattr(table_arguments, "read_plan", lambda *_, **__: (table, tracker, cells))
    monkeypatch.setattr(split_references, "TestSplits", lambda: stored.Splits(None))


def test_it_says_what_would_decide(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(stored, tmp_path, monkeypatch, WRONG)
    table, document = power.read_power(arguments("test/wer=4"))
    wer, cer = document["columns"]["test/wer"], document["columns"]["test/cer"]
    assert (wer["difference"], cer["difference"], wer["num_units"]) == (0.04, 0.02, 60)
    better = wer["rows"]["better"]
    assert 2 < better["seeds"] < 50
    assert better["least_shown"] > 0.04
    assert wer["median"] == wer["widest"] == "better"
    power.print_power(table, document)
    printed = " ".join(capsys.readouterr().out.split())
    assert f"│ WER │ 4.0 │ {100 * better['least_shown']:.1f} │ {better['seeds']} │" in printed
    assert "there are 3 seeds and 60 test utterances now" in printed


@pytest.mark.parametrize(
    ("differences", "wrong", "says"),
    [
        (["test/wre=4"], WRONG, "--difference test/wre=4: unknown column 'test/wre' (did you mean 'test/wer'?)"),
        (
            ["test/wer=0"],
            WRONG,
            "expected METRIC=NUMBER above 0 in the column's unit, got '0'",
        ),
        (["test/wer"], WRONG, "expected METRIC=NUMBER above 0 in the column's unit, got ''"),
        (["test/wer=nan"], WRONG, "expected METRIC=NUMBER above 0 in the column's unit, got 'nan'"),
        ([], {"base": [30], "better": [20]}, "--power: t has no row with 2 finished seeds at scale demo"),
    ],
)
def test_what_it_cannot_say_is_one_line(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, differences: list[str],
    wrong: dict[str, list[int]], says: str,
) -> None:  # fmt: skip
    planned(stored, tmp_path, monkeypatch, wrong)
    with pytest.raises(UserError) as error:
        power.read_power(arguments(*differences))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"difference": ["test/wer=2"]}, "--difference test/wer=2: only with --power"),
        ({"as_run": True}, "--as-run: only with --power, a plan is of today's code"),
        ({"results": [Path("a.zip")]}, "--results: only with --power, a plan is of today's code"),
    ],
)
def test_a_plan_alone_takes_none_of_its_arguments(given: dict[str, object], says: str) -> None:
    asked = argparse.Namespace(**{"power": False, "json": False, **vars(arguments()), **given})
    with pytest.raises(UserError, match=says):
        plan.run(asked)


def test_a_table_without_baselines_compares_nothing(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(stored, tmp_path, monkeypatch, WRONG, baseline=None)
    with pytest.raises(UserError, match=r"--power: t\.yaml compares no rows: it names no baseline"):
        power.read_power(arguments())
