"""Which run is meant, and its system: from folders and from a store that is made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from experiments.applying.chosen_run import choose_run
from experiments.applying.loaded_system import facts_of, load_system
from experiments.errors import UserError
from experiments.table_files.yaml_files import to_yaml
from experiments.tracking.tracked_run import TrackedRun
from lightning_modules.layers.crnn import demo_crnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.sed.mil import MIL

CLASSES = ("bird", "door")
CONFIG: dict[str, Any] = {
    "data": {"class_path": "datamodules.sed.SoundEventClips", "init_args": {"corpus": "not/here"}},
    "model": {
        "class_path": "lightning_modules.sed.mil.MIL",
        "init_args": {
            "encoder": "lightning_modules.layers.crnn.demo_crnn",
            "features": {"hop_seconds": 0.04, "window_seconds": 0.064, "num_mels": 40},
            "optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.1}},
        },
    },
    "checkpoint": {"monitor": "validation/loss", "mode": "min"},
}


@pytest.fixture(scope="module")
def system() -> MIL:
    torch.manual_seed(3)
    settings = LogMelSettings(hop_seconds=0.04, window_seconds=0.064, num_mels=40)
    return MIL(classes=CLASSES, sample_rate_hz=8000, encoder=demo_crnn(), features=settings)


def _run_folder(folder: Path, system: MIL, **changes: Any) -> Path:
    (folder / "checkpoints").mkdir(parents=True)
    checkpoint: dict[str, Any] = {"state_dict": system.state_dict()}
    system.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, folder / "checkpoints" / "best.ckpt")
    record = {"family": "sed", "stage": "fit", "seed": 0, "imports": [], "from": {}, **CONFIG, **changes}
    (folder / "config.yaml").write_text(to_yaml(record), encoding="utf-8")
    (folder / "metrics.json").write_text('{"test/event_f1_macro": 0.5}', encoding="utf-8")
    return folder


def _same(loaded: Any, system: MIL) -> bool:
    return all(
        torch.equal(a, b) for a, b in zip(loaded.state_dict().values(), system.state_dict().values(), strict=True)
    )


def test_a_folder_is_the_run_and_needs_no_corpus(tmp_path: Path, system: MIL) -> None:
    chosen = choose_run(str(_run_folder(tmp_path / "a0b1c2", system)))
    assert (chosen.name, chosen.family, chosen.scores) == ("a0b1c2", "sed", {"test/event_f1_macro": 0.5})
    loaded = load_system(chosen)
    assert _same(loaded, system)
    assert not loaded.training
    facts = facts_of(chosen)
    assert (facts.classes, facts.sample_rate_hz, facts.symbols) == (CLASSES, 8000, ())


def test_an_exported_folder_says_all_itself(tmp_path: Path, system: MIL) -> None:
    weights = {name: value.contiguous() for name, value in system.state_dict().items()}
    save_file(weights, tmp_path / "model.safetensors")
    record = {
        "format": 1, "name": "mil", "key": "abc", "family": "sed", "config": CONFIG, "sample_rate_hz": 8000,
        "classes": CLASSES, "symbols": [], "weights": "model.safetensors",
    }  # fmt: skip
    (tmp_path / "earmark.json").write_text(json.dumps(record), encoding="utf-8")
    assert _same(load_system(choose_run(str(tmp_path))), system)
    for name in ("../elsewhere.safetensors", "none.safetensors"):
        (tmp_path / "earmark.json").write_text(json.dumps({**record, "weights": name}), encoding="utf-8")
        with pytest.raises(UserError, match="no such file in this folder"):
            choose_run(str(tmp_path))
    (tmp_path / "earmark.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UserError, match=r"earmark\.json: not as earmark export writes it"):
        choose_run(str(tmp_path))


def test_what_is_no_run_with_weights_is_said(tmp_path: Path, system: MIL) -> None:
    folder = _run_folder(tmp_path / "run", system)
    (folder / "checkpoints" / "best.ckpt").unlink()
    with pytest.raises(UserError, match=r"its weights .*best\.ckpt are gone"):
        choose_run(str(folder))
    (folder / "config.yaml").write_text("stage: score\n", encoding="utf-8")
    with pytest.raises(UserError, match="has no model; allowed: a run that was trained"):
        choose_run(str(folder))


def test_weights_of_another_system_are_refused_by_name(tmp_path: Path, system: MIL) -> None:
    folder = _run_folder(tmp_path / "run", system)
    torch.save({"state_dict": {"wrong": torch.zeros(1)}}, folder / "checkpoints" / "best.ckpt")
    (folder / "predictions").mkdir()
    np.savez(folder / "predictions" / "test.npz", classes=np.array(CLASSES))
    with pytest.raises(UserError, match="does not say its sample rate, and its corpus 'not/here' is not prepared"):
        load_system(choose_run(str(folder)))


class _Store:
    """A store with some runs, and their folders."""

    uri = "sqlite:///none.db"

    def __init__(self, root: Path, runs: list[TrackedRun]) -> None:
        self.root, self.runs = root, runs

    def run_dir(self, key: str) -> Path:
        return self.root / key

    def find(self, family: str, *, tags: dict[str, str], **_: object) -> list[TrackedRun]:
        return [run for run in self.runs if tags.items() <= run.tags.items()]

    def beginning_with(self, text: str) -> list[TrackedRun]:
        return [run for run in self.runs if run.tags["key"].startswith(text)]


@pytest.fixture
def store(tmp_path: Path, system: MIL, monkeypatch: pytest.MonkeyPatch) -> _Store:
    runs = []
    for seed, loss in ((0, 0.5), (1, 0.3), (2, 0.4)):
        key = f"abc{seed}"
        _run_folder(tmp_path / key, system)
        tags = {"key": key, "key.config": key, "row.weak_sed": "mil", "scale": "demo", "stage": "fit",
                "seed": str(seed), "earmark.state": "finished", "mlflow.runName": f"mil seed {seed}"}  # fmt: skip
        runs.append(TrackedRun(f"id{seed}", "finished", tags, {"validation/loss": loss, "test/event_f1_macro": -seed}))
    made = _Store(tmp_path, runs)
    monkeypatch.setattr("experiments.tracking.mlflow_store.Tracker", lambda home: made)
    return made


def test_of_a_row_the_seed_that_validation_prefers(store: _Store) -> None:
    assert choose_run("weak_sed/mil").name == "mil seed 1"  # the lowest validation/loss, whatever the test says


def test_the_newest_run_of_a_seed_counts(store: _Store) -> None:
    newest = store.runs[1]
    again = TrackedRun("id9", "finished", {**newest.tags, "key": "abc0"}, {"validation/loss": 0.9})
    store.runs.insert(0, again)
    assert choose_run("weak_sed/mil").name == "mil seed 2"


def test_by_the_beginning_of_a_key(store: _Store) -> None:
    assert choose_run("abc2").key_id == "abc2"
    with pytest.raises(UserError, match="fits 3 runs: id0"):
        choose_run("abc")
    with pytest.raises(UserError, match="no finished run in"):
        choose_run("fff")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("weak_sed/nope", "unknown row 'nope'"),
        ("weak_sed/fsl", "run: earmark run weak_sed --scale demo --rows fsl"),
        ("weak_sed/mil_oracle_tags", "its stage is 'score', so it has no weights; it stands on: weak_sed/mil"),
        ("no_table/mil", "no_table"),
        ("/nowhere/a0b1c2", "run '/nowhere/a0b1c2': no such folder; allowed: the folder of a run"),
        ("mlruns/runs/a0b1c2", "run 'mlruns/runs/a0b1c2': no such folder; allowed: the folder of a run"),
        ("garden", "neither a run's id or key"),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do(store: _Store, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        choose_run(text)
