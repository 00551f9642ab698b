"""``earmark data import NAME``: a corpus from a user's own manifests, in place: audio is neither copied nor changed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from datamodules.importers.detect import FORMATS

if TYPE_CHECKING:
    from datamodules.imported_corpus import Source

EXAMPLE = """examples:
  earmark data import mine --train train.tsv --language cs            splits dealt by text: 80, 8, 12 %
  earmark data import mine --train tr/*.jsonl --validation dev.jsonl --test test.jsonl
  earmark data import libri --train LibriSpeech/train-clean-5 --validation LibriSpeech/dev-clean-2
  earmark data import cv --train cv/pl/train.tsv cv/cs/train.tsv --test cv/pl/test.tsv cv/cs/test.tsv

formats (docs/import.md): tsv, csv and jsonl with audio, text[, language, speaker, start, duration, channel, id]; kaldi
and nemo manifests; parts of librispeech and mls; common_voice's tables; what lhotse's recipes prepare.
Look first for what is wrong with them: earmark data check train.tsv --language cs"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "Make a speech corpus from your own manifests; audio stays where it is."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("name", metavar="NAME", help="the corpus to make, a folder under data/")
    parser.add_argument("--train", nargs="+", required=True, type=Path, metavar="PATH", help="training manifests")
    add_source_arguments(parser)
    parser.add_argument("--licence", default="not stated", metavar="TEXT", help="what the corpus card says")
    parser.add_argument(
        "--drop-damaged", action="store_true", help="leave out and count utterances without readable audio"
    )
    parser.add_argument("--rebuild", action="store_true", help="make it again although it is there")


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``import`` and ``check`` share: held-out manifests, and how manifests are read."""
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
    from datamodules.imported_corpus import Source

    manifests = {"train": train}
    for split in ("validation", "test"):
        if (paths := getattr(arguments, split)) is not None:
            manifests[split] = paths
    return Source(manifests, arguments.format_name, arguments.language, arguments.audio_root)


def run(arguments: argparse.Namespace) -> int:
    """Import and describe; returns the exit code. Raises ``UserError`` with one line for what failed."""
    from datamodules.corpora.speech_summary import summarise_speech
    from datamodules.corpus_folder import data_root
    from datamodules.imported_corpus import import_corpus
    from experiments.data_command import SCALED, WHOLE
    from experiments.errors import UserError

    if arguments.name.split("/")[0] in SCALED | WHOLE:
        raise UserError(f"NAME: {arguments.name!r} is one of earmark's own corpora, allowed: another name")
    try:
        card = import_corpus(
            arguments.name,
            source(arguments, arguments.train),
            licence=arguments.licence,
            drop_damaged=arguments.drop_damaged,
            rebuild=arguments.rebuild,
        )
        summary = summarise_speech(data_root() / card.name)
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error
    print(f"{card.name}: imported into {data_root() / card.name} (audio stays where it is)")
    print("\n".join(["", *summary, "", f"digest {card.digest}", f"now: earmark data check {card.name}"]))
    return 0


def _language(text: str) -> str:
    from datamodules.importers.entry import ManifestError, language_code

    try:
        return language_code(text, key="language", place="--language")
    except ManifestError:
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: an ISO 639 code such as en, cs or pt-BR") from None
