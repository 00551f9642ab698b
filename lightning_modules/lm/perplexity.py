"""Perplexities that can be compared between models of characters and of words.

    per character = exp(-sum log p / sum (characters + 1)),  per word = exp(-sum log p / sum (words + 1)),

over the sentences of a split, + 1 for each sentence's end; spaces are characters. ``log p`` is the natural log of the
sentence's probability *as a text*: a model of words, which says only ``<unk>`` of a word that it does not have, pays
for its spelling too, ``-log(A + 1)`` for each character and for its end, A the characters of the training texts; else
the rarest words would be free. Perplexity *per token* is the textbook's: the model's own units, ``<unk>`` as a
class. A character that training never had is left out by a model of characters (a share that
``out_of_vocabulary_rate`` tells).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from datamodules.annotations import TextReferences
from lightning_modules.lm.units import Pieces


class SentenceCost(NamedTuple):
    """One sentence: ``-log p`` of its tokens and of the spelling of its unknown words (nats), and the sizes."""

    text_id: str
    language: str
    text: str
    token_nats: float
    spelling_nats: float
    num_tokens: int  # with the end
    num_unknown: int

    @property
    def nats(self) -> float:
        """Of the sentence as a text."""
        return self.token_nats + self.spelling_nats

    @property
    def per_character(self) -> float:
        """Perplexity per character of this sentence alone."""
        return math.exp(self.nats / (len(self.text) + 1))


def sentence_costs(log_probs: Mapping[str, float], references: TextReferences) -> list[SentenceCost]:
    """What each sentence costs, the worst per character first. Raises ``KeyError`` for one without ``log_probs``."""
    pieces = Pieces(references.symbols, unit=references.unit)
    alphabet = len(set().union(*map(set, references.training_texts)) - {" "})
    costs = []
    for text_id, text in references.texts.items():
        unknown = pieces.unknown(text)
        spelled = sum(len(word) + 1 for word in unknown) if references.unit == "word" else 0
        cost = SentenceCost(
            text_id=text_id,
            language=references.languages[text_id],
            text=text,
            token_nats=-log_probs[text_id],
            spelling_nats=spelled * math.log(alphabet + 1),
            num_tokens=len(pieces.encode(text)) + 1,
            num_unknown=len(unknown),
        )
        costs.append(cost)
    return sorted(costs, key=lambda cost: (-cost.per_character, cost.text_id))


def perplexities(costs: Iterable[SentenceCost]) -> dict[str, float]:
    """``perplexity_per_{character,word,token}`` of some sentences, NaN of none.

    >>> cost = SentenceCost("a", "en", "ab c", token_nats=math.log(2**10), spelling_nats=0, num_tokens=5, num_unknown=0)
    >>> {name: round(value, 6) for name, value in perplexities([cost]).items()}
    {'perplexity_per_character': 4.0, 'perplexity_per_word': 10.079368, 'perplexity_per_token': 4.0}
    """
    costs = list(costs)
    if not costs:
        return dict.fromkeys((f"perplexity_per_{unit}" for unit in ("character", "word", "token")), math.nan)
    nats = sum(cost.nats for cost in costs)
    return {
        "perplexity_per_character": math.exp(nats / sum(len(cost.text) + 1 for cost in costs)),
        "perplexity_per_word": math.exp(nats / sum(len(cost.text.split()) + 1 for cost in costs)),
        "perplexity_per_token": math.exp(
            sum(cost.token_nats for cost in costs) / sum(cost.num_tokens for cost in costs)
        ),
    }


def report_perplexity(
    *, validation: Iterable[SentenceCost], test: Iterable[SentenceCost], references: TextReferences, output_dir: Path
) -> dict[str, float]:
    """The metrics of both splits, of each language of the test split, and ``sentences.csv``, the worst first."""
    test = list(test)
    metrics = {f"validation/{name}": value for name, value in perplexities(validation).items()}
    metrics |= {f"test/{name}": value for name, value in perplexities(test).items()}
    pieces = Pieces(references.symbols, unit=references.unit)
    num_pieces = sum(len(pieces.split(cost.text)) for cost in test)
    metrics["test/out_of_vocabulary_rate"] = sum(cost.num_unknown for cost in test) / max(num_pieces, 1)
    for language in sorted({cost.language for cost in test}):
        of_language = perplexities(cost for cost in test if cost.language == language)
        metrics[f"test/perplexity_per_character_{language}"] = of_language["perplexity_per_character"]
        metrics[f"test/perplexity_per_word_{language}"] = of_language["perplexity_per_word"]
    _write_sentences(output_dir / "sentences.csv", test)
    return metrics


def _write_sentences(path: Path, costs: Iterable[SentenceCost]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["perplexity_per_character", "nats", "characters", "unknown", "language", "id", "text"])
        for cost in costs:
            size = len(cost.text) + 1
            rows.writerow([
                f"{cost.per_character:.4f}", f"{cost.nats:.4f}", size, cost.num_unknown, cost.language, cost.text_id,
                cost.text,
            ])  # fmt: skip
