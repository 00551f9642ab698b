"""A pretrained encoder in a row of a table: missing weights said by the plan, trained by the real command, kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ...launches import TINY, earmark, runs

transformers: Any = pytest.importorskip("transformers")

ROWS = """rows:
  frozen:
    why: its weights as they are
    set:
      model.encoder:
        class_path: lightning_modules.layers.pretrained_frames.PretrainedFrames
        init_args:
          model: {class_path: lightning_modules.layers.pretrained_ast.ASTEncoder, init_args: {folder: FOLDER}}
    unset: [model.features]
  tuned:
    why: its weights trained on, at a learning rate of their own
    set:
      model.encoder:
        class_path: lightning_modules.layers.pretrained_frames.PretrainedFrames
        init_args:
          model: {class_path: lightning_modules.layers.pretrained_ast.ASTEncoder, init_args: {folder: FOLDER}}
          frozen: false
          learning_rate: 0.0001
    unset: [model.features]
seeds: [0]
"""


def written_table(folder: Path, weights: Path) -> str:
    text = TINY.read_text()
    rows = text[text.index("rows:") : text.index("scales:")]
    table = folder / "pretrained.yaml"
    table.write_text(text.replace(rows, ROWS.replace("FOLDER", str(weights))))
    return str(table)


def write_weights(folder: Path) -> None:
    config = transformers.ASTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, num_mel_bins=32,
        max_length=1024,
    )  # fmt: skip
    transformers.ASTModel(config).save_pretrained(folder)


@pytest.mark.integration
def test_a_table_trains_on_a_folder_of_weights(tmp_path: Path) -> None:
    home, weights = tmp_path / "home", tmp_path / "models" / "ast"
    table = written_table(tmp_path, weights)
    assert earmark(home, "data", "tones", "--scale", "tiny").returncode == 0
    refused = earmark(home, "plan", table)
    assert refused.returncode != 0
    assert f"folder '{weights}' is no folder; allowed: a local one with config.json" in refused.stderr
    assert "Traceback" not in refused.stderr

    write_weights(weights)
    done = earmark(home, "run", table)
    assert done.returncode == 0, done.stderr
    theirs = transformers.ASTModel.from_pretrained(weights, local_files_only=True).state_dict()
    same = {}
    for run in runs(home):
        (checkpoint,) = (run / "checkpoints").glob("best*.ckpt")
        state = torch.load(checkpoint, map_location="cpu", weights_only=False)["state_dict"]
        kept = {name.removeprefix("encoder.model.model."): value for name, value in state.items() if ".model." in name}
        assert kept.keys() == theirs.keys()
        row = "frozen" if "frozen: false" not in (run / "config.yaml").read_text() else "tuned"
        same[row] = all(torch.equal(value, theirs[name]) for name, value in kept.items())
    assert same == {"frozen": True, "tuned": False}
