"""``earmark predict RUN FILE|FOLDER…``: the sound events of any audio file, as files of other tools."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.errors import number_of

if TYPE_CHECKING:
    from experiments.applying.chosen_run import ChosenRun
    from experiments.applying.predicting.file_events import FilePredictor
    from experiments.applying.predicting.many_files import Outcome
    from experiments.applying.predicting.settings import Settings

EXAMPLES = """examples:
  earmark predict weak_sed/glu_mil garden/                      garden/monday.tsv beside garden/monday.wav, …
  earmark predict 4ebdabf7 yard.mp3 -f audacity,raven -o out/   a run by its key; yard.txt and yard.selections.txt
  earmark predict exported/ garden/ -f labelstudio --one-list   one list to import into Label Studio
  sox in.mp3 -t wav - | earmark predict weak_sed/mil -          the events of a pipe on standard output
  earmark predict --load-params garden/predict.yaml new/        the same run and settings on other files
  earmark predict --self-check                                  is this installation sound?

RUN is an id or key of a finished run, TABLE/ROW (the run that is best on its validation), or a folder of a run or
of earmark export. Events are decided as the run's own scoring decided them; how long files are heard: docs/predict.md.
Exit code: 0 all files were read, 1 some were not (a line each says why), 2 nothing was done.

--self-check predicts two clips that ship with earmark by a small system whose weights are fixed, and compares events
and curves with the tables that ship beside them. It proves that decoding, resampling, log-mel, the network's layers,
the joining of windows and the post-processing of this installation compute what they should, and nothing of any run."""

_GIVEN = ("scale", "window_seconds", "overlap_seconds", "batch_size", "threshold", "clip_threshold", "min_seconds",
          "top", "one_list", "audio_prefix", "device", "formats")  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark predict``."""
    parser.description = "Predict the sound events of audio files of any format, rate, channels and length."
    parser.epilog = EXAMPLES
    parser.add_argument("words", nargs="*", metavar="RUN FILE|FOLDER", help="a run, then audio; - is standard input")
    parser.set_defaults(takes_rest="words")
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="where to (default: beside each file)")
    formats = "dcase (default), audacity, raven, jsonl, scores, labelstudio; several with commas"
    parser.add_argument("-f", "--format", dest="formats", metavar="NAMES", help=formats)
    parser.add_argument("--one-list", action="store_true", default=None, help="one file of all recordings")
    parser.add_argument("--threshold", type=float, metavar="P", help="of the curves, instead of the run's own")
    parser.add_argument("--clip-threshold", type=float, metavar="P", help="from which a window has a class at all")
    parser.add_argument("--min-seconds", type=float, metavar="S", help="shorter events are dropped")
    parser.add_argument("--top", type=int, metavar="N", help="at most the N most probable classes of a window")
    parser.add_argument("--window-seconds", type=float, metavar="S", help="default: the run's longest clip")
    overlap = "of two windows (default: a quarter of one)"
    parser.add_argument("--overlap", dest="overlap_seconds", type=float, metavar="S", help=overlap)
    parser.add_argument("--batch-size", type=int, metavar="N", help="windows at a time (default: 8)")
    parser.add_argument("--device", metavar="NAME", help="cpu (default), cuda, mps")
    parser.add_argument("--scale", metavar="NAME", help="of a TABLE/ROW (default: the table's first)")
    prefix = "before each name in labelstudio: /data/local-files/?d=garden/"
    parser.add_argument("--audio-prefix", metavar="TEXT", help=prefix)
    parser.add_argument("--load-params", type=Path, metavar="FILE", help="run and settings of a predict.yaml")
    parser.add_argument("--overwrite", action="store_true", help="replace output files that are not ours, or corrected")
    parser.add_argument("--json", action="store_true", help="the summary as JSON")
    parser.add_argument("--self-check", action="store_true", help="prove this installation on two shipped clips")


