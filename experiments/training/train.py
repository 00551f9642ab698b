"""One run in one process: ``python -m experiments.training.train RUN_DIR``. Fit, predict, score; all stays in RUN_DIR.

The folder's ``config.yaml`` says all; the process knows neither tables nor MLflow. Rank 0 appends to the journal,
whose last line says ``finished`` only when the scores are on disk. A run that was interrupted goes on from
``checkpoints/last.ckpt``; with ``stage: score``, and where ``trained.json`` says that the folder has another run's
training, nothing is trained. A change here that changes results raises the version in ``recipe.py``, which is part of
every run's key.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.environments import SLURMEnvironment  # type: ignore[attr-defined]  # a re-export
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from datamodules.corpus_folder import home
from datamodules.run_warning import RunWarning
from experiments.configuration.labels_source import take_labeller
from experiments.configuration.schema import Parts, build
from experiments.contracts import KeepsFeatures, PredictingModule, scored_splits
from experiments.errors import UserError
from experiments.runs import keys, recipe
from experiments.runs.attempts import Attempt
from experiments.runs.journal import Journal
from experiments.runs.named_files import changed_since
from experiments.runs.own_code import find_own_code
from experiments.runs.run_folder import BEST, CONFIG, FEATURES, KEY, METRICS, PREDICTIONS, locked, offered
from experiments.runs.training_record import PARAMETERS, SCORING_SECONDS, SECONDS, TrainingRecord, read_record
from experiments.table_files.machine import set_on_data
from experiments.table_files.merge import Config
from experiments.table_files.row_sources import LABELS, SEED
from experiments.table_files.spec import SCORE_SECTIONS, SECTIONS
from experiments.table_files.stored_names import check_metrics
from experiments.table_files.yaml_files import read_yaml
from experiments.training.corpus_rules import follow_text_rules
from experiments.training.divergence import FiniteFigures
from experiments.training.early_stopping import LastingEarlyStopping
from experiments.training.journal_logger import JournalLogger, JournalProgress
from experiments.training.last_checkpoint import LastCheckpoint, resumable
from experiments.training.monitor_name import KnownMonitor, not_logged
from experiments.training.planned_data import check_planned_data
from experiments.training.random_state import RandomState
from experiments.training.resumed_order import ResumedOrder
from experiments.training.seed_overlap import say_seed_overlap
from lightning_modules.callbacks.averaged_weights import AveragedWeights
from lightning_modules.callbacks.fine_tuning import Freezing
from lightning_modules.callbacks.seed_loading import start_from_seed
from lightning_modules.callbacks.target_statistics import TargetStatistics
from lightning_modules.losses.finite import DivergedError

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux


class _Fitted(NamedTuple):
    """A training that has ended: the step after its last one, and what is known of its best epoch."""

    step: int
    metrics: Mapping[str, float]


def _trainer(parts: Parts, run_dir: Path, journal: Journal, machine: Mapping[str, Any]) -> lightning.Trainer:
    assert parts.checkpoint is not None
    folder, monitor, mode = run_dir / "checkpoints", parts.checkpoint.monitor, parts.checkpoint.mode
    chosen: dict[str, Any] = {"monitor": monitor, "mode": mode}
    if parts.checkpoint.average is not None:
        chosen["save_on_train_epoch_end"] = False  # but after validation, while the average is in the weights' place
    callbacks: list[lightning.Callback] = [
        ModelCheckpoint(folder, filename="best", save_weights_only=True, enable_version_counter=False, **chosen),
        # Said for check_val_every_n_epoch above 1: it would be saved inside an epoch, whose resume draws otherwise.
        ModelCheckpoint(folder, filename="last", save_on_train_epoch_end=True, enable_version_counter=False),
        LastCheckpoint(folder),
        JournalProgress(journal),
        KnownMonitor(monitor),
        FiniteFigures(monitor),
        RandomState(),  # before ResumedOrder, which draws as an uninterrupted epoch's start does
        ResumedOrder(),
    ]
    if parts.fine_tuning is not None:
        callbacks.append(Freezing(parts.fine_tuning))
        if parts.fine_tuning.statistics == "target":
            callbacks.append(TargetStatistics(parts.fine_tuning))
    if parts.checkpoint.average is not None:
        callbacks.append(AveragedWeights(parts.checkpoint.average))
    if parts.checkpoint.patience_epochs is not None:
        callbacks.append(LastingEarlyStopping(monitor, mode=mode, patience=parts.checkpoint.patience_epochs))
    devices = int(machine.get("devices", 1))
    settings = {"log_every_n_steps": 10, **{key: value for key, value in parts.trainer.items() if value is not None}}
    return lightning.Trainer(
        **settings,
        accelerator=machine.get("accelerator", "auto"),
        devices=devices,
        num_nodes=int(machine.get("num_nodes", 1)),
        strategy="ddp" if devices > 1 else "auto",
        logger=JournalLogger(journal),
        callbacks=callbacks,
        plugins=[SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else None,  # submitit requeues
        default_root_dir=run_dir,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,  # it pads, and padded clips are scored twice
    )


def _device(trainer: lightning.Trainer) -> str:
    """``cpu, 1 thread`` or ``cuda x 2, 4 threads``: sums are in another order on each."""
    kind, threads = trainer.strategy.root_device.type, torch.get_num_threads()
    processes = f" x {trainer.world_size}" if trainer.world_size > 1 else ""
    return f"{kind}{processes}, {threads} thread" + ("s" if threads > 1 else "")


def _load_seed(parts: Parts, seed: Path) -> None:
    assert parts.model is not None
    assert parts.fine_tuning is not None
    try:
        start_from_seed(parts.model, parts.fine_tuning, seed)
    except ValueError as error:
        raise UserError(f"fine_tuning: {error}") from None


def _fit(
    parts: Parts,
    run_dir: Path,
    journal: Journal,
    machine: Mapping[str, Any],
    *,
    seed: Path | None,
    attempt: Attempt | None,
) -> _Fitted | None:
    """Train, from the checkpoint ``seed`` where there is one, and write the predictions of the best epoch.

    None on the ranks that have no more to do; the other one goes on to score.
    """
    model, data = parts.model, parts.data
    assert isinstance(model, lightning.LightningModule)
    assert isinstance(data, lightning.LightningDataModule)
    trainer = _trainer(parts, run_dir, journal, machine)
    if attempt:
        attempt.runs_on(device=_device(trainer))
    last = resumable(run_dir / "checkpoints")
    if seed is not None and last is None:  # a resume has the weights of its own last epoch
        _load_seed(parts, seed)
    try:
        trainer.fit(model, datamodule=data, ckpt_path=last, weights_only=True)
    except MisconfigurationException:
        assert parts.checkpoint is not None
        if parts.checkpoint.monitor in (logged := trainer.callback_metrics):
            raise
        raise not_logged(parts.checkpoint.monitor, logged) from None
    if trainer.interrupted:
        raise KeyboardInterrupt
    trainer.strategy.barrier("best checkpoint is written")
    _predict(parts, run_dir, trainer)
    if not trainer.is_global_zero:
        return None
    metrics = {PARAMETERS: float(sum(p.numel() for p in model.parameters()))}
    chosen = trainer.checkpoint_callback
    assert isinstance(chosen, ModelCheckpoint)
    if chosen.best_model_score is not None:  # a folder that was moved has lost it
        metrics[str(chosen.monitor)] = float(chosen.best_model_score)
    return _Fitted(trainer.global_step, metrics)


def _predict(parts: Parts, run_dir: Path, trainer: lightning.Trainer) -> None:
    """Write the predictions of the best epoch's weights. Every rank must call it."""
    model, data = parts.model, parts.data
    assert isinstance(model, lightning.LightningModule)
    assert isinstance(model, PredictingModule)
    model.load_state_dict(torch.load(run_dir / BEST, map_location="cpu", weights_only=True)["state_dict"])
    folder = run_dir / PREDICTIONS
    folder.mkdir(exist_ok=True)
    for split in scored_splits(data):
        batches = trainer.predict(model, dataloaders=data.evaluation_dataloader(split))
        model.write_predictions(batches or [], clip_ids=data.clip_ids(split), path=folder / split)


