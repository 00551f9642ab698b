"""``earmark data import NAME``: a corpus from a user's own manifests, in place: audio is neither copied nor changed.

``--task speech`` (the default) reads transcripts, ``--task events`` labels of sound events.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.commands.data.manifest_arguments import (
    add_source_arguments,
    add_task_argument,
    clip_source,
    hint_of_events,
    source,
)

if TYPE_CHECKING:
    from datamodules.corpus_folder import CorpusCard

EXAMPLE = """examples:
  earmark data import mine --train train.tsv --language cs            splits dealt by text: 80, 8, 12 %
  earmark data import mine --train tr/*.jsonl --validation dev.jsonl --test test.jsonl
  earmark data import libri --train LibriSpeech/train-clean-5 --validation LibriSpeech/dev-clean-2
  earmark data import cv --train cv/pl/train.tsv cv/cs/train.tsv --test cv/pl/test.tsv cv/cs/test.tsv
sound events (docs/bring_your_sounds.md):
  earmark data import garden --task events --train garden/            recordings with Audacity's label tracks beside
  earmark data import birds --task events --train selections/ --audio-root recordings/ --clip-seconds 10
  earmark data import desed --task events --train weak.tsv strong.tsv --validation val.tsv --test eval.tsv
  earmark data import sounds --task events --train sounds/            a folder of recordings for each class

formats (docs/import.md): tsv, csv and jsonl with audio, text[, language, speaker, start, duration, channel, id]; kaldi
and nemo manifests; parts of librispeech and mls; common_voice's tables; what lhotse's recipes prepare. Of sound events:
dcase lists, class_folders, audacity label tracks, raven selection tables, birdnet result CSV and others.
Look first for what is wrong with them: earmark data check train.tsv --language cs"""
OF_EVENTS = ("sample_rate_hz", "clip_seconds", "whole_clip_events")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "Make a corpus from your own manifests or label files; audio stays where it is."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("name", metavar="NAME", help="the corpus to make, a folder under data/")
    add_task_argument(parser)
    parser.add_argument(
        "--train", nargs="+", required=True, type=Path, metavar="PATH",
        help="training manifests, or those of everything: splits without any are dealt from them",
    )  # fmt: skip
    add_source_arguments(parser)
    parser.add_argument("--licence", default="not stated", metavar="TEXT", help="what the corpus card says")
    parser.add_argument(
        "--drop-damaged",
        action="store_true",
        help="leave out and count what has no readable audio, and events that lie outside their clip",
    )
    parser.add_argument("--rebuild", action="store_true", help="make it again although it is there")
    events = parser.add_argument_group("of sound events")
    events.add_argument("--sample-rate-hz", type=_rate, metavar="HZ", help="at which clips are served (default 16000)")
    events.add_argument(
        "--clip-seconds", type=_seconds, metavar="S", help="cut longer recordings into clips of S, events with them"
    )
    events.add_argument(
        "--whole-clip-events",
        action="store_true",
        default=None,
        help="a clip with tags alone sounds from beginning to end: its tags become events",
    )


def run(arguments: argparse.Namespace) -> int:
    """Import and describe; returns the exit code. Raises ``UserError`` with one line for what failed."""
    from datamodules.corpus_folder import data_root
    from experiments.commands.data.own_corpora import SCALED, WHOLE
    from experiments.errors import UserError

    if arguments.name.split("/")[0] in SCALED | WHOLE:
        raise UserError(f"NAME: {arguments.name!r} is one of earmark's own corpora, allowed: another name")
    try:
        card, summary = (_import_events if arguments.task == "events" else _import_speech)(arguments)
    except (ValueError, OSError) as error:
        raise UserError(f"{error}{hint_of_events(arguments, arguments.train[0])}") from error
    print(f"{card.name}: imported into {data_root() / card.name} (audio stays where it is)")
    print("\n".join(["", *summary, "", f"digest {card.digest}", f"now: earmark data check {card.name}"]))
    return 0


def _import_speech(arguments: argparse.Namespace) -> tuple[CorpusCard, Sequence[str]]:
    from datamodules.corpora.speech.speech_summary import summarise_speech
    from datamodules.corpus_folder import data_root
    from datamodules.importers.imported_corpus import import_corpus
    from experiments.errors import UserError

    if given := [key for key in OF_EVENTS if getattr(arguments, key) is not None]:
        raise UserError(f"--{given[0].replace('_', '-')}: allowed with --task events")
    card = import_corpus(
        arguments.name,
        source(arguments, arguments.train),
        licence=arguments.licence,
        drop_damaged=arguments.drop_damaged,
        rebuild=arguments.rebuild,
    )
    return card, summarise_speech(data_root() / card.name)


def _import_events(arguments: argparse.Namespace) -> tuple[CorpusCard, Sequence[str]]:
    from datamodules.corpus_folder import data_root
    from datamodules.importers.imported_clips.clip_summary import summarise_clips
    from datamodules.importers.imported_clips.import_clips import ClipRules, import_clips

    given = {key: value for key in OF_EVENTS if (value := getattr(arguments, key)) is not None}
    card = import_clips(
        arguments.name,
        clip_source(arguments, arguments.train),
        ClipRules(**given, drop_damaged=arguments.drop_damaged),
        licence=arguments.licence,
        rebuild=arguments.rebuild,
    )
    return card, summarise_clips(data_root() / card.name, card)


def _rate(text: str) -> int:
    if not (text.isdecimal() and 1000 <= int(text) <= 384_000):
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: a whole number of Hz, 1000 to 384000")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 1):
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: a number of seconds, 1 or more")
    return round(seconds, 3)