def run(arguments: argparse.Namespace) -> int:
    """Predict and write; returns the exit code. Raises ``UserError``."""
    from experiments.waiting import working

    if arguments.self_check:
        with working("hearing the shipped clips"):
            from experiments.applying.predicting.self_check import self_check

            said = self_check()
        print("\n".join(said.lines))
        return 0 if said.is_sound else 1
    run_text, settings, inputs = _told(arguments)
    with working(f"loading {run_text}"):
        from experiments.applying.chosen_run import choose_run
        from experiments.applying.predicting.chosen_predictor import make_predictor
        from experiments.applying.predicting.formats.known import chosen_formats
        from experiments.applying.predicting.found_audio import find_audio
        from experiments.applying.predicting.many_files import ManyFiles
        from experiments.commands.using.next_use import after_events

        names = chosen_formats(settings.formats, one_list=settings.one_list)
        found = None if inputs == ["-"] else find_audio(inputs)
        chosen = choose_run(run_text, scale=settings.scale)
        predictor = make_predictor(chosen, settings)
    if found is None:
        return _pipe(predictor, names, arguments, chosen)
    work = ManyFiles(predictor, settings, names, found, output=arguments.output, overwrite=arguments.overwrite,
                     chosen=chosen, run_text=run_text)  # fmt: skip
    from experiments.applying.predicting.seconds_bar import SecondsBar

    with SecondsBar([one.path for one in found.audio]) as bar:
        outcome = work.run(tell=bar.say, advance=bar.advance)
    if found.no_audio:
        print(f"no audio, {number_of(len(found.no_audio), 'file')}: {_first(found.no_audio)}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(_document(outcome, chosen, found.no_audio), ensure_ascii=False, indent=1))
    else:
        _print_table(outcome)
        if outcome.done and not outcome.failed:
            beside = [] if arguments.output or settings.one_list else [path.parent for path in outcome.params]
            after_events(run_text, settings.scale, beside, names)
    return 1 if outcome.failed else 0


def _told(arguments: argparse.Namespace) -> tuple[str, Settings, list[str]]:
    """(run, settings, what to hear) of the command line and of ``--load-params``."""
    from experiments.applying.predicting.settings import Settings, load_params
    from experiments.errors import UserError

    words, settings, run_text = list(arguments.words), Settings(), None
    if arguments.load_params is not None:
        run_text, settings = load_params(arguments.load_params)
    elif words:
        run_text = words.pop(0)
    if run_text is None or not words:
        raise UserError("earmark predict RUN FILE|FOLDER…: give a run and audio (--load-params FILE names the run)")
    if "-" in words and words != ["-"]:
        raise UserError("- (standard input) stands alone; give files and folders, or -")
    given = {name: getattr(arguments, name) for name in _GIVEN}
    return run_text, settings.with_given(given), words


def _pipe(predictor: FilePredictor, names: tuple[str, ...], arguments: argparse.Namespace, chosen: ChosenRun) -> int:
    """Standard input: its events on standard output, or as ``stdin`` in the output folder."""
    from experiments.applying.predicting.formats.known import FORMATS
    from experiments.applying.predicting.mono_stream import standard_input
    from experiments.errors import UserError

    if len(names) > 1 and arguments.output is None:
        raise UserError(f"-f {','.join(names)} of standard input: one on standard output, or give -o FOLDER")
    try:
        with standard_input() as path:
            events = predictor(path)
    except ValueError as error:
        raise UserError(f"standard input: {error}") from None
    for name in names:
        text = FORMATS[name].text(events, "stdin.wav")
        if arguments.output is None:
            print(text, end="")
            continue
        to = FORMATS[name].beside(arguments.output / "stdin")
        if to.exists() and not arguments.overwrite:
            raise UserError(f"{to}: is there already; --overwrite replaces it")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text, encoding="utf-8", newline="\n")
    return 0


def _document(outcome: Outcome, chosen: ChosenRun, no_audio: list[Path]) -> dict[str, Any]:
    return {
        "run": {"name": chosen.name, "key": chosen.key_id},
        "files": [
            {
                "audio": str(of.audio), "seconds": of.duration_seconds, "windows": of.num_windows,
                "events": of.num_events, "by_class": of.by_class, "outputs": list(map(str, of.outputs)),
            }
            for of in outcome.done
        ],
        "failed": [{"audio": str(path), "why": why} for path, why in outcome.failed],
        "no_audio": list(map(str, no_audio)),
        "params": list(map(str, outcome.params)),
    }  # fmt: skip


def _print_table(outcome: Outcome) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("file", "length", "events", "classes")
    for of in outcome.done:
        counts = ", ".join(f"{label} {number}" for label, number in of.by_class.items())
        length = f"{of.duration_seconds // 60:.0f}:{of.duration_seconds % 60:04.1f}"
        table.add_row(Text(str(of.audio)), length, str(of.num_events), Text(counts or "-"))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    seconds = sum(of.duration_seconds for of in outcome.done)
    total = sum(of.num_events for of in outcome.done)
    failed = f", {number_of(len(outcome.failed), 'file')} could not be read" if outcome.failed else ""
    done, events = number_of(len(outcome.done), "file"), number_of(total, "event")
    print(f"{done}, {seconds / 60:.1f} minutes, {events}{failed}; {_first(outcome.params)}")


def _first(paths: list[Path]) -> str:
    from datamodules.run_warning import first_names

    return first_names(map(str, paths))
