"""Fills a cell's run folder before its process starts: configuration, key, provenance, and what MLflow is to know.

A run that failed or was stopped is taken up again in its folder, under the same MLflow run, from its last checkpoint.
One whose training is another run's gets that (``rescored.py``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datamodules.corpus_folder import CorpusMissingError, read_card
from datamodules.joined_corpora import corpus_names
from datamodules.texts.corpus_text_rules import Given, recorded_rules
from experiments.launching.rescored import take_over
from experiments.planning.cell import Cell
from experiments.planning.known_runs import FOLD, FORM
from experiments.planning.trained_before import phases_of
from experiments.runs import attempts, keys, phase_keys, provenance, recipe
from experiments.runs.code_record import Code, code_now, write_code
from experiments.runs.config_form import form_key
from experiments.runs.named_files import named_files
from experiments.runs.run_folder import BEST, CONFIG, KEY, PREDICTIONS, TEXT_RULES, write_whole
from experiments.table_files.merge import get_path, leaf_paths
from experiments.table_files.row_sources import SEED, WEIGHTS
from experiments.table_files.spec import TABLES, Table
from experiments.table_files.table_values import corpus_of, data_of
from experiments.table_files.view_tags import row_tags
from experiments.table_files.yaml_files import to_yaml
from experiments.tracking import delivery, launcher_identity
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.run_files import is_whole

MAX_SHARED = 100  # as many as MLflow takes at once; its page becomes slow with more columns to choose from
LEFT_OUT = "earmark.params_left_out"


def prepare_run(
    cell: Cell, tracker: Tracker, *, machine: Mapping[str, Any], git: Mapping[str, str], code: Code | None = None
) -> None:
    """Fill the (existing) run folder. Raises ``TrackingError`` where an upstream run cannot be fetched.

    ``code`` is what the launch found at its start; None is what the cell's code is now.
    """
    assert cell.key is not None
    table = cell.table
    run_dir = tracker.run_dir(cell.key.id)
    trained = take_over(cell, tracker)
    sources = {name: f"../{other.key.id}" for name, other in cell.upstream.items() if other.key}
    restore_upstream(cell, tracker)
    record = {
        "family": table.family, "stage": cell.row.stage, "seed": cell.seed, "from": sources,
        "imports": list(table.imports), **cell.row.config, "machine": dict(machine), **_seed_data(cell),
    }  # fmt: skip
    (run_dir / CONFIG).write_text(to_yaml(record), encoding="utf-8")
    phases = _phases(cell)
    parts = {
        **cell.key.parts(), "seed": cell.seed, "code": dict(cell.code), "config": cell.row.config,
        "phases": {name: phases[name] for name in phases if name.startswith("key.")},
    }  # fmt: skip
    if files := named_files(cell.row.config):
        parts["files"] = files
    if (rules := _text_rules(cell)) is not None:
        parts[TEXT_RULES] = rules
    write_whole(run_dir / KEY, json.dumps(parts, indent=1) + "\n")
    (run_dir / provenance.ENVIRONMENT).write_text(provenance.environment(), encoding="utf-8")
    own_git = write_code(run_dir, code or code_now(code_files(cell), git=git))
    datasets = _datasets(cell)
    attempts.begin(run_dir, {**_place(cell), "git": dict(git), "own_git": own_git, "data": datasets})
    params, left_out = _params(cell)
    delivery.track(
        run_dir, family=table.family, name=cell.run_name, params=params,
        tags={**_tags(cell, git), **phases, **(trained.tags() if trained else {}), **left_out,
              **launcher_identity.tags(tracker.root)},
        datasets=datasets, table_path=None if _has_name(table) else table.path,
    )  # fmt: skip


def _seed_data(cell: Cell) -> dict[str, Any]:
    """What the weights that a training starts from were trained on, the nearest first."""
    sections = []
    while cell.row.stage == "fit" and (seed := cell.upstream.get(SEED)) is not None:
        sections.append(seed.row.config["data"])
        cell = seed
    return {"seed_data": sections} if sections else {}


def _datasets(cell: Cell) -> dict[str, str]:
    """The digest of each corpus that the run reads; of one alone the key's own."""
    assert cell.key is not None
    [first, *others] = corpus_names(data_of(cell.row.config))
    return {name: read_card(name).digest for name in (first, *others)} if others else {first: cell.key.data}


