"""A finished run as a folder for others: graphs, weights, what it knows, its own way to run, its card, its record.

Written beside the wanted place under another name and moved there whole, so that a folder of the name is a whole one.
Every graph is held against the system first; one that differs by more than ``parity.MOST`` is not written.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning

from experiments.applying.chosen_run import EXPORTED, ChosenRun
from experiments.applying.loaded_system import ModelFacts, facts_of, load_system
from experiments.applying.predicting.chosen_predictor import LONGEST_CLIP, longest_clip
from experiments.errors import UserError, first_line
from experiments.exporting.exportable import Exportable, NotExportableError, exportable
from experiments.exporting.graphs import FEATURES, WAVEFORM, log_mel_of
from experiments.exporting.model_card import CARD, model_card
from experiments.exporting.onnx_files import OPSET, write_onnx
from experiments.exporting.parity import MOST, Parity, measure
from experiments.exporting.run_record import RECORD, write_record
from experiments.exporting.shipped_code import shipped_files
from experiments.runs import recipe
from experiments.runs.keys import code_digests
from experiments.runs.run_folder import TEXT_RULES
from experiments.stored_results.best_weights import as_safetensors, kept_of, read_weights

FORMAT = 1
WEIGHTS = "model.safetensors"
LOG_MEL = "log_mel.npz"
SCORES = ("postprocessing.json", "decoding.json")  # of a run's scores/: how its figures were decoded


@dataclass(frozen=True)
class Export:
    """What was written: where, the proof, and what the folder can't do, in words."""

    folder: Path
    system: Exportable
    parity: Parity
    without: tuple[str, ...]


def export(
    chosen: ChosenRun, folder: Path, *, inside: bool = True, also: Sequence[Callable[[Path, Exportable], None]] = ()
) -> Export:
    """Write ``folder``; each of ``also`` adds to it before it is in its place.

    Raises ``UserError`` where something is there already, where the system has no graph, or where one is not exact.
    """
    check_free(folder)
    system, facts = load_system(chosen), facts_of(chosen)
    try:
        graphs = exportable(system, inside=inside)
    except NotExportableError as error:
        raise UserError(f"run {chosen.name}: can't be exported: {error}") from None
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.partial-"))
    try:
        parity = _write_graphs(chosen, graphs, aside)
        without = _write_rest(chosen, system, facts, graphs, parity, aside)
        for add in also:
            add(aside, graphs)
        aside.chmod(0o755)
        aside.rename(folder)  # onto an empty folder too
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Export(folder, graphs, parity, without)


def check_free(folder: Path) -> None:
    """Raises ``UserError`` for a file, and for a folder that has something in it."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        raise UserError(f"{folder}: is there already; allowed: a new folder, or an empty one")


def check_exact(graphs: Exportable, folder: Path) -> Parity:
    """Write the graphs and compare. Raises ``NotExportableError``, of torch's exporter too."""
    try:
        for name, graph in graphs.graphs.items():
            write_onnx(graph, folder / name)
        parity = measure(graphs, folder)
    except UserError:
        raise
    except Exception as error:  # of torch's exporter, onnx's checker and the runtime: each has a dozen kinds of its own
        raise NotExportableError(f"{type(error).__name__}: {first_line(error)[:200]}") from None
    if not parity.largest <= MOST:
        place = max(parity.differences, key=parity.differences.__getitem__)
        raise NotExportableError(f"{place} differs by {parity.largest:.1e} in onnxruntime, allowed: {MOST:.0e}")
    return parity


def _write_graphs(chosen: ChosenRun, graphs: Exportable, folder: Path) -> Parity:
    try:
        return check_exact(graphs, folder)
    except NotExportableError as error:
        raise UserError(f"run {chosen.name}: can't be exported: {error}") from None


def _write_rest(
    chosen: ChosenRun, system: lightning.LightningModule, facts: ModelFacts, graphs: Exportable, parity: Parity,
    folder: Path,
) -> tuple[str, ...]:  # fmt: skip
    (folder / WEIGHTS).write_bytes(as_safetensors(system.state_dict()))
    _write_scores(chosen, folder)
    if not graphs.inside:
        _write_log_mel(system, folder / LOG_MEL)
    for name, text in shipped_files().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    record = exported_record(chosen, facts, graphs, parity)
    (folder / EXPORTED).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    missing = write_record(chosen, folder / RECORD)
    (folder / CARD).write_text(model_card(chosen, facts, graphs, parity), encoding="utf-8")
    return () if missing is None else (missing,)


def exported_record(chosen: ChosenRun, facts: ModelFacts, graphs: Exportable, parity: Parity) -> dict[str, Any]:
    """``earmark.json``: what ``experiments.applying`` and the folder's own script read."""
    checkpoint, _ = read_weights(chosen.weights)
    return {
        "format": FORMAT,
        "name": chosen.name,
        "key": chosen.key_id,
        "family": chosen.family,
        "config": chosen.config,
        "imports": list(chosen.imports),
        **asdict(facts),
        **({} if chosen.text_rules is None else {TEXT_RULES: chosen.text_rules}),
        LONGEST_CLIP: longest_clip(chosen.folder) if facts.classes else 0,
        "weights": WEIGHTS,
        "code": code_digests(chosen.config, recipe_version=recipe.VERSION, imports=chosen.imports),
        "scores": {name: value for name, value in chosen.scores.items() if np.isfinite(value)},
        "checkpoint": kept_of(checkpoint),
        "onnx": {
            "kind": graphs.kind,
            "files": list(graphs.graphs),
            "input": WAVEFORM if graphs.inside else FEATURES,
            "outputs": {name: list(graph.outputs) for name, graph in graphs.graphs.items()},
            "batch": 1,
            "hop_seconds": graphs.hop_seconds,
            "opset": OPSET,
            "parity": {"allowed": MOST, "largest": parity.largest, **asdict(parity)},
        },
    }


def _write_scores(chosen: ChosenRun, folder: Path) -> None:
    for name in SCORES:
        if (path := chosen.folder / "scores" / name).is_file():
            (folder / "scores").mkdir(exist_ok=True)
            shutil.copyfile(path, folder / "scores" / name)


def _write_log_mel(system: lightning.LightningModule, path: Path) -> None:
    log_mel = log_mel_of(system)
    assert log_mel is not None
    arrays: Mapping[str, Any] = {
        "filters_KM": log_mel.get_buffer("filters_KM").numpy(),
        "window_N": log_mel.get_buffer("window").numpy(),
        "hop_samples": np.array(log_mel.hop_samples),
    }
    np.savez(path, **arrays)
