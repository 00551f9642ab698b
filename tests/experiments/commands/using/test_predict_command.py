"""``earmark predict`` on a command line, with a small system in the place of a run."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch

from datamodules.clips.dcase_tsv import read_events
from experiments.applying.chosen_run import ChosenRun
from experiments.applying.predicting import self_check
from experiments.applying.predicting.settings import Settings
from experiments.cli import main

Told = list[tuple[str, Settings]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Told:
    """What run and settings the system is made with, which is the self-check's."""
    told: Told = []

    def choose(text: str, *, scale: str | None = None) -> ChosenRun:
        return ChosenRun(text, "abc123", tmp_path, tmp_path, {}, "sed", {})

    def make(chosen: ChosenRun, settings: Settings) -> object:
        told.append((chosen.name, settings))
        return self_check.fixed_predictor()

    monkeypatch.setattr("experiments.applying.chosen_run.choose_run", choose)
    monkeypatch.setattr("experiments.applying.predicting.chosen_predictor.make_predictor", make)
    monkeypatch.chdir(tmp_path)
    return told


@pytest.fixture
def yard(tmp_path: Path) -> Path:
    path = tmp_path / "yard.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 16000).clip(-1, 1), 8000)
    return path


def test_a_table_of_files_and_one_line_for_each_broken_one(told: Told, yard: Path, capsys) -> None:
    assert main(["predict", "weak_sed/mil", "yard.wav", "--top", "2"]) == 0
    printed = capsys.readouterr()
    assert "yard.wav" in printed.out
    assert "1 file, 0.0 minutes" in printed.out
    assert "\x1b" not in printed.out + printed.err
    assert told == [("weak_sed/mil", Settings(top=2))]
    assert list(read_events(yard.with_suffix(".tsv"))) == ["yard"]
    Path("broken.wav").write_bytes(b"RIFF")
    assert main(["predict", "weak_sed/mil", "broken.wav", "yard.wav"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("broken.wav: ")
    assert "1 file could not be read" in printed.out


def test_json_says_the_same_and_params_are_loaded_back(told: Told, yard: Path, capsys) -> None:
    assert main(["predict", "mil", "yard.wav", "--json", "-f", "dcase,raven", "--min-seconds", "0.2"]) == 0
    document = json.loads(capsys.readouterr().out)
    [of] = document["files"]
    assert of["outputs"] == ["yard.tsv", "yard.selections.txt"]
    assert of["events"] == sum(of["by_class"].values())
    assert document["run"] == {"name": "mil", "key": "abc123"}
    assert main(["predict", "--load-params", "predict.yaml", "yard.wav", "--top", "1", "-o", "out"]) == 0
    name, settings = told[-1]
    assert (name, settings.formats, settings.min_seconds, settings.top) == ("abc123", "dcase,raven", 0.2, 1)
    assert Path("out/yard.selections.txt").is_file()


def test_a_pipe_gives_its_events_on_standard_output(told: Told, yard: Path, capsys, monkeypatch) -> None:
    assert main(["predict", "mil", "yard.wav"]) == 0
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(yard.read_bytes())))
    assert main(["predict", "mil", "-"]) == 0
    assert capsys.readouterr().out.replace("stdin.wav", "yard.wav") == Path("yard.tsv").read_text()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    assert main(["predict", "mil", "-"]) == 2
    assert capsys.readouterr().err == "earmark: error: standard input: an empty file\n"


@pytest.mark.parametrize(("arguments", "said"), [
    (["predict"], "give a run and audio"),
    (["predict", "mil"], "give a run and audio"),
    (["predict", "mil", "-", "yard.wav"], "stands alone"),
    (["predict", "mil", "yard.wav", "-f", "dcas"], "did you mean 'dcase'"),
    (["predict", "mil", "yard.wav", "--batch-size", "0"], "--batch-size 0, allowed: 1 or more"),
    (["predict", "mil", "-", "-f", "dcase,raven"], "one on standard output"),
])  # fmt: skip
def test_mistakes_are_one_line(told: Told, yard: Path, capsys, arguments: list[str], said: str) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1


def test_the_self_check_is_a_command_that_fails_where_it_should(capsys: Callable, monkeypatch) -> None:
    assert main(["predict", "--self-check"]) == 0
    assert "this installation predicts what it should" in capsys.readouterr().out
    monkeypatch.setattr("torch.relu", torch.nn.functional.gelu)
    assert main(["predict", "--self-check"]) == 1
