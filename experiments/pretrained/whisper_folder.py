"""Writes a Whisper of CTranslate2 as the folder that transformers reads: weights in safetensors, settings, tokenizer.

What CTranslate2 does not keep follows from the tokens' names and from Whisper's published settings (log-mel at 16 kHz,
windows of 30 s, texts of up to 448 tokens); weights stay in float16, bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.pretrained.ctranslate2_file import ModelFileError
from experiments.pretrained.whisper_weights import Whisper

START, END, NO_TIMES = "<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>"
TASKS = ("transcribe", "translate")
NOT_LANGUAGES = {"startoftranscript", "endoftext", "notimestamps", "startoflm", "startofprev", "nocaptions", *TASKS}
MOST_LANGUAGE_LETTERS = 3
ENGLISH_ALONE = 51864  # tokens; those of many languages have more
WEIGHTS = "model.safetensors"


def write_folder(folder: Path, whisper: Whisper, *, settings: bytes, tokenizer: bytes) -> None:
    """Fill an empty folder. Raises ``ModelFileError`` where settings or tokenizer are not those of a Whisper."""
    from safetensors.numpy import save_file

    try:
        ids = {token["content"]: int(token["id"]) for token in json.loads(tokenizer)["added_tokens"]}
        config = _config(whisper, ids)
        generation = _generation(json.loads(settings), ids, config)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"its tokenizer or settings lack {error}") from error
    save_file(dict(whisper.weights), folder / WEIGHTS, metadata={"format": "pt"})
    (folder / "tokenizer.json").write_bytes(tokenizer)
    _write(folder / "config.json", config)
    _write(folder / "generation_config.json", generation)
    _write(folder / "preprocessor_config.json", _preprocessor(config))
    _write(folder / "tokenizer_config.json", _tokenizer(config))


def _config(whisper: Whisper, ids: Mapping[str, int]) -> dict[str, Any]:
    return {
        "architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper", "dtype": "float16",
        **whisper.sizes,
        "activation_function": "gelu", "scale_embedding": False, "is_encoder_decoder": True, "use_cache": True,
        "dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0,
        "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0, "init_std": 0.02, "tie_word_embeddings": True,
        "bos_token_id": ids[END], "eos_token_id": ids[END], "pad_token_id": ids[END],
        "decoder_start_token_id": ids[START],
    }  # fmt: skip


def _generation(settings: Mapping[str, Any], ids: Mapping[str, int], config: Mapping[str, Any]) -> dict[str, Any]:
    multilingual = config["vocab_size"] > ENGLISH_ALONE
    several = {
        "lang_to_id": {name: token for name, token in ids.items() if _is_language(name)},
        "task_to_id": {task: ids[f"<|{task}|>"] for task in TASKS},
    }
    return {
        "is_multilingual": multilingual,
        **(several if multilingual else {}),
        "no_timestamps_token_id": ids[NO_TIMES], "decoder_start_token_id": ids[START],
        "bos_token_id": ids[END], "eos_token_id": ids[END], "pad_token_id": ids[END],
        "prev_sot_token_id": ids["<|startofprev|>"],
        "suppress_tokens": [int(token) for token in settings["suppress_ids"]],
        "begin_suppress_tokens": [int(token) for token in settings["suppress_ids_begin"]],
        "alignment_heads": settings["alignment_heads"],
        "max_initial_timestamp_index": 50, "max_length": config["max_target_positions"], "return_timestamps": False,
    }  # fmt: skip


def _is_language(token: str) -> bool:
    name = token.removeprefix("<|").removesuffix("|>")
    return f"<|{name}|>" == token and len(name) <= MOST_LANGUAGE_LETTERS and name not in NOT_LANGUAGES


def _preprocessor(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "feature_extractor_type": "WhisperFeatureExtractor", "processor_class": "WhisperProcessor",
        "feature_size": config["num_mel_bins"], "sampling_rate": 16000, "hop_length": 160, "n_fft": 400,
        "chunk_length": 30, "n_samples": 480000, "nb_max_frames": 3000, "padding_side": "right", "padding_value": 0.0,
        "return_attention_mask": False, "dither": 0.0,
    }  # fmt: skip


def _tokenizer(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tokenizer_class": "WhisperTokenizer", "processor_class": "WhisperProcessor",
        "bos_token": END, "eos_token": END, "unk_token": END, "pad_token": END,
        "add_prefix_space": False, "errors": "replace", "return_attention_mask": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1024,
    }  # fmt: skip


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
