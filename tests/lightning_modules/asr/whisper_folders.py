"""A tiny random Whisper with a tokenizer of bytes, as ``earmark models`` writes folders, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LANGUAGES = ("cs", "en", "nl")
END = 256


def write_whisper(folder: Path, *, languages: tuple[str, ...] = LANGUAGES) -> str:
    """The folder's name. Without ``languages`` it is an English model."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE(vocab={letter: number for number, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    names = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{language}|>" for language in languages),
             "<|transcribe|>", "<|notimestamps|>"]  # fmt: skip
    tokenizer.add_special_tokens(names)
    ids = {name: END + number for number, name in enumerate(names)}
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32, decoder_layers=2,
        decoder_attention_heads=2, decoder_ffn_dim=32, num_mel_bins=80, max_source_positions=500,
        vocab_size=END + len(names) + 3, pad_token_id=END, bos_token_id=END, eos_token_id=END,
        decoder_start_token_id=END + 1,
    )  # fmt: skip
    model = transformers.WhisperForConditionalGeneration(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(8.0)  # so that texts differ between utterances
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": names[0]})
    several = {
        "lang_to_id": {f"<|{language}|>": ids[f"<|{language}|>"] for language in languages},
        "task_to_id": {"transcribe": ids["<|transcribe|>"]},
    }
    _write(folder / "generation_config.json", {
        "is_multilingual": bool(languages), **(several if languages else {}),
        "decoder_start_token_id": END + 1, "no_timestamps_token_id": ids["<|notimestamps|>"],
        "bos_token_id": END, "eos_token_id": END, "pad_token_id": END,
        "suppress_tokens": [letters.index("!")], "begin_suppress_tokens": [letters.index("Ġ"), END],
        "max_length": 448, "return_timestamps": False,
    })  # fmt: skip
    return str(folder)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
