"""``earmark reproduce RUN``: a run's configuration and command again, and what differs on this machine.

Nothing is run. Exit code 0: whoever follows the command gets a run of the same key. 1: something that the key holds
(code, data, upstream runs) is different or missing here; the lines marked ``!`` say what.
"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.errors import UserError

if TYPE_CHECKING:
    from experiments.tracking.stored_origin import Origin


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark reproduce``."""
    parser.description = (
        "Write the configuration of a run again, print the command that runs it, and say what differs here: code, "
        "data, the runs that it stands on, packages, commit, hardware. Exit code 1 if code, data or those runs do."
    )
    parser.epilog = "example: earmark reproduce 3f2a9c --output again"
    parser.add_argument(
        "wanted", metavar="RUN", help="MLflow's id of a run, or the key that names its folder; a beginning will do"
    )
    parser.add_argument("--output", type=Path, help="a new folder for config.yaml (default: reproduce-KEY)")
    parser.add_argument("--json", action="store_true", help="the answer as one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Write, print and compare; never overwrites a folder."""
    from datamodules.corpus_folder import home
    from experiments.planning.differences import differences
    from experiments.tracking.mlflow_store import Tracker
    from experiments.tracking.stored_origin import find_origin

    origin = find_origin(Tracker(home()), arguments.wanted)
    folder: Path = arguments.output or Path(f"reproduce-{origin.key_id[:8]}")
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise UserError(f"--output {folder}: is there already; name a new folder") from None
    except OSError as error:
        raise UserError(f"--output {folder}: {error.strerror}") from None
    for name, data in origin.files.items():
        (folder / name).write_bytes(data)
    serious, lines = differences(origin)
    if arguments.json:
        print(json.dumps(_document(origin, folder, serious=serious, lines=lines), indent=2, ensure_ascii=False))
        return 1 if serious else 0
    print(f"run {origin.run_id} · {origin.name} · key {origin.key_id}")
    print(f"written to {folder}: {', '.join(sorted(origin.files))}")
    print("\nto run it again (a run of the same key that is finished in this store is not run twice):")
    for command in _commands(origin, folder):
        print(f"  {command}")
    print("\nwhat differs here:" if lines else "\nnothing differs here")
    for line in lines:
        print(f"  {line}")
    return 1 if serious else 0


def _document(origin: Origin, folder: Path, *, serious: bool, lines: list[str]) -> dict[str, object]:
    return {
        "run_id": origin.run_id,
        "name": origin.name,
        "key": origin.key_id,
        "folder": str(folder),
        "files": sorted(origin.files),
        "commands": _commands(origin, folder),
        "same_key_here": not serious,
        "differences": lines,
    }


def _commands(origin: Origin, folder: Path) -> list[str]:
    """``earmark fit`` where the run stands alone, ``earmark run`` where it is a cell of a table."""
    commands = []
    if not origin.upstream and origin.stage == "fit":
        commands.append(f"earmark fit {shlex.quote(str(folder / 'config.yaml'))}")
    place = origin.place
    if place is not None and place["table"] != "fit":
        words = ["earmark", "run", place["table"], "--scale", place["scale"], "--rows", place["row"]]
        words += [*(["--folds", place["fold"]] if "fold" in place else []), "--seeds", str(place["seed"])]
        for path, value in place["overrides"].items():
            words += ["--set", f"{path}={_inline(value)}"]
        commands.append(shlex.join(words))
    return commands


def _inline(value: object) -> str:
    """A value as ``--set`` reads it; JSON is YAML."""
    return value if isinstance(value, str) else json.dumps(value)
