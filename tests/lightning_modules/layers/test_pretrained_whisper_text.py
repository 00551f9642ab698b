"""Whisper's decoder against transformers': the text that ``generate`` writes, and the likelihood of its loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from lightning_modules.layers.pretrained_whisper import WhisperEncoder
from lightning_modules.layers.pretrained_whisper_text import WhisperText

from ..asr.whisper_folders import END, write_whisper

transformers: Any = pytest.importorskip("transformers")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return write_whisper(tmp_path / "whisper")


def heard(folder: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Features of three utterances (B, T, M), and their hidden vectors."""
    torch.manual_seed(3)
    features_BTM = torch.randn(3, 1000, 80)
    encoder = WhisperEncoder(folder=folder).eval()
    with torch.no_grad():
        return features_BTM, encoder.encode_windows(features_BTM, torch.tensor([700, 1000, 10]))


def test_it_writes_what_transformers_generates(folder: str) -> None:
    features_BTM, hidden_BTH = heard(folder)
    text = WhisperText(folder=folder).eval()
    theirs = transformers.WhisperForConditionalGeneration.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    wanted = []
    for features_TM, language in zip(features_BTM, ("nl", "cs", "en"), strict=True):
        tokens = theirs.generate(
            features_TM.T.unsqueeze(0), language=language, task="transcribe", max_new_tokens=12, num_beams=1,
            do_sample=False,
        )  # fmt: skip
        wanted.append(tokenizer.decode([token for token in tokens[0].tolist() if token < END]).strip())
    assert text.write(hidden_BTH, ["nl", "cs", "en"], most_tokens=12) == wanted
    assert len(set(wanted)) > 1
    assert "!" not in "".join(wanted)


def test_its_loss_is_transformers_own(folder: str) -> None:
    features_BTM, hidden_BTH = heard(folder)
    text = WhisperText(folder=folder).eval()
    theirs = transformers.WhisperForConditionalGeneration.from_pretrained(folder, local_files_only=True).eval()
    texts, languages = ["ahoj", "a b", "č"], ["cs", "nl", "cs"]
    with torch.no_grad():
        ours_B = text.loss(hidden_BTH, texts, languages)
        for features_TM, ours, said, language in zip(features_BTM, ours_B, texts, languages, strict=True):
            prompt = text.prompt(language)
            labels = [*text._tokens(said), END]
            inputs_1U = torch.tensor([prompt + labels[:-1]])
            logits_UV = theirs(features_TM.T.unsqueeze(0), decoder_input_ids=inputs_1U).logits[0, len(prompt) - 1 :]
            wanted = -logits_UV.log_softmax(-1).gather(1, torch.tensor(labels).unsqueeze(1)).sum()
            torch.testing.assert_close(ours, wanted, atol=1e-3, rtol=1e-4)


def test_what_it_cannot_write_is_refused(folder: str, tmp_path: Path) -> None:
    text = WhisperText(folder=folder)
    with pytest.raises(ValueError, match=r"knows no language 'eo', allowed: cs, en, nl"):
        text.prompt("eo")
    with pytest.raises(ValueError, match=r"a text of 225 tokens, a whisper decoder reads up to 224"):
        text.loss(torch.zeros(1, 5, 16), ["a" * 224], ["cs"])
    english = WhisperText(folder=write_whisper(tmp_path / "english", languages=()))
    assert english.prompt("en") == [END + 1, END + 3]
    with pytest.raises(ValueError, match=r"writes English alone, and the corpus has 'cs'"):
        english.prompt("cs")
    (tmp_path / "english" / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match=r"has no tokenizer.json, without which a whisper model writes no text"):
        WhisperText(folder=str(tmp_path / "english"))
