"""The command line: one parser, a file a command; what a command needs is imported inside it.

Exit code 0 only on success; a user's mistake is one line on standard error without a traceback (EARMARK_DEBUG=1 shows
it), exit code 2.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from datamodules.run_warning import RunWarning

_usual_format = warnings.formatwarning

EXAMPLES = """examples:
  earmark data soundscapes --scale demo      prepare real audio (Debian packages, no registration)
  earmark plan weak_sed --scale demo         what is there, what would run, and why
  earmark run weak_sed --scale demo          run what is missing
  earmark report weak_sed --scale demo       mean ± std over seeds
  earmark ui                                 the MLflow dashboard on 127.0.0.1
"""
SCORE_EXAMPLE = """examples:
  earmark score events --reference test.tsv --estimated mine.tsv
  earmark score text --reference ref.txt --hypothesis mine.txt
"""


RESULTS_EXAMPLE = """examples:
  earmark results pack weak_sed --scale demo --output weak_sed.tar.xz
  earmark results merge weak_sed.tar.xz theirs.tar.xz
  earmark report --results weak_sed.tar.xz          prints it without a store
"""


# For these Rich would write escape codes into pipes and files; a terminal has colours without them, unless NO_COLOR.
FORCED_COLOURS = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


class OneLineParser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, and to which an empty text is no path; ``--help`` has the usage."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.register("type", Path, _path)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _path(text: str) -> Path:
    """``Path("")`` is this folder: what a shell variable that nobody has set would mean."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got an empty text")
    return Path(text)


def build_parser() -> argparse.ArgumentParser:
    """All commands. Imports nothing heavy, so that ``earmark --help`` starts at once."""
    from experiments.commands import (
        claims,
        clean,
        fit,
        models,
        plan,
        report,
        reproduce,
        run,
        score_events,
        score_text,
        stop,
        sync,
        ui,
    )
    from experiments.commands.data import prepare_data
    from experiments.commands.results import merge, pack
    from experiments.commands.shell import completion
    from experiments.commands.using import align, demo, export, import_model, predict, transcribe

    parser = OneLineParser(
        prog="earmark",
        description="Comparative experiments on weakly or scarcely labelled audio, tracked in MLflow.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add(
        commands,
        ("data", prepare_data, "prepare a corpus"),
        ("models", models, "fetch a pretrained model, or list them"),
        ("plan", plan, "every cell's state, and what would run"),
        ("run", run, "run the cells of a table that are not finished"),
        ("report", report, "a table's mean ± std over seeds"),
        ("claims", claims, "what finished runs say of each claim"),
        ("fit", fit, "one run from one configuration file"),
        ("stop", stop, "stop what this home runs: launchers, trainings, jobs"),
        ("sync", sync, "deliver to MLflow what an outage or a kill left behind"),
        ("clean", clean, "what of the run folders is needed by nobody, and its end"),
        ("reproduce", reproduce, "a run's configuration and command, and what differs here"),
        ("predict", predict, "sound events of any audio by a finished run"),
        ("transcribe", transcribe, "texts of recordings, with times of words"),
        ("align", align, "when the words of a given text are said"),
        ("demo", demo, "a page on which finished runs hear audio in the browser"),
        ("export", export, "a finished run as a folder that runs without earmark: ONNX, weights, card"),
        ("import", import_model, "an exported run back into this store, with its weights"),
        ("ui", ui, "the MLflow dashboard"),
        ("completion", completion, "a shell's completion script"),
    )
    results = _group(commands, "results", "finished runs as one file, and back", epilog=RESULTS_EXAMPLE)
    _add(
        results.add_subparsers(dest="verb", metavar="VERB", required=True),
        ("pack", pack, "a table's finished runs as one file"),
        ("merge", merge, "bring the runs of packs into this store"),
    )
    score = _group(commands, "score", "score any system's output", epilog=SCORE_EXAMPLE)
    _add(
        score.add_subparsers(dest="kind", metavar="KIND", required=True),
        ("events", score_events, "sound events"),
        ("text", score_text, "word and character error of texts"),
    )
    commands.choices["completion"].set_defaults(whole=parser)
    return parser


def _group(commands: Any, name: str, summary: str, *, epilog: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    return parser


def _add(commands: Any, *modules: tuple[str, ModuleType, str]) -> None:
    """A (sub)command of each name, module and summary."""
    for name, module, summary in modules:
        command = commands.add_parser(name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_arguments(command)
        command.set_defaults(run=module.run)


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """What a user should know of data is one line; other warnings say where in the code they were made."""
    if issubclass(category, RunWarning):
        return f"warning: {message}\n"
    return _usual_format(message, category, filename, lineno, line)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    from datamodules.corpus_folder import CorpusMissingError
    from experiments.errors import UserError, first_line

    for stream in (sys.stdout, sys.stderr):  # a file's name may hold bytes that are not UTF-8
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for name in FORCED_COLOURS:
        os.environ.pop(name, None)
    warnings.formatwarning = _format_warning
    parser = build_parser()
    parsed, rest = parser.parse_known_args(arguments)
    if rest and not any(one.startswith("-") and one != "-" for one in rest) and hasattr(parsed, "takes_rest"):
        getattr(parsed, parsed.takes_rest).extend(rest)  # argparse leaves files that stand behind options
        rest = []
    if "" in getattr(parsed, getattr(parsed, "takes_rest", ""), ()):
        parser.error("argument FILE: expected a path, got an empty text")
    if rest and parsed.command != "fit":
        parser.error(f"unknown argument {rest[0]!r}")
    if parsed.command == "fit":
        parsed.overrides = rest
    try:
        return int(parsed.run(parsed))
    except (UserError, CorpusMissingError) as error:
        if os.environ.get("EARMARK_DEBUG"):
            raise
        print(f"earmark: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `earmark … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("earmark: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        # Named by its class: importing mlflow for it would slow every command.
        if "MlflowException" not in (base.__name__ for base in type(error).__mro__) or os.environ.get("EARMARK_DEBUG"):
            raise
        print(f"earmark: error: tracking: {first_line(error)}", file=sys.stderr)
        return 2
