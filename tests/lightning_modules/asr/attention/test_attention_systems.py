"""Encoder-decoder, Listen-Attend-Spell and hybrid systems through a real trainer: they learn, blind to the batch."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
import torch

from datamodules.annotations import UtteranceReferences
from datamodules.asr import SpeechDataModule
from lightning_modules.asr.attention.attention_decoders import AttentionBeam
from lightning_modules.asr.attention.ctc_attention import CTCAttention
from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder
from lightning_modules.asr.attention.las import ListenAttendSpell
from lightning_modules.asr.predictions import EncodedPredictions, HybridPredictions, load_hybrid, spelled
from lightning_modules.decoding.texts import spell
from lightning_modules.layers.attention import (
    AttentionMaker,
    ContentAttention,
    LocationAttention,
    SummaryContext,
)
from lightning_modules.layers.listener import PyramidalListener
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speller import SpellerSettings

from ..small_recognisers import common, predict, small_encoder, speech, trainer

Kind = tuple[type[EncoderDecoder], AttentionMaker, dict[str, Any]]
LOCATION: AttentionMaker = partial(LocationAttention, units=24, channels=4, reach_frames=4)
KINDS: dict[str, Kind] = {
    "summary": (EncoderDecoder, partial(SummaryContext, units=16), {}),
    "content": (EncoderDecoder, partial(ContentAttention, units=24), {}),
    "location": (EncoderDecoder, LOCATION, {"label_smoothing": 0.1}),
    "las": (ListenAttendSpell, LOCATION, {"sampling_rate": 0.5}),
    "hybrid": (CTCAttention, LOCATION, {"ctc_weight": 0.5}),
}


def encoder(kind: str) -> SpeechEncoder:
    if kind == "las":
        return PyramidalListener(num_mels=40, hidden_units=32, num_halvings=2, cell="gru", dropout=0.0)
    return small_encoder()


def system(data: SpeechDataModule, kind: str, **settings: Any) -> EncoderDecoder:
    torch.manual_seed(0)
    of_class, attention, own = KINDS[kind]
    speller = SpellerSettings(attention=attention, cell="gru", embedding_units=16, hidden_units=48, dropout=0.0)
    given = {**common(data), "encoder": encoder(kind), "speller": speller, **own, **settings}
    return of_class(**given)


def predictions_of(model: EncoderDecoder, data: SpeechDataModule, folder: Path) -> EncodedPredictions:
    predict(model, data, folder)
    return load_hybrid(folder, "validation", data.references("validation"))


def read_by(rung: AttentionBeam, folder: Path, references: UtteranceReferences, ctc_weight: float) -> dict[str, str]:
    predictions = rung.read(folder, "validation", references)
    rung.prepare(folders={"own": folder}, validation=predictions, references=references)
    return spelled(predictions, rung.decode(predictions, {"ctc_weight": ctc_weight, "token_bonus": 0.0}))


def greedy_texts(model: EncoderDecoder, data: SpeechDataModule) -> dict[str, str]:
    texts = {}
    for batch in data.val_dataloader():
        with torch.no_grad():
            hypotheses = model.eval().greedy(model.encode(batch.waveforms_BS, batch.num_samples_B))
        texts |= {
            name: spell(one.tokens, data.symbols) for name, one in zip(batch.utterance_ids, hypotheses, strict=True)
        }
    return texts


@pytest.fixture(scope="module")
def trained(whole_spoken_tones: Path) -> EncoderDecoder:
    """A hybrid system after 40 epochs (seconds) on 24 utterances."""
    epochs = 40
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_DATA", str(whole_spoken_tones.parents[1]))
        data = speech(batch_seconds=4.0)
        model = system(
            data,
            "hybrid",
            scheduler=lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=epochs),
        )
        trainer(max_epochs=epochs, limit_val_batches=0).fit(model, datamodule=data)
    return model


def error(texts: dict[str, str], references: UtteranceReferences, rate: Any = jiwer.cer) -> float:
    names = sorted(references.texts)
    found: float = rate([references.texts[name] for name in names], [texts[name] for name in names])
    return found


@pytest.mark.integration
def test_it_learns_far_beyond_the_best_constant_output(
    trained: EncoderDecoder, tiny_speech: Path, tmp_path: Path
) -> None:
    data = speech()
    references = data.references("validation")
    constant = min(
        error(dict.fromkeys(references.texts, text), references) for text in {*references.training_texts, "a"}
    )
    [known] = trainer().validate(trained, dataloaders=data.train_dataloader(), verbose=False)
    assert known["validation/cer"] < 0.1  # 24 texts of few words: attention alone learns those words by heart
    assert error(greedy_texts(trained, data), references) < constant - 0.2
    predictions_of(trained, data, tmp_path / "own")
    rung = AttentionBeam(ctc_weights=(0.5,))
    assert error(read_by(rung, tmp_path / "own", references, 0.5), references) < 0.2  # CTC hears characters


@pytest.mark.integration
def test_validation_logs_what_jiwer_counts(trained: EncoderDecoder, tiny_speech: Path) -> None:
    data = speech()
    references = data.references("validation")
    [metrics] = trainer().validate(trained, dataloaders=data.val_dataloader(), verbose=False)
    texts = greedy_texts(trained, data)
    assert metrics["validation/wer"] == pytest.approx(error(texts, references, jiwer.wer), rel=1e-6)
    assert metrics["validation/cer"] == pytest.approx(error(texts, references), rel=1e-6)


@pytest.mark.integration
def test_error_rates_do_not_depend_on_the_batch_size(
    trained: EncoderDecoder, tiny_speech: Path, tmp_path: Path
) -> None:
    data = {name: speech(batch_seconds=seconds) for name, seconds in (("alone", 0.01), ("together", 60.0))}
    sizes = [max(len(batch.utterance_ids) for batch in module.val_dataloader()) for module in data.values()]
    assert sizes == [1, 8]
    one, all_in_one = (
        trainer().validate(trained, dataloaders=module.val_dataloader(), verbose=False)[0] for module in data.values()
    )
    assert one["validation/loss"] == pytest.approx(all_in_one["validation/loss"], rel=1e-5)
    for name in ("validation/wer", "validation/cer"):
        assert one[name] == all_in_one[name]  # to the last digit
    stored = [predictions_of(trained, module, tmp_path / name) for name, module in data.items()]
    np.testing.assert_allclose(stored[0].encoded_FH, stored[1].encoded_FH, atol=2e-5)
    references = data["alone"].references("validation")
    for ctc_weight in (0.0, 0.3):
        rung = AttentionBeam(ctc_weights=(ctc_weight,))
        first, second = (read_by(rung, tmp_path / name, references, ctc_weight) for name in data)
        assert first == second


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_of_training_changes_every_weight(tiny_speech: Path, kind: str) -> None:
    data = speech(speed_factors=(0.9, 1.0, 1.1))
    model = system(data, kind, spec_augment=SpecAugment())
    before = {name: value.clone() for name, value in model.named_parameters()}
    fit = trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=1)
    fit.fit(model, datamodule=data)
    assert fit.global_step == 1
    assert not [name for name, value in model.named_parameters() if torch.equal(before[name], value)]
    logged = {"train/loss", "validation/loss", "validation/wer", "validation/cer"}
    parts = {"train/ctc_loss", "train/attention_loss"} if kind == "hybrid" else set()
    assert logged | parts <= fit.callback_metrics.keys()
    if parts:
        ctc, attention = (fit.callback_metrics[name] for name in sorted(parts, reverse=True))
        torch.testing.assert_close(fit.callback_metrics["train/loss"], 0.5 * ctc + 0.5 * attention)


@pytest.mark.parametrize("kind", KINDS)
def test_groups_hold_every_parameter_once_and_symbols_are_rows(tiny_speech: Path, kind: str) -> None:
    model = system(data := speech(), kind)
    groups = model.parameter_groups()
    assert groups.keys() == {"encoder", "decoder", "outputs"}
    grouped = [id(value) for group in groups.values() for module in group for value in module.parameters()]
    assert sorted(grouped) == sorted(id(value) for value in model.parameters())
    state = model.state_dict()
    assert len(set(model.symbol_parameters())) == (5 if kind == "hybrid" else 3)
    assert {len(state[name]) for name in model.symbol_parameters()} == {len(data.symbols)}
    rows = {name for name, value in model.named_parameters() if len(value) == len(data.symbols)}
    assert rows == set(model.symbol_parameters())  # no other width of these systems is the number of symbols


def test_a_hybrid_system_stores_hidden_vectors_and_posteriors(tiny_speech: Path, tmp_path: Path) -> None:
    model = system(data := speech(), "hybrid")
    predictions = predictions_of(model, data, tmp_path / "own")
    assert isinstance(predictions, HybridPredictions)
    assert predictions.utterance_ids == data.clip_ids("validation")
    np.testing.assert_allclose(np.exp(predictions.log_probs_FV).sum(1), 1.0, atol=1e-5)
    lengths = torch.tensor([length.num_samples for length in data.lengths("validation")])
    assert predictions.num_frames_N.tolist() == model.encoded_frames(lengths).tolist()
    assert len(predictions.encoded_FH) == len(predictions.log_probs_FV) == predictions.num_frames_N.sum()
    assert predictions.hop_seconds == pytest.approx(0.032)


def test_smoothing_and_sampling_are_for_training_alone(tiny_speech: Path) -> None:
    model = system(data := speech(), "las", label_smoothing=0.2, sampling_from_epoch=1)
    batch = next(iter(data.val_dataloader()))
    encoded = model.eval().encode(batch.waveforms_BS, batch.num_samples_B)
    plain_B = model.loss(encoded, batch)
    memory = model.speller.memory(*encoded)
    log_probs_BUV = model.speller(batch.tokens_BU, memory).log_probs_BUV
    for row, length in enumerate(batch.num_tokens_B.tolist()):
        targets_U = torch.cat([batch.tokens_BU[row, :length], torch.tensor([0])])
        expected = torch.nn.functional.nll_loss(log_probs_BUV[row, : length + 1], targets_U, reduction="sum")
        torch.testing.assert_close(plain_B[row], expected)
    model.train()
    smoothed_B = model.loss(encoded, batch)
    assert not torch.isclose(smoothed_B, plain_B).any()
    assert torch.equal(smoothed_B, model.loss(encoded, batch))  # at epoch 0 nothing is drawn
    model.sampling_from_epoch = 0
    assert not torch.equal(smoothed_B, model.loss(encoded, batch))


def test_a_checkpoint_of_other_symbols_is_refused_by_name(tiny_speech: Path) -> None:
    both, czech = (system(speech(**languages), "las") for languages in ({}, {"languages": ["cs"]}))
    checkpoint: dict[str, Any] = {}
    both.on_save_checkpoint(checkpoint)
    both.on_load_checkpoint(checkpoint)
    lacking = [symbol for symbol in both.symbols if symbol not in czech.symbols]
    with pytest.raises(ValueError, match=f"checkpoint is of another tokenizer: it has {len(both.symbols)}") as told:
        czech.on_load_checkpoint(checkpoint)
    assert "\n" not in str(told.value)
    assert f"the corpus lacks {lacking[:5]}" in str(told.value)


class ForeignAttention(ContentAttention):
    """A user's own."""


