"""CTranslate2's binary format: what is written is read back, and no damaged byte gets past the reader."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from experiments.pretrained.ctranslate2_file import ModelFileError, read_model_file

from .ctranslate2_bytes import KINDS, serialised, text

VALUES = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: arrays.arrays(np.dtype(kind), arrays.array_shapes(min_dims=0, max_dims=3, max_side=3))
)
ONE = struct.pack("<I", 6) + text("S") + struct.pack("<II", 1, 1) + text("a")  # up to its number of dimensions
SMALL = serialised({"a": np.arange(6, dtype=np.float16).reshape(2, 3)}, aliases={"b": "a"})


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), VALUES, max_size=4))
def test_what_is_written_is_read_back(variables: dict[str, np.ndarray]) -> None:
    file = read_model_file(serialised(variables))
    assert (file.specification, file.revision) == ("WhisperSpec", 3)
    assert file.variables.keys() == variables.keys()
    for name, values in variables.items():
        assert file.variables[name].dtype == values.dtype
        assert file.variables[name].shape == values.shape
        assert file.variables[name].tobytes() == values.tobytes()


def test_an_alias_is_its_variable() -> None:
    variables = read_model_file(SMALL).variables
    assert variables["b"] is variables["a"]


@pytest.mark.parametrize("length", range(len(SMALL)))
def test_a_file_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(ModelFileError):
        read_model_file(SMALL[:length])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(SMALL) - 1), st.integers(0, 255))
def test_no_byte_makes_the_reader_fall(place: int, byte: int) -> None:
    damaged = bytearray(SMALL)
    damaged[place] = byte
    with contextlib.suppress(ModelFileError):
        read_model_file(bytes(damaged))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (serialised({}, version=5), "version 5 of CTranslate2's binary format, allowed: 6"),
        (SMALL + b"\0", "1 bytes after the last alias"),
        (serialised({}, aliases={"b": "a"}), "alias 'b' of 'a': it must be a new name"),
        (
            ONE + b"\1" + struct.pack("<IBI", 9, 4, 2),
            r"variable 'a' of shape \(9,\) and type float16 has 2 bytes",
        ),
        (
            ONE + b"\0" + struct.pack("<BI", 9, 2),
            "variable 'a' is of type 9, allowed: 0 to 4",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(content: bytes, said: str) -> None:
    with pytest.raises(ModelFileError, match=said):
        read_model_file(content)
