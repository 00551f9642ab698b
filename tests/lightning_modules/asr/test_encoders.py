"""Every system of speech takes every encoder: one step trains all weights, and a batch of one is any other batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from datamodules.asr import SpeechDataModule
from lightning_modules.asr.attention.ctc_attention import CTCAttention
from lightning_modules.asr.attention.las import ListenAttendSpell
from lightning_modules.asr.ctc.ctc import CTC
from lightning_modules.asr.recogniser import Recogniser
from lightning_modules.asr.transducer.transducer import Transducer
from lightning_modules.layers.attention import LocationAttention
from lightning_modules.layers.conformer import ConformerEncoder
from lightning_modules.layers.predictor import RecurrentPredictor
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.speller import SpellerSettings
from lightning_modules.layers.tdnn import TimeDelayEncoder

from .small_recognisers import common, speech, trainer

ENCODERS: dict[str, Callable[[], SpeechEncoder]] = {
    "tdnn": partial(
        TimeDelayEncoder, num_mels=40, conv_channels=4, num_halvings=1, units=8, layers=((3, 1), (3, 2)), dropout=0.0
    ),
    "conformer": partial(
        ConformerEncoder, num_mels=40, conv_channels=4, num_halvings=1, units=8, num_blocks=1, num_heads=2, kernel=3,
        dropout=0.0,
    ),
}  # fmt: skip
SPELLER = SpellerSettings(
    attention=partial(LocationAttention, units=8, channels=2, reach_frames=2), cell="gru", embedding_units=4,
    hidden_units=8, dropout=0.0,
)  # fmt: skip
SYSTEMS: dict[str, Callable[..., Recogniser]] = {
    "ctc": CTC,
    "las": partial(ListenAttendSpell, speller=SPELLER),
    "hybrid": partial(CTCAttention, speller=SPELLER, ctc_weight=0.5),
    "transducer": partial(
        Transducer, predictor=partial(RecurrentPredictor, cell="gru", hidden_units=8, embedding_units=4), joint_units=8
    ),
}


def system(data: SpeechDataModule, name: str, encoder: str) -> Recogniser:
    torch.manual_seed(0)
    settings: dict[str, Any] = {**common(data), "encoder": ENCODERS[encoder]()}
    return SYSTEMS[name](**settings)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("name", SYSTEMS)
def test_one_step_of_training_changes_every_weight(tiny_speech: Path, name: str, encoder: str) -> None:
    model = system(data := speech(), name, encoder)
    before = {name: value.clone() for name, value in model.named_parameters()}
    fit = trainer(max_epochs=1, limit_train_batches=1, limit_val_batches=1)
    fit.fit(model, datamodule=data)
    assert fit.global_step == 1
    assert not [name for name, value in model.named_parameters() if torch.equal(before[name], value)]
    modules = [module for group in model.parameter_groups().values() for module in group]
    grouped = [id(parameter) for module in modules for parameter in module.parameters()]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())


@pytest.mark.parametrize("encoder", ENCODERS)
def test_what_is_heard_does_not_depend_on_the_batch(tiny_speech: Path, encoder: str) -> None:
    model = system(data := speech(), "ctc", encoder).eval()
    data.setup("fit")
    batch = next(iter(data.val_dataloader()))
    together = model.encode(batch.waveforms_BS, batch.num_samples_B)
    assert len(batch.utterance_ids) > 1
    for row, samples in enumerate(batch.num_samples_B.tolist()):
        alone = model.encode(batch.waveforms_BS[row : row + 1, :samples], batch.num_samples_B[row : row + 1])
        frames = int(together.num_frames_B[row])
        torch.testing.assert_close(together.hidden_BTH[row, :frames], alone.hidden_BTH[0], atol=1e-5, rtol=1e-4)
