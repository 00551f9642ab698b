"""What ``earmark data import`` and ``check`` ask about a user's manifests, and the source that the answers make."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.importers.detect import FORMATS

if TYPE_CHECKING:
    from datamodules.importers.imported_corpus import Source


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare held-out manifests, and how manifests are read."""
    for split in ("validation", "test"):
        parser.add_argument(f"--{split}", nargs="+", type=Path, metavar="PATH", help=f"{split} manifests")
    parser.add_argument(
        "--format", default="auto", choices=("auto", *FORMATS), dest="format_name", help="default: by name and content"
    )
    parser.add_argument(
        "--language", type=_language, metavar="xx", help="ISO 639 code of utterances whose manifest says none"
    )
    parser.add_argument(
        "--audio-root", type=Path, metavar="DIR", help="where relative audio files are (default: beside the manifest)"
    )


def source(arguments: argparse.Namespace, train: list[Path]) -> Source:
    """The manifests that the arguments name."""
    from datamodules.importers.imported_corpus import Source

    manifests = {"train": train}
    for split in ("validation", "test"):
        if (paths := getattr(arguments, split)) is not None:
            manifests[split] = paths
    return Source(manifests, arguments.format_name, arguments.language, arguments.audio_root)


def _language(text: str) -> str:
    from datamodules.importers.entry import ManifestError, language_code

    try:
        return language_code(text, key="language", place="--language")
    except ManifestError:
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: an ISO 639 code such as en, cs or pt-BR") from None
