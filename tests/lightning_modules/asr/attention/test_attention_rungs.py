"""What is stored of attention decoders and transducers, and the rungs that read it, on hidden vectors made up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import torch

from datamodules.annotations import Hypothesis, UtteranceReferences
from datamodules.texts.tokenizer import character_tokenizer, word_tokenizer
from lightning_modules.asr.attention.attention_decoders import AttentionBeam, FusedAttentionBeam, RescoredAttention
from lightning_modules.asr.attention.stored_decoder import FILE, load_speller, save_speller
from lightning_modules.asr.ctc.decoder import Decoder, Greedy
from lightning_modules.asr.predictions import EncodedPredictions, PosteriorPredictions
from lightning_modules.asr.scoring.decoding_scoring import DecodingScoring
from lightning_modules.asr.transducer.stored_transducer import load_transducer, save_transducer
from lightning_modules.asr.transducer.transducer_decoders import FusedTransducerBeam, TransducerBeam
from lightning_modules.layers.attention import AttentionMaker, ContentAttention, LocationAttention, SummaryContext
from lightning_modules.layers.predictor import RecurrentPredictor
from lightning_modules.layers.speller import Speller, SpellerSettings
from lightning_modules.layers.transducer import TransducerNetwork
from lightning_modules.lm.ngram import estimate_ngrams
from lightning_modules.lm.stored import load_language_model, save_ngrams

TEXTS = ["abba cab", "cab dad", "dad abba", "bad cab", "dad cab abba", "cab bad dad"]
TOKENIZER = character_tokenizer(TEXTS)
SYMBOLS = TOKENIZER.symbols
UNITS = 5  # of a hidden vector
KINDS: dict[str, AttentionMaker] = {
    "summary": partial(SummaryContext, units=3),
    "content": partial(ContentAttention, units=4),
    "location": partial(LocationAttention, units=4, channels=2, reach_frames=2),
}


class LoadsDecoder(Protocol):
    def __call__(self, folder: Path, *, symbols: Sequence[str]) -> torch.nn.Module: ...


def references(split: str) -> UtteranceReferences:
    texts = {f"{split}{n}": TEXTS[n] for n in range(len(TEXTS))}
    return UtteranceReferences(
        symbols=SYMBOLS,
        sample_rate_hz=16_000,
        texts=texts,
        languages=dict.fromkeys(texts, "en"),
        speakers=dict.fromkeys(texts, "x"),
        duration_seconds=dict.fromkeys(texts, 0.4),
        training_texts=tuple(TEXTS),
        load_waveform=lambda _: np.random.default_rng(0).normal(size=6_400).astype(np.float32) / 8,
    )


def speller(kind: str = "location", *, attend_first: bool = False) -> Speller:
    torch.manual_seed(0)
    settings = SpellerSettings(attention=KINDS[kind], cell="gru", embedding_units=3, hidden_units=6, num_layers=2)
    network = Speller(num_symbols=len(SYMBOLS), num_encoded=UNITS, settings=settings, attend_first=attend_first)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)  # so that it prefers some texts
    return network


def transducer() -> TransducerNetwork:
    torch.manual_seed(0)
    predictor = partial(RecurrentPredictor, cell="gru", embedding_units=3, hidden_units=6)
    return TransducerNetwork(num_symbols=len(SYMBOLS), num_encoded=UNITS, predictor=predictor, joint_units=6)


def save_split(folder: Path, split: str, *, seed: int, has_posteriors: bool) -> None:
    rng = np.random.default_rng(seed)
    num_frames_N = rng.integers(3, 11, len(TEXTS))
    facts: dict[str, Any] = {
        "symbols": SYMBOLS,
        "utterance_ids": tuple(sorted(references(split).texts)),
        "num_frames_N": num_frames_N,
        "hop_seconds": 0.04,
        "encoding_seconds": 0.5,
    }
    encoded_FH = rng.normal(size=(num_frames_N.sum(), UNITS)).astype(np.float32)
    EncodedPredictions(encoded_FH=encoded_FH, **facts).save(folder / f"{split}.encoded.npz")
    if has_posteriors:
        posteriors_FV = rng.dirichlet(np.full(len(SYMBOLS), 0.3), size=num_frames_N.sum()) + 1e-6
        log_probs_FV = np.log(posteriors_FV / posteriors_FV.sum(1, keepdims=True)).astype(np.float32)
        PosteriorPredictions(log_probs_FV=log_probs_FV, **facts).save(folder / f"{split}.npz")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A hybrid system's predictions, the same without CTC, a transducer's, and two language models."""
    folder = tmp_path_factory.mktemp("rungs")
    found = {name: folder / name for name in ("hybrid", "plain", "summary", "transducer", "characters", "words")}
    for path in found.values():
        path.mkdir()
    for name in ("hybrid", "plain", "summary", "transducer"):
        for seed, split in enumerate(("validation", "test")):
            save_split(found[name], split, seed=seed, has_posteriors=name == "hybrid")
    for name, kind in (("hybrid", "location"), ("plain", "content"), ("summary", "summary")):
        save_speller(found[name], speller(kind), symbols=SYMBOLS)
    save_transducer(found["transducer"], transducer(), symbols=SYMBOLS)
    for name, tokenizer in (("characters", TOKENIZER), ("words", word_tokenizer(TEXTS))):
        sentences = [tokenizer.encode(text) for text in TEXTS]
        save_ngrams(found[name], estimate_ngrams(sentences, symbols=tokenizer.symbols, unit=tokenizer.unit, order=3))
    return found


