"""``earmark data check``: what is wrong with a speech corpus or a manifest, before a training finds out.

Every file is decoded to its end and the longest training batch is tried once. Exit code 1 where there are errors, 0
with warnings alone, 2 where a manifest cannot be read. The checks are in ``datamodules/checks/speech_checks.py``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.commands.data import digest_check
from experiments.commands.data.manifest_arguments import add_source_arguments, source

if TYPE_CHECKING:
    from datamodules.audio.audio_facts import AudioFacts
    from datamodules.checks.checked_splits import SplitEntries
    from datamodules.checks.speech_checks import CheckedUtterance, Finding, Framing
    from experiments.commands.data.batch_trial import NotTried, Trial

EXAMPLE = """examples:
  earmark data check prompts                                a prepared or imported corpus
  earmark data check train.tsv --test test.tsv --language cs
  earmark data check mine --digest                          is every file still what was imported?
  earmark data check LibriSpeech/train-clean-5 --validation LibriSpeech/dev-clean-2 --json

exit code: 1 where there are errors or changed files, 0 with warnings alone, 2 where a manifest cannot be read"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "Find what is wrong with a speech corpus or with manifests: audio, texts, lengths, splits."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("target", nargs="+", metavar="CORPUS|MANIFEST", help="a corpus, or training manifests")
    add_source_arguments(parser)
    parser.add_argument(
        "--alphabet", metavar="CHARACTERS", help="all that texts may hold (default: what training texts do)"
    )
    parser.add_argument(
        "--hop-seconds", type=_positive, default=0.01, metavar="S", help="of the features (default .01)"
    )
    parser.add_argument(
        "--subsampling", type=_count, default=4, metavar="N", help="feature frames to one of the encoder (default 4)"
    )
    parser.add_argument(
        "--speed", type=_speed, default=1.1, metavar="F", help="fastest speed perturbation, 1 for none (default 1.1)"
    )
    parser.add_argument(
        "--batch-seconds", type=_positive, default=60.0, metavar="S", help="audio of a batch that is tried (default 60)"
    )
    parser.add_argument(
        "--digest", action="store_true", help="read all of a corpus instead, and say whether it is what was prepared"
    )
    parser.add_argument("--json", action="store_true", help="findings as one JSON document on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; returns the exit code. Raises ``UserError`` for what cannot be looked at."""
    if arguments.digest:
        return digest_check.run(_only_corpus(arguments), as_json=arguments.json)

    from datamodules.checks.speech_checks import Finding, Framing
    from experiments.commands.data.batch_trial import try_longest_batch
    from experiments.errors import UserError

    try:
        entries = _entries(arguments)
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error
    utterances = entries.checked(_decode(entries))
    framing = Framing(arguments.hop_seconds, arguments.subsampling, arguments.speed)
    found = [entries.unspeakable_text(), *_findings(utterances, framing=framing, alphabet=arguments.alphabet)]
    findings = [finding for finding in found if finding is not None]
    tried = try_longest_batch(utterances, batch_seconds=arguments.batch_seconds, framing=framing)
    trial = None if isinstance(tried, Finding) else tried
    if isinstance(tried, Finding):
        findings.append(tried)
    findings.sort(key=lambda finding: finding.severity)  # errors come first
    if arguments.json:
        print(json.dumps(_as_json(utterances, findings, trial), indent=2, ensure_ascii=False))
    else:
        _print(utterances, findings, trial)
    return int(any(finding.severity == "error" for finding in findings))


def _only_corpus(arguments: argparse.Namespace) -> str:
    """The one corpus of ``--digest``. Raises ``UserError`` for manifests and options of theirs."""
    from datamodules.corpus_folder import data_root
    from experiments.errors import UserError

    target: str = arguments.target[0]
    if len(arguments.target) > 1 or not (data_root() / target / "corpus.json").is_file():
        raise UserError(f"--digest: {' '.join(arguments.target)}: allowed: one corpus in {data_root()}")
    return target


def _entries(arguments: argparse.Namespace) -> SplitEntries:
    from datamodules.checks.checked_splits import entries_of_corpus, entries_of_manifests
    from datamodules.corpus_folder import data_root
    from experiments.errors import UserError

    first = arguments.target[0]
    if len(arguments.target) == 1 and (data_root() / first / "corpus.json").is_file() and Path(first).suffix == "":
        for option in ("validation", "test", "language", "audio_root"):
            if getattr(arguments, option) is not None:
                raise UserError(f"--{option.replace('_', '-')}: {first} is a corpus, allowed: with manifests alone")
        return entries_of_corpus(first)
    if len(arguments.target) == 1 and not Path(first).exists():
        raise UserError(f"{first}: no corpus in {data_root()} and no manifest; allowed: a prepared corpus, or a path")
    return entries_of_manifests(source(arguments, [Path(target) for target in arguments.target]))


def _decode(entries: SplitEntries) -> dict[Path, AudioFacts]:
    from rich.console import Console
    from rich.progress import track

    from datamodules.audio.audio_facts import all_audio_facts

    files = entries.audio
    console = Console(stderr=True)
    decoded = all_audio_facts(files)
    return dict(track(decoded, "decoding", total=len(files), console=console, disable=not console.is_terminal))


def _findings(
    utterances: Sequence[CheckedUtterance], *, framing: Framing, alphabet: str | None
) -> list[Finding | None]:
    from datamodules.checks import speech_checks as checks
    from datamodules.checks import split_checks

    learnt = {character for one in utterances if one.split == "train" for character in one.entry.text}
    known = learnt if alphabet is None else set(alphabet)
    return [
        checks.missing_audio(utterances),
        checks.unreadable_audio(utterances),
        checks.absent_channel(utterances),
        checks.outside_audio(utterances),
        checks.empty_text(utterances),
        checks.unalignable(utterances, framing=framing),
        checks.duplicate_ids(utterances),
        split_checks.shared_audio(utterances),
        checks.unknown_characters(utterances, alphabet=known, given=alphabet is not None),
        checks.no_language(utterances),
        checks.silent_audio(utterances),
        checks.clipped_audio(utterances),
        checks.duration_outliers(utterances),
        checks.speech_rate_outliers(utterances),
        split_checks.shared_texts(utterances),
        split_checks.shared_speakers(utterances),
        checks.repeated_audio(utterances),
        checks.mixed_sample_rates(utterances),
        checks.several_channels(utterances),
    ]


def _minutes_by_split(utterances: Sequence[CheckedUtterance]) -> dict[str, tuple[int, float]]:
    """Utterances and minutes of each split."""
    splits = dict.fromkeys(one.split for one in utterances)
    return {
        split: (len(durations), sum(durations) / 60)
        for split in splits
        if (durations := [one.duration_seconds for one in utterances if one.split == split])
    }


def _as_json(
    utterances: Sequence[CheckedUtterance], findings: Sequence[Finding], trial: Trial | NotTried | None
) -> object:
    amounts = _minutes_by_split(utterances)
    return {
        "utterances": {split: count for split, (count, _) in amounts.items()},
        "minutes": {split: round(minutes, 2) for split, (_, minutes) in amounts.items()},
        "errors": _amount(findings, "error"),
        "warnings": _amount(findings, "warning"),
        "findings": [asdict(finding) for finding in findings],
        "longest_batch": None if trial is None else asdict(trial),
    }


def _amount(findings: Sequence[Finding], severity: str) -> dict[str, int]:
    """How many kinds of finding there are, and how often; an utterance counts in every kind that it is in."""
    counts = [finding.count for finding in findings if finding.severity == severity]
    return {"kinds": len(counts), "cases": sum(counts)}


def _counted(findings: Sequence[Finding], severity: str) -> str:
    amount = _amount(findings, severity)
    if not amount["kinds"]:
        return f"no {severity}s"
    kinds, cases = ("s" if amount[name] > 1 else "" for name in ("kinds", "cases"))
    return f"{amount['kinds']} kind{kinds} of {severity} ({amount['cases']} case{cases})"


def _print(utterances: Sequence[CheckedUtterance], findings: Sequence[Finding], trial: Trial | NotTried | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 160)
    amounts = _minutes_by_split(utterances)
    parts = (f"{split} {count} utterances, {minutes:.1f} min" for split, (count, minutes) in amounts.items())
    console.print("; ".join(parts), highlight=False, markup=False)
    if findings:
        table = Table("severity", "count", "finding", "first of them")
        for finding in findings:
            style = "red" if finding.severity == "error" else "yellow"
            cells = (
                Text(finding.what, overflow="fold"),
                Text("\n".join(map(_short, finding.examples)), overflow="fold"),
            )
            table.add_row(Text(finding.severity, style=style), str(finding.count), *cells)
        console.print(table)
    if trial is not None:  # else a finding tells what became of it
        console.print(trial.sentence(), highlight=False, markup=False)
    console.print(f"{_counted(findings, 'error')}, {_counted(findings, 'warning')}", highlight=False)


def _short(example: str) -> str:
    """An example with its file relative to the current folder, where it is in it."""
    return example.removeprefix(f"{Path.cwd()}/")


def _positive(text: str) -> float:
    return _number(text, "a number of seconds above 0", lambda value: value > 0)


def _speed(text: str) -> float:
    return _number(text, "a number from 1 to 1.5", lambda value: 1 <= value <= 1.5)


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
