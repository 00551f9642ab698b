"""Which finished run is meant: by MLflow's id or its key, by a row of a table, or by a folder.

A row of several runs means the one whose validation figure (its ``checkpoint.monitor``) is the best: test figures
choose nothing. An exported folder (``earmark export``) needs no store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.corpus_folder import home
from experiments.errors import UserError, public_uri, unknown
from experiments.runs import moved_files
from experiments.runs.run_folder import BEST, CONFIG, KEY, METRICS, TEXT_RULES
from experiments.table_files.merge import Config
from experiments.table_files.spec import read_table
from experiments.table_files.yaml_files import read_yaml

if TYPE_CHECKING:
    from datamodules.texts.corpus_text_rules import Given
    from experiments.table_files.spec import Table
    from experiments.tracking.mlflow_store import Tracker
    from experiments.tracking.tracked_run import TrackedRun

EXPORTED = "earmark.json"  # of a folder that earmark export wrote
NOT_RUN = "neither a run's id or key (three hexadecimal digits or more), TABLE/ROW, nor the folder of a run"
ALLOWED = "the folder of a run or of earmark export, a run's id or key, TABLE/ROW"


@dataclass(frozen=True)
class ChosenRun:
    """A finished run with weights.

    ``folder`` has what the run wrote: config.yaml, key.json, predictions/, scores/ of a run's own folder, earmark.json
    of an exported one. ``config`` has the sections of the run's configuration, its classes by today's names;
    ``imports`` are packages of the user's. ``corpus_digest`` is of the data that it was trained on. ``scores`` are its
    metrics. ``text_rules`` are those that its corpus was imported with, None where it does not say.
    """

    name: str
    key_id: str
    folder: Path
    weights: Path
    config: Config
    family: str
    scores: Mapping[str, float]
    imports: Sequence[str] = ()
    corpus_digest: str = ""
    run_id: str = ""
    text_rules: Given | None = None


def choose_run(text: str, *, scale: str | None = None) -> ChosenRun:
    """The run that a user names; ``scale`` is that of a TABLE/ROW (default: the table's first).

    Raises ``UserError`` where there is none, where several are meant, or where its weights are gone.
    """
    if (folder := Path(text)).is_dir() and any((folder / name).is_file() for name in (EXPORTED, CONFIG)):
        return read_folder(folder)
    from experiments.tracking.mlflow_store import Tracker

    tracker = Tracker(home())
    table, _, row = text.rpartition("/")
    is_path = folder.is_absolute() or "/" in table  # a shipped table's name has no /
    if is_path and not folder.exists() and not table.endswith((".yaml", ".yml")):
        raise UserError(f"run {text!r}: no such folder; allowed: {ALLOWED}")
    if table and not folder.exists():
        return _of_row(tracker, table, row, scale=scale)
    if not re.fullmatch(r"[0-9a-f]{3,}", text):
        raise UserError(f"run {text!r}: {NOT_RUN}")
    found = [run for run in tracker.beginning_with(text) if run.state == "finished"]
    if not found:
        raise UserError(f"run {text!r}: no finished run in {public_uri(tracker.uri)} has an id or a key that begins so")
    if len({run.tags.get("key") for run in found}) > 1:
        names = ", ".join(f"{run.run_id} ({run.tags.get('mlflow.runName', '?')})" for run in found)
        raise UserError(f"run {text!r}: fits {len(found)} runs: {names}")
    return _stored(tracker, found[0])


def _of_row(tracker: Tracker, table_name: str, row: str, *, scale: str | None) -> ChosenRun:
    """The best of a row's finished runs, by the validation figure that chose its epoch."""
    table = read_table(table_name, scale=scale)
    tags = {f"row.{table.name}": row, "scale": table.scale, "earmark.state": "finished", "stage": "fit"}
    found = tracker.find(table.family, tags=tags) or _of_other_tables(tracker, table, row)
    if not found and row not in table.rows:
        raise UserError(f"run {table.name}/{row}: {unknown('row', row, table.rows)}")
    if not found:
        hint = f"run: earmark run {table_name} --scale {table.scale} --rows {row}"
        if table.rows[row].stage != "fit":
            sources = ", ".join(f"{table.name}/{source.row}" for source in table.rows[row].sources.values())
            hint = f"its stage is {table.rows[row].stage!r}, so it has no weights; it stands on: {sources or 'nothing'}"
        raise UserError(f"run {table.name}/{row}: no finished training at scale {table.scale}; {hint}")
    return max((_stored(tracker, run) for run in _newest(found)), key=_merit)


def _of_other_tables(tracker: Tracker, table: Table, row: str) -> list[TrackedRun]:
    """Runs of a row's very cells that no launch of its table has counted yet: another table's row trained them."""
    if row not in table.rows or table.rows[row].stage != "fit":
        return []
    from experiments.planning.plan import make_plan

    cells = make_plan(table, tracker, rows=[row], from_store=True)
    of_row = [cell for cell in cells if (cell.table.name, cell.row.name, cell.state) == (table.name, row, "finished")]
    return [cell.run for cell in of_row if cell.run is not None]


def _newest(runs: Sequence[TrackedRun]) -> list[TrackedRun]:
    """The newest of each seed and fold; ``runs`` are newest first."""
    by_place: dict[tuple[str | None, ...], TrackedRun] = {}
    for run in runs:
        by_place.setdefault((run.tags.get("seed"), run.tags.get("fold")), run)
    return list(by_place.values())


def _merit(chosen: ChosenRun) -> float:
    """The monitored validation figure, so that more is better; a run that lost it comes last."""
    rule = chosen.config.get("checkpoint") or {}
    figure = chosen.scores.get(str(rule.get("monitor")), float("-inf"))
    return -figure if rule.get("mode") == "min" and figure != float("-inf") else figure


def _stored(tracker: Tracker, run: TrackedRun) -> ChosenRun:
    """A run of the store: in its own folder or, where that is gone, in its artifacts."""
    if "key" not in run.tags:
        raise UserError(f"run {run.run_id}: has no key; earmark did not make it")
    folder = tracker.run_dir(run.tags["key"])
    if not (folder / CONFIG).is_file() or not (folder / BEST).is_file():
        folder = _fetched(tracker, run)
    name = f"{run.tags.get('mlflow.runName', run.run_id)}"
    return _read_run(folder, name=name, key_id=run.tags["key"], scores=run.metrics, run_id=run.run_id)


def _fetched(tracker: Tracker, run: TrackedRun) -> Path:
    """A folder with the run's configuration and weights out of its artifacts."""
    if (stored := tracker.artifact_folder(run.artifact_uri)) is not None and (stored / BEST).is_file():
        return stored
    folder: Path = tracker.root / "fetched" / run.run_id
    for name in (CONFIG, KEY, BEST):
        if (folder / name).is_file():
            continue
        try:
            tracker.download(run.run_id, name, folder)
        except Exception as error:  # whatever the store's client raises for what is not there
            raise UserError(f"run {run.run_id}: neither its folder nor its artifacts have {name} ({error})") from None
    return folder


def read_folder(folder: Path) -> ChosenRun:
    """A run's own folder, or one that ``earmark export`` wrote. Raises ``UserError``."""
    if (folder / EXPORTED).is_file():
        return _read_exported(folder)
    metrics = folder / METRICS
    scores = json.loads(metrics.read_text(encoding="utf-8")) if metrics.is_file() else {}
    return _read_run(folder, name=folder.resolve().name, key_id=folder.resolve().name, scores=scores)


def _read_run(folder: Path, *, name: str, key_id: str, scores: Mapping[str, float], run_id: str = "") -> ChosenRun:
    record = read_yaml(folder / CONFIG)
    if not isinstance(record, dict) or "model" not in record:
        raise UserError(f"run {name}: {folder / CONFIG} has no model; allowed: a run that was trained, not a scoring")
    if not (weights := folder / BEST).is_file():
        raise UserError(f"run {name}: its weights {weights} are gone; train it again to use it")
    key = folder / KEY
    parts = json.loads(key.read_text(encoding="utf-8")) if key.is_file() else {}
    sections = {section: value for section, value in record.items() if isinstance(value, dict)}
    config = moved_files.config_today(sections)
    return ChosenRun(name, key_id, folder, weights, config, str(record.get("family", "")), dict(scores),
                     tuple(record.get("imports") or ()), str(parts.get("data", "")), run_id,
                     parts.get(TEXT_RULES))  # fmt: skip


def _read_exported(folder: Path) -> ChosenRun:
    path = folder / EXPORTED
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        weights = folder / str(record["weights"])
        chosen = ChosenRun(
            str(record["name"]), str(record["key"]), folder, weights, dict(record["config"]), str(record["family"]),
            dict(record.get("scores") or {}), tuple(record.get("imports") or ()), text_rules=record.get(TEXT_RULES),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not as earmark export writes it ({type(error).__name__}: {error})") from None
    if weights.parent.resolve() != folder.resolve() or not weights.is_file():
        raise UserError(f"{path}: weights {record['weights']!r}: no such file in this folder")
    return chosen
