"""One strict parse a row: the signatures of the classes that a configuration names are its schema.

jsonargparse checks names and types and builds the objects; merging was done before (merge.py), because its own keeps
or drops arguments silently when a class changes. Only allow-listed packages can be named: naming a class imports its
module. A mistake comes back as one line that names the key and what is allowed.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import pytorch_lightning as lightning
from jsonargparse import ArgumentError, ArgumentParser, Namespace, set_parsing_settings

from experiments.configuration import fine_tuning_section
from experiments.configuration.parse_errors import explain
from experiments.configuration.schedules import with_length
from experiments.configuration.trainer_section import check_trainer
from experiments.contracts import EvaluationData, PredictingModule
from experiments.errors import UserError, unknown
from experiments.runs import moved_files
from experiments.table_files.merge import Config
from lightning_modules.callbacks.averaged_weights import Average
from lightning_modules.callbacks.fine_tuning import FineTuningPlan
from lightning_modules.scoring import Scoring

ALLOWED_IMPORTS = ("lightning_modules", "datamodules", "torch.optim")
# What the runner decides, not a table: where files go, which machine, who shards the data.
RUNNER_TRAINER_KEYS = {
    "accelerator", "strategy", "devices", "num_nodes", "logger", "callbacks", "fast_dev_run", "default_root_dir",
    "enable_progress_bar", "enable_model_summary", "enable_checkpointing", "use_distributed_sampler", "profiler",
    "plugins", "model_registry", "detect_anomaly", "barebones", "enable_autolog_hparams",
    "reload_dataloaders_every_n_epochs",
}  # fmt: skip


LINKED = ("classes", "symbols", "sample_rate_hz")  # arguments of a model that are attributes of its data module
FROM_DATA = {*(f"model.{name}" for name in LINKED), "data.seed"}  # so that they cannot disagree


@dataclass(frozen=True)
class Checkpoint:
    """Which epoch's weights are kept for scoring, and when training stops early.

    ``patience_epochs`` None trains all ``trainer.max_epochs``. ``average`` None keeps an epoch's own weights.
    """

    monitor: str
    mode: Literal["min", "max"]
    patience_epochs: int | None = None
    average: Average | None = None


CLASS_SECTIONS = ("data", "model", "scoring")
PLAIN_SECTIONS = {"trainer": lightning.Trainer, "checkpoint": Checkpoint}


@dataclass(frozen=True)
class Parts:
    """The objects of one run; a ``stage: score`` run has neither model nor trainer."""

    data: EvaluationData
    scoring: Scoring
    model: lightning.LightningModule | None
    trainer: dict[str, Any]
    checkpoint: Checkpoint | None
    fine_tuning: FineTuningPlan | None = None


def _parser(stage: str, imports: Sequence[str], model: str = "") -> ArgumentParser:
    allowed = [*ALLOWED_IMPORTS, *imports]
    set_parsing_settings(import_path_denylist=["*"], import_path_allowlist=allowed)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(lightning.LightningDataModule, "data", required=True)
    parser.add_subclass_arguments(Scoring, "scoring", required=True)
    if stage == "fit":
        parser.add_subclass_arguments(lightning.LightningModule, "model", required=True)
        parser.add_class_arguments(Checkpoint, "checkpoint")
        parser.add_class_arguments(lightning.Trainer, "trainer", skip=RUNNER_TRAINER_KEYS, instantiate=False)
        for name in linked(model, allowed):
            parser.link_arguments(f"data.{name}", f"model.init_args.{name}", apply_on="instantiate")
    return parser


def linked(model: str, allowed: Sequence[str]) -> list[str]:
    """Which of ``LINKED`` a model's constructor takes, or hands on to a base class as ``**arguments``.

    None where its name leads nowhere: the parse says so.
    """
    module, _, name = model.rpartition(".")
    if not any(module == package or module.startswith(f"{package}.") for package in allowed):
        return []
    try:
        bases = inspect.getmro(getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError):
        return []
    parameters = {
        parameter for base in bases for parameter in inspect.signature(vars(base).get("__init__", object)).parameters
    }
    return [name for name in LINKED if name in parameters]


def parse(
    config: Config, *, stage: str, seed: int, where: str, imports: Sequence[str] = ()
) -> tuple[ArgumentParser, Namespace]:
    """Check a merged configuration strictly. Raises ``UserError`` in one line that begins with ``where``."""
    wanted = ("data", "scoring", "model", "trainer", "checkpoint") if stage == "fit" else ("data", "scoring")
    for section in wanted:
        if not config.get(section):
            raise UserError(f"{where}: {section}: missing; a run of stage {stage!r} needs {', '.join(wanted)}")
    config = {
        section: class_spec(value, where=f"{where}: {section}") if section in CLASS_SECTIONS else value
        for section, value in config.items()
    }
    for section in PLAIN_SECTIONS:
        if section in wanted and not isinstance(config[section], dict):
            raise UserError(f"{where}: {section}: expected a mapping, got {config[section]!r}")
    _refuse_loopholes(config, where=where, path="")
    sections: dict[str, Any] = dict(PLAIN_SECTIONS)
    if stage == "fit":
        config = with_length(config, where=where)
        sections |= fine_tuning_section.schema(config, where=where)
    parser = _parser(stage, imports, config["model"]["class_path"] if stage == "fit" else "")
    fine_tuning_section.add_arguments(parser, sections)
    seeded = deepcopy(config)  # of classes in a mapping the parser makes namespaces in place
    seeded["data"]["init_args"]["seed"] = seed
    try:
        parsed = parser.parse_object(seeded)
    except (ArgumentError, TypeError, ValueError) as error:
        allowed = [*ALLOWED_IMPORTS, *imports]
        hidden = RUNNER_TRAINER_KEYS | {path.partition(".")[2] for path in FROM_DATA}
        line = explain(str(error), config, packages=allowed, sections=sections, hidden=hidden)
        raise UserError(f"{where}: {line}") from None
    if stage == "fit":
        check_trainer(vars(parsed.trainer), where=where)
    return parser, parsed


def class_spec(value: Any, *, where: str) -> Config:
    """A class with its arguments; a bare import path is a class without any."""
    spec = {"class_path": value} if isinstance(value, str) else value
    if not isinstance(spec, dict) or not isinstance(spec.get("class_path"), str):
        raise UserError(f"{where}: expected a class (class_path: package.module.Class, init_args: …), got {value!r}")
    arguments = spec.get("init_args")
    if not (arguments is None or isinstance(arguments, dict)):
        raise UserError(f"{where}: init_args: expected a mapping, got {arguments!r}")
    return {**spec, "init_args": arguments or {}}


def build(config: Config, *, stage: str, seed: int, where: str, imports: Sequence[str] = ()) -> Parts:
    """Parse and instantiate. A constructor's ``ValueError`` is the user's mistake too, and so is the optimiser's."""
    parser, namespace = parse(config, stage=stage, seed=seed, where=where, imports=imports)
    try:
        objects = parser.instantiate(namespace)
    except (ValueError, FileNotFoundError) as error:
        raise UserError(f"{where}: {_refusal(error)}") from error
    if not isinstance(objects.data, EvaluationData):
        raise UserError(f"{where}: data: {type(objects.data).__name__} lacks what contracts.EvaluationData asks")
    if stage == "fit" and not isinstance(objects.model, PredictingModule):
        raise UserError(f"{where}: model: {type(objects.model).__name__} lacks contracts.PredictingModule's method")
    try:
        if stage == "fit":
            objects.scoring.check(objects.model)
    except ValueError as error:
        raise UserError(f"{where}: {_refusal(error)}") from error
    try:
        if stage == "fit":
            objects.model.configure_optimizers()  # made from the weights: only here is lr -1 refused
    except ValueError as error:
        raise UserError(f"{where}: model.optimizer or model.scheduler: {_refusal(error)}") from error
    if stage == "fit":
        _check_average(objects.checkpoint, vars(objects.trainer), where=where)
    plan = fine_tuning_section.plan(objects, where=where)
    return Parts(
        data=objects.data,
        scoring=objects.scoring,
        model=objects.get("model"),
        trainer=vars(objects.trainer) if stage == "fit" else {},
        checkpoint=objects.get("checkpoint"),
        fine_tuning=plan,
    )


