"""``earmark score text``: word and character error of any system's texts, as JSON on stdout.

``datamodules.texts.text_lists`` says which files are read; texts are matched by id and compared as they stand, in
Unicode normal form C, or with ``--language`` as import would keep them. The forms that were taken and warnings go to
stderr, so that stdout is one JSON document. Heavy imports wait inside ``run``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datamodules.texts.text_lists import TextList
    from lightning_modules.metrics.bootstrap import Bootstrap, Comparison, Interval
    from lightning_modules.metrics.text_scores import TextScores

EXAMPLE = """examples:
  earmark score text --reference ref.txt --hypothesis mine.txt | jq .wer
  earmark score text --reference ref.txt --hypothesis old.txt --hypothesis new.txt --speakers utt2spk

files (UTF-8, any order of lines; an id without text is an utterance without words); --format says the form:
  kaldi   a1 hello world                       the first word is the id
  tsv     a1<TAB>hello world                   a heading (id, text, ...) names the columns, here and in csv
  csv     a1,"hello, world"                    the name in .csv, or such a heading
  trn     hello world (a1)                     the name in .trn, or every line ends in (id)
  jsonl   {"id": "a1", "text": "hello world"}  or the name in .jsonl; NeMo's text, pred_text and audio_filepath too
  plain   hello world                          no ids: line by line; only with --format plain
The form that was taken is said on stderr. Alternatives { a / b c / @ } in references: the best one is scored.

Rates are over all words (characters, spaces included), as jiwer's; undefined ones are null. substitutions,
deletions and insertions are numbers of words. With two hypothesis files the figures are the first one's, those of the
second stand under "second", differences are the second's minus the first's, and probability_better is the probability
that the second has the lower word error rate."""
FEW_SPEAKERS = 10  # percentiles of so few blocks are rough, and mostly too narrow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "Word and character error rates of texts against references, with 95 % confidence."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--reference", required=True, metavar="REF", help="true texts; every id must be answered")
    parser.add_argument(
        "--hypothesis",
        required=True,
        action="append",
        metavar="HYP",
        help="a system's texts; given twice, the second system is compared with the first",
    )
    parser.add_argument(
        "--speakers", metavar="FILE", help='lines "id speaker": confidence by blocks of speakers, figures by speaker'
    )
    parser.add_argument(
        "--format", choices=("kaldi", "tsv", "csv", "trn", "jsonl", "plain"), help="form of both files (default: found)"
    )
    parser.add_argument(
        "--lower", action="store_true", help="compare in lower case, by Unicode: of no language (Turkish I becomes i)"
    )
    parser.add_argument(
        "--language", metavar="xx", help="normalise both sides by the rules of this language (docs/import.md)"
    )
    parser.add_argument("--text-rules", type=Path, metavar="FILE", help="with --language: your own text rules, YAML")
    parser.add_argument(
        "--resamples", type=_at_least_one, default=10_000, metavar="R", help="draws of the bootstrap (default 10000)"
    )
    parser.add_argument("--seed", type=_whole, default=0, metavar="N", help="seed of the draws (default 0)")
    parser.add_argument("--json", action="store_true", help="what is printed anyway: one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Print the scores; exit code 0. Raises ``UserError`` for files that can't be scored."""
    from datamodules.texts.utf8_text import printable
    from experiments.commands.normalised_lists import normalised_lists
    from experiments.commands.text_list_choice import read_all
    from experiments.errors import UserError
    from lightning_modules.metrics.bootstrap import Bootstrap

    if len(arguments.hypothesis) > 2:
        raise UserError(f"--hypothesis is given {len(arguments.hypothesis)} times, allowed: once or twice")
    lists = read_all(arguments.reference, arguments.hypothesis, arguments.format)
    if not lists[0].texts:
        raise UserError(f"{arguments.reference}: holds no utterance, so there is nothing to score")
    lists = normalised_lists(lists, language=arguments.language, rules_file=arguments.text_rules)
    systems = [_score(lists[0], hypothesis, lower=arguments.lower) for hypothesis in lists[1:]]
    _require_same_lengths(lists, systems)
    references = lists[0].texts
    speakers = None if arguments.speakers is None else _read_speakers(arguments.speakers, references)
    bootstrap = Bootstrap(num_resamples=arguments.resamples, seed=arguments.seed)
    _say(lists, lower=arguments.lower, is_asked=arguments.format is not None)
    _warn(systems[0], speakers)
    result = _figures(systems[0], bootstrap, speakers)
    if len(systems) == 2:
        result |= {
            "second": _figures(systems[1], bootstrap, speakers),
            **_comparison(systems[0], systems[1], bootstrap, speakers),
        }
    result["settings"] = {
        "reference": printable(arguments.reference),
        "hypotheses": [printable(path) for path in arguments.hypothesis],
        "formats": {"reference": lists[0].form, "hypotheses": [hypothesis.form for hypothesis in lists[1:]]},
        "lower": arguments.lower,
        "language": arguments.language,
        "text_rules": None if arguments.text_rules is None else printable(str(arguments.text_rules)),
        "resamples": arguments.resamples,
        "seed": arguments.seed,
        "blocks": "utterances" if speakers is None else "speakers",
    }
    print(json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False))
    return 0


