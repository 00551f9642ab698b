"""Whisper as rows of a table, by the real commands: left out without its folder, untouched and fine-tuned with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from ...launches import earmark, runs
from ...lightning_modules.asr.whisper_folders import write_whisper

transformers: Any = pytest.importorskip("transformers")

TABLE = """title: Tiny Whisper
family: asr
base:
  data:
    class_path: datamodules.asr.SpeechDataModule
    init_args: {corpus: spoken_tones/tiny, batch_seconds: 6, languages: [cs], language_tags: true}
  model:
    class_path: lightning_modules.asr.whisper.whisper_recogniser.WhisperRecogniser
    init_args:
      encoder:
        class_path: lightning_modules.layers.pretrained_whisper.WhisperEncoder
        init_args: {folder: models/whisper-base, silence_seconds: 0.1}
      optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 0.001}}
  trainer: {max_epochs: 1, limit_train_batches: 1, limit_val_batches: 1}
  checkpoint: {monitor: validation/cer, mode: min}
  scoring: lightning_modules.asr.scoring.text_scoring.TextScoring
rows:
  constant:
    {why: hears nothing, stage: score, set: {scoring: lightning_modules.asr.scoring.constant_scoring.ConstantScoring}}
  untouched:
    why: as it is
    set: {model: lightning_modules.asr.whisper.whisper_recogniser.UntouchedWhisper}
    unset: [model.optimizer]
  tuned: {why: trained on}
seeds: [0]
columns:
  test/cer: {label: CER, better: lower}
"""
LACKS = "models/whisper-base is not on this disk; run: earmark models whisper-base"


@pytest.mark.integration
def test_rows_of_whisper_run_where_its_folder_is(tmp_path: Path) -> None:
    home, table = tmp_path / "home", tmp_path / "whisper.yaml"
    table.write_text(TABLE)
    assert earmark(home, "data", "spoken_tones", "--scale", "tiny").returncode == 0
    planned = json.loads(earmark(home, "plan", str(table), "--json").stdout)
    assert {cell["row"]: cell["why"] for cell in planned["cells"] if not cell["would_run"]} == dict.fromkeys(
        ("untouched", "tuned"), f"model: {LACKS}"
    )
    without = earmark(home, "run", str(table))
    assert without.returncode == 0, without.stderr
    assert f"left, 2 cells: {LACKS}: whisper/untouched seed 0, whisper/tuned seed 0\n" in without.stderr
    assert len(runs(home)) == 1
    alone = earmark(home, "run", str(table), "--rows", "tuned")
    assert (alone.returncode, alone.stderr.splitlines()[-1]) == (2, f"earmark: error: {LACKS}")

    folder = home / "data" / "models" / "whisper-base"
    write_whisper(folder)
    done = earmark(home, "run", str(table))
    assert done.returncode == 0, done.stderr
    theirs = transformers.WhisperModel.from_pretrained(folder, local_files_only=True).state_dict()
    same = {}
    for run in runs(home):
        if (run / "predictions").is_dir():
            state = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
            names = {name: f"writer.model.{name[8:]}" if name.startswith("decoder") else f"encoder.model.{name[8:]}"
                     for name in theirs}  # fmt: skip
            row = "untouched" if "UntouchedWhisper" in (run / "config.yaml").read_text() else "tuned"
            same[row] = all(torch.equal(state[names[name]], value) for name, value in theirs.items())
            assert str(folder / "model.safetensors") in json.loads((run / "key.json").read_text())["files"]
            metrics = json.loads((run / "metrics.json").read_text())
            assert {"test/wer", "test/cer", "validation/cer", "test/real_time_factor"} <= metrics.keys()
            texts = json.loads((run / "predictions" / "test.texts.json").read_text())["texts"]
            assert len(texts) > 1
    assert same == {"untouched": True, "tuned": False}
    _is_transcribed_as_predicted(home, table)


def _is_transcribed_as_predicted(home: Path, table: Path) -> None:
    """In the one language of the corpus, without it being said."""
    (run,) = (run for run in runs(home) if "UntouchedWhisper" in (run / "config.yaml").read_text())
    texts = json.loads((run / "predictions" / "test.texts.json").read_text())["texts"]
    name = max(texts, key=lambda one: len(texts[one]))
    audio = next((home / "data" / "spoken_tones" / "tiny").rglob(f"{name}.*"))
    told = ("transcribe", f"{table}/untouched", str(audio), "--max-seconds", "10", "--json", "-o", str(home / "texts"))
    done = earmark(home, *told)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"][0]["text"] == " ".join(texts[name].split())
    assert "read by its own greedy writing in 'cs', without times of words;" in done.stderr
