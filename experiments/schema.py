"""One strict parse a row: the signatures of the classes that a configuration names are its schema.

jsonargparse checks names and types and builds the objects; merging was done before (merge.py), because its own keeps
or drops arguments silently when a class changes. Only allow-listed packages can be named: naming a class imports its
module. A mistake comes back as one line that names the key and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytorch_lightning as lightning
from jsonargparse import ArgumentError, ArgumentParser, Namespace, set_parsing_settings

from experiments.contracts import EvaluationData, PredictingModule
from experiments.errors import UserError, unknown
from experiments.merge import Config, get_path
from lightning_modules.scoring import Scoring

ALLOWED_IMPORTS = ("lightning_modules", "datamodules", "torch.optim")
# What the runner decides, not a table: where files go, which machine, who shards the data.
RUNNER_TRAINER_KEYS = {
    "accelerator", "strategy", "devices", "num_nodes", "logger", "callbacks", "fast_dev_run", "default_root_dir",
    "enable_progress_bar", "enable_model_summary", "enable_checkpointing", "use_distributed_sampler", "profiler",
    "plugins", "model_registry", "detect_anomaly", "barebones", "enable_autolog_hparams",
    "reload_dataloaders_every_n_epochs",
}  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """Which epoch's weights are kept for scoring, and when training stops early.

    ``patience_epochs`` None trains all ``trainer.max_epochs``.
    """

    monitor: str
    mode: Literal["min", "max"]
    patience_epochs: int | None = None


@dataclass(frozen=True)
class Parts:
    """The objects of one run; a ``stage: score`` run has neither model nor trainer."""

    data: EvaluationData
    scoring: Scoring
    model: lightning.LightningModule | None
    trainer: dict[str, Any]
    checkpoint: Checkpoint | None


def _parser(stage: str, imports: Sequence[str]) -> ArgumentParser:
    set_parsing_settings(import_path_denylist=["*"], import_path_allowlist=[*ALLOWED_IMPORTS, *imports])
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(lightning.LightningDataModule, "data", required=True)
    parser.add_subclass_arguments(Scoring, "scoring", required=True)
    if stage == "fit":
        parser.add_subclass_arguments(lightning.LightningModule, "model", required=True)
        parser.add_class_arguments(Checkpoint, "checkpoint")
        parser.add_class_arguments(lightning.Trainer, "trainer", skip=RUNNER_TRAINER_KEYS, instantiate=False)
        for name in ("classes", "sample_rate_hz"):
            parser.link_arguments(f"data.{name}", f"model.init_args.{name}", apply_on="instantiate")
    return parser


def parse(
    config: Config, *, stage: str, seed: int, where: str, imports: Sequence[str] = ()
) -> tuple[ArgumentParser, Namespace]:
    """Check a merged configuration strictly. Raises ``UserError`` in one line that begins with ``where``."""
    wanted = ("data", "scoring", "model", "trainer", "checkpoint") if stage == "fit" else ("data", "scoring")
    for section in wanted:
        if not config.get(section):
            raise UserError(f"{where}: {section}: missing; a run of stage {stage!r} needs {', '.join(wanted)}")
    _refuse_loopholes(config, where=where, path="")
    parser = _parser(stage, imports)
    seeded = {**config, "data": {**config["data"], "init_args": {**config["data"]["init_args"], "seed": seed}}}
    try:
        return parser, parser.parse_object(seeded)
    except (ArgumentError, TypeError, ValueError) as error:
        raise UserError(f"{where}: {_one_line(str(error), config)}") from None


def build(config: Config, *, stage: str, seed: int, where: str, imports: Sequence[str] = ()) -> Parts:
    """Parse and instantiate. A constructor's ``ValueError`` is the user's mistake too."""
    parser, namespace = parse(config, stage=stage, seed=seed, where=where, imports=imports)
    try:
        objects = parser.instantiate(namespace)
    except (ValueError, FileNotFoundError) as error:
        raise UserError(f"{where}: {error}") from error
    if not isinstance(objects.data, EvaluationData):
        raise UserError(f"{where}: data: {type(objects.data).__name__} lacks what contracts.EvaluationData asks")
    if stage == "fit" and not isinstance(objects.model, PredictingModule):
        raise UserError(f"{where}: model: {type(objects.model).__name__} lacks contracts.PredictingModule's method")
    return Parts(
        data=objects.data,
        scoring=objects.scoring,
        model=objects.get("model"),
        trainer=vars(objects.trainer) if stage == "fit" else {},
        checkpoint=objects.get("checkpoint"),
    )


def _refuse_loopholes(value: Any, *, where: str, path: str) -> None:
    """``dict_kwargs`` slip past jsonargparse's check of names."""
    if isinstance(value, dict):
        extra = set(value) - {"class_path", "init_args"}
        if "class_path" in value and extra:
            name = sorted(extra)[0]
            raise UserError(f"{where}: {path}: {unknown('key', name, ('class_path', 'init_args'))}")
        for key, item in value.items():
            inside = path if key == "init_args" else f"{path}.{key}".lstrip(".")
            _refuse_loopholes(item, where=where, path=inside)


def _one_line(message: str, config: Config) -> str:
    """jsonargparse's nested report as ``key: what is wrong; what is allowed``."""
    keys: list[str] = []
    problem = ""
    for line in (text.strip(" -") for text in message.splitlines()):
        if found := re.match(r'Parser key "([^"]+)":?', line):
            keys += found[1].split(".")
        elif found := re.match(r"(?:Option|Key) '([^']+)' is not (?:accepted|expected)", line):
            keys += found[1].split(".")
            return f"{_path(keys)}: {unknown('key', keys[-1], _allowed(config, keys[:-1]))}"
        elif line.startswith(
            ("Expected a <class 'NoneType'>", "Given value", "Does not validate", "Subtypes", "Errors")
        ):
            continue
        elif line and not line.startswith("Problem with given class_path"):
            problem = problem or line.rstrip(":")
    return f"{_path(keys)}: {problem or message.splitlines()[0]}"


def _path(keys: Sequence[str]) -> str:
    return ".".join(key for key in keys if key != "init_args")


def _allowed(config: Config, keys: Sequence[str]) -> list[str]:
    """The argument names of the class that stands at a path."""
    path = [key for key in keys if key != "init_args"]
    if path == ["trainer"]:
        target: Any = lightning.Trainer
    elif path == ["checkpoint"]:
        target = Checkpoint
    else:
        target = _import(str(get_path(config, ".".join(path))))
    parser = ArgumentParser()
    add = parser.add_class_arguments if isinstance(target, type) else parser.add_function_arguments
    add(target, "x")
    hidden = RUNNER_TRAINER_KEYS if target is lightning.Trainer else {"classes", "sample_rate_hz", "seed"}
    return sorted(
        {name[2:].split(".")[0] for name in parser.get_defaults().as_flat().__dict__ if name.startswith("x.")} - hidden
    )


def _import(path: str) -> Any:
    import importlib

    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)
