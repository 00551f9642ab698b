"""``earmark data check``: what is wrong with a corpus, manifests or labels, before a training finds out.

Every file is decoded to its end and the longest training batch is tried once. Exit code 1 where there are errors, 0
with warnings alone, 2 where a manifest cannot be read. The checks are in ``datamodules/checks/``.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.commands.data import digest_check
from experiments.commands.data.manifest_arguments import TASKS, add_source_arguments, hint_of_events
from experiments.commands.data.next_plan import next_words
from experiments.commands.shell.next_command import say_next

EXAMPLE = """examples:
  earmark data check prompts                                a prepared or imported corpus
  earmark data check train.tsv --test test.tsv --language cs
  earmark data check labels.tsv --task events --classes dog,cat   sound events: labels and their audio
  earmark data check mine --digest                          is every file still what was imported?
  earmark data check LibriSpeech/train-clean-5 --validation LibriSpeech/dev-clean-2 --json

exit code: 1 where there are errors or changed files, 0 with warnings alone, 2 where a manifest cannot be read"""

# Options of one task, and what they are unless said otherwise; the other task would not look at them.
OF_TASK: dict[str, dict[str, Any]] = {
    "speech": {"alphabet": None, "subsampling": 4, "speed": 1.1, "batch_seconds": 60.0},
    "events": {"classes": None, "batch_size": 16},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = (
        "Find what is wrong with a corpus, manifests or labels: audio, texts or events, lengths, splits."
    )
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("target", nargs="+", metavar="CORPUS|PATH", help="a corpus, or training manifests or labels")
    parser.add_argument("--task", choices=TASKS, help="of paths: transcribed speech (default), or sound events")
    add_source_arguments(parser)
    parser.add_argument(
        "--classes", type=_names, metavar="A,B", help="of sound events: all labels that there may be (default: any)"
    )
    parser.add_argument("--batch-size", type=_count, metavar="N", help="clips of the batch that is tried (default 16)")
    parser.add_argument(
        "--alphabet", metavar="CHARACTERS", help="all that texts may hold (default: what training texts do)"
    )
    parser.add_argument(
        "--hop-seconds", type=_positive, metavar="S", help="of the features (.01), of sound events of curves (.08)"
    )
    parser.add_argument(
        "--subsampling", type=_count, metavar="N", help="feature frames to one of the encoder (default 4)"
    )
    parser.add_argument(
        "--speed", type=_speed, metavar="F", help="fastest speed perturbation, 1 for none (default 1.1)"
    )
    parser.add_argument(
        "--batch-seconds", type=_positive, metavar="S", help="audio of a batch that is tried (default 60)"
    )
    parser.add_argument(
        "--digest", action="store_true", help="read all of a corpus instead, and say whether it is what was prepared"
    )
    parser.add_argument("--json", action="store_true", help="findings as one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; returns the exit code. Raises ``UserError`` for what cannot be looked at."""
    if arguments.digest:
        return digest_check.run(_only_corpus(arguments), as_json=arguments.json)

    from datamodules.corpus_folder import read_card
    from experiments.commands.data import check_events, check_report, check_speech
    from experiments.errors import UserError

    corpus = _corpus(arguments)
    task = _task(arguments, corpus)
    _settle_options(arguments, task)
    look = check_events.look if task == "events" else check_speech.look
    try:
        looked = look(arguments, corpus=corpus)
    except (ValueError, OSError) as error:
        raise UserError(f"{error}{hint_of_events(arguments, Path(arguments.target[0]))}") from error
    check_report.show(looked, as_json=arguments.json)
    if corpus is not None and not looked.has_errors:
        say_next(*next_words(read_card(corpus)))
    return int(looked.has_errors)


def _only_corpus(arguments: argparse.Namespace) -> str:
    """The one corpus of ``--digest``. Raises ``UserError`` for manifests and options of theirs."""
    from datamodules.corpus_folder import data_root
    from experiments.errors import UserError

    target: str = arguments.target[0]
    if len(arguments.target) > 1 or not (data_root() / target / "corpus.json").is_file():
        raise UserError(f"--digest: {' '.join(arguments.target)}: allowed: one corpus in {data_root()}")
    return target


def _corpus(arguments: argparse.Namespace) -> str | None:
    """The corpus that is to be checked, None for manifests and label files. Raises ``UserError``."""
    from datamodules.corpus_folder import data_root
    from experiments.errors import UserError

    first = arguments.target[0]
    if len(arguments.target) == 1 and (data_root() / first / "corpus.json").is_file() and Path(first).suffix == "":
        for option in ("validation", "test", "language", "audio_root", "text_rules"):
            if getattr(arguments, option) is not None:
                raise UserError(f"--{option.replace('_', '-')}: {first} is a corpus, allowed: with manifests alone")
        return str(first)
    corpora = [name for name in arguments.target if (data_root() / name / "corpus.json").is_file()]
    corpora = [name for name in corpora if not Path(name).exists()]  # else it is a path to manifests
    if len(arguments.target) > 1 and corpora:
        of = "are corpora" if len(corpora) > 1 else "is a corpus"
        commands = " && ".join(f"earmark data check {name}" for name in corpora)
        raise UserError(f"{', '.join(corpora)} {of}, allowed: one corpus a call, or manifests alone: {commands}")
    if len(arguments.target) == 1 and not Path(first).exists():
        raise UserError(f"{first}: no corpus in {data_root()} and no manifest; allowed: a prepared corpus, or a path")
    return None


def _task(arguments: argparse.Namespace, corpus: str | None) -> str:
    """What is looked at: what a corpus says of itself, else what is asked for. Raises ``UserError``."""
    from datamodules.corpus_folder import CorpusMissingError, read_card
    from experiments.errors import UserError

    if corpus is None:
        return arguments.task or "speech"
    try:
        task = "events" if read_card(corpus).classes else "speech"
    except CorpusMissingError as error:
        raise UserError(str(error)) from error
    if arguments.task not in (None, task):
        raise UserError(f"--task {arguments.task}: {corpus} is a corpus of {task}, allowed: {task}")
    return task


def _settle_options(arguments: argparse.Namespace, task: str) -> None:
    """Give ``task``'s options their defaults. Raises ``UserError`` for one of the other task, which changes nothing."""
    from experiments.errors import UserError

    [other] = OF_TASK.keys() - {task}
    for name in OF_TASK[other]:
        if (value := getattr(arguments, name)) is not None:
            shown = ",".join(value) if isinstance(value, tuple) else value
            raise UserError(f"--{name.replace('_', '-')} {shown}: allowed with --task {other}, here it is {task}")
    for name, default in OF_TASK[task].items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, default)


def _positive(text: str) -> float:
    return _number(text, "a number of seconds above 0", lambda value: value > 0)


def _speed(text: str) -> float:
    return _number(text, "a number from 1 to 1.5", lambda value: 1 <= value <= 1.5)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: names separated by commas")
    return names


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: a whole number, 1 or more")
    return int(text)


def _number(text: str, allowed: str, accepts: Callable[[float], bool]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and accepts(value)):
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: {allowed}")
    return value
