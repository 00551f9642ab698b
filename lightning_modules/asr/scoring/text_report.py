"""From the texts that a recogniser wrote to what a run keeps: metrics, tables and lists.

Shared by every scoring of recognisers, so that all are measured alike. Writes ``hypotheses_SPLIT.tsv`` (``id``, tab,
text: what ``earmark score text`` reads), ``errors_SPLIT.csv`` and ``.html``, ``per_language.csv``, ``per_speaker.csv``,
``per_length.csv``, ``per_training_text.csv`` and ``scores.json``, and of several corpora ``per_corpus.csv`` and
``per_corpus_language.csv``. Error rates are sums of edits over sums of words (characters); a metric that is undefined
(no word in a language, say) is left out, since trackers draw infinity as a number.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations import UtteranceReferences
from datamodules.run_warning import RunWarning
from datamodules.texts.transcripts import write_transcripts
from lightning_modules.asr.scoring.error_table import write_error_csv, write_error_html
from lightning_modules.metrics.bootstrap import Bootstrap
from lightning_modules.metrics.edits import error_rate
from lightning_modules.metrics.text_scores import TextScores, named, score_texts
from lightning_modules.metrics.word_list import share_empty, share_in_list, word_list
from lightning_modules.metrics.words.training_neighbours import near_training

LENGTHS_WORDS = (5, 10, 20)  # utterances of up to so many words; the last group has more
LENGTH_NAMES = ("up_to_5_words", "6_to_10_words", "11_to_20_words", "over_20_words")
NEAR_TRAINING, FAR_FROM_TRAINING = "near_training", "far_from_training"
ENOUGH_SPEAKERS = 10  # from here on confidence is over speakers; percentiles of fewer blocks are rough and too narrow


def report_texts(
    hypotheses: Mapping[str, str],
    references: UtteranceReferences,
    *,
    output_dir: Path,
    split: str = "test",
    more: Mapping[str, float] | None = None,
    word_list_file: Path | None = None,
) -> dict[str, float]:
    """Score, write the files, and return the metrics, ``more`` (figures that the caller measured) among them.

    Rates are in 0-1. ``SPLIT/wer``, ``/cer``; ``/substitutions``, ``/deletions``, ``/insertions`` over words;
    ``/wer_ci95_low`` and ``_high`` (blocks are speakers where there are ``ENOUGH_SPEAKERS``, else utterances);
    ``/wer_LANGUAGE`` and ``/cer_LANGUAGE`` where there are several; ``/wer_corpus_CORPUS`` and ``/cer_corpus_CORPUS``
    and ``/wer_speaker_max`` likewise;
    ``/wer_up_to_5_words`` and so on (``LENGTH_NAMES``) by the reference's length; ``/wer_far_from_training`` and
    ``/cer_far_from_training`` over the utterances whose text is at least .3 edits a character from every training text
    (``training_neighbours.py``), ``_near_training`` over the others; the same names with ``_n`` are the utterances
    under a figure of a language, a corpus, a length or such a distance;
    ``/utterances_right``, the share without any word error; ``/empty_hypotheses``, the share without any word;
    ``/words_in_list``, the share of output words that are training words or stand in ``word_list_file``, and
    ``/reference_words_in_list``, the same of the references. Raises ``ValueError`` where the ids are not the split's,
    and for a list that cannot be read.
    """
    known = word_list(references.training_texts, file=word_list_file)
    _warn_of_empty(hypotheses, references, split=split)
    output_dir.mkdir(parents=True, exist_ok=True)
    scores = score_texts(references.texts, hypotheses)
    distances = _distances(references)
    groups = {
        "language": scores.by_group(references.languages),
        "speaker": scores.by_group(references.speakers),
        "length": scores.by_group(_lengths(scores)),
        "training_text": scores.by_group(distances),
    }
    if len(set(references.corpora.values())) > 1:
        groups["corpus"] = scores.by_group(references.corpora)
        groups["corpus_language"] = scores.by_group(_corpus_languages(references))
    blocks = "speakers" if len(groups["speaker"]) >= ENOUGH_SPEAKERS else "utterances"
    metrics = {
        **_overall(scores),
        **_confidence(scores, references.speakers if blocks == "speakers" else None),
        **_by_group(groups),
        "empty_hypotheses": share_empty(hypotheses.values()),
        "words_in_list": share_in_list(hypotheses.values(), known),
        "reference_words_in_list": share_in_list(references.texts.values(), known),
    }
    defined = {f"{split}/{name}": float(value) for name, value in metrics.items() if math.isfinite(value)}
    defined |= {name: float(value) for name, value in (more or {}).items() if math.isfinite(value)}

    write_transcripts(output_dir / f"hypotheses_{split}.tsv", hypotheses)
    write_error_csv(output_dir / f"errors_{split}.csv", scores, hypotheses, references, distances)
    write_error_html(output_dir / f"errors_{split}.html", scores, hypotheses, references, title=f"{split} errors")
    for name, parts in groups.items():
        _write_groups(output_dir / f"per_{name}.csv", name, parts, references.duration_seconds)
    counts = _counts(scores, groups)
    _write_json(output_dir / "scores.json", {"metrics": defined, "counts": counts, "ci95_blocks": blocks})
    return defined


def _counts(scores: TextScores, groups: Mapping[str, Mapping[str, TextScores]]) -> dict[str, int]:
    return {
        "utterances": len(scores.utterances),
        "words": scores.total.words.length,
        "characters": scores.total.characters.length,
        "speakers": len(groups["speaker"]),
        "languages": len(groups["language"]),
    }


def _warn_of_empty(hypotheses: Mapping[str, str], references: UtteranceReferences, *, split: str) -> None:
    """Name the utterances of which nothing was written, though something is said."""
    empty = [name for name, text in hypotheses.items() if not text.strip() and references.texts.get(name)]
    if empty:
        rank_zero_warn(
            f"{split}: {len(empty)} of {len(hypotheses)} hypotheses are empty: {named(empty)}", category=RunWarning
        )


def _overall(scores: TextScores) -> dict[str, float]:
    words, characters = scores.total
    right = sum(edits.words.errors == 0 for edits in scores.utterances.values())
    return {
        "wer": words.rate,
        "cer": characters.rate,
        "substitutions": error_rate(words.substitutions, words.length),
        "deletions": error_rate(words.deletions, words.length),
        "insertions": error_rate(words.insertions, words.length),
        "utterances_right": right / len(scores.utterances) if scores.utterances else math.nan,
    }


def _confidence(scores: TextScores, speakers: Mapping[str, str] | None) -> dict[str, float]:
    found = scores.confidence(Bootstrap(), blocks=speakers)
    if found is None:
        return {}
    (wer_low, wer_high), (cer_low, cer_high) = found
    return {
        "wer_ci95_low": wer_low,
        "wer_ci95_high": wer_high,
        "cer_ci95_low": cer_low,
        "cer_ci95_high": cer_high,
    }


def _by_group(groups: Mapping[str, Mapping[str, TextScores]]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for name, part in groups["length"].items():
        metrics |= {f"wer_{name}": part.total.words.rate, f"wer_{name}_n": len(part.utterances)}
    for kind, prefix in (("training_text", ""), ("language", ""), ("corpus", "corpus_")):
        if len(parts := groups.get(kind, {})) > 1 or kind == "training_text":
            for group, part in parts.items():
                name = prefix + re.sub(r"[^\w.-]", "_", group, flags=re.ASCII)
                metrics[f"wer_{name}"] = part.total.words.rate
                metrics[f"cer_{name}"] = part.total.characters.rate
                metrics[f"wer_{name}_n"] = metrics[f"cer_{name}_n"] = len(part.utterances)
    if len(groups["speaker"]) > 1:
        rates = [part.total.words.rate for part in groups["speaker"].values() if part.total.words.length]
        metrics["wer_speaker_max"] = max(rates, default=math.nan)
    return metrics


def _corpus_languages(references: UtteranceReferences) -> dict[str, str]:
    return {name: f"{corpus} {references.languages[name]}" for name, corpus in references.corpora.items()}


def _lengths(scores: TextScores) -> dict[str, str]:
    """The name of each utterance's group by the number of words of its reference."""
    return {
        utterance: LENGTH_NAMES[sum(edits.words.length > edge for edge in LENGTHS_WORDS)]
        for utterance, edits in scores.utterances.items()
    }


def _distances(references: UtteranceReferences) -> dict[str, str]:
    """Whether each utterance's text is nearly a training text or far from all of them."""
    near = near_training(references.texts.values(), references.training_texts)
    names = (FAR_FROM_TRAINING if one is None else NEAR_TRAINING for one in near)
    return dict(zip(references.texts, names, strict=True))


def _write_groups(
    path: Path, name: str, parts: Mapping[str, TextScores], duration_seconds: Mapping[str, float]
) -> None:
    """The group that errs most first, but lengths from short to long."""
    order = sorted(parts, key=lambda of: LENGTH_NAMES.index(of) if name == "length" else -parts[of].total.words.rate)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            (name, "wer", "cer", "substitutions", "deletions", "insertions", "words", "utterances", "minutes")
        )
        for group in order:
            part = parts[group]
            words, characters = part.total
            minutes = sum(duration_seconds[utterance] for utterance in part.utterances) / 60
            rates = (f"{unit.rate:.4f}" if unit.length else "" for unit in (words, characters))
            edits = (words.substitutions, words.deletions, words.insertions, words.length)
            writer.writerow((group, *rates, *edits, len(part.utterances), f"{minutes:.2f}"))


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
