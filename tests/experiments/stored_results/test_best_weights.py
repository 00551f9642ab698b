"""Weights apart from their checkpoint: safetensors as its own package reads them, and what a stranger may write."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load as load_with_numpy

from experiments.stored_results.best_weights import (
    as_safetensors,
    checked_kept,
    checkpoint_of,
    from_safetensors,
    kept_of,
    read_weights,
    save_checkpoint,
)

SHARED = torch.arange(6.0).reshape(2, 3)
STATE = {
    "layer.weight": SHARED,
    "layer.tied": SHARED,
    "layer.turned": SHARED.T,
    "norm.num_batches_tracked": torch.tensor(7),
    "empty": torch.zeros(0, 4),
    "half": torch.tensor([1.5, -0.0, float("inf")], dtype=torch.float16),
}
LEARNT = {"classes": ["bird", "door"], "sample_rate_hz": 8000, "hop_seconds": 0.02}
CHECKPOINT = {
    "epoch": 3, "global_step": 40, "symbols": ["<blank>", "ě"], "learnt_from_tags": LEARNT, "state_dict": STATE,
    "optimizer_states": [{"lr": 0.1}], "loops": {}, "pytorch-lightning_version": "2.6.6",
}  # fmt: skip


def _file(header: Any, data: bytes = bytes(8)) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _entry(**changes: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


def test_another_reader_finds_the_same_numbers_and_the_bytes_are_the_same_twice() -> None:
    data = as_safetensors(STATE)
    assert as_safetensors(dict(reversed(STATE.items()))) == data
    read = load_with_numpy(data)
    assert read.keys() == STATE.keys()
    for name, value in STATE.items():
        assert read[name].dtype == value.numpy().dtype, name
        assert read[name].shape == value.shape, name
        assert read[name].tobytes() == value.contiguous().numpy().tobytes(), name


def test_a_checkpoint_comes_back_without_optimizer_as_tensors_and_plain_values(tmp_path: Path) -> None:
    kept = checked_kept(json.loads(json.dumps(kept_of(CHECKPOINT))))
    assert kept == {name: CHECKPOINT[name] for name in ("epoch", "global_step", "symbols", "learnt_from_tags")}
    save_checkpoint(
        checkpoint_of(kept, from_safetensors(as_safetensors(STATE))), path := tmp_path / "new" / "best.ckpt"
    )
    assert [file.name for file in path.parent.iterdir()] == ["best.ckpt"]
    said, state = read_weights(path)  # which loads weights only
    assert set(said) == {*kept, "state_dict"}
    assert {name: said[name] for name in kept} == kept
    assert state.keys() == STATE.keys()
    assert all(torch.equal(state[name], value) and state[name].dtype == value.dtype for name, value in STATE.items())


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x80\x04K\x01.", bytes(8), _file(b"{"), _file(b"[]"), _file(_entry(), bytes(7)),
        _file(_entry(), bytes(9)), _file(_entry(shape=[3])), _file(_entry(shape=[2**62, 2**62])),
        _file(_entry(shape=[-2])),
        _file(_entry(dtype="F99")), _file(_entry(data_offsets=[0, 4])), _file(_entry(data_offsets=[4, 12])),
        _file({**_entry(), "b": _entry()["a"]}), struct.pack("<Q", 2**62) + b"{}", _file({}, b""), _file({"a": 1}),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(no safetensors, or damaged ones: .+|safetensors without a tensor)$"):
        from_safetensors(data)


def test_the_file_that_the_damaged_ones_are_made_of_is_read() -> None:
    assert torch.equal(from_safetensors(_file(_entry()))["a"], torch.zeros(2))


def test_what_is_no_tensor_does_not_travel() -> None:
    with pytest.raises(ValueError, match=r"its state_dict holds 'layer._extra_state', which is no tensor"):
        as_safetensors({**STATE, "layer._extra_state": {"scale": 1}})


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "it holds no mapping"),
        ("text", "it holds no mapping"),
        ({"callbacks": {}}, "it holds 'callbacks'; allowed: symbols, learnt_from_tags, epoch, global_step"),
        ({"state_dict": {}}, "it holds 'state_dict'"),
        ({"symbols": {"a": 0}}, "its symbols are no list of texts"),
        ({"symbols": ["a", 1]}, "its symbols are no list of texts"),
        ({"learnt_from_tags": []}, "its learnt_from_tags is no mapping"),
        ({"learnt_from_tags": {"classes": "bird"}}, "its classes are no list of texts"),
        ({"epoch": "3"}, "its epoch is no whole number"),
        ({"global_step": True}, "its global_step is no whole number"),
    ],
)
def test_what_no_checkpoint_says_is_refused(document: Any, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}"):
        checked_kept(document)