@pytest.mark.parametrize(
    ("kind", "settings", "says"),
    [
        ("las", {"sampling_rate": 1.1}, "sampling_rate 1.1 within 0 and 1"),
        ("las", {"label_smoothing": 1.0}, "label_smoothing 1.0 must lie within 0 and 1, 1 left out"),
        ("hybrid", {"ctc_weight": -0.1}, "ctc_weight must lie within 0 and 1, got -0.1"),
        ("foreign", {}, "speller.attention ForeignAttention can't be stored, allowed: SummaryContext, "),
    ],
)
def test_settings_out_of_range_are_refused(
    tiny_speech: Path, monkeypatch: pytest.MonkeyPatch, kind: str, settings: dict[str, Any], says: str
) -> None:
    monkeypatch.setitem(KINDS, "foreign", (EncoderDecoder, ForeignAttention, {}))
    with pytest.raises(ValueError, match=says) as told:
        system(speech(), kind, **settings)
    assert "\n" not in str(told.value)


def test_infeasible_training_utterances_of_a_hybrid_are_named_before_training(tiny_speech: Path) -> None:
    data = speech()
    model = system(data, "hybrid", encoder=PyramidalListener(num_mels=40, hidden_units=8, num_halvings=5))
    with pytest.raises(ValueError, match=r"^train: 24 utterances have too few frames .*: cs-train-0000 "):
        trainer().fit(model, datamodule=data)


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["content", "las", "hybrid"])
def test_token_accuracy_is_of_true_beginnings_whatever_the_batch(kind: str, tiny_speech: Path) -> None:
    """Against one text at a time and one token at a time, its end included."""
    data = speech(batch_seconds=60.0)
    model = system(data, kind)
    (logged,) = trainer().validate(model, dataloaders=data.val_dataloader(), verbose=False)
    right = count = 0
    for batch in data.val_dataloader():
        with torch.no_grad():
            hidden_BTH, num_frames_B = model.eval().encode(batch.waveforms_BS, batch.num_samples_B)
            for row, num_tokens in enumerate(batch.num_tokens_B.tolist()):
                memory = model.speller.memory(hidden_BTH[row : row + 1], num_frames_B[row : row + 1])
                tokens = batch.tokens_BU[row, :num_tokens]
                for told in range(num_tokens + 1):
                    said_BUV = model.speller(tokens[None, :told], memory, sampling_rate=0.0).log_probs_BUV
                    meant = int(tokens[told]) if told < num_tokens else 0
                    right, count = right + (int(said_BUV[0, -1].argmax()) == meant), count + 1
    assert 0 < right < count
    assert logged["validation/token_accuracy"] == pytest.approx(right / count, abs=1e-6)
