"""Rungs with a language model on posteriors that begin with a language's tag: as on the same without tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from datamodules.annotations import UtteranceReferences
from datamodules.texts.tokenizer import Tokenizer, character_tokenizer, word_tokenizer
from lightning_modules.asr.ctc.fused_decoders import FusedBeam, Rescored, read_language_model
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.language_models.untagged import UntaggedNgrams
from lightning_modules.decoding.texts import spell
from lightning_modules.lm.ngram import estimate_ngrams
from lightning_modules.lm.stored import save_ngrams

TEXTS = ["abba cab", "cab dad", "dad abba", "bad cab", "dad cab abba", "cab bad dad"]
PLAIN, TAGGED = character_tokenizer(TEXTS), character_tokenizer(TEXTS, languages={"cs", "nl"})
NL = TAGGED.symbols.index("<nl>")


def references(tokenizer: Tokenizer) -> UtteranceReferences:
    texts = {f"u{number}": text for number, text in enumerate(TEXTS)}
    return UtteranceReferences(
        symbols=tokenizer.symbols,
        sample_rate_hz=16_000,
        texts=texts,
        languages=dict.fromkeys(texts, "nl"),
        speakers=dict.fromkeys(texts, "x"),
        duration_seconds=dict.fromkeys(texts, 1.0),
        training_texts=tuple(TEXTS),
        load_waveform=lambda _: np.zeros(16_000, np.float32),
    )


def read(tokenizer: Tokenizer) -> PosteriorPredictions:
    """A frame a character with a blank after it, some misread the same way with and without the tag in front."""
    rng = np.random.default_rng(3)
    rows = []
    for text in TEXTS:
        noise_UC = 0.5 * rng.random((len(text), len(PLAIN.symbols)))
        weights_TV = np.full((2 * len(text), len(tokenizer.symbols)), 1e-9)
        weights_TV[::2, : len(PLAIN.symbols)] += noise_UC
        weights_TV[range(0, 2 * len(text), 2), tokenizer.encode(text)] += 0.7
        weights_TV[1::2, 0] = 1.0
        if tokenizer.languages:
            tag_TV = np.full((2, len(tokenizer.symbols)), 1e-9)
            tag_TV[0, NL] = tag_TV[1, 0] = 1.0
            weights_TV = np.concatenate([tag_TV, weights_TV])
        rows.append(np.log(weights_TV / weights_TV.sum(1, keepdims=True)).astype(np.float32))
    return PosteriorPredictions(
        symbols=tokenizer.symbols,
        utterance_ids=tuple(references(tokenizer).texts),
        log_probs_FV=np.concatenate(rows),
        num_frames_N=np.array([len(row) for row in rows]),
        hop_seconds=0.04,
        encoding_seconds=0.5,
    )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Folders of language models, as rows get them, by unit."""
    folder = tmp_path_factory.mktemp("models")
    for tokenizer in (PLAIN, word_tokenizer(TEXTS)):
        path = folder / tokenizer.unit
        path.mkdir()
        sentences = [tokenizer.encode(text) for text in TEXTS * 3]
        save_ngrams(path, estimate_ngrams(sentences, symbols=tokenizer.symbols, unit=tokenizer.unit, order=3))
    return {unit: {"language_model": folder / unit} for unit in ("character", "word")}


def test_a_stored_model_comes_untagged_only_where_tags_are_all_that_differs(stored: dict[str, dict[str, Path]]) -> None:
    assert isinstance(read_language_model(stored["character"], PLAIN.symbols), NgramLanguageModel)
    model = read_language_model(stored["character"], TAGGED.symbols)
    assert isinstance(model, UntaggedNgrams)
    assert model.symbols == TAGGED.symbols
    with pytest.raises(ValueError, match="other ones than the recogniser's"):
        read_language_model(stored["character"], (*TAGGED.symbols, "x"))


@pytest.mark.parametrize(("rung", "unit"), [(FusedBeam, "character"), (Rescored, "character"), (Rescored, "word")])
def test_rungs_write_the_same_texts_with_a_tag_in_front(
    rung: type[FusedBeam | Rescored], unit: str, stored: dict[str, dict[str, Path]]
) -> None:
    texts = []
    for tokenizer in (PLAIN, TAGGED):
        decoder, predictions = rung(beam_size=60), read(tokenizer)
        decoder.prepare(folders=stored[unit], validation=predictions, references=references(tokenizer))
        hypotheses = decoder.decode(predictions, {"lm_weight": 0.6, "word_bonus": 0.5})
        assert {hypothesis.tokens[0] == NL for hypothesis in hypotheses} == {tokenizer is TAGGED}
        texts.append([spell(hypothesis.tokens, tokenizer.symbols) for hypothesis in hypotheses])
    assert texts[0] == texts[1]
    assert sum(found == text for found, text in zip(texts[0], TEXTS, strict=True)) >= 4


def test_a_word_model_inside_the_beam_is_refused_where_there_are_tags(stored: dict[str, dict[str, Path]]) -> None:
    with pytest.raises(ValueError, match="over words can't be asked inside a beam that writes language tags"):
        FusedBeam().prepare(folders=stored["word"], validation=read(TAGGED), references=references(TAGGED))
