"""A chosen run's system with its weights, and what it knows of its data: no corpus is needed where the run says it."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning

from datamodules.corpus_folder import CorpusMissingError, home
from datamodules.joined_corpora import read_cards
from datamodules.run_warning import RunWarning
from experiments.applying.chosen_run import EXPORTED, ChosenRun
from experiments.configuration.model_alone import build_model
from experiments.errors import UserError
from experiments.runs.run_folder import PREDICTIONS
from experiments.stored_results.best_weights import LEARNT_FROM, SYMBOLS, read_weights
from experiments.table_files.table_values import corpus_of
from experiments.tracking.store_place import store_place


@dataclass(frozen=True)
class ModelFacts:
    """What a data module would tell the system: ``classes`` of sound events or ``symbols`` of speech, else empty."""

    sample_rate_hz: int
    classes: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()

    def given(self) -> dict[str, Any]:
        """Those that are known, by the names of constructors' arguments."""
        known = {"sample_rate_hz": self.sample_rate_hz, "classes": self.classes, "symbols": self.symbols}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items() if value}


def load_system(chosen: ChosenRun) -> lightning.LightningModule:
    """The system on the CPU in evaluation mode. Raises ``UserError`` where code and weights do not fit any more."""
    facts = facts_of(chosen)
    model = build_model(chosen.config["model"], facts=facts.given(), where=f"run {chosen.name}", imports=chosen.imports)
    _, weights = read_weights(chosen.weights)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        line = " ".join(str(error).split())[:300]
        raise UserError(f"run {chosen.name}: its weights do not fit the system of today's code: {line}") from None
    return model.eval()


def facts_of(chosen: ChosenRun) -> ModelFacts:
    """What the run itself says or, where it does not, its corpus: that on this disk, or the card that it came with."""
    if (path := chosen.folder / EXPORTED).is_file():
        record = json.loads(path.read_text(encoding="utf-8"))
        return ModelFacts(int(record["sample_rate_hz"]), tuple(record["classes"]), tuple(record["symbols"]))
    checkpoint, _ = read_weights(chosen.weights)
    learnt = checkpoint.get(LEARNT_FROM) or {}
    symbols, classes = tuple(checkpoint.get(SYMBOLS) or ()), tuple(learnt.get("classes") or ())
    if not symbols and not classes:
        classes = _predicted_classes(chosen.folder)
    if "sample_rate_hz" in learnt and classes:
        return ModelFacts(int(learnt["sample_rate_hz"]), classes, symbols)
    return _of_corpus(chosen, classes=classes, symbols=symbols)


def _predicted_classes(folder: Path) -> tuple[str, ...]:
    path = folder / PREDICTIONS / "test.npz"
    if not path.is_file():
        return ()
    with np.load(path, allow_pickle=False) as file:
        return tuple(file["classes"].tolist()) if "classes" in file else ()


def _of_corpus(chosen: ChosenRun, *, classes: tuple[str, ...], symbols: tuple[str, ...]) -> ModelFacts:
    corpus = corpus_of(chosen.config)
    try:
        card = read_cards(corpus)
    except CorpusMissingError as error:
        from experiments.stored_results.packs.merged_references import merged_card

        merged = merged_card(store_place(home()).root, chosen.corpus_digest, corpus)
        if merged is None:
            raise UserError(f"run {chosen.name} does not say its sample rate, and its {error}") from None
        card = merged
    if chosen.corpus_digest and card.digest != chosen.corpus_digest:
        text = (
            f"run {chosen.name} was trained on another {corpus} than the one on this disk, whose sample rate is taken"
        )
        warnings.warn(text, RunWarning, stacklevel=2)
    return ModelFacts(card.sample_rate_hz, classes or (() if symbols else card.classes), symbols)
