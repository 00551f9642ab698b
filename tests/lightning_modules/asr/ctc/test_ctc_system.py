"""The CTC system through a real trainer: it learns, does not depend on the batch, and stops where it must."""

from __future__ import annotations

import gzip
import json
from contextlib import nullcontext
from pathlib import Path

import jiwer
import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from datamodules.asr import SpeechDataModule
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.decoding.ctc.greedy import greedy
from lightning_modules.decoding.texts import spell
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.spec_augment import SpecAugment

from ..small_recognisers import predict, recogniser, speech, trainer


def predictions_of(model: CTC, data: SpeechDataModule, folder: Path, split: str = "validation") -> PosteriorPredictions:
    predict(model, data, folder, split)
    return PosteriorPredictions.load(folder / f"{split}.npz")


def texts(predictions: PosteriorPredictions) -> dict[str, str]:
    hypotheses = greedy(predictions.padded(), predictions.num_frames_N)
    return {
        name: spell(hypothesis.tokens, predictions.symbols)
        for name, hypothesis in zip(predictions.utterance_ids, hypotheses, strict=True)
    }


@pytest.fixture(scope="module")
def trained(whole_spoken_tones: Path) -> CTC:
    """A system after 25 epochs (3 s) on 24 utterances."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_DATA", str(whole_spoken_tones.parents[1]))
        data = speech(batch_seconds=4.0)
        model: CTC = recogniser(
            data, scheduler=lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=25)
        )
        trainer(max_epochs=25, limit_val_batches=0).fit(model, datamodule=data)
    return model


@pytest.mark.integration
def test_it_learns_far_beyond_the_best_constant_output(trained: CTC, tiny_speech: Path, tmp_path: Path) -> None:
    data = speech()
    references = data.references("validation").texts
    hypotheses = texts(predictions_of(trained, data, tmp_path / "own"))
    assert hypotheses.keys() == references.keys()
    names = sorted(references)
    error = jiwer.cer([references[name] for name in names], [hypotheses[name] for name in names])
    training = data.references("validation").training_texts
    constant = min(jiwer.cer([references[name] for name in names], [text] * len(names)) for text in {*training, "a"})
    assert error < 0.3 < constant - 0.2


@pytest.mark.integration
def test_validation_logs_what_jiwer_counts(trained: CTC, tiny_speech: Path, tmp_path: Path) -> None:
    data = speech()
    [metrics] = trainer().validate(trained, dataloaders=data.val_dataloader(), verbose=False)
    hypotheses, references = texts(predictions_of(trained, data, tmp_path / "own")), data.references("validation").texts
    names = sorted(references)
    pairs = [references[name] for name in names], [hypotheses[name] for name in names]
    assert metrics["validation/wer"] == pytest.approx(jiwer.wer(*pairs), rel=1e-6)
    assert metrics["validation/cer"] == pytest.approx(jiwer.cer(*pairs), rel=1e-6)
    assert 0 < metrics["validation/loss"] < 5


@pytest.mark.integration
def test_error_rates_do_not_depend_on_the_batch_size(trained: CTC, tiny_speech: Path, tmp_path: Path) -> None:
    settings = {"alone": 0.01, "sixteen": 60.0}  # a batch holds at least one utterance, and 60 s hold them all
    data = {name: speech(batch_seconds=seconds) for name, seconds in settings.items()}
    assert {len(batch.utterance_ids) for batch in data["alone"].val_dataloader()} == {1}
    assert {len(batch.utterance_ids) for batch in data["sixteen"].val_dataloader()} == {8}
    stored = {name: predictions_of(trained, module, tmp_path / name) for name, module in data.items()}
    np.testing.assert_allclose(stored["alone"].log_probs_FV, stored["sixteen"].log_probs_FV, atol=2e-5)
    assert texts(stored["alone"]) == texts(stored["sixteen"])
    metrics = [
        trainer().validate(trained, dataloaders=module.val_dataloader(), verbose=False)[0] for module in data.values()
    ]
    for name in ("validation/wer", "validation/cer"):
        assert metrics[0][name] == metrics[1][name]  # to the last digit


def test_one_step_of_training_changes_every_weight(tiny_speech: Path) -> None:
    data = speech(speed_factors=(0.9, 1.0, 1.1))
    model = recogniser(data, spec_augment=SpecAugment())
    before = {name: value.clone() for name, value in model.named_parameters()}
    fit = trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=1)
    fit.fit(model, datamodule=data)
    assert fit.global_step == 1
    assert all(not torch.equal(before[name], value) for name, value in model.named_parameters())
    assert {"train/loss", "validation/loss", "validation/wer", "validation/cer"} <= fit.callback_metrics.keys()


def test_predictions_are_posteriors_with_their_time(tiny_speech: Path, tmp_path: Path) -> None:
    data = speech()
    model = recogniser(data)
    predictions = predictions_of(model, data, tmp_path / "own", "test")
    assert predictions.symbols == data.symbols
    assert predictions.utterance_ids == data.clip_ids("test")
    np.testing.assert_allclose(np.exp(predictions.log_probs_FV).sum(1), 1.0, atol=1e-5)
    assert predictions.hop_seconds == pytest.approx(0.032)
    assert 0 < predictions.encoding_seconds < 60
    lengths = torch.tensor([length.num_samples for length in data.lengths("test")])
    assert predictions.num_frames_N.tolist() == model.encoded_frames(lengths).tolist()


def test_masks_of_training_depend_on_the_utterance_and_not_on_its_batch(tiny_speech: Path) -> None:
    data = speech()
    model = recogniser(data, spec_augment=SpecAugment(time_mask_share=0.5)).eval()
    batch = next(iter(data.val_dataloader()))
    given = {"seed": 3, "epoch": 1}
    features_BTM = model.features(batch.waveforms_BS, batch.num_samples_B)
    whole = model.features.masked(features_BTM, batch.num_samples_B, utterance_ids=batch.utterance_ids, **given)
    last = model.features.masked(
        features_BTM[-1:], batch.num_samples_B[-1:], utterance_ids=batch.utterance_ids[-1:], **given
    )
    assert torch.equal(whole[-1:], last)
    assert not torch.equal(whole, features_BTM)


def test_infeasible_training_utterances_are_named_before_training(tiny_speech: Path) -> None:
    data = speech()
    model = recogniser(data, num_halvings=4)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    message = r"^train: 24 utterances have too few frames .*: cs-train-0000 \(2 frames, needs 4\), cs-train-0001 "
    with pytest.raises(ValueError, match=message) as told:
        trainer().fit(model, datamodule=data)
    assert "\n" not in str(told.value)
    assert "smaller features.hop_seconds" in str(told.value)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_infeasible_validation_utterances_are_named_too_and_have_no_loss(tiny_speech: Path) -> None:
    manifest = tiny_speech / "manifests" / "validation.jsonl.gz"
    lines = [json.loads(line) for line in gzip.decompress(manifest.read_bytes()).splitlines()]
    lines[3]["supervisions"][0]["text"] = "cat sat " * 20
    manifest.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))
    data = speech()
    model, fit = recogniser(data), trainer(limit_train_batches=1)
    message = (
        rf"^validation: 1 utterances have too few frames for their texts: {lines[3]['id']} \(\d+ frames, needs 160\);"
    )
    with pytest.warns(UserWarning, match=message):
        fit.fit(model, datamodule=data)
    losses, pairs = {}, []
    for batch in data.val_dataloader():
        log_probs_BTV, num_frames_B = model.eval()(batch.waveforms_BS, batch.num_samples_B)
        loss_B = torch.nn.functional.ctc_loss(
            log_probs_BTV.transpose(0, 1), batch.tokens_BU, num_frames_B, batch.num_tokens_B, reduction="none"
        )
        losses |= dict(zip(batch.utterance_ids, loss_B.tolist(), strict=True))
        read = greedy(log_probs_BTV, num_frames_B)
        pairs += [(text, spell(one.tokens, data.symbols)) for text, one in zip(batch.texts, read, strict=True)]
    assert losses.pop(lines[3]["id"]) == float("inf")
    assert len(losses) == 7
    assert fit.callback_metrics["validation/loss"] == pytest.approx(sum(losses.values()) / 7, rel=1e-5)
    alone = speech(batch_seconds=0.01).val_dataloader()  # a batch each, one of them without any loss
    [metrics] = trainer().validate(model, dataloaders=alone, verbose=False)
    assert metrics["validation/loss"] == pytest.approx(sum(losses.values()) / 7, rel=1e-5)
    assert len(pairs) == 8  # its errors count
    assert fit.callback_metrics["validation/cer"] == pytest.approx(jiwer.cer(*map(list, zip(*pairs, strict=True))))


def test_the_fastest_speed_decides_what_is_feasible(tiny_speech: Path) -> None:
    features = LogMelSettings(hop_seconds=0.04, window_seconds=0.064, num_mels=40)
    for factors, lengths_fit in (((1.0,), True), ((1.0, 2.0), False)):
        data = speech(speed_factors=factors)
        fit = trainer(max_steps=1, limit_val_batches=0, num_sanity_val_steps=0)
        with nullcontext() if lengths_fit else pytest.raises(ValueError, match="too few frames"):
            fit.fit(recogniser(data, features=features), datamodule=data)
        assert fit.global_step == int(lengths_fit)


def test_a_loss_that_is_no_number_stops_and_names_utterances(tiny_speech: Path) -> None:
    data = speech()
    model = recogniser(data)
    torch.nn.init.constant_(model.classifier.bias, float("nan"))
    names = (
        r"epoch 0, step \d+: train/loss is no number for \d+ of \d+ utterances: "
        r"(cs|en)-train-\d{4}, .*model\.optimizer\.lr"
    )
    with pytest.raises(ValueError, match=names):
        trainer(num_sanity_val_steps=0).fit(model, datamodule=data)


def test_features_and_encoder_must_fit(tiny_speech: Path) -> None:
    with pytest.raises(ValueError, match=r"features\.num_mels is 24 but encoder\.num_mels is 40"):
        recogniser(speech(), features=LogMelSettings(num_mels=24))


@pytest.mark.parametrize(("interval", "steps"), [("epoch", 2), ("step", 10)])
def test_a_schedule_goes_by_epoch_or_by_step(tiny_speech: Path, interval: str, steps: int) -> None:
    data = speech()
    assert len(data.train_dataloader()) == 5
    model = recogniser(
        data,
        scheduler=lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9),
        scheduler_interval=interval,
    )
    fit: pl.Trainer = trainer(max_epochs=2, limit_val_batches=0)
    fit.fit(model, datamodule=data)
    assert fit.optimizers[0].param_groups[0]["lr"] == pytest.approx(0.01 * 0.9**steps)


@pytest.mark.parametrize(
    ("tokens", "symbols", "text"),
    [
        ((2, 1, 3), ("<blank>", " ", "a", "b"), "a b"),
        ((1, 2, 1, 1, 3, 1), ("<blank>", " ", "a", "b"), "a b"),
        ((), ("<blank>", " ", "a"), ""),
        ((2, 1, 3), ("<blank>", "<unk>", "a", "b"), "a <unk> b"),
        ((2, 3), ("<blank>", "a", "b", "c"), "bc"),
    ],
)
def test_spelling(tokens: tuple[int, ...], symbols: tuple[str, ...], text: str) -> None:
    assert spell(tokens, symbols) == text