def _text_rules(cell: Cell) -> Given | None:
    """What is known of those that its corpus was imported with; of one that is gone the run says so as it starts."""
    try:
        return recorded_rules(corpus_of(cell.row.config))
    except CorpusMissingError:
        return None


def _params(cell: Cell) -> tuple[dict[str, Any], dict[str, str]]:
    """What MLflow's page may show as columns, and a tag that says how many of these were left out, if any.

    All in which the table's rows differ, then single values that they share, as ``model.optimizer.lr``.
    """
    config, table = cell.row.config, cell.table
    place = {"row": cell.row.name, **_fold(cell), "seed": cell.seed, "scale": table.scale}
    varied = {path: value for path in table.varied if (value := get_path(config, path)) is not None}
    others = {path: get_path(config, path) for path in leaf_paths(config) if path not in varied}
    single = [(path, value) for path, value in others.items() if isinstance(value, str | int | float)]
    tag = f"{len(single) - MAX_SHARED} of {len(single)} that rows share; {CONFIG} has all"
    left_out = {LEFT_OUT: tag} if len(single) > MAX_SHARED else {}
    return {**place, **varied, **dict(single[:MAX_SHARED])}, left_out


def _phases(cell: Cell) -> dict[str, str]:
    """Tags of what the run does, phase by phase, and of the version of its scoring."""
    scored_by = phase_keys.scored_by(cell.row.config, cell.code, imports=cell.table.imports)
    assert cell.key is not None
    tags = phases_of(cell).tags() if cell.row.stage == "fit" else {phase_keys.SCORE: cell.key.id}
    return {**tags, **({phase_keys.SCORED_BY: scored_by} if scored_by else {})}


def code_files(cell: Cell) -> dict[str, Path]:
    """File by module of a cell's code."""
    return keys.code_files(cell.row.config, imports=cell.table.imports)


def _place(cell: Cell) -> dict[str, Any]:
    """The cell of a table that the run is: what ``earmark reproduce`` makes its command of."""
    table = cell.table
    return {
        "table": table.name if _has_name(table) else _path_from_here(table.path), "row": cell.row.name,
        "scale": table.scale, **_fold(cell), "seed": cell.seed, "overrides": dict(table.overrides),
    }  # fmt: skip


def _fold(cell: Cell) -> dict[str, str]:
    """The fold as a param, a tag and a part of the place: none in a table without folds."""
    return {} if cell.fold is None else {FOLD: cell.fold}


def _has_name(table: Table) -> bool:
    """Whether it is a shipped table, or the one row of ``earmark fit``; a user's own is called by its path."""
    return table.path.parent == TABLES or (table.name == "fit" and table.scale == "none")


def _path_from_here(path: Path) -> str:
    """As it goes to MLflow, which is not to know this machine's folders."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.name


def _tags(cell: Cell, git: Mapping[str, str]) -> dict[str, str]:
    assert cell.key is not None
    return {
        f"row.{cell.row.table}": cell.row.name,
        "seed": str(cell.seed),
        **_fold(cell),
        "scale": cell.table.scale,
        "stage": cell.row.stage,
        "corpus": corpus_of(cell.row.config),
        "key": cell.key.id,
        FORM: form_key(cell.row.config, stage=cell.row.stage),
        recipe.NAME: recipe.VERSION,
        **{f"key.{name}": part for name, part in cell.key.parts().items()},
        **row_tags(cell.table, cell.row.name),
        **git,
    }


def restore_upstream(cell: Cell, tracker: Tracker) -> None:
    """Fetch what finished upstream runs offer, or their weights, where their folders are gone from this disk."""
    for source, other in cell.upstream.items():
        if other.key and other.run:
            folder = tracker.run_dir(other.key.id)
            name = PREDICTIONS if other.row.stage == "fit" else "scores"
            if cell.row.stage == "fit" and source in WEIGHTS:
                if cell.trained is not None:
                    continue  # it has the weights that came of these
                name = BEST
            if not (is_whole(folder) and (folder / name).exists()):
                tracker.download(other.run.run_id, name, folder)
