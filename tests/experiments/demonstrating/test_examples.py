"""Examples of a page: recordings that were moved since the import are one line, with the way out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from datamodules.annotations import ClipReferences
from datamodules.audio.audio_reader import read_audio
from experiments.demonstrating import examples
from experiments.errors import UserError


def test_a_recording_that_is_gone_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    references = ClipReferences(
        classes=("bird",), tags={"a": frozenset({"bird"})}, duration_seconds={"a": 1.0}, events=None,
        sample_rate_hz=16_000, load_waveform=lambda clip: read_audio(tmp_path / f"{clip}.wav")[0].astype(np.float32),
    )  # fmt: skip
    data = SimpleNamespace(setup=lambda stage: None, references=lambda split: references)
    monkeypatch.setattr(examples, "build", lambda *words, **more: SimpleNamespace(data=data))
    monkeypatch.setattr(examples, "read_cards", lambda corpus: SimpleNamespace(licences={}))
    monkeypatch.setattr(examples, "corpus_of", lambda config: "garden")
    chosen = SimpleNamespace(name="mil seed 0", config={"data": {}}, imports=())
    with pytest.raises(UserError) as refused:
        examples.test_examples(chosen, count=1)  # type: ignore[arg-type]
    assert str(refused.value) == (
        f"examples of run mil seed 0: {tmp_path / 'a.wav'}: No such file or directory; --examples 0 leaves them out"
    )
