"""The decoder of a finished run, with the weights that validation chose and the language model of its ``from:``.

Any row whose scoring decodes will do, on any recogniser whose predictions that decoder reads: ``ctc_decoding/wfst``
brings its graph's beam, its weights and its n-gram. Of a row that several decoders read (``SeveralDecodings``) it is
the one whose figures stand under the plain names. Weights that were fitted for another seed's recogniser are said.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentError, ArgumentParser, set_parsing_settings

from datamodules.corpus_folder import home
from datamodules.run_warning import RunWarning
from experiments.applying.chosen_run import ChosenRun
from experiments.configuration.schema import ALLOWED_IMPORTS
from experiments.errors import UserError, first_line, unknown
from experiments.runs import moved_files
from experiments.runs.run_folder import CONFIG, PREDICTIONS, offered
from experiments.table_files.spec import read_table
from experiments.table_files.yaml_files import read_yaml
from lightning_modules.asr.ctc.decoder import Decoder
from lightning_modules.asr.tuning import Weights

if TYPE_CHECKING:
    from experiments.tracking.mlflow_store import Tracker

OWN, SEED = "own", "seed"  # in from: the recogniser that a decoding stands on, and where its training began
FITTED = "decoding.json"  # in scores/, and of several decoders in a folder of each one's name
CHOSEN = "scores/chosen_decoder.json"  # of several decoders


@dataclass(frozen=True)
class RowDecoder:
    """``folders`` are those of ``from:`` but the recogniser's own; ``name`` is how messages call it."""

    name: str
    decoder: Decoder[Any]
    weights: Weights
    folders: Mapping[str, Path]


def own_decoder(chosen: ChosenRun) -> RowDecoder | None:
    """That of the run's own scoring; None where it has none, or where what it was fitted on is not in the folder.

    Raises ``UserError`` where several decoders were scored and the folder does not say which of them was chosen.
    """
    name = f"run {chosen.name}"
    scored = _scored(chosen.config, chosen.folder, name=name) if (chosen.folder / PREDICTIONS).is_dir() else None
    return None if scored is None else _made(name, scored, imports=tuple(chosen.imports), folders={})


def row_decoder(text: str, chosen: ChosenRun, *, scale: str | None = None) -> RowDecoder:
    """That of a finished run named as ``choose_run`` names one. Raises ``UserError``."""
    folder, name = _folder_of(text, chosen, scale=scale)
    record = read_yaml(folder / CONFIG)
    if not isinstance(record, dict):
        raise UserError(f"--row {text}: {folder / CONFIG} is no configuration")
    config = moved_files.config_today({key: value for key, value in record.items() if isinstance(value, dict)})
    scored = _scored(config, folder, name=f"--row {text}")
    if scored is None:
        raise UserError(
            f"--row {text}: run {name} chose no decoder's weights; allowed: a finished row that decodes texts"
        )
    sources = {key: folder / where for key, where in (record.get("from") or {}).items() if key != SEED}
    own = sources.pop(OWN, folder).resolve().name
    if own != chosen.key_id:
        line = f"--row {text}: its weights were fitted on the validation set of run {own}, not of {chosen.name}"
        warnings.warn(line, RunWarning, stacklevel=2)
    if lacking := [key for key, source in sources.items() if not source.is_dir()]:
        raise UserError(f"--row {text}: from.{lacking[0]}: its folder {sources[lacking[0]]} is gone")
    folders = {key: offered(source) for key, source in sources.items()}
    return _made(f"row {text}", scored, imports=tuple(record.get("imports") or ()), folders=folders)


@dataclass(frozen=True)
class _Scored:
    """The ``decoder`` of a scoring section, the file of its weights, and which of several it is, for people."""

    spec: Any
    fitted: Path
    which: str = ""