def _score(reference: TextList, hypothesis: TextList, *, lower: bool) -> TextScores:
    """One system's edits against the best reading of each reference."""
    from experiments.commands.text_list_choice import hint, refuse_line
    from experiments.errors import UserError
    from lightning_modules.metrics.alternatives import best_reading, readings
    from lightning_modules.metrics.text_scores import require_same_ids, score_texts

    try:
        require_same_ids(reference.texts, hypothesis.texts)
    except ValueError as error:
        raise UserError(f"{hypothesis.path} against {reference.path}: {error}{hint(reference, hypothesis)}") from error
    references, hypotheses = {}, {}
    for utterance, text in reference.texts.items():
        said = hypothesis.texts[utterance]
        try:
            allowed = readings(text)
        except ValueError as error:
            raise refuse_line(reference, utterance, error) from error
        if _has_alternatives(said):
            raise refuse_line(hypothesis, utterance, "alternatives { a / b }, allowed: in references only")
        if lower:
            allowed, said = [reading.lower() for reading in allowed], said.lower()
        references[utterance], hypotheses[utterance] = best_reading(allowed, said), said
    return score_texts(references, hypotheses)


def _has_alternatives(text: str) -> bool:
    from lightning_modules.metrics.alternatives import readings

    try:
        return readings(text) != [text]
    except ValueError:
        return True


def _require_same_lengths(lists: list[TextList], systems: list[TextScores]) -> None:
    """Two systems are compared on the same words; alternatives of unequal lengths may give each its own."""
    from experiments.commands.text_list_choice import refuse_line

    for utterance, edits in systems[0].utterances.items():
        other = systems[-1].utterances[utterance]
        if any(a.length != b.length for a, b in zip(edits, other, strict=True)):
            raise refuse_line(
                lists[0], utterance, "the two systems meet alternatives of unequal lengths, allowed: score each alone"
            )


def _read_speakers(path: str, references: Mapping[str, str]) -> dict[str, str]:
    """Speakers of the references' utterances; a list for a whole corpus may name others besides."""
    from datamodules.texts.transcripts import TranscriptFileError, read_transcripts
    from experiments.errors import UserError
    from lightning_modules.metrics.text_scores import named

    try:
        speakers = read_transcripts(path)
    except TranscriptFileError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}") from error
    without = [utterance for utterance in references if not speakers.get(utterance)]
    if without:
        raise UserError(f"{path}: no speaker of {len(without)} reference utterances: {named(without)}")
    return {utterance: speakers[utterance] for utterance in references}


def _say(lists: list[TextList], *, lower: bool, is_asked: bool) -> None:
    """The form of each file, and what is scored otherwise than its readers may expect."""
    from datamodules.texts.utf8_text import printable
    from experiments.commands.text_list_choice import described, marked_words, wordlike_ids

    for each in lists:
        print(described(each), file=sys.stderr)
    warnings = [warning for each in lists if (warning := marked_words(each)) is not None]
    if not is_asked:
        warnings += [warning for each in lists[:1] if (warning := wordlike_ids(each)) is not None]
    if lower and any(letter in text for each in lists for text in each.texts.values() for letter in "ıİ"):
        warnings.append(
            "--lower knows no language: Turkish and Azeri I becomes i (not ı), İ becomes i with a dot above"
        )
    for each in lists[1:]:
        if each.path == lists[0].path and each.texts == lists[0].texts:
            warnings.append(f"{printable(str(each.path))}: the hypotheses are the references themselves")
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def _warn(scores: TextScores, speakers: Mapping[str, str] | None) -> None:
    lines = []
    if speakers is not None:
        count = len(set(speakers.values()))
        if count == 1:
            lines.append("all utterances are of one speaker: there is no confidence over speakers (null)")
        elif count < FEW_SPEAKERS:
            lines.append(f"confidence over {count} speakers is rough: they are few to draw from")
    elif len(scores.utterances) == 1:
        lines.append("one utterance has no confidence (null)")
    if not scores.total.words.length:
        lines.append("the references hold no word: rates are undefined (null) where anything was inserted")
    for line in lines:
        print(f"warning: {line}", file=sys.stderr)


def _figures(scores: TextScores, bootstrap: Bootstrap, speakers: Mapping[str, str] | None) -> dict[str, Any]:
    words, characters = scores.total
    confidence = scores.confidence(bootstrap, blocks=speakers)
    figures: dict[str, Any] = {
        "wer": _number(words.rate),
        "wer_ci95": None if confidence is None else _interval(confidence[0]),
        "cer": _number(characters.rate),
        "cer_ci95": None if confidence is None else _interval(confidence[1]),
        "substitutions": words.substitutions,
        "deletions": words.deletions,
        "insertions": words.insertions,
        "words": words.length,
        "characters": characters.length,
        "character_errors": {
            "substitutions": characters.substitutions,
            "deletions": characters.deletions,
            "insertions": characters.insertions,
        },
        "utterances": len(scores.utterances),
    }
    if speakers is not None:
        figures["by_speaker"] = {
            speaker: {
                "wer": _number(part.total.words.rate),
                "cer": _number(part.total.characters.rate),
                "words": part.total.words.length,
                "utterances": len(part.utterances),
            }
            for speaker, part in scores.by_group(speakers).items()
        }
    return figures


def _comparison(
    first: TextScores, second: TextScores, bootstrap: Bootstrap, speakers: Mapping[str, str] | None
) -> dict[str, Any]:
    compared: tuple[Comparison | None, Comparison | None] = first.compare(second, bootstrap, blocks=speakers) or (
        None,
        None,
    )
    result: dict[str, Any] = {}
    for name, comparison, prefix in (("wer", compared[0], ""), ("cer", compared[1], "cer_")):
        result |= {
            f"{name}_difference": None if comparison is None else _number(comparison.difference),
            f"{name}_difference_ci95": None if comparison is None else _interval(comparison.ci95),
            f"{prefix}probability_better": None if comparison is None else _number(comparison.probability_better),
        }
    return result


def _interval(interval: Interval) -> list[float] | None:
    return list(interval) if all(map(math.isfinite, interval)) else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _at_least_one(text: str) -> int:
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: a whole number from 1")
    return value


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r}, allowed: a whole number from 0")
    return int(text)
