"""``earmark fit CONFIG``: one run from one file with the sections of a table's base (a run's config.yaml is one)."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from experiments.commands.shell.next_command import say_next
from experiments.errors import UserError, unknown
from experiments.launching.platforms import refuse_where_nothing_can_run

KEYS = ("family", "stage", "seed", "from", "imports", "machine")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark fit``."""
    parser.description = (
        "Train, predict and score one run. Any key of the file can be given on the command line, init_args left out."
    )
    parser.epilog = "example: earmark fit my_run.yaml --model.penalty_alpha 0.1 --trainer.max_epochs 5"
    parser.add_argument("config", type=Path, help="a .yaml with data, model, trainer, checkpoint, scoring")
    parser.add_argument("--seed", type=int, help="default: the file's, or 0")


def _pairs(rest: list[str]) -> dict[str, Any]:
    """``--a.b VALUE`` and ``--a.b=VALUE`` as dotted paths and values."""
    from experiments.table_files.spec import SECTIONS
    from experiments.table_files.yaml_files import parse_value

    values: dict[str, Any] = {}
    texts = list(rest)
    while texts:
        name, sign, value = texts.pop(0).partition("=")
        if not name.startswith("--"):
            raise UserError(f"unknown argument {name!r}; keys are given as --model.penalty_alpha 0.1")
        key = name[2:]
        if key.split(".")[0] not in SECTIONS:
            raise UserError(f"--{key}: {unknown('section', key.split('.')[0], SECTIONS)}")
        if not sign:
            if not texts:
                raise UserError(f"--{key}: a value is missing")
            value = texts.pop(0)
        values[key] = parse_value(value, where=f"--{key}")
    return values


def run(arguments: argparse.Namespace) -> int:
    """Run it in the foreground through the same launcher, tracked like a table's cell."""
    from datamodules.corpus_folder import home
    from experiments.commands.run import launch_cells
    from experiments.planning.plan import make_plan
    from experiments.table_files.machine import read_machine
    from experiments.table_files.merge import set_path
    from experiments.table_files.row_sources import check_seed
    from experiments.table_files.spec import SECTIONS, Row, Table, read_sections
    from experiments.table_files.table_values import check_name, check_seed_number, read_texts
    from experiments.table_files.yaml_files import read_yaml
    from experiments.tracking.mlflow_store import Tracker

    refuse_where_nothing_can_run("fit")
    path: Path = arguments.config
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        raise UserError(f"{path}: expected a mapping with the sections {', '.join(SECTIONS)}")
    for key in raw:
        if key not in (*SECTIONS, *KEYS):
            raise UserError(f"{path}: {unknown('key', str(key), (*SECTIONS, *KEYS))}")
    if raw.get("stage", "fit") != "fit" or raw.get("from"):
        raise UserError(f"{path}: a run that stands on others runs with its table: earmark run TABLE --rows ROW")
    config = read_sections({section: raw[section] for section in SECTIONS if section in raw}, where=str(path))
    for dotted, value in _pairs(arguments.overrides).items():
        try:
            set_path(config, dotted, value)
        except ValueError as error:
            raise UserError(f"--{error}") from None
    check_seed(config, {}, stage="fit", where=str(path))
    seed = arguments.seed if arguments.seed is not None else raw.get("seed", 0)
    check_seed_number(seed, where=f"{path}: seed")
    family = raw.get("family", "fit")
    check_name(str(family), where=f"{path}: family")
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", path.stem)  # a table's rule for the names of its rows
    row = Row(table="fit", name=name, why="", stage="fit", config=config, sources={})
    table = Table(
        name="fit", path=path, title=path.stem, family=str(family), scale="none",
        rows={row.name: row}, seeds=(seed,), columns=(),
        machine=read_machine(raw.get("machine"), where=f"{path}: machine"),
        imports=read_texts(raw.get("imports"), where=f"{path}: imports"), varied=(),
    )  # fmt: skip
    tracker = Tracker(home())
    cells = make_plan(table, tracker)
    code = launch_cells(table, tracker, cells, slots=1)
    if code == 0:
        (cell,) = cells
        assert cell.key is not None
        folder = tracker.run_dir(cell.key.id)
        metrics = folder / "metrics.json"
        if cell.run is not None and cell.state == "finished" and not metrics.is_file():
            # Finished on another machine: the store has the numbers, the folder is there.
            print(json.dumps(cell.run.metrics, indent=2, sort_keys=True))
        else:
            print(metrics.read_text(encoding="utf-8"), end="")
            print(f"run folder: {folder}")
        say_next("ui", why="its curves and files")
    return code