def _fitted_before(
    trained: TrainingRecord,
    parts: Parts,
    run_dir: Path,
    journal: Journal,
    machine: Mapping[str, Any],
    *,
    attempt: Attempt | None,
) -> _Fitted | None:
    """The training of another run, of whose weights predictions are made where there are none; None as of ``_fit``."""
    if not trained.predicted_as:
        trainer = _trainer(parts, run_dir, journal, machine)
        if attempt:
            attempt.runs_on(device=_device(trainer))
        _predict(parts, run_dir, trainer)
        if not trainer.is_global_zero:
            return None
    return _Fitted(trained.step, trained.metrics)


def _check_key(run_dir: Path, config: Mapping[str, Any], sections: Config) -> None:
    """The run is stored under the key of its plan: code or data that changed since would be counted as the old."""
    planned = json.loads((run_dir / KEY).read_text(encoding="utf-8"))
    code = keys.code_digests(sections, recipe_version=recipe.VERSION, imports=config.get("imports") or ())
    if changed := keys.differing_files(planned["code"], code):
        raise UserError(f"code changed since this run was planned ({', '.join(changed)}); launch it again")
    check_planned_data(sections, digest=planned["data"])
    if edited := changed_since(run_dir / KEY, run="the plan"):
        raise UserError(edited)


