"""``earmark data soundscapes --soundbank MINE --name NAME``: soundscapes of a user's own isolated sounds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.errors import UserError

if TYPE_CHECKING:
    from datamodules.corpus_folder import CorpusCard

OF_OWN_BANKS = ("name", "background", "settings", "licence")  # options that mean nothing without --soundbank
SETTINGS = (
    "classes", "clips", "clip_seconds", "event_counts", "companions", "companion_probability", "snr_db", "struck",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of own soundbanks."""
    own = parser.add_argument_group(
        "soundscapes of your own sounds (docs/data.md)",
        "All other settings (levels, lengths, speeds) stand in a file for --settings; options come before it.",
    )
    own.add_argument(
        "--soundbank", type=Path, metavar="FOLDER|TABLE", help="class/*.wav, or a table with file, class[, family]"
    )
    own.add_argument("--name", help="the corpus to make, a folder under data/")
    own.add_argument(
        "--background", metavar="CLASS|FOLDER", help="what lies under the events (default: the class background)"
    )
    own.add_argument("--settings", type=Path, metavar="YAML", help="a file of settings, such as a corpus's own")
    own.add_argument("--licence", metavar="TEXT", help="what the corpus card says")
    own.add_argument("--classes", type=_list, metavar="A,B", help="of the bank (default: all)")
    own.add_argument("--clips", nargs=3, type=int, metavar=("TRAIN", "VALIDATION", "TEST"), help="default 480 120 160")
    own.add_argument("--clip-seconds", type=float, metavar="S", help="default 10")
    own.add_argument(
        "--event-counts", nargs="+", type=float, metavar="P", help="probabilities of 0, 1, 2 … events in a clip"
    )
    own.add_argument("--companions", nargs="+", metavar="A+B", help="classes that occur together (default: none)")
    own.add_argument("--companion-probability", type=float, metavar="P", help="default .6")
    own.add_argument("--snr-db", nargs=2, type=float, metavar=("LOW", "HIGH"), help="default 3 20")
    own.add_argument("--struck", type=_list, metavar="A,B", help="classes cut around their loudest moment")


def refuse_without_bank(arguments: argparse.Namespace) -> None:
    """Raise ``UserError`` for an option of own soundbanks without one."""
    for option in (*OF_OWN_BANKS, *SETTINGS):
        if getattr(arguments, option) is not None:
            raise UserError(f"--{option.replace('_', '-')}: allowed with --soundbank")


def mix(arguments: argparse.Namespace) -> CorpusCard:
    """Make the corpus. Raises ``UserError``, ``ManifestError`` and ``ValueError``."""
    from datamodules.corpora.sounds.inventory import BACKGROUND
    from datamodules.importers.own_soundscapes.own_soundscapes import mix_soundscapes
    from datamodules.importers.own_soundscapes.settings import settings_of
    from experiments.commands.data.own_corpora import SCALED, WHOLE

    if arguments.name is None:
        raise UserError(f"--soundbank {arguments.soundbank}: allowed with --name, the corpus to make")
    if arguments.name.split("/")[0] in SCALED | WHOLE:
        raise UserError(f"--name: {arguments.name!r} is one of earmark's own corpora, allowed: another name")
    if arguments.scale is not None:
        raise UserError(f"--scale {arguments.scale}: allowed without --soundbank; --clips says how many")
    given = {key: value for key in SETTINGS if (value := getattr(arguments, key)) is not None}
    given |= {"seed": arguments.seed} if arguments.seed else {}
    written = _file(arguments.settings)
    settings_of(given, where="option")  # so that what is wrong is said of where it stands
    settings_of(written, where=str(arguments.settings))
    return mix_soundscapes(
        arguments.name,
        arguments.soundbank,
        settings_of(written | given, where="settings"),
        background=arguments.background or BACKGROUND,
        licence=arguments.licence or "not stated",
        rebuild=arguments.rebuild,
    )


def _file(path: Path | None) -> dict[str, Any]:
    from experiments.table_files.yaml_files import read_yaml

    written = {} if path is None else read_yaml(path)
    if not isinstance(written, dict):
        raise UserError(f"{path}: {written!r}, allowed: keys and values")
    return written


def _list(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]
