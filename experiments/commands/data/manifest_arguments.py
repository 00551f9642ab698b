"""What ``earmark data import`` and ``check`` ask about a user's manifests, and the source that the answers make.

The same options serve transcribed speech and labelled sound events (``--task events``).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.importers.detect import FORMATS
from datamodules.importers.sound_events.detect import LAYOUTS

if TYPE_CHECKING:
    from datamodules.importers.imported_clips.clip_source import ClipSource
    from datamodules.importers.imported_corpus import Source
    from datamodules.texts.corpus_text_rules import Given
    from datamodules.texts.text_rules import TextRules

TASKS = ("speech", "events")


def add_task_argument(parser: argparse.ArgumentParser) -> None:
    """Declare what the manifests are of."""
    parser.add_argument("--task", choices=TASKS, help="what the manifests label: speech (default) or sound events")


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare held-out manifests, and how manifests are read."""
    for split in ("validation", "test"):
        parser.add_argument(f"--{split}", nargs="+", type=Path, metavar="PATH", help=f"{split} manifests")
    parser.add_argument(
        "--format",
        default="auto",
        choices=("auto", *dict.fromkeys((*FORMATS, *LAYOUTS))),
        metavar="FORMAT",
        dest="format_name",
        help=f"default: by name and content; of speech {', '.join(FORMATS)}; of sound events {', '.join(LAYOUTS)}",
    )
    parser.add_argument(
        "--language", type=language_argument, metavar="xx", help="ISO 639 code of utterances whose manifest says none"
    )
    parser.add_argument(
        "--audio-root", type=Path, metavar="DIR", help="where relative audio files are (default: beside the manifest)"
    )
    parser.add_argument(
        "--text-rules", type=Path, metavar="FILE", help="your own text rules of languages, YAML (docs/import.md)"
    )
    parser.add_argument(
        "--keep-test-texts",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep texts of given held-out splits that are not letters alone as they are written (default)",
    )


def hint_of_events(arguments: argparse.Namespace, path: Path) -> str:
    """What to add where labels of sound events were read as transcripts, since nobody said what they are."""
    from datamodules.importers.entry import ManifestError, lines_of
    from datamodules.importers.sound_events.detect import detect_layout

    try:
        layout = detect_layout(path)
        # Every .jsonl may be lhotse's, and many lists with a heading dcase's.
        of_speech = layout == "lhotse" or (
            layout == "dcase" and not any("event_label" in line for _, line in lines_of(path)[:1])
        )
        is_of_events = arguments.task is None and not of_speech
    except (ManifestError, OSError):
        is_of_events = False
    return "; labels of sound events? --task events" if is_of_events else ""


def source(arguments: argparse.Namespace, train: list[Path]) -> Source:
    """The manifests of speech that the arguments name. Raises ``UserError`` for a format of sound events."""
    from datamodules.importers.imported_corpus import Source

    _check_format(arguments, "speech", FORMATS)
    return Source(
        _by_split(arguments, train),
        arguments.format_name,
        arguments.language,
        arguments.audio_root,
        text_rules=given_text_rules(arguments.text_rules),
        rules_file=arguments.text_rules,
        keeps_held_out_texts=arguments.keep_test_texts,
    )


def read_text_rules(path: Path | None) -> dict[str, TextRules]:
    """A user's own rules, none without a file. Raises ``UserError`` for one that cannot be read."""
    from datamodules.texts.own_text_rules import own_text_rules

    return own_text_rules(given_text_rules(path), where=str(path))


def given_text_rules(path: Path | None) -> Given:
    """The same as they stand in the file."""
    from datamodules.texts.own_text_rules import own_text_rules
    from experiments.errors import UserError
    from experiments.table_files.yaml_files import read_yaml

    if path is None:
        return {}
    given: Any = read_yaml(path)
    try:
        own_text_rules(given, where=str(path))
    except ValueError as error:
        raise UserError(str(error)) from None
    return dict(given)


def clip_source(arguments: argparse.Namespace, train: list[Path]) -> ClipSource:
    """The lists of sound events that the arguments name. Raises ``UserError`` for what is of speech alone."""
    from datamodules.importers.imported_clips.clip_source import ClipSource
    from experiments.errors import UserError

    _check_format(arguments, "events", LAYOUTS)
    for key in ("language", "text_rules"):
        if getattr(arguments, key) is not None:
            raise UserError(f"--{key.replace('_', '-')} {getattr(arguments, key)}: allowed with --task speech")
    return ClipSource(_by_split(arguments, train), arguments.format_name, arguments.audio_root)


def _by_split(arguments: argparse.Namespace, train: list[Path]) -> dict[str, list[Path]]:
    held_out = {split: getattr(arguments, split) for split in ("validation", "test")}
    return {"train": train} | {split: paths for split, paths in held_out.items() if paths is not None}


def _check_format(arguments: argparse.Namespace, task: str, formats: tuple[str, ...]) -> None:
    from experiments.errors import UserError

    if (name := arguments.format_name) not in ("auto", *formats):
        of_task = f"allowed with --task {task}: auto, {', '.join(formats)}"
        raise UserError(f"--format {name}: {of_task}")


def language_argument(text: str) -> str:
    """The code of a language that ``--language`` names, for argparse."""
    from datamodules.importers.entry import ManifestError, language_code

    try:
        return language_code(text, key="language", place="--language")
    except ManifestError:
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: an ISO 639 code such as en, cs or pt-BR") from None
