"""What comes after a run was used: predictions are corrected, a text is aligned, a network is shown to others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as lightning

from experiments.commands.shell.next_command import say_next, with_scale
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.asr.ctc.ctc_output import CtcOutput
from lightning_modules.asr.whisper.whisper_recogniser import WhisperRecogniser

CORRECTED_BESIDE = {"audacity", "raven"}  # label files that are corrected where they lie, beside their recordings


def after_events(run: str, scale: str | None, folders: Sequence[Path], formats: Sequence[str]) -> None:
    """``folders`` have recordings with predictions in ``formats`` beside them; empty where these went elsewhere."""
    if folders and CORRECTED_BESIDE & set(formats):
        words = ("data", "import", "corrected", "--task", "events", "--train", *map(str, folders))
        say_next(*words, why="once their labels are corrected (docs/correct_and_train_again.md)")
    else:
        say_next("demo", *with_scale(run, scale), "--output", "page", why="the same in a browser, curves and all")


def after_texts(system: lightning.LightningModule, run: str, scale: str | None, *, audio: Path | None = None) -> None:
    """``audio`` has its text beside it, in a file that one may correct."""
    if audio is not None and isinstance(system, CtcOutput):
        text = str(audio.with_suffix(".txt"))
        words = ("align", *with_scale(run, scale), "--audio", str(audio), "--text", text)
        say_next(*words, why="when each word is said, once its text is corrected")
    elif isinstance(system, CTC):
        say_next("demo", *with_scale(run, scale), "--output", "page", why="its posteriors and texts in a browser")
    elif not isinstance(system, WhisperRecogniser):  # which has no graph to export
        say_next("export", *with_scale(run, scale), "exported", why="the recogniser as files that need no earmark")
