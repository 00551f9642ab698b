"""A table's row builds attention systems and their rungs, and a mistake in one comes back as one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.configuration.schema import Parts, build
from experiments.errors import UserError
from experiments.table_files.merge import Config, normalise, set_path
from lightning_modules.asr.attention.attention_decoders import AttentionBeam, FusedAttentionBeam, RescoredAttention
from lightning_modules.asr.attention.ctc_attention import CTCAttention
from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder
from lightning_modules.asr.attention.las import ListenAttendSpell
from lightning_modules.asr.ctc.decoder import Decoder, Greedy
from lightning_modules.asr.scoring.decoding_scoring import DecodingScoring
from lightning_modules.asr.transducer.transducer_decoders import FusedTransducerBeam, TransducerBeam
from lightning_modules.layers.attention import ContentAttention, LocationAttention, SummaryContext
from lightning_modules.layers.listener import PyramidalListener

ASR, LAYERS = "lightning_modules.asr", "lightning_modules.layers"
BASE: Config = {
    "data": {
        "class_path": "datamodules.asr.SpeechDataModule",
        "init_args": {"corpus": "spoken_tones/tiny", "batch_seconds": 6},
    },
    "model": {
        "class_path": f"{ASR}.attention.las.ListenAttendSpell",
        "init_args": {
            "encoder": {"class_path": f"{LAYERS}.listener.demo_listener", "init_args": {"num_halvings": 1}},
            "speller": {"attention": f"{LAYERS}.attention.LocationAttention", "cell": "gru", "hidden_units": 24},
            "label_smoothing": 0.1,
        },
    },
    "scoring": {
        "class_path": f"{ASR}.scoring.decoding_scoring.DecodingScoring",
        "init_args": {"decoder": f"{ASR}.attention.attention_decoders.AttentionBeam"},
    },
    "trainer": {"max_epochs": 1},
    "checkpoint": {"monitor": "validation/cer", "mode": "min"},
}


def built(changes: dict[str, Any], *, stage: str = "fit") -> Parts:
    """What a row with ``set: changes`` builds."""
    config: Config = normalise(BASE)
    for path, value in changes.items():
        set_path(config, path, value)
    if stage == "score":
        config = {section: config[section] for section in ("data", "scoring")}
    return build(config, stage=stage, seed=0, where="F")


def speller_of(parts: Parts) -> Any:
    assert isinstance(parts.model, EncoderDecoder)
    return parts.model.speller.core


def test_a_bare_class_path_is_an_attention_with_its_defaults(tiny_speech: Path) -> None:
    parts = built({})
    assert type(parts.model) is ListenAttendSpell
    assert isinstance(parts.model.encoder, PyramidalListener)
    assert parts.model.encoder.time_pooling == 2
    core = speller_of(parts)
    assert core.attention.arguments() == {"units": 128, "channels": 10, "reach_frames": 25}
    assert (core.attention.keys.in_features, core.attention.queries.in_features) == (256, 24)
    assert (core.recurrent.cell, core.attend_first) == ("gru", False)


@pytest.mark.parametrize(
    "attention",
    [
        {"model.speller.attention.reach_frames": 3, "model.speller.attention.units": 16},
        {
            "model.speller.attention": {
                "class_path": f"{LAYERS}.attention.LocationAttention",
                "init_args": {"reach_frames": 3, "units": 16},
            }
        },
        {"model.speller": {
            "attention": {"class_path": f"{LAYERS}.attention.LocationAttention", "init_args": {"reach_frames": 3}},
            "cell": "gru", "hidden_units": 24,
        }, "model.speller.attention.units": 16},
    ],
)  # fmt: skip
def test_arguments_of_the_attention_are_dotted_or_written_out(tiny_speech: Path, attention: dict[str, Any]) -> None:
    core = speller_of(built(attention))
    assert core.attention.arguments() == {"units": 16, "channels": 10, "reach_frames": 3}
    assert core.recurrent.num_outputs == 24


@pytest.mark.parametrize(
    ("changes", "system", "attention"),
    [
        ({"model": f"{ASR}.attention.encoder_decoder.EncoderDecoder"}, EncoderDecoder, LocationAttention),
        ({"model.speller.attention": f"{LAYERS}.attention.ContentAttention"}, ListenAttendSpell, ContentAttention),
        ({"model.speller.attention": f"{LAYERS}.attention.SummaryContext"}, ListenAttendSpell, SummaryContext),
        (
            {"model": f"{ASR}.attention.ctc_attention.CTCAttention", "model.ctc_weight": 0.2},
            CTCAttention,
            LocationAttention,
        ),
    ],
)
def test_systems_and_contexts_are_exchanged_by_name(
    tiny_speech: Path, changes: dict[str, Any], system: type, attention: type
) -> None:
    parts = built({**changes, "model.sampling_rate": 0.1, "model.sampling_from_epoch": 3})
    assert type(parts.model) is system
    core = speller_of(parts)
    assert type(core.attention) is attention
    assert parts.model.symbols == parts.data.symbols  # type: ignore[attr-defined,union-attr]
    assert core.attend_first == (system is EncoderDecoder)
    assert parts.model.label_smoothing == 0.1  # type: ignore[union-attr]
    assert parts.model.sampling_from_epoch == 3  # type: ignore[union-attr]


BEAM = f"{ASR}.attention.attention_decoders"


@pytest.mark.parametrize("stage", ["fit", "score"])
@pytest.mark.parametrize(
    ("changes", "kind", "grid"),
    [
        ({}, AttentionBeam, {"ctc_weight": (0.0,), "token_bonus": (0.0,)}),
        ({"scoring.decoder.ctc_weights": [0.2, 0.5]}, AttentionBeam, {"ctc_weight": (0.2, 0.5), "token_bonus": (0.0,)}),
        (
            {
                "scoring.decoder": f"{BEAM}.FusedAttentionBeam",
                "scoring.decoder.lm_weights": [0.5],
                "scoring.decoder.token_bonuses": [1],
                "scoring.decoder.ctc_weights": [0.3],
                "scoring.decoder.end_threshold": 1.5,
                "scoring.decoder.length_normalised": True,
            },
            FusedAttentionBeam,
            {"ctc_weight": (0.3,), "token_bonus": (1.0,), "lm_weight": (0.5,)},
        ),
        (
            {"scoring.decoder": f"{BEAM}.RescoredAttention", "scoring.decoder.lm_weights": [0.5],
             "scoring.decoder.beam_size": 12, "scoring.decoder.n_best": 10},
            RescoredAttention,
            {"ctc_weight": (0.0,), "token_bonus": (0.0,), "lm_weight": (0.5,)},
        ),
        ({"scoring.decoder": f"{ASR}.transducer.transducer_decoders.TransducerBeam"}, TransducerBeam, {}),
        (
            {"scoring.decoder": {"class_path": f"{ASR}.transducer.transducer_decoders.FusedTransducerBeam",
                                 "init_args": {"lm_weights": [0.5], "token_bonuses": [1.0]}}},
            FusedTransducerBeam,
            {"lm_weight": (0.5,), "token_bonus": (1.0,)},
        ),
        ({"scoring.decoder": f"{ASR}.ctc.decoder.Greedy"}, Greedy, {}),
    ],
)  # fmt: skip
def test_every_rung_is_named_by_a_row(
    tiny_speech: Path, stage: str, changes: dict[str, Any], kind: type[Decoder[Any]], grid: dict[str, tuple[float, ...]]
) -> None:
    if stage == "fit" and not issubclass(ListenAttendSpell, kind.SYSTEMS):
        with pytest.raises(
            UserError, match=rf"^F: scoring\.decoder: {kind.__name__} cannot decode a ListenAttendSpell"
        ):
            built(changes)
        return
    scoring = built(changes, stage=stage).scoring
    assert isinstance(scoring, DecodingScoring)
    assert type(scoring.decoder) is kind
    assert dict(scoring.decoder.weight_grid) == grid
    if kind is FusedAttentionBeam:
        assert scoring.decoder.end_threshold == 1.5
        assert scoring.decoder.length_normalised is True


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model.samplin_rate": 0.1}, ["model: unknown key 'samplin_rate'", "sampling_rate", "speller"]),
        ({"model.speller.sell": "gru"}, ["model.speller: unknown key 'sell'", "cell"]),
        ({"model.speller.cell": "gruu"}, ["model.speller.cell: expected one of simple_rnn, lstm, gru, got 'gruu'"]),
        ({"model.speller.attention.reach": 3}, ["model.speller.attention: unknown key 'reach'", "reach_frames"]),
        ({"model.speller.attention.units": "x"}, ["model.speller.attention.units: expected int, got 'x'"]),
        ({"model.speller.attention.units": 3.5}, ["model.speller.attention.units: expected int, got 3.5"]),
        ({"model.speller.attention.channels": 0}, ["channels 0 and reach_frames 25 must be 1 or more"]),
        (
            {"model.speller.attention": f"{LAYERS}.attention.LocalAttention"},
            ["model.speller.attention", "'LocalAttention'"],
        ),
        ({"model.speller.attention": f"{LAYERS}.glu.GLU"}, ["model.speller.attention"]),
        ({"model.speller.attention": "os.system"}, ["model.speller.attention", "'os.system' may not be imported"]),
        ({"model.label_smoothing": 1}, ["label_smoothing 1.0 must lie within 0 and 1, 1 left out"]),
        ({"model.ctc_weight": 0.3}, ["model: unknown key 'ctc_weight'"]),
        ({"model.encoder.num_halving": 2}, ["model.encoder: unknown key 'num_halving'", "num_halvings"]),
        ({"model.encoder.num_halvings": 0}, ["num_halvings must be 1 or more, got 0"]),
        ({"scoring.decoder.beamsize": 3}, ["scoring.decoder: unknown key 'beamsize'", "beam_size"]),
        ({"scoring.decoder.beam_size": 0}, ["beam_size 0 must be 1 or more"]),
        ({"scoring.decoder.ctc_weights": [0.3, 2]}, ["ctc_weight 2.0, allowed: 0 to 1"]),
        ({"scoring.decoder.end_threshold": 0.5}, ["end_threshold 0.5, allowed: 1 or more"]),
        ({"scoring.decoder": f"{BEAM}.AttentionBean"}, ["scoring.decoder", "'AttentionBean'"]),
        (
            {"scoring.decoder": f"{BEAM}.FusedAttentionBeam", "scoring.decoder.lm_weigths": [1]},
            ["scoring.decoder: unknown key 'lm_weigths'", "lm_weights"],
        ),
    ],
)
def test_a_mistake_is_one_line_with_key_value_and_what_is_allowed(
    tiny_speech: Path, changes: dict[str, Any], says: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        built(changes)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("F: ")
    for text in says:
        assert text in message


def test_the_default_decoder_does_not_wait_for_the_training_of_another_system(tiny_speech: Path) -> None:
    config: Config = normalise(BASE)
    config["model"] = {
        "class_path": f"{ASR}.transducer.transducer.Transducer",
        "init_args": {
            "encoder": config["model"]["init_args"]["encoder"],
            "predictor": f"{LAYERS}.predictor.RecurrentPredictor",
        },
    }
    message = r"^F: scoring\.decoder: AttentionBeam cannot decode a Transducer; it reads those of EncoderDecoder$"
    with pytest.raises(UserError, match=message):
        build(config, stage="fit", seed=0, where="F")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model.guidance": 4.0}, "guidance 4.0 and guided_epochs 0 must both be 0, or both be above 0"),
        ({"model.guidance": -1.0, "model.guided_epochs": 2}, "guidance -1.0 and guided_epochs 2 must both be 0"),
        (
            {
                "model.guidance": 1.0,
                "model.guided_epochs": 2,
                "model.speller.attention": f"{LAYERS}.attention.SummaryContext",
            },
            "guidance 1.0: a SummaryContext attends to nothing",
        ),
        ({"scoring.word_list": "no/such/file.txt"}, "word_list no/such/file.txt: no such file"),
    ],
)
def test_settings_that_would_end_or_waste_a_training_are_refused_before_it(
    tiny_speech: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError) as told:
        built(changes)
    assert says in str(told.value)
    assert "\n" not in str(told.value)
