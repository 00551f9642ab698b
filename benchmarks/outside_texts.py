"""What of a game's dialogues may reach a language model of a corpus, and what comparing whole texts alone lets in.

    python benchmarks/outside_texts.py fillets nl
    python benchmarks/outside_texts.py prompts en es fr it ru

The corpus must be prepared (EARMARK_DATA). Dialogues are those of rows ``*_outside`` and ``ngram_dialogues``. A test
utterance is given away by a sentence of three words or more that is a part of it, word for word.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable

from datamodules.corpora.speech.dialogue_texts import LANGUAGES, dialogue_texts
from datamodules.corpus_folder import data_root
from datamodules.texts.outside_texts import outside_texts
from lightning_modules.metrics.words.near_texts import PART_WORDS, HeldOutTexts, nearest


def main() -> None:
    """Print a row for each way of leaving out."""
    parser = argparse.ArgumentParser(description="sentences of dialogues beside the texts of a corpus")
    parser.add_argument("corpus")
    parser.add_argument("languages", nargs="+", choices=sorted(LANGUAGES))
    given = parser.parse_args()
    texts = corpus_texts(given.corpus, given.languages)
    held_out = [*texts["validation"], *texts["test"]]
    sentences = [
        sentence
        for language in given.languages
        for sentence in outside_texts("\n".join(dialogue_texts(language)), language=language).texts
    ]
    parts = HeldOutTexts(held_out)
    ways = {
        "whole texts compared": [text for text in sentences if nearest(text, held_out) is None],
        "parts compared too": [text for text in sentences if parts.why_not(text) is None],
    }
    training = set(texts["train"])
    print(f"{len(sentences)} sentences, {len(texts['test'])} test utterances")
    print(
        "| left out | sentences kept | of them training texts | test utterances given away |\n| --- | --- | --- | --- |"
    )
    for name, kept in ways.items():
        print(
            f"| {name} | {len(kept)} | {sum(text in training for text in kept)} | {given_away(texts['test'], kept)} |"
        )


def corpus_texts(corpus: str, languages: Iterable[str]) -> dict[str, list[str]]:
    """The normalised texts of each split, as the corpus' manifests have them."""
    found: dict[str, list[str]] = defaultdict(list)
    for split in ("train", "validation", "test"):
        with gzip.open(data_root() / corpus / "manifests" / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
            spoken = (json.loads(line)["supervisions"][0] for line in lines)
            found[split] = [one["text"] for one in spoken if one["language"] in languages]
    return found


def given_away(test: Iterable[str], kept: Iterable[str]) -> int:
    """How many test texts have a kept sentence inside, of ``PART_WORDS`` words or more."""
    long = [f" {text} " for text in kept if len(text.split()) >= PART_WORDS]
    return sum(any(part in f" {text} " for part in long) for text in test)


if __name__ == "__main__":
    main()
