"""The checkpoint that a training goes on from: the last whole one, wherever its folder lies now.

A power cut can leave a file at its full length with part of its bytes. The checkpoint before the last one is kept while
a run trains, which costs one more file and no time. torch does not look at the checksums in its files; we do.
"""

from __future__ import annotations

import contextlib
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning
import torch

from datamodules.run_warning import RunWarning

LAST, BEFORE, BEST = "last.ckpt", "before_last.ckpt", "best.ckpt"


def is_whole(path: Path) -> bool:
    """Whether every byte of a checkpoint is as it was written, by the checksums in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, EOFError, ValueError, NotImplementedError):
        return False


def resumable(folder: Path) -> Path | None:
    """The checkpoint to go on from; None for a start from the beginning. A warning names what is damaged.

    Without the best epoch's weights a resumed training would have nothing to score when no later epoch is better.
    """
    found = next((path for path in (folder / LAST, folder / BEFORE) if is_whole(path)), None)
    last, best = folder / LAST, folder / BEST
    spoilt = [last] if found != last and (found or last.exists()) else []
    if not is_whole(best) and (best.exists() or (found and _has_best(found))):
        spoilt.append(best)
        found = None
    if spoilt:
        what = " and ".join(f"{path.name} {'damaged' if path.exists() else 'gone'}" for path in spoilt)
        how = "goes on from the checkpoint before it" if found else "training starts anew"
        warnings.warn(f"{what} (a power cut?): {how}", RunWarning, stacklevel=2)
    return found


def _has_best(checkpoint: Path) -> bool:
    """Whether an epoch was validated before a checkpoint, so that its weights should be there."""
    states = torch.load(checkpoint, map_location="cpu", weights_only=True).get("callbacks", {}).values()
    return any(isinstance(state, dict) and Path(state.get("best_model_path", "")).name == BEST for state in states)


class LastCheckpoint(lightning.Callback):
    """Keeps the checkpoint before the last one, and lets a folder that was moved keep its best epoch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Before the next checkpoint takes its place: Lightning calls its own checkpoints last."""
        last, aside = self._folder / LAST, self._folder / f"{BEFORE}.partial"
        if trainer.is_global_zero and last.exists():
            with contextlib.suppress(OSError):  # a file system without links keeps one checkpoint
                aside.unlink(missing_ok=True)
                os.link(last, aside)
                aside.replace(self._folder / BEFORE)

    def on_fit_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Nothing goes on from a training that has ended."""
        if trainer.is_global_zero and not trainer.interrupted:
            (self._folder / BEFORE).unlink(missing_ok=True)

    def on_load_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Lightning forgets the best score of a checkpoint whose folder has another path, and takes the next epoch."""
        for state in checkpoint.get("callbacks", {}).values():
            if isinstance(state, dict) and "best_model_path" in state:
                state.update(self._moved(state))

    def _moved(self, state: dict[str, Any]) -> dict[str, Any]:
        paths = ("best_model_path", "kth_best_model_path", "last_model_path")
        return {
            "dirpath": str(self._folder),
            **{name: self._here(state[name]) for name in paths if name in state},
            "best_k_models": {self._here(path): score for path, score in state.get("best_k_models", {}).items()},
        }

    def _here(self, path: str) -> str:
        return str(self._folder / Path(path).name) if path else path