def scores(
    decoder: Decoder[Any], folders: Mapping[str, Path], own: str, out: Path, *, model: str = "", pictures: int = 0
) -> dict[str, float]:
    given = {"own": folders[own], **({"language_model": folders[model]} if model else {})}
    known = {split: references(split) for split in ("validation", "test")}
    scoring = DecodingScoring(decoder=decoder, fitted_for="cer", num_pictures=pictures)
    return scoring.score(predictions=given, references=known, output_dir=out)


@pytest.mark.parametrize("attend_first", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_speller_is_the_one_that_was_trained(tmp_path: Path, kind: str, attend_first: bool) -> None:
    network = speller(kind, attend_first=attend_first)
    save_speller(tmp_path, network, symbols=SYMBOLS)
    stored = load_speller(tmp_path, symbols=SYMBOLS)
    assert not stored.training
    encoded_BTH, tokens_BU, num_frames_B = torch.randn(2, 6, UNITS).double(), torch.tensor([[1, 2], [3, 0]]), [6, 4]
    own, found = (
        one(tokens_BU, one.memory(encoded_BTH, torch.tensor(num_frames_B))) for one in (network.double().eval(), stored)
    )
    torch.testing.assert_close(found, own, rtol=1e-12, atol=1e-14)
    assert not any(parameter.requires_grad for parameter in stored.parameters())


@pytest.mark.parametrize(
    ("load", "own", "other"),
    [
        (load_speller, "plain", "transducer"),
        (load_transducer, "transducer", "plain"),
    ],
)
def test_what_is_not_the_runs_own_decoder_is_refused_in_one_line(
    folders: dict[str, Path], tmp_path: Path, load: LoadsDecoder, own: str, other: str
) -> None:
    kind, other_kind = (name if name == "transducer" else "speller" for name in (own, other))
    refusals = {
        tmp_path: r"decoder\.pt: no such file; the row under `own` must be",
        folders[other]: rf"decoder\.pt: is of a {other_kind}, and this decoder reads a {kind}",
    }
    for number, content in enumerate((b"no decoder", b"", (folders[own] / FILE).read_bytes()[:300])):
        damaged = tmp_path / str(number)
        damaged.mkdir()
        (damaged / FILE).write_bytes(content)
        refusals[damaged] = r"decoder\.pt: no stored decoder \("
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    torch.save([1, 2], foreign / FILE)
    refusals[foreign] = r"decoder\.pt: no stored decoder \("
    for folder, says in refusals.items():
        with pytest.raises(ValueError, match=says) as told:
            load(folder, symbols=SYMBOLS)
        assert "\n" not in str(told.value)
    with pytest.raises(ValueError, match=rf"decoder\.pt: writes {len(SYMBOLS)} symbols, and the corpus has 2 others"):
        load(folders[own], symbols=SYMBOLS[:2])


RUNGS: dict[str, tuple[Decoder[Any], str, str]] = {
    "beam": (AttentionBeam(beam_size=4, token_bonuses=(0.0, 0.5)), "plain", ""),
    "joint": (AttentionBeam(beam_size=4, ctc_weights=(0.2, 0.5), end_threshold=1.5), "hybrid", ""),
    "summary": (AttentionBeam(beam_size=4), "summary", ""),
    "fused": (FusedAttentionBeam(beam_size=4, lm_weights=(0.3, 0.6), token_bonuses=(0.0, 1.0)), "plain", "characters"),
    "joint_fused": (
        FusedAttentionBeam(beam_size=4, ctc_weights=(0.3,), lm_weights=(0.3,), token_bonuses=(1.0,)),
        "hybrid", "characters",
    ),
    "rescored": (RescoredAttention(beam_size=4, n_best=4, lm_weights=(0.3, 0.6)), "plain", "characters"),
    "rescored_words": (RescoredAttention(beam_size=4, n_best=4, lm_weights=(0.3,)), "plain", "words"),
    "joint_rescored": (RescoredAttention(beam_size=4, n_best=4, ctc_weights=(0.3,)), "hybrid", "characters"),
    "transducer": (TransducerBeam(beam_size=4), "transducer", ""),
    "transducer_fused": (
        FusedTransducerBeam(beam_size=4, lm_weights=(0.3, 0.6), token_bonuses=(0.0, 1.0)), "transducer", "characters",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNGS)
def test_every_rung_runs_and_keeps_what_it_fitted(name: str, folders: dict[str, Path], tmp_path: Path) -> None:
    decoder, own, model = RUNGS[name]
    found = scores(decoder, folders, own, tmp_path, model=model)
    kept = json.loads((tmp_path / "decoding.json").read_text())
    assert kept["weights"] == {weight: found[f"decoding/{weight}"] for weight in decoder.weight_grid}
    for weight, grid in decoder.weight_grid.items():  # where the best was at its edge, the grid has grown
        assert kept["weights"][weight] in grid or not min(grid) <= kept["weights"][weight] <= max(grid)
    if decoder.weight_grid:
        errors = [trial["error"] for trial in kept["trials"]]  # none where there is nothing to choose
        assert min(errors, default=found["validation/cer"]) == found["validation/cer"]
    assert found["test/real_time_factor"] > 0.5 / 2.4  # the network's time is in it
    assert ("test/attention_diagonality" in found) == (own in ("plain", "hybrid"))
    assert ("test/blank_frames_over_95" in found) == (own == "hybrid")


@pytest.mark.parametrize("own", ["plain", "hybrid"])
def test_rescoring_is_its_equation(own: str, folders: dict[str, Path]) -> None:
    """``log P(y|x)/|y| + λ log P_LM(y)`` of every hypothesis of the beam, one at a time."""
    decoder = RescoredAttention(beam_size=6, n_best=6, lm_weights=(0.4,))
    known, given = references("test"), {"own": folders[own], "language_model": folders["characters"]}
    predictions = decoder.read(folders[own], "test", known)
    decoder.prepare(folders=given, validation=predictions, references=known)
    weights = {"ctc_weight": 0.0, "token_bonus": 0.0, "lm_weight": 0.4}
    network, model = load_speller(folders[own], symbols=SYMBOLS), load_language_model(folders["characters"])
    lists = decoder.search(predictions, {**weights, "lm_weight": 0.0}, n_best=6)
    best = decoder.decode(predictions, weights)
    for n_best, (_, encoded_TH), chosen in zip(lists, predictions, best, strict=True):
        memory = network.memory(torch.from_numpy(encoded_TH).double().unsqueeze(0), torch.tensor([len(encoded_TH)]))
        by_tokens = {}
        for tokens in {hypothesis.tokens for hypothesis in n_best}:
            log_probs_UV = network(torch.tensor([tokens], dtype=torch.int64), memory).log_probs_BUV[0]
            own_log_prob = sum(float(log_probs_UV[u, token]) for u, token in enumerate((*tokens, 0)))
            language = [float(model.next_log_probs([tokens[:u]])[0, token]) for u, token in enumerate((*tokens, 0))]
            by_tokens[tokens] = own_log_prob / (len(tokens) + 1) + 0.4 * sum(language)
        assert len(by_tokens) > 1
        assert chosen.score == pytest.approx(max(by_tokens.values()))
        assert chosen.score == pytest.approx(by_tokens[chosen.tokens])


def test_a_rung_that_scores_two_runs_searches_both(folders: dict[str, Path], tmp_path: Path) -> None:
    decoder = RescoredAttention(beam_size=4, n_best=4, lm_weights=(0.3,))
    first = scores(decoder, folders, "plain", tmp_path, model="characters")
    other = scores(decoder, folders, "hybrid", tmp_path, model="characters")
    again = scores(decoder, folders, "plain", tmp_path, model="characters")
    assert first["test/attention_entropy"] == again["test/attention_entropy"] != other["test/attention_entropy"]


@pytest.mark.parametrize("own", ["plain", "hybrid", "transducer"])
def test_empty_hypotheses_are_texts_like_others(own: str, folders: dict[str, Path], tmp_path: Path) -> None:
    silent = tmp_path / "silent"
    silent.mkdir()
    for path in folders[own].glob("*.npz"):
        (silent / path.name).write_bytes(path.read_bytes())
    if own == "transducer":
        network = transducer()
        torch.nn.init.constant_(network.joiner.output.bias[:1], 100.0)
        save_transducer(silent, network, symbols=SYMBOLS)
    else:
        spells = speller("location" if own == "hybrid" else "content")
        torch.nn.init.constant_(spells.classifier.bias[:1], 1000.0)
        save_speller(silent, spells, symbols=SYMBOLS)
    rung: Decoder[Any] = TransducerBeam() if own == "transducer" else AttentionBeam()
    found = scores(rung, {"own": silent}, "own", tmp_path)
    assert found["test/wer"] == 1.0
    assert found["test/cer"] == 1.0
    assert "test/attention_diagonality" not in found  # one row can't walk


@pytest.mark.integration  # draws for seconds
@pytest.mark.parametrize(("name", "drawn"), [("beam", 1), ("joint", 1), ("summary", 0), ("transducer", 0)])
def test_pictures_are_drawn_where_there_is_attention(
    name: str, drawn: int, folders: dict[str, Path], tmp_path: Path
) -> None:
    decoder, own, model = RUNGS[name]
    scores(decoder, folders, own, tmp_path, model=model, pictures=1)
    assert len(list((tmp_path / "utterances").glob("*.png"))) == drawn


@pytest.mark.parametrize(
    ("decoder", "own", "model", "says"),
    [
        (
            AttentionBeam(ctc_weights=(0.0, 0.3)),
            "plain",
            "",
            r"ctc_weights \[0.0, 0.3\]: .*plain is of a system without",
        ),
        (AttentionBeam(), "transducer", "", r"decoder\.pt: is of a transducer, and this decoder reads a speller"),
        (TransducerBeam(), "plain", "", r"decoder\.pt: is of a speller, and this decoder reads a transducer"),
        (Greedy(), "plain", "", r"validation\.npz: no such file; .* one with a CTC output"),
        (AttentionBeam(), "characters", "", r"validation\.encoded\.npz: no such file; .* that reads its own output"),
        (FusedAttentionBeam(), "plain", "", "from.language_model: missing"),
        (FusedTransducerBeam(), "transducer", "", "from.language_model: missing"),
        (RescoredAttention(), "plain", "", "from.language_model: missing"),
        (FusedAttentionBeam(), "plain", "words", "take one over characters"),
        (FusedTransducerBeam(), "transducer", "words", "take one over characters"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    decoder: Decoder[Any], own: str, model: str, says: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=says) as told:
        scores(decoder, folders, own, tmp_path, model=model)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (partial(AttentionBeam, beam_size=0), "beam_size 0 must be 1 or more"),
        (partial(AttentionBeam, max_tokens_per_second=0.0), "max_tokens_per_second 0.0 above 0"),
        (partial(AttentionBeam, ctc_weights=()), r"ctc_weights \[\] and token_bonuses \[0.0\] need one number or more"),
        (partial(AttentionBeam, ctc_weights=(0.0, 1.5)), "ctc_weight 1.5, allowed: 0 to 1"),
        (partial(AttentionBeam, token_bonuses=(float("nan"),)), "token_bonus nan, allowed: a finite number"),
        (partial(AttentionBeam, end_threshold=0.5), "end_threshold 0.5, allowed: 1 or more, or None"),
        (
            partial(FusedAttentionBeam, lm_weights=(0.0, 1.0)),
            r"lm_weights \[0.0, 1.0\] need one number or more, all above",
        ),
        (partial(RescoredAttention, n_best=9), "n_best 9 must lie within 2 and beam_size 8"),
        (partial(RescoredAttention, lm_weights=()), r"lm_weights \[\] need one number or more"),
        (partial(TransducerBeam, beam_size=0), "beam_size must be 1 or more, got 0"),
        (partial(FusedTransducerBeam, token_bonuses=()), r"token_bonuses \[\] need one number or more"),
    ],
)
def test_settings_out_of_range_are_refused_at_once(make: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    ("rung", "own", "search"),
    [
        (
            AttentionBeam(beam_size=2, token_bonuses=(0.5,)),
            "plain",
            "attention.attention_decoders.attention_beam_search",
        ),
        (TransducerBeam(beam_size=2), "transducer", "transducer.transducer_decoders.transducer_beam_search"),
    ],
    ids=["attention", "transducer"],
)
def test_tags_of_languages_are_told_to_the_search(
    rung: Decoder[Any], own: str, search: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def searched(model: Any, *, tags: Sequence[int], **_: object) -> list[list[Hypothesis]]:
        told.append(tuple(tags))
        return [[Hypothesis((), 0.0, ())] for _ in model.num_frames_B]

    monkeypatch.setattr(f"lightning_modules.asr.{search}", searched)
    validation = rung.read(folders[own], "validation", references("validation"))
    rung.prepare(folders={"own": folders[own]}, validation=validation, references=references("validation"))
    tagged = replace(validation, symbols=(*SYMBOLS[:-1], "<nl>"))
    rung.decode(tagged, {"ctc_weight": 0.0, "token_bonus": 0.5})
    assert set(told) == {(len(SYMBOLS) - 1,)}
