"""What times mean by system: a transducer's are where it wrote, an attention decoder's where it looks, if it does."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from datamodules.annotations import Hypothesis
from experiments.applying.chosen_run import ChosenRun
from experiments.applying.transcribing.parts import Part
from experiments.applying.transcribing.reading import Reader
from experiments.errors import UserError
from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder
from lightning_modules.asr.transducer.transducer import Transducer
from lightning_modules.layers.attention import ContentAttention, SummaryContext
from lightning_modules.layers.predictor import RecurrentPredictor
from lightning_modules.layers.speller import SpellerSettings

from ....lightning_modules.asr.small_recognisers import FEATURES, small_encoder

RATE_HZ = 8000
SYMBOLS = ("<blank>", " ", "a", "b", "c")
SIZES: Any = {"cell": "gru", "embedding_units": 16, "hidden_units": 32, "dropout": 0.0}
PART = Part(RATE_HZ, np.random.default_rng(0).uniform(-0.3, 0.3, RATE_HZ).astype(np.float32))


def chosen(folder: Path) -> ChosenRun:
    return ChosenRun("small", "a", folder, folder, {}, "asr", {})


def test_a_transducers_words_are_at_the_frames_where_it_wrote(tmp_path: Path) -> None:
    torch.manual_seed(0)
    system = Transducer(
        symbols=SYMBOLS, sample_rate_hz=RATE_HZ, encoder=small_encoder(num_halvings=2), features=FEATURES,
        predictor=partial(RecurrentPredictor, **SIZES), joint_units=32,
    ).eval()  # fmt: skip
    reader = Reader(system, chosen(tmp_path), sample_rate_hz=RATE_HZ)
    read = reader.read(PART)
    assert reader.times == "written"
    assert " ".join(word.text for word in read.words) == read.text
    assert all(1.0 <= word.start < word.end <= 2.0 for word in read.words)
    assert {word.confidence for word in read.words} <= {None}
    assert {token.probability for word in read.words for token in word.tokens} <= {None}
    with pytest.raises(UserError, match="a Transducer has no CTC output to align with"):
        reader.log_posteriors(PART)


def attending(attention: Any) -> EncoderDecoder:
    torch.manual_seed(0)
    return EncoderDecoder(
        symbols=SYMBOLS, sample_rate_hz=RATE_HZ, encoder=small_encoder(num_halvings=2), features=FEATURES,
        speller=SpellerSettings(attention=attention, **SIZES),
    ).eval()  # fmt: skip


def test_an_attention_decoders_words_are_where_it_looks(tmp_path: Path) -> None:
    reader = Reader(attending(partial(ContentAttention, units=16)), chosen(tmp_path), sample_rate_hz=RATE_HZ)
    assert reader.times == "attended"
    with torch.inference_mode():
        encoded = reader.system.encode(torch.from_numpy(PART.waveform_S)[None], torch.tensor([RATE_HZ]))
    hypothesis = Hypothesis((2, 3, 1, 4, 4), 0.0, (0, 0, 0, 0, 0))
    words = reader._words(hypothesis, encoded, [])
    assert [word.text for word in words] == ["ab", "cc"]
    frames = [(token.first_frame, token.last_frame) for word in words for token in word.tokens]
    assert frames[0][0] == 0
    assert frames[0][1] + 1 == frames[1][0]  # every frame is of one token
    assert frames[1][1] + 2 <= frames[2][0]  # the space has one at least
    assert frames[2][1] + 1 == frames[3][0]
    assert frames[3][1] < int(encoded.num_frames_B[0]) - 1  # and the end of the text
    read = reader.read(PART)
    assert " ".join(word.text for word in read.words) == " ".join(read.text.split())
    assert all(1.0 <= word.start < word.end <= 2.0 and word.confidence is None for word in read.words)


def test_more_tokens_than_frames_have_no_times(tmp_path: Path) -> None:
    reader = Reader(attending(partial(ContentAttention, units=16)), chosen(tmp_path), sample_rate_hz=RATE_HZ)
    with torch.inference_mode():
        encoded = reader.system.encode(torch.from_numpy(PART.waveform_S)[None], torch.tensor([RATE_HZ]))
    many = int(encoded.num_frames_B[0])
    assert reader._words(Hypothesis((2,) * many, 0.0, (0,) * many), encoded, []) == ()
    assert reader.unaligned == 1


def test_a_decoder_of_one_vector_knows_no_times(tmp_path: Path) -> None:
    reader = Reader(attending(SummaryContext), chosen(tmp_path), sample_rate_hz=RATE_HZ)
    read = reader.read(PART)
    assert reader.times == "parts"
    assert (read.start, read.end, read.words) == (1.0, 2.0, ())
