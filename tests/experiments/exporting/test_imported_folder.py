"""An exported folder's weights as the checkpoint that a fine-tuned row starts from; what can't be imported says why."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import torch

from experiments.errors import UserError
from experiments.exporting.exported_folder import export
from experiments.exporting.imported_folder import _checkpoint, read_exported
from experiments.stored_results.best_weights import save_checkpoint
from lightning_modules.callbacks.fine_tuning import FineTuningPlan, GroupPlan
from lightning_modules.callbacks.seed_loading import start_from_seed


def test_a_row_starts_from_the_weights_of_a_folder(
    tiny: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EARMARK_DATA", str(tmp_path / "data"))
    seed = tiny.make("ctc, tdnn")
    export(tiny.run_folder(tmp_path / "a0b1", "ctc, tdnn", seed), tmp_path / "model")
    with pytest.raises(UserError, match=r"has no run.tar.xz: the run was in no store when it was exported"):
        read_exported(tmp_path / "model")
    save_checkpoint(_checkpoint(tmp_path / "model"), tmp_path / "checkpoints" / "best.ckpt")
    tuned = tiny.make("ctc, tdnn", seed=8)
    groups = {"encoder": GroupPlan(start="seed"), "outputs": GroupPlan(start="fresh")}
    start_from_seed(tuned, FineTuningPlan(groups=groups), tmp_path / "checkpoints" / "best.ckpt")
    for name, value in seed.encoder.state_dict().items():
        assert torch.equal(tuned.encoder.state_dict()[name], value), name
    assert not torch.equal(tuned.classifier.weight, seed.classifier.weight)


def test_another_folder_is_no_exported_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no earmark.json; allowed: a folder that earmark export wrote"):
        read_exported(tmp_path)
