"""``earmark data import NAME``: a corpus from a user's own manifests, in place: audio is neither copied nor changed."""

from __future__ import annotations

import argparse
from pathlib import Path

from experiments.commands.data.manifest_arguments import add_source_arguments, source

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


def run(arguments: argparse.Namespace) -> int:
    """Import and describe; returns the exit code. Raises ``UserError`` with one line for what failed."""
    from datamodules.corpora.speech.speech_summary import summarise_speech
    from datamodules.corpus_folder import data_root
    from datamodules.importers.imported_corpus import import_corpus
    from experiments.commands.data.own_corpora import SCALED, WHOLE
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
