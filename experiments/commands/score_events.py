"""``earmark score events``: score any system's event list or score curves against a reference, as JSON on stdout.

Event lists are DCASE's, or of a format of ``datamodules.clips.event_lists``; curves: ``score_event_curves.py``.
Warnings go to stderr, so that stdout is one JSON document. Heavy imports wait inside ``run``: ``--help`` must start at
once.
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
from experiments.errors import number_of

if TYPE_CHECKING:
    from datamodules.annotations import Event
    from datamodules.clips.event_lists import Format

EXAMPLE = """example:
  earmark score events --reference test.tsv --estimated mine.tsv --classes dog,cat | jq .event_based.macro.f1
  earmark score events --reference test.tsv --scores curves/ --durations durations.tsv | jq .figures.psds1
  earmark score events --scores predictions/test.npz --write-scores curves/

files (tab-separated; heading optional; times in seconds):
  filename     onset  offset  event_label
  kitchen.wav  0.50   2.25    dog
  silence.wav                               (no event: the filename alone)
formats (--format; without it tabs, or commas where the heading shows them):
  dcase     as above            csv    the same columns with commas
  audacity  a label track       raven  a selection table (file: Begin File or Begin Path, else the list's name)
  A label track is named as its recording is, in both lists: ref/kitchen.txt, mine/kitchen.txt.
curves (--scores; PSDS, collar, intersection, segment and tagging figures at every threshold):
  a run's predictions (.npz), or a folder with a file a clip in sed_scores_eval's form, CLIP.tsv:
  onset  offset  CLASS  CLASS …
The files scored are those that the reference lists. Rates are 0-1, undefined ones null. Error rates are errors per
reference event, above 1 where false alarms outnumber; take their micro value, F1's common one is macro."""
FORMATS = ("dcase", "csv", "audacity", "raven")  # of datamodules.clips.event_lists, which --help must not import


MAX_SEGMENTS = 1_000_000  # of one file: eleven days of seconds; more is a time in the wrong unit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "Score estimated sound events against a reference: event-based, segment-based, by tags."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--reference", metavar="REF.tsv", help="true events; lists the files to score")
    estimates = parser.add_mutually_exclusive_group(required=True)
    estimates.add_argument("--estimated", metavar="EST.tsv", help="a system's events")
    estimates.add_argument("--scores", metavar="FOLDER|FILE.npz", help="a system's score curves")
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
    _add_curve_arguments(parser.add_argument_group("with --scores"))


def _add_curve_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--durations", metavar="DUR.tsv", help="filename, duration (default: where curves or reference end)"
    )
    group.add_argument(
        "--threshold", type=_finite, default=0.5, metavar="P", help="of figures at one threshold (default .5)"
    )
    group.add_argument("--thresholds-from", metavar="FOLDER|FILE.npz", help="validation curves to fit thresholds on")
    group.add_argument("--validation-reference", metavar="VAL.tsv", help="their true events")
    group.add_argument(
        "--unrounded-collars",
        action="store_true",
        help="compare with collars as sed_eval does, not rounded to a microsecond as sed_scores_eval does",
    )
    group.add_argument("--write-scores", metavar="FOLDER", help="write the curves in sed_scores_eval's form")


def run(arguments: argparse.Namespace) -> int:
    """Print the scores; exit code 0. Raises ``UserError`` for a file that can't be scored."""
    if arguments.scores is not None:
        return _run_curves(arguments)
    return _run_events(arguments)


def _run_curves(arguments: argparse.Namespace) -> int:
    from experiments.commands.score_event_curves import curves_json, write_stored
    from experiments.errors import UserError

    if (arguments.thresholds_from is None) != (arguments.validation_reference is None):
        raise UserError("--thresholds-from and --validation-reference: one without the other, allowed: both or neither")
    if arguments.reference is None and arguments.write_scores is None:
        raise UserError("--scores needs --reference to score against, or --write-scores to write to")
    if arguments.write_scores is not None:
        num_clips = write_stored(arguments.scores, arguments.write_scores)
        print(f"{arguments.write_scores}: curves of {number_of(num_clips, 'clip')} written", file=sys.stderr)
    if arguments.reference is None:
        return 0
    reference = _read_reference(arguments.reference, arguments.reference_format or arguments.format)
    _refuse_endless(arguments.reference, reference, segment_seconds=arguments.segment_seconds)
    validation_reference = None
    if arguments.validation_reference is not None:
        validation_form = arguments.reference_format or arguments.format
        validation_reference = _read_reference(arguments.validation_reference, validation_form)
    document = curves_json(arguments, reference, validation_reference)
    for line in document["warnings"]:
        print(f"warning: {line}", file=sys.stderr)
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    return 0


def _read_reference(path: str, form: Format | None) -> Mapping[str, Sequence[Event]]:
    from experiments.errors import UserError

    reference = _read(path, form)
    if not reference:
        raise UserError(f"{path}: lists no file, so there is nothing to score")
    return reference


def _run_events(arguments: argparse.Namespace) -> int:
    from experiments.errors import UserError
    from lightning_modules.metrics.summary import ScoreSettings, summarise

    if arguments.reference is None:
        raise UserError("--estimated needs --reference to score against")
    _refuse_curve_options(arguments)
    reference = _read_reference(arguments.reference, arguments.reference_format or arguments.format)
    estimated = _read(arguments.estimated, arguments.format)
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
            print(
                f"warning: {path}: no line has an event ({number_of(len(lists), 'file')}, all event-free)",
                file=sys.stderr,
            )
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


def _refuse_curve_options(arguments: argparse.Namespace) -> None:
    from experiments.errors import UserError

    for option in ("durations", "thresholds_from", "validation_reference", "write_scores"):
        if getattr(arguments, option) is not None:
            raise UserError(f"--{option.replace('_', '-')} is of --scores, allowed: --scores in place of --estimated")


def _labels(text: str) -> list[str]:
    fields = re.split(r"(?<!\\),", text)
    if not all(field.strip() for field in fields):
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: names of classes with commas between")
    return list(dict.fromkeys(split_tags(text)))


def _positive(text: str) -> float:
    return _number(text, "a number of seconds above 0", lambda value: value > 0)


def _finite(text: str) -> float:
    return _number(text, "a number", lambda value: True)


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
