"""The folder as a whole: written at once or not at all, read back by earmark, and its card says what the run says."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from experiments.applying.chosen_run import choose_run
from experiments.applying.loaded_system import facts_of, load_system
from experiments.applying.predicting.chosen_predictor import longest_clip
from experiments.errors import UserError
from experiments.exporting import exported_folder
from experiments.exporting.card_limits import limits
from experiments.exporting.exported_folder import export

SCORES = {"test/event_f1_macro": 0.31, "test/event_recall_short": 0.1, "test/event_recall_long": 0.5}
PER_CLASS = """class,event_f1,reference_events,estimated_events
bird,0.1950,40,41
door,0.0500,12,30
rain,0.6000,40,40
"""


@pytest.fixture(scope="module")
def made(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    folder, system = tmp_path_factory.mktemp("made"), tiny.make("mil")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_HOME", str(folder / "home"))
        patch.setenv("EARMARK_DATA", str(folder / "data"))
        chosen = tiny.run_folder(folder / "a0b1", "mil", system, scores=json.dumps(SCORES))
        (chosen.folder / "scores").mkdir()
        (chosen.folder / "scores" / "per_class.csv").write_text(PER_CLASS)
        (chosen.folder / "predictions").mkdir(exist_ok=True)
        np.savez(chosen.folder / "predictions" / "test.npz", classes=system.classes, num_frames_N=np.array([25, 31]))
        attempt = {"wall_seconds": 90.0, "device": "cpu, 1 thread", "hardware": {"cpu": "EPYC", "cores": 2}}
        (chosen.folder / "provenance.json").write_text(json.dumps({"attempts": [attempt]}))
        (chosen.folder / "environment.txt").write_text("# python 3.12\ntorch==2.13.0+cpu\nnumpy==2.4.6\n")
        written = export(chosen, folder / "model")
    assert "no finished run of the key a0b1" in written.without[0]
    assert not list((folder / "home").rglob("*.db"))  # asking a store that is not there makes none
    return system, folder / "model"


def test_earmark_reads_it_back_with_the_same_weights(made: tuple[Any, Path]) -> None:
    system, folder = made
    chosen = choose_run(str(folder))
    assert (chosen.name, chosen.key_id, chosen.family) == ("a0b1", "a0b1", "sed")
    assert facts_of(chosen).classes == tuple(system.classes)
    loaded = load_system(chosen).state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in system.state_dict().items())


def test_prediction_takes_windows_as_long_as_the_clips_of_the_run(made: tuple[Any, Path]) -> None:
    assert longest_clip(made[1]) == 31


def test_what_the_record_says_of_the_graph(made: tuple[Any, Path]) -> None:
    record = json.loads((made[1] / "earmark.json").read_text())
    assert (record["format"], record["weights"], record["sample_rate_hz"]) == (1, "model.safetensors", 8000)
    assert record["onnx"]["outputs"] == {"model.onnx": ["clip_probabilities", "frame_probabilities"]}
    assert (record["onnx"]["batch"], record["onnx"]["hop_seconds"]) == (1, pytest.approx(0.04))
    assert record["onnx"]["parity"]["largest"] <= 1e-4
    assert "lightning_modules.sed.mil" in record["code"]


def test_the_card(made: tuple[Any, Path]) -> None:
    text = (made[1] / "README.md").read_text(encoding="utf-8")
    _, header, body = text.split("---\n", 2)
    said = yaml.safe_load(header)
    assert (said["pipeline_tag"], said["library_name"]) == ("audio-classification", "earmark")
    assert said["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.31
    assert "event-based F1 below 0.20): bird (0.20), door (0.05)." in body.replace("0.195", "0.20")
    assert "fewer than 20 events each: door." in body
    assert "Said more than twice as often as they occur: door (30 said, 12 there)." in body
    assert "Of short events 10% are found, of long ones 50%." in body
    assert "1.5 minutes on cpu, 1 thread (EPYC, 2 cores)" in body
    assert "torch 2.13.0+cpu, numpy 2.4.6" in body
    assert "its licences are not listed" in body  # the corpus is not here


def test_something_that_is_there_is_left_alone(made: tuple[Any, Path], tmp_path: Path) -> None:
    chosen = choose_run(str(made[1]))
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="is there already; allowed: a new folder, or an empty one"):
        export(chosen, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_failure_leaves_nothing(made: tuple[Any, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(exported_folder, "_write_graphs", fails)
    with pytest.raises(OSError, match="no space left"):
        export(choose_run(str(made[1])), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_limits_of_texts(tiny: ModuleType, tmp_path: Path) -> None:
    scores = {"test/wer": 0.62, "test/empty_hypotheses": 0.04}
    chosen = tiny.run_folder(tmp_path / "run", "ctc, gru", tiny.make("ctc, gru"), scores=json.dumps(scores))
    (chosen.folder / "scores").mkdir()
    (chosen.folder / "scores" / "per_language.csv").write_text("language,wer\nnl,0.5\ncs,0.8\n")
    assert limits(chosen) == [
        "62% of the words are wrong: its texts can't be used as they are.",
        "Word error rate by language: best nl (50%), worst cs (80%).",
        "Nothing is written for 4.0% of the utterances.",
    ]
