"""``earmark score events``: score any system's event list against a reference, as JSON on stdout.

Both files are DCASE lists, or of a format of ``datamodules.clips.event_lists``. Warnings go to stderr, so that stdout
is one JSON document. Heavy imports wait inside ``run``: ``--help`` must start at once.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from datamodules.clips.tag_lists import split_tags

if TYPE_CHECKING:
    from datamodules.annotations import Event
    from datamodules.clips.event_lists import Format

EXAMPLE = """example:
  earmark score events --reference test.tsv --estimated mine.tsv --classes dog,cat | jq .event_based.macro.f1

files (tab-separated; heading optional; times in seconds):
  filename     onset  offset  event_label
  kitchen.wav  0.50   2.25    dog
  silence.wav                               (no event: the filename alone)
formats (--format; without it tabs, or commas where the heading shows them):
  dcase     as above            csv    the same columns with commas
  audacity  a label track       raven  a selection table (file: Begin File or Begin Path, else the list's name)
  A label track is named as its recording is, in both lists: ref/kitchen.txt, mine/kitchen.txt.
The files scored are those that the reference lists. Rates are 0-1, undefined ones null. Error rates are errors per
reference event, above 1 where false alarms outnumber; take their micro value, F1's common one is macro."""
FORMATS = ("dcase", "csv", "audacity", "raven")  # of datamodules.clips.event_lists, which --help must not import


MAX_SEGMENTS = 1_000_000  # of one file: eleven days of seconds; more is a time in the wrong unit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "Score estimated sound events against a reference: event-based, segment-based, by tags."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--reference", required=True, metavar="REF.tsv", help="true events; lists the files to score")
    parser.add_argument("--estimated", required=True, metavar="EST.tsv", help="a system's events")
    parser.add_argument("--format", choices=FORMATS, help="of both lists (default: dcase or csv, by the heading)")
    parser.add_argument("--reference-format", choices=FORMATS, help="of the reference, where it is another")
    parser.add_argument(
        "--classes", type=_labels, metavar="A,B,…", help="classes to score (default: those of both files)"
    )
    parser.add_argument(
        "--collar-seconds",
        type=_positive,
        default=0.2,
        metavar="S",
        help="tolerance of onsets and offsets (default .2)",
    )
    parser.add_argument(
        "--offset-fraction",
        type=_fraction,
        default=0.2,
        metavar="F",
        help="tolerance of offsets as a fraction of the event's length, where that is more (default .2)",
    )
    parser.add_argument(
        "--segment-seconds", type=_positive, default=1.0, metavar="S", help="length of a segment (default 1)"
    )
    parser.add_argument(
        "--short-below-seconds", type=_positive, default=1.0, metavar="S", help="events below are short (default 1)"
    )
    parser.add_argument("--json", action="store_true", help="what is printed anyway: one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Print the scores; exit code 0. Raises ``UserError`` for a file that can't be scored."""
    from experiments.errors import UserError
    from lightning_modules.metrics.summary import ScoreSettings, summarise

    reference = _read(arguments.reference, arguments.reference_format or arguments.format)
    estimated = _read(arguments.estimated, arguments.format)
    if not reference:
        raise UserError(f"{arguments.reference}: lists no file, so there is nothing to score")
    scored = {clip: events for clip, events in estimated.items() if clip in reference}
    for path, lists in ((arguments.reference, reference), (arguments.estimated, scored)):
        _refuse_endless(path, lists, segment_seconds=arguments.segment_seconds)
    settings = ScoreSettings(
        collar_seconds=arguments.collar_seconds,
        offset_fraction=arguments.offset_fraction,
        segment_seconds=arguments.segment_seconds,
        short_below_seconds=arguments.short_below_seconds,
    )
    for path, lists in ((arguments.reference, reference), (arguments.estimated, estimated)):
        if not any(lists.values()):
            print(f"warning: {path}: no line has an event ({len(lists)} files, all event-free)", file=sys.stderr)
    summary = summarise(reference, estimated, classes=arguments.classes, settings=settings)
    for line in summary.lists.warnings():
        print(f"warning: {line}", file=sys.stderr)
    print(json.dumps(summary.as_json(), indent=2, ensure_ascii=False, allow_nan=False))
    return 0


def _read(path: str, form: Format | None) -> Mapping[str, Sequence[Event]]:
    """A list's events; says on stderr which format was taken where nobody gave it and it isn't DCASE's."""
    from datamodules.clips.dcase_tsv import AnnotationFileError
    from datamodules.clips.event_lists import read_event_list
    from experiments.errors import UserError

    try:
        events, taken = read_event_list(path, form=form)
    except AnnotationFileError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}") from error
    if form is None and taken != "dcase":
        print(f"{path}: read as {taken}, by its heading", file=sys.stderr)
    return events


def _refuse_endless(path: str, lists: Mapping[str, Sequence[Event]], *, segment_seconds: float) -> None:
    """Segment-based scores hold every segment up to the last offset in memory."""
    from experiments.errors import UserError

    last, clip = max(
        ((event.offset_seconds, clip) for clip, events in lists.items() for event in events), default=(0, "")
    )
    if last / segment_seconds > MAX_SEGMENTS:
        raise UserError(
            f"{path}: offset {last:g} of {clip} makes more than {MAX_SEGMENTS:,} segments of {segment_seconds:g} s; "
            f"allowed: offsets up to {MAX_SEGMENTS * segment_seconds:g}, or longer --segment-seconds"
        )


def _labels(text: str) -> list[str]:
    fields = re.split(r"(?<!\\),", text)
    if not all(field.strip() for field in fields):
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: names of classes with commas between")
    return list(dict.fromkeys(split_tags(text)))


def _positive(text: str) -> float:
    return _number(text, "a number of seconds above 0", lambda value: value > 0)


def _fraction(text: str) -> float:
    return _number(text, "a number from 0 to 1", lambda value: 0 <= value <= 1)


def _number(text: str, allowed: str, accepts: Callable[[float], bool]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and accepts(value)):
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: {allowed}")
    return value
