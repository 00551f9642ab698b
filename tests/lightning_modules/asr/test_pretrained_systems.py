"""Pretrained encoders in every system: named in a configuration, trained a step, stored with all their weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser

from datamodules.asr import SpeechDataModule
from lightning_modules.asr.recogniser import Recogniser
from lightning_modules.layers.recurrent_encoder import SpeechEncoder

from .small_recognisers import trainer

pytest.importorskip("transformers")

Folder = Callable[..., str]
LAYERS = "lightning_modules.layers"
WAV2VEC2 = f"{LAYERS}.pretrained_wav2vec2.Wav2Vec2Encoder"
WHISPER = f"{LAYERS}.pretrained_whisper.WhisperEncoder"
SPELLER = {
    "attention": {"class_path": f"{LAYERS}.attention.ContentAttention", "init_args": {"units": 8}},
    "embedding_units": 8,
    "hidden_units": 16,
}
SYSTEMS: dict[str, dict[str, Any]] = {
    "ctc.ctc.CTC": {},
    "attention.ctc_attention.CTCAttention": {"speller": SPELLER},
    "attention.encoder_decoder.EncoderDecoder": {"speller": SPELLER},
    "transducer.transducer.Transducer": {
        "predictor": {
            "class_path": f"{LAYERS}.predictor.RecurrentPredictor",
            "init_args": {"embedding_units": 8, "hidden_units": 16},
        },
        "joint_units": 16,
    },
}


@pytest.fixture
def encoders(wav2vec2_folder: Folder, whisper_folder: Folder) -> dict[str, dict[str, Any]]:
    """What a table's row says of them."""
    return {
        "wav2vec2": {"class_path": WAV2VEC2, "init_args": {"folder": wav2vec2_folder("layer")}},
        "wav2vec2_group": {"class_path": WAV2VEC2, "init_args": {"folder": wav2vec2_folder("group")}},
        "whisper": {"class_path": WHISPER, "init_args": {"folder": whisper_folder()}},
    }


def built(system: str, encoder: dict[str, Any], **model: Any) -> Any:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(SpeechDataModule, "data", required=True)
    parser.add_subclass_arguments(Recogniser, "model", required=True)
    for name in ("symbols", "sample_rate_hz"):
        parser.link_arguments(f"data.{name}", f"model.init_args.{name}", apply_on="instantiate")
    data = {"corpus": "spoken_tones/tiny", "batch_seconds": 12, "languages": ["cs"]}
    given = {
        "data": {"class_path": "datamodules.asr.SpeechDataModule", "init_args": data},
        "model": {
            "class_path": f"lightning_modules.asr.{system}",
            "init_args": {"encoder": encoder, **SYSTEMS[system], **model},
        },
    }
    torch.manual_seed(0)
    return parser.instantiate(parser.parse_object(given))


def hidden(model: Recogniser, batch: Any) -> torch.Tensor:
    with torch.no_grad():
        return model.eval().encode(batch.waveforms_BS, batch.num_samples_B).hidden_BTH


@pytest.mark.integration
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("kind", ["wav2vec2", "wav2vec2_group", "whisper"])
def test_a_step_trains_every_system(
    tiny_speech: Path, encoders: dict[str, dict[str, Any]], system: str, kind: str
) -> None:
    objects = built(system, encoders[kind])
    model = objects.model
    assert isinstance(model.encoder, SpeechEncoder)
    assert model.hop_seconds == pytest.approx(0.02)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer(limit_train_batches=1, limit_val_batches=1).fit(model, objects.data)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    fixed = {"wav2vec2": "feature_extractor", "wav2vec2_group": "feature_extractor", "whisper": "embed_positions"}
    assert changed <= trained
    # The bias of keys moves all scores of a softmax alike, and what begins at an optimum of zero may stay there.
    assert all("k_proj.bias" in name or "masked_spec_embed" in name for name in trained - changed if "encoder." in name)
    assert {name for name in before if name not in trained} == {name for name in before if fixed[kind] in name}


@pytest.mark.parametrize("kind", ["wav2vec2", "whisper"])
def test_a_run_holds_all_weights(tiny_speech: Path, encoders: dict[str, dict[str, Any]], kind: str) -> None:
    """After training another start's weights are in the folder, and the run's own are in its state_dict."""
    first = built("ctc.ctc.CTC", encoders[kind])
    first.data.setup("fit")
    batch = next(iter(first.data.evaluation_dataloader("validation")))
    folder = Path(encoders[kind]["init_args"]["folder"])
    wanted = hidden(first.model, batch)
    _write_other_weights(folder)
    again = built("ctc.ctc.CTC", encoders[kind]).model
    assert not torch.allclose(hidden(again, batch), wanted)
    again.load_state_dict(first.model.state_dict())
    assert torch.equal(hidden(again, batch), wanted)


def _write_other_weights(folder: Path) -> None:
    import transformers

    torch.manual_seed(99)
    model: Any = transformers.AutoModel.from_config(transformers.AutoConfig.from_pretrained(folder))
    shutil.rmtree(folder)
    model.save_pretrained(folder)


def test_what_a_pretrained_encoder_cannot_use_is_refused(
    tiny_speech: Path, encoders: dict[str, dict[str, Any]]
) -> None:
    with pytest.raises(ValueError, match=r"features: a wav2vec2 encoder brings its own; leave them out"):
        built("ctc.ctc.CTC", encoders["wav2vec2"], features={"num_mels": 80})
    with pytest.raises(ValueError, match=r"spec_augment: a wav2vec2 encoder has no bands to mask"):
        built("ctc.ctc.CTC", encoders["wav2vec2"], spec_augment=f"{LAYERS}.spec_augment.SpecAugment")


def test_utterances_that_whisper_cannot_hear_stop_before_training(tiny_speech: Path, whisper_folder: Folder) -> None:
    encoder = {"class_path": WHISPER, "init_args": {"folder": whisper_folder(max_source_positions=20)}}
    objects = built("ctc.ctc.CTC", encoder)
    with pytest.raises(ValueError, match=r"an utterance of .* s is longer than the 0.4 s that the whisper encoder"):
        trainer().fit(objects.model, objects.data)
    assert objects.model.global_step == 0
