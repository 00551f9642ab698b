"""Files that a configuration names, edited in place after a run: stale and refused, on the machine that knows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from experiments.runs import named_files
from experiments.runs.named_files import changed_since, lacking
from experiments.table_files.merge import Config


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A word list and a folder of weights; the corpus has the name of a folder, a monitor that of nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("one two")
    (tmp_path / "models" / "small").mkdir(parents=True)
    (tmp_path / "models" / "small" / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "tones" / "tiny").mkdir(parents=True)
    return {
        "data": {"class_path": "datamodules.sed.SoundEventClips", "init_args": {"corpus": "tones/tiny"}},
        "model": {"encoder": {"init_args": {"folder": "models/small"}}},
        "checkpoint": {"monitor": "validation/loss"},
        "scoring": {
            "decoders": [
                {"word_list": str(tmp_path / "words.txt"), "text": "x" * 5000 + "/\0", "marks": [".", "/", ".."]}
            ]
        },
    }


@pytest.fixture
def record(config: Config, tmp_path: Path) -> Path:
    """The key file of a run that began with them."""
    path = tmp_path / "key.json"
    path.write_text(json.dumps({"files": named_files.named_files(config)}))
    return path


def test_what_is_named_is_found_and_nothing_else(config: Config, tmp_path: Path) -> None:
    assert set(named_files.named_files(config)) == {str(tmp_path / "words.txt"), "models/small/model.safetensors"}
    assert named_files.names({"data": {"init_args": {"corpus": "prompts"}}, "model": {"lr": 0.1}}) == []


@pytest.mark.parametrize("name", ["words.txt", "models/small/model.safetensors"])
def test_other_contents_of_the_same_length_are_named(record: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**6))
    said = changed_since(record, run="t/a seed 0")
    assert f"{name} changed since t/a seed 0 ran; restore it, or give the new one another name" in said


def test_new_times_and_what_is_gone_are_no_change(record: Path, tmp_path: Path) -> None:
    os.utime(tmp_path / "words.txt", ns=(0, 0))
    (tmp_path / "models" / "small" / "model.safetensors").unlink()
    assert changed_since(record, run="r") == ""
    assert changed_since(tmp_path / "fetched_from_elsewhere.json", run="r") == ""


def test_records_of_before_name_none(tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text("{}")
    assert changed_since(tmp_path / "key.json", run="r") == ""


def test_lacking_noises_are_named_before_a_run_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_DATA", str(tmp_path))

    def lacks(folder: str | None) -> str:
        augmentation = {"class_path": "x.RoomAndNoise", "init_args": {"noise_folder": folder}}
        return lacking({"data": {"init_args": {"augmentation": [augmentation]}}})

    background = tmp_path / "soundbank" / "background"
    says = f"noise: noise_folder soundbank/background: no recordings in {background}; run: earmark data soundbank"
    assert lacks("soundbank/background") == says
    background.mkdir(parents=True)
    (background / "LICENCE.txt").write_text("CC0")
    assert lacks("soundbank/background") == says
    (background / "rain").mkdir()
    (background / "rain" / "1.FLAC").write_bytes(b"")
    assert lacks("soundbank/background") == lacks("soundbank") == lacks(None) == ""
    assert lacks(str(tmp_path / "mine")).endswith(
        f"no recordings in {tmp_path / 'mine'}; allowed: a folder that has some"
    )
    (tmp_path / "soundbank" / "corpus.json").write_text("{}")
    assert lacks("soundbank/backgruond").endswith("; allowed: a folder that has some")