def run(run_dir: Path, journal: Journal, *, attempt: Attempt | None = None, rank: int = 0) -> None:
    """Do what the folder's ``config.yaml`` says. Raises whatever goes wrong."""
    config = read_yaml(run_dir / CONFIG)
    machine, stage, seed = config.get("machine") or {}, config["stage"], config["seed"]
    trained = read_record(run_dir)
    only_scores = stage == "score" or (trained is not None and bool(trained.predicted_as))
    if rank and only_scores:
        return  # one process scores
    torch.set_num_threads(int(machine.get("threads", 1)))
    if attempt:
        attempt.runs_on(torch=str(torch.__version__))
    lightning.seed_everything(seed, workers=True, verbose=False)
    sections = {name: config[name] for name in SECTIONS if name in config}
    _check_key(run_dir, config, sections)
    follow_text_rules(sections)
    sections = {name: value for name, value in sections.items() if not only_scores or name in SCORE_SECTIONS}
    parts = build(
        sections, stage="score" if only_scores else stage, seed=seed, where=str(run_dir.name),
        imports=config.get("imports") or (),
    )  # fmt: skip
    set_on_data(parts.data, {"num_workers": 0, **machine})
    parts.data.setup("score" if only_scores else "fit")
    if parts.model is not None and isinstance(parts.model, KeepsFeatures):
        parts.model.keep_features_in(home() / "mlruns" / FEATURES)
    sources = {name: run_dir / folder for name, folder in (config.get("from") or {}).items()}
    seed_run, labels_run = (sources.pop(name, None) if stage == "fit" else None for name in (SEED, LABELS))
    if seed_run and not rank:
        say_seed_overlap(config, parts.data, folder=run_dir / "scores")
    if parts.model is not None and trained is None:
        take_labeller(parts.model, labels_run / BEST if labels_run else None)
    predictions = {name: offered(folder) for name, folder in sources.items()}
    ended = _Fitted(0, {})
    if stage == "fit":
        predictions["own"] = run_dir / PREDICTIONS
        if trained is not None:
            fitted = _fitted_before(trained, parts, run_dir, journal, machine, attempt=attempt)
        else:
            fitted = _fit(parts, run_dir, journal, machine, seed=seed_run / BEST if seed_run else None, attempt=attempt)
        if fitted is None:
            return  # ranks above 0 end here
        ended = fitted
        if trained is None:
            journal.fitted({**ended.metrics, SECONDS: journal.working_seconds()}, step=ended.step)
    references = {split: parts.data.references(split) for split in scored_splits(parts.data)}
    (output_dir := run_dir / "scores").mkdir(exist_ok=True)
    scores = parts.scoring.score(predictions=predictions, references=references, output_dir=output_dir)
    (run_dir / METRICS).write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    _check_scores(scores, stage=stage)
    spent = attempt.end() if attempt else {}
    # MLflow shows the highest step: values of the best epoch stand after all that training logged under their names.
    seconds = journal.working_seconds()
    spent = {SECONDS: seconds, **spent} if trained is None else {SCORING_SECONDS: seconds}  # time of training stays
    journal.metrics({**ended.metrics, **scores, **spent}, step=ended.step)
    if stage == "fit":
        from experiments.training.curves import draw_learning_curves

        draw_learning_curves(run_dir)
    journal.state("finished")


def _check_scores(scores: Mapping[str, float], *, stage: str) -> None:
    """Names that no store takes are refused where nothing was trained; a training is worth more than its worst name."""
    try:
        check_metrics(scores)
    except UserError as error:
        if stage == "score":
            raise
        warnings.warn(f"scoring: {error}; it stays in {METRICS}, MLflow gets the others", RunWarning, stacklevel=1)


def _journal_warnings(journal: Journal) -> None:
    """Warnings that are meant for the run's user go into the journal too, from where the launcher shows them."""
    show = warnings.showwarning

    def also_journal(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        show(message, category, *place, **more)
        if issubclass(category, RunWarning):
            journal.warning(str(message))

    warnings.showwarning = also_journal


def _end_with_rank_0() -> None:
    """A rank that hangs in a collective hears no signal: Linux ends it with the process that started it."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Run one folder under its lock; the journal says how it ended, on one line."""
    find_own_code()
    (run_dir,) = (Path(argument).resolve() for argument in arguments)
    slurm = SLURMEnvironment.detect()
    rank = int(os.environ.get("SLURM_PROCID" if slurm else "LOCAL_RANK", "0"))
    journal = Journal(run_dir)
    if rank:
        if not slurm:
            _end_with_rank_0()
        run(run_dir, journal, rank=rank)
        return 0
    _journal_warnings(journal)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Lightning's own handler takes over while it trains
    with locked(run_dir) as mine:
        if not mine:
            print(f"{run_dir}: another process works on this run", file=sys.stderr)
            return 1
        journal.state("started")
        attempt = Attempt(run_dir)
        try:
            run(run_dir, journal, attempt=attempt)
        except (KeyboardInterrupt, SystemExit):
            journal.state("stopped", "asked to stop; it goes on from its last checkpoint")
            return 143
        except UserError as error:
            journal.state("failed", str(error), lasting=True)
            print(error, file=sys.stderr)
            return 1
        except Exception as error:
            traceback.print_exc()
            reason = (str(error).strip().splitlines() or [""])[0]
            lasting = isinstance(error, MisconfigurationException | DivergedError)
            journal.state("failed", f"{type(error).__name__}: {reason}", lasting=lasting)
            return 1
        finally:
            attempt.end()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