def _check_average(checkpoint: Checkpoint, trainer: dict[str, Any], *, where: str) -> None:
    """Refuse an average that would never begin."""
    average, epochs = checkpoint.average, trainer.get("max_epochs")
    if average is not None and epochs is not None and 0 <= epochs <= average.from_epoch:
        raise UserError(
            f"{where}: checkpoint.average.from_epoch: {average.from_epoch}, allowed: from 0 to {epochs - 1}, since "
            f"trainer.max_epochs is {epochs}"
        )


def _refusal(error: BaseException) -> str:
    """What a constructor said, out of jsonargparse's retelling of every alternative that it tried."""
    reasons = []
    link: BaseException | None = error
    while link is not None:
        reasons.append(link)
        link = link.__cause__ or link.__context__
    said = [reason for reason in reasons if "\n" not in str(reason)]
    return str(said[-1] if said else error)


def _refuse_loopholes(value: Any, *, where: str, path: str) -> None:
    """What slips past jsonargparse: ``dict_kwargs``, and short names of classes that happen to be imported."""
    if isinstance(value, dict):
        if "class_path" in value:
            for name in sorted(set(value) - {"class_path", "init_args"}):
                raise UserError(f"{where}: {path}: {unknown('key', name, ('class_path', 'init_args'))}")
            if today := moved_files.name_today(str(value["class_path"])):
                raise UserError(f"{where}: {path}.class_path: {value['class_path']!r} is now {today!r}")
            if "." not in str(value["class_path"]):
                raise UserError(
                    f"{where}: {path}: {value['class_path']!r} is not an import path (package.module.Class)"
                )
        for key, item in value.items():
            inside = path if key == "init_args" else f"{path}.{key}".lstrip(".")
            if inside in FROM_DATA:
                raise UserError(f"{where}: {inside}: comes from the data module and the run's seed, do not set it")
            _refuse_loopholes(item, where=where, path=inside)
