"""N-grams of a corpus' training texts, interpolated with n-grams of texts from elsewhere; a ``stage: score`` row.

Both have one vocabulary: the corpus' symbols, and of words also those that the texts from elsewhere have ``min_count``
times or more. The weight is fitted on the validation texts. Downstream the result is an n-gram model like any other.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from datamodules.annotations import TextReferences
from datamodules.corpora.speech import dialogue_texts, fortune_texts
from datamodules.run_warning import RunWarning
from datamodules.texts.outside_texts import OutsideTexts, outside_texts, read_outside_texts
from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.lm.interpolation import fitted_weight, interpolated
from lightning_modules.lm.ngram import estimate_ngrams
from lightning_modules.lm.ngram_scoring import NgramScoring, costs_of
from lightning_modules.lm.perplexity import perplexities, report_perplexity
from lightning_modules.lm.stored import save_ngrams
from lightning_modules.lm.units import Pieces
from lightning_modules.metrics.words.near_texts import HeldOutTexts


class OutsideNgrams(NgramScoring):
    """``texts`` are files by language (ISO 639-1), each of sentences or of Debian's ``fortunes-*``, in UTF-8.

    ``dialogues`` takes those of Fish Fillets and ``fortunes`` Debian's fortune cookies, in the languages of the corpus
    that they have. Raises ``ValueError`` for an order or count below 1, for no texts at all, for a file that is not
    there, and for fortunes where the corpus has no language that they have.
    """

    def __init__(
        self,
        *,
        order: int,
        texts: Mapping[str, Path] | None = None,
        dialogues: bool = False,
        fortunes: bool = False,
        min_count: int = 2,
    ) -> None:
        super().__init__(order=order)
        if min_count < 1:
            raise ValueError(f"min_count must be 1 or more, got {min_count}")
        if not texts and not dialogues and not fortunes:
            raise ValueError(
                "texts: no file, allowed: one text file or more, by language: {en: FILE}; or dialogues: true, or "
                "fortunes: true"
            )
        self.texts = {language: Path(path) for language, path in (texts or {}).items()}
        if missing := next((path for path in self.texts.values() if not path.is_file()), None):
            raise ValueError(f"texts: {missing}: no such file")
        self.dialogues = dialogues
        self.fortunes = fortunes
        self.min_count = min_count

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``; besides ``NgramScoring``'s metrics the weight, and each model's own perplexity."""
        validation: TextReferences = references["validation"]
        outside, counts = self._read(references)
        symbols = _joint_symbols(validation, outside, self.min_count)
        own = self._estimate(validation.training_texts, symbols, validation)
        elsewhere = self._estimate(outside, symbols, validation)
        pieces = Pieces(symbols, unit=validation.unit)
        weight = fitted_weight(own, elsewhere, map(pieces.encode, validation.texts.values()))
        ngrams = interpolated(own, elsewhere, weight)
        save_ngrams(output_dir, ngrams)
        on_validation, on_test = (replace(references[split], symbols=symbols) for split in ("validation", "test"))
        metrics = report_perplexity(
            validation=costs_of(ngrams, on_validation),
            test=costs_of(ngrams, on_test),
            references=on_test,
            output_dir=output_dir,
        )
        alone = {"own": own, "outside": elsewhere}
        for name, model in alone.items():
            figures = perplexities(costs_of(model, on_validation))
            metrics[f"validation/perplexity_per_character_{name}"] = figures["perplexity_per_character"]
        metrics |= {"interpolation/own_weight": weight, "outside/sentences": float(len(outside))}
        metrics |= {f"outside/left_out_{why.replace(' ', '_')}": float(count) for why, count in counts.items()}
        return {**metrics, "model/parameters": float(sum(map(len, ngrams.tables)))}

    def _read(self, references: Mapping[str, Any]) -> tuple[list[str], Counter[str]]:
        """All sentences but held-out ones, what is near or part of one, and training texts; counted, in one line."""
        validation: TextReferences = references["validation"]
        _refuse_other_languages(self.texts, [references[split] for split in ("validation", "test")])
        found = [read_outside_texts(path, language=language) for language, path in sorted(self.texts.items())]
        found += self._dialogues(validation)
        found += self._fortunes(validation)
        counts = sum((one.left_out for one in found), Counter[str]())
        held_out = HeldOutTexts({text for split in ("validation", "test") for text in references[split].texts.values()})
        own = set(validation.training_texts)
        texts = list[str]()
        for text in (text for one in found for text in one.texts):
            if why := "a training text" if text in own else held_out.why_not(text):
                counts[why] += 1
            else:
                texts.append(text)
        texts = _writable(texts, validation, counts)
        said = ", ".join(f"{why}: {count}" for why, count in sorted(counts.items())) or "none"
        warnings.warn(f"texts: {len(texts)} sentences are trained on; left out: {said}", RunWarning, stacklevel=2)
        if not texts:
            raise ValueError(f"texts: no sentence is left; left out: {said}")
        return texts, counts

    def _dialogues(self, references: TextReferences) -> list[OutsideTexts]:
        """Of each language of the corpus that the game has."""
        languages = set(references.languages.values()).intersection(dialogue_texts.LANGUAGES if self.dialogues else ())
        return [
            outside_texts("\n".join(dialogue_texts.dialogue_texts(language)), language=language)
            for language in sorted(languages)
        ]

    def _fortunes(self, references: TextReferences) -> list[OutsideTexts]:
        """Of each language of the corpus that has a package. Raises ``ValueError`` where none has."""
        if not self.fortunes:
            return []
        spoken = set(references.languages.values())
        if not (languages := spoken.intersection(fortune_texts.LANGUAGES)):
            allowed = ", ".join(fortune_texts.LANGUAGES)
            raise ValueError(f"fortunes: none in {', '.join(sorted(spoken))}, allowed: a corpus with one of {allowed}")
        return [fortune_texts.fortune_texts(language) for language in sorted(languages)]

    def _estimate(self, texts: Sequence[str], symbols: Sequence[str], references: TextReferences) -> BackoffNgrams:
        pieces = Pieces(symbols, unit=references.unit)
        return estimate_ngrams(map(pieces.encode, texts), symbols=symbols, unit=references.unit, order=self.order)


def _refuse_other_languages(texts: Mapping[str, Path], references: Sequence[TextReferences]) -> None:
    """Rules for letters are a language's, and a model of one that nobody speaks here is a mistake."""
    spoken = {language for of in references for language in of.languages.values()}
    if other := next((language for language in texts if language not in spoken), None):
        raise ValueError(f"texts.{other}: {other!r} is no language of the corpus, allowed: {', '.join(sorted(spoken))}")


def _writable(texts: list[str], references: TextReferences, counts: Counter[str]) -> list[str]:
    """Of characters and subwords, texts with one that is no symbol are left out: spelled without it they lie."""
    if references.unit == "word":
        return texts
    pieces = Pieces(references.symbols, unit=references.unit)
    kept = [text for text in texts if not pieces.unknown(text)]
    if len(kept) < len(texts):
        counts["letters that the corpus lacks"] += len(texts) - len(kept)
    return kept


def _joint_symbols(references: TextReferences, outside: Sequence[str], min_count: int) -> tuple[str, ...]:
    if references.unit != "word":
        return references.symbols
    counts = Counter(word for text in outside for word in text.split())
    more = {word for word, count in counts.items() if count >= min_count} - set(references.symbols)
    return (*references.symbols, *sorted(more))
