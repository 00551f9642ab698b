"""Folders of tiny pretrained models, with random weights, for tests of layers and of systems."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def wav2vec2_folder(tmp_path: Path) -> Callable[..., str]:
    """Writes a wav2vec 2.0 with its usual strides; ``norm`` "layer" has XLS-R's shape, "group" wav2vec2-base's."""
    transformers = pytest.importorskip("transformers")

    def write(norm: str = "layer", *, model: str = "Wav2Vec2Model", **settings: Any) -> str:
        config = transformers.Wav2Vec2Config(
            **{
                "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
                "conv_dim": (8,) * 7, "num_conv_pos_embeddings": 6, "num_conv_pos_embedding_groups": 2,
                "feat_extract_norm": norm, "do_stable_layer_norm": norm == "layer", "conv_bias": norm == "layer",
                **settings,
            }
        )  # fmt: skip
        folder = tmp_path / f"wav2vec2_{norm}"
        getattr(transformers, model)(config).save_pretrained(folder)
        return str(folder)

    return write


@pytest.fixture
def whisper_folder(tmp_path: Path) -> Callable[..., str]:
    """Writes a Whisper that hears 3 seconds."""
    transformers = pytest.importorskip("transformers")

    def write(*, model: str = "WhisperModel", **settings: Any) -> str:
        config = transformers.WhisperConfig(
            **{
                "d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 32,
                "decoder_layers": 1, "decoder_attention_heads": 2, "decoder_ffn_dim": 32, "num_mel_bins": 80,
                "max_source_positions": 150, "vocab_size": 20, "pad_token_id": 0, "bos_token_id": 1,
                "eos_token_id": 2, "decoder_start_token_id": 1, **settings,
            }
        )  # fmt: skip
        folder = tmp_path / "whisper"
        getattr(transformers, model)(config).save_pretrained(folder)
        return str(folder)

    return write


@pytest.fixture
def ast_folder(tmp_path: Path) -> Callable[..., str]:
    """Writes an Audio Spectrogram Transformer that hears 1.28 seconds in 32 bands."""
    transformers = pytest.importorskip("transformers")

    def write(*, model: str = "ASTModel", **settings: Any) -> str:
        config = transformers.ASTConfig(
            **{
                "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
                "num_mel_bins": 32, "max_length": 128, **settings,
            }
        )  # fmt: skip
        folder = tmp_path / "ast"
        getattr(transformers, model)(config).save_pretrained(folder)
        return str(folder)

    return write
