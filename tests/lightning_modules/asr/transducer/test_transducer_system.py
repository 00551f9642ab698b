"""The transducer through a real trainer, plain and attending: it learns, is stored, is blind to the batch."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jiwer
import pytest
import torch
from jsonargparse import ArgumentParser

from datamodules.asr import SpeechDataModule
from lightning_modules.asr.predictions import EncodedPredictions
from lightning_modules.asr.recogniser import Recogniser
from lightning_modules.asr.transducer.stored_transducer import load_transducer
from lightning_modules.asr.transducer.transducer import Transducer
from lightning_modules.decoding.texts import spell
from lightning_modules.decoding.transducer.transducer_beam import transducer_beam_search
from lightning_modules.decoding.transducer.transducer_greedy import transducer_greedy
from lightning_modules.layers.attention import ContentAttention, LocationAttention
from lightning_modules.layers.predictor import AttendingPredictor, Predictor, PredictorMaker, RecurrentPredictor
from lightning_modules.layers.speller import SpellerSettings
from lightning_modules.layers.transducer import BoundTransducer

from ..small_recognisers import common, predict, small_encoder, speech, trainer

SIZES: Any = {"cell": "gru", "embedding_units": 16, "hidden_units": 32, "dropout": 0.0}
PREDICTORS: dict[str, PredictorMaker] = {
    "recurrent": partial(RecurrentPredictor, **SIZES),
    "attending": partial(
        AttendingPredictor, speller=SpellerSettings(attention=partial(ContentAttention, units=16), **SIZES)
    ),
}


def transducer(data: SpeechDataModule, kind: str, **settings: Any) -> Transducer:
    torch.manual_seed(0)
    own = {"encoder": small_encoder(num_halvings=2), "predictor": PREDICTORS[kind], "joint_units": 32}
    return Transducer(**{**common(data), **own, **settings})


def predictions_of(model: Recogniser, data: SpeechDataModule, folder: Path) -> EncodedPredictions:
    predict(model, data, folder)
    return EncodedPredictions.load(folder / "validation.encoded.npz")


@pytest.fixture(scope="module", params=PREDICTORS)
def trained(request: pytest.FixtureRequest, whole_spoken_tones: Path) -> Transducer:
    """A system after 30 epochs (seconds) on 24 utterances."""
    epochs = 30
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARMARK_DATA", str(whole_spoken_tones.parents[1]))
        data = speech(batch_seconds=4.0)
        model = transducer(
            data,
            request.param,
            scheduler=lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=epochs),
        )
        trainer(max_epochs=epochs, limit_val_batches=0).fit(model, datamodule=data)
    return model


@pytest.mark.integration
def test_it_learns_far_beyond_the_best_constant_output(trained: Transducer, tiny_speech: Path, tmp_path: Path) -> None:
    data = speech()
    [metrics] = trainer().validate(trained, dataloaders=data.val_dataloader(), verbose=False)
    references = data.references("validation")
    names = sorted(references.texts)
    expected = [references.texts[name] for name in names]
    constant = min(jiwer.cer(expected, [text] * len(names)) for text in {*references.training_texts, "a"})
    assert metrics["validation/cer"] < constant - 0.2  # 24 texts of few words: it learns those words by heart
    predictions = predictions_of(trained, data, tmp_path / "own")
    network = load_transducer(tmp_path / "own", symbols=data.symbols)
    texts = {}
    for name, encoded_TH in predictions:
        encoded_1TH = torch.from_numpy(encoded_TH).double().unsqueeze(0)
        bound = BoundTransducer(network, encoded_1TH, torch.tensor([len(encoded_TH)]))
        [[best]] = transducer_beam_search(bound, beam_size=4)
        [greedy] = transducer_greedy(bound)
        assert best.score >= greedy.score - 1e-9 or best.tokens != greedy.tokens
        texts[name] = spell(best.tokens, data.symbols)
    assert jiwer.cer(expected, [texts[name] for name in names]) < constant - 0.2


@pytest.mark.integration
def test_error_rates_do_not_depend_on_the_batch_size(trained: Transducer, tiny_speech: Path) -> None:
    data = [speech(batch_seconds=seconds) for seconds in (0.01, 60.0)]  # one utterance a batch, and all in one
    assert [max(len(batch.utterance_ids) for batch in module.val_dataloader()) for module in data] == [1, 8]
    one, all_in_one = (
        trainer().validate(trained, dataloaders=module.val_dataloader(), verbose=False)[0] for module in data
    )
    assert one["validation/loss"] == pytest.approx(all_in_one["validation/loss"], rel=1e-5)
    for name in ("validation/wer", "validation/cer"):
        assert one[name] == all_in_one[name]  # to the last digit


@pytest.mark.parametrize("kind", PREDICTORS)
def test_one_step_of_training_changes_every_weight(tiny_speech: Path, kind: str) -> None:
    model = transducer(data := speech(), kind)
    before = {name: value.clone() for name, value in model.named_parameters()}
    fit = trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=1)
    fit.fit(model, datamodule=data)
    assert fit.global_step == 1
    assert not [name for name, value in model.named_parameters() if torch.equal(before[name], value)]
    assert {"train/loss", "validation/loss", "validation/wer", "validation/cer"} <= fit.callback_metrics.keys()


@pytest.mark.parametrize("kind", PREDICTORS)
def test_what_is_stored_reads_as_what_was_trained(tiny_speech: Path, tmp_path: Path, kind: str) -> None:
    model = transducer(data := speech(), kind).eval()
    model.save_decoder(tmp_path)
    stored = load_transducer(tmp_path, symbols=data.symbols)
    encoded_BTH, num_frames_B = torch.randn(2, 5, 64), torch.tensor([5, 3])
    tokens_BU = torch.tensor([[1, 2], [3, 0]])
    own_BTNV = model.network(encoded_BTH, num_frames_B, tokens_BU)
    found_BTNV = stored(encoded_BTH.double(), num_frames_B, tokens_BU)
    torch.testing.assert_close(found_BTNV.float(), own_BTNV, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match=r"decoder\.pt: writes \d+ symbols, and the corpus has 2 others"):
        load_transducer(tmp_path, symbols=("<blank>", "a"))


@pytest.mark.parametrize("kind", PREDICTORS)
def test_groups_hold_every_parameter_once_and_symbols_are_rows(tiny_speech: Path, kind: str) -> None:
    model = transducer(data := speech(), kind)
    modules = [module for group in model.parameter_groups().values() for module in group]
    grouped = [id(parameter) for module in modules for parameter in module.parameters()]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())
    state = model.state_dict()
    assert len(model.symbol_parameters()) == 3
    assert {len(state[name]) for name in model.symbol_parameters()} == {len(data.symbols)}


def test_a_foreign_prediction_network_is_not_stored(tiny_speech: Path, tmp_path: Path) -> None:
    model = transducer(speech(), "recurrent")
    model.network.predictor = torch.nn.Identity()
    with pytest.raises(ValueError, match="predictor Identity can't be stored, allowed: RecurrentPredictor"):
        model.save_decoder(tmp_path)


LAYERS = "lightning_modules.layers"
SPELLER = {
    "attention": {"class_path": f"{LAYERS}.attention.LocationAttention", "init_args": {"channels": 3}},
    "hidden_units": 20,
}


@pytest.mark.parametrize(
    ("predictor", "kind"),
    [
        ({"class_path": f"{LAYERS}.predictor.RecurrentPredictor", "init_args": {"cell": "gru"}}, RecurrentPredictor),
        (
            {"class_path": f"{LAYERS}.predictor.AttendingPredictor", "init_args": {"speller": SPELLER}},
            AttendingPredictor,
        ),
    ],
)
def test_a_configuration_names_the_prediction_network(
    tiny_speech: Path, predictor: dict[str, Any], kind: type[Predictor]
) -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(SpeechDataModule, "data", required=True)
    parser.add_subclass_arguments(Recogniser, "model", required=True)
    for name in ("symbols", "sample_rate_hz"):
        parser.link_arguments(f"data.{name}", f"model.init_args.{name}", apply_on="instantiate")
    given = {"encoder": f"{LAYERS}.recurrent_encoder.demo_encoder", "predictor": predictor, "joint_units": 12}
    parsed = parser.parse_object(
        {
            "data": {
                "class_path": "datamodules.asr.SpeechDataModule",
                "init_args": {"corpus": "spoken_tones/tiny", "batch_seconds": 6},
            },
            "model": {"class_path": "lightning_modules.asr.transducer.transducer.Transducer", "init_args": given},
        }
    )
    model = parser.instantiate(parsed).model
    assert isinstance(model.network.predictor, kind)
    assert model.network.joiner.frames.out_features == 12
    if isinstance(model.network.predictor, AttendingPredictor):
        assert isinstance(model.network.predictor.core.attention, LocationAttention)