def _scored(config: Mapping[str, Any], folder: Path, *, name: str) -> _Scored | None:
    """None where no decoder's weights were chosen. Raises ``UserError`` where one of several was, but not which."""
    given = (config.get("scoring") or {}).get("init_args") or {}
    decoders = given.get("decoders")
    if decoders is None:
        alone = _Scored(given.get("decoder"), folder / "scores" / FITTED)
        return None if alone.spec is None or not alone.fitted.is_file() else alone
    chosen, of = _stored(folder / CHOSEN, "chosen", name=name), ", ".join(sorted(decoders))
    if not isinstance(chosen, str) or chosen not in decoders:
        raise UserError(f"{name}: {folder / CHOSEN}: chosen {chosen!r}, allowed: {of}")
    which = f" ({chosen}, which validation chose of {of})"
    return _Scored(decoders[chosen], folder / "scores" / chosen / FITTED, which)


def _stored(path: Path, key: str, *, name: str) -> Any:
    """What a scoring wrote under ``key``. Raises ``UserError`` naming the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))[key]
    except FileNotFoundError:
        why = "no such file"
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"not as scoring writes it ({type(error).__name__}: {first_line(error)})"
    raise UserError(f"{name}: {path}: {why}, and it says what validation chose; score the run again")


def _made(name: str, scored: _Scored, *, imports: tuple[str, ...], folders: Mapping[str, Path]) -> RowDecoder:
    set_parsing_settings(import_path_denylist=["*"], import_path_allowlist=[*ALLOWED_IMPORTS, *imports])
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Decoder, "decoder", required=True)
    plain = scored.spec if isinstance(scored.spec, dict) else {"class_path": str(scored.spec)}
    try:
        decoder = parser.instantiate(parser.parse_object({"decoder": plain})).decoder
    except (ArgumentError, TypeError, ValueError) as error:
        raise UserError(f"{name}: scoring.decoder: {first_line(error)}") from None
    weights = _stored(scored.fitted, "weights", name=name)
    lacking = [weight for weight in decoder.weight_grid if weight not in weights]
    if lacking:
        raise UserError(
            f"{name}: {scored.fitted} has no {lacking[0]}, which its decoder of today asks for; score it again"
        )
    return RowDecoder(f"{name}{scored.which}", decoder, weights, folders)


def _folder_of(text: str, chosen: ChosenRun, *, scale: str | None) -> tuple[Path, str]:
    """The run's folder and its name."""
    if (folder := Path(text)).is_dir() and (folder / CONFIG).is_file():
        return folder, folder.resolve().name
    from experiments.tracking.mlflow_store import Tracker

    tracker = Tracker(home())
    table_name, _, row = text.rpartition("/")
    if table_name:
        table = read_table(table_name, scale=scale)
        tags = {f"row.{table.name}": row, "scale": table.scale, "earmark.state": "finished"}
        found = tracker.find(table.family, tags=tags)
        if not found and row not in table.rows:
            raise UserError(f"--row {text}: {unknown('row', row, table.rows)}")
        if not found:
            run = f"earmark run {table_name} --scale {table.scale} --rows {row}"
            raise UserError(f"--row {text}: no finished run at scale {table.scale}; run: {run}")
    elif re.fullmatch(r"[0-9a-f]{3,}", text):
        found = [run for run in tracker.beginning_with(text) if run.state == "finished"]
    else:
        found = []
    folders = [
        (_local(tracker, run.tags["key"]), run.tags.get("mlflow.runName", text)) for run in found if "key" in run.tags
    ]
    here = [(folder, name) for folder, name in folders if folder is not None]
    if not here:
        gone = " whose folder is still here" if folders else ""
        raise UserError(f"--row {text}: no finished run{gone}; allowed: TABLE/ROW, an id, a key or a run's folder")
    of_this = [(folder, name) for folder, name in here if _own_key(folder) == chosen.key_id]
    return (of_this or here)[0]


def _local(tracker: Tracker, key: str) -> Path | None:
    folder = tracker.run_dir(key)
    return folder if (folder / CONFIG).is_file() else None


def _own_key(folder: Path) -> str:
    """The key of the recogniser that a run decodes: of itself, where it was trained."""
    sources = (read_yaml(folder / CONFIG) or {}).get("from") or {}
    return Path(sources.get(OWN, folder.name)).name
