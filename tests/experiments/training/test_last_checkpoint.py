"""What a training goes on from after a power cut, and in a folder that was moved."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from experiments.training.last_checkpoint import BEFORE, BEST, LAST, LastCheckpoint, is_whole, resumable


def _save(path: Path) -> None:
    state = {"best_model_path": "/elsewhere/best.ckpt"}
    torch.save({"weights": torch.arange(4096.0), "callbacks": {"ModelCheckpoint": state}}, path)


def _damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "cut":
        del data[len(data) // 2 :]
    elif how == "empty":
        data.clear()
    else:  # a page that never reached the disk; torch itself would read it
        data[4096:8192] = bytes(4096)
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["cut", "empty", "zeros"])
def test_damage_of_any_kind_is_seen(tmp_path: Path, how: str) -> None:
    _save(tmp_path / LAST)
    assert is_whole(tmp_path / LAST)
    _damage(tmp_path / LAST, how)
    assert not is_whole(tmp_path / LAST)


@pytest.mark.parametrize(
    ("there", "damaged", "choice", "said"),
    [
        ([], [], None, ""),
        ([LAST, BEFORE, BEST], [], LAST, ""),
        ([LAST, BEFORE, BEST], [LAST], BEFORE, "last.ckpt damaged (a power cut?): goes on from the checkpoint before"),
        ([LAST, BEST], [LAST], None, "last.ckpt damaged (a power cut?): training starts anew"),
        ([LAST, BEFORE, BEST], [LAST, BEFORE], None, "last.ckpt damaged (a power cut?): training starts anew"),
        ([BEFORE, BEST], [], BEFORE, "last.ckpt gone (a power cut?): goes on from the checkpoint before it"),
        ([LAST, BEFORE], [], None, "best.ckpt gone (a power cut?): training starts anew"),
        ([LAST, BEFORE, BEST], [BEST], None, "best.ckpt damaged (a power cut?): training starts anew"),
        ([LAST, BEFORE, BEST], [LAST, BEST], None, "last.ckpt damaged and best.ckpt damaged"),
    ],
)
def test_the_last_whole_one_is_taken_and_a_line_says_so(
    tmp_path: Path, there: list[str], damaged: list[str], choice: str | None, said: str
) -> None:
    for name in there:
        _save(tmp_path / name)
    for name in damaged:
        _damage(tmp_path / name, "zeros")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert resumable(tmp_path) == (tmp_path / choice if choice else None)
    assert [str(warning.message)[: len(said)] for warning in caught] == ([said] if said else [])


class Model(lightning.LightningModule):
    """Its validation is best in its first epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: torch.Tensor) -> torch.Tensor:
        return self.layer(batch).sum()

    def validation_step(self, batch: torch.Tensor) -> None:
        self.log("loss", float(self.current_epoch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def _train(folder: Path, *, epochs: int) -> ModelCheckpoint:
    best = ModelCheckpoint(folder, filename="best", monitor="loss", enable_version_counter=False)
    last = ModelCheckpoint(folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False)
    loader = torch.utils.data.DataLoader(torch.ones(2, 1), batch_size=1)
    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, callbacks=[best, last, LastCheckpoint(folder)],
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder,
    )  # fmt: skip
    trainer.fit(Model(), loader, loader, ckpt_path=resumable(folder), weights_only=True)
    return best


def test_a_resumed_training_in_a_moved_folder_keeps_its_best_epoch(tmp_path: Path) -> None:
    """Lightning alone takes the first epoch after the resume, whatever its score."""
    _train(tmp_path / "one", epochs=2)
    (tmp_path / "one").rename(tmp_path / "two")
    best = _train(tmp_path / "two", epochs=4)
    assert best.best_model_score is not None
    assert float(best.best_model_score) == 0.0
    assert best.best_model_path == str(tmp_path / "two" / BEST)
    assert torch.load(tmp_path / "two" / BEST, weights_only=True)["epoch"] == 0
    assert not (tmp_path / "one").exists()


def test_the_checkpoint_before_the_last_is_there_while_a_run_trains(tmp_path: Path) -> None:
    class Looks(lightning.Callback):
        seen: list[int]

        def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
            if (tmp_path / BEFORE).exists():
                names = (BEFORE, LAST)
                Looks.seen += [torch.load(tmp_path / name, weights_only=True)["epoch"] for name in names]

    Looks.seen = []
    last = ModelCheckpoint(tmp_path, filename="last", save_on_train_epoch_end=True, enable_version_counter=False)
    loader = torch.utils.data.DataLoader(torch.ones(2, 1), batch_size=1)
    trainer = lightning.Trainer(
        max_epochs=3, accelerator="cpu", logger=False, callbacks=[last, Looks(), LastCheckpoint(tmp_path)],
        enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(Model(), loader, loader)
    assert Looks.seen == [0, 1]
    assert not (tmp_path / BEFORE).exists()
