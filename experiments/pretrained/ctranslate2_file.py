"""Reads CTranslate2's ``model.bin``, version 6, as its ``python/ctranslate2/specs/model_spec.py`` writes it.

Little-endian: u32 version; text of the specification's name; u32 its revision; u32 number of variables, and of each a
text (its name), u8 number of dimensions, u32 each dimension, u8 type (``TYPES``), u32 number of bytes, the bytes; u32
number of aliases, and of each two texts, the alias and the variable that it stands for. A text is u16 length with the
closing zero byte, UTF-8, zero byte. Nothing in it is code, and no length is believed: what does not fit is refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VERSION = 6
TYPES: tuple[np.dtype[np.generic], ...] = tuple(np.dtype(kind) for kind in ("<f4", "i1", "<i2", "<i4", "<f2"))
MOST_DIMENSIONS = 8
Variables = Mapping[str, NDArray[np.generic]]


class ModelFileError(ValueError):
    """Bytes that are no ``model.bin`` of this version, or a damaged one."""


class ModelFile(NamedTuple):
    """What a file holds; aliases are among the variables under their own names."""

    specification: str
    revision: int
    variables: Variables


def read_model_file(content: bytes) -> ModelFile:
    """Read a whole file. Raises ``ModelFileError`` naming what is wrong, and where."""
    reader = _Reader(content)
    if (version := reader.number("I")) != VERSION:
        raise ModelFileError(f"version {version} of CTranslate2's binary format, allowed: {VERSION}")
    specification, revision = reader.text(), reader.number("I")
    variables: dict[str, NDArray[np.generic]] = {}
    for _ in range(reader.number("I")):
        name, values = reader.variable()
        if name in variables:
            raise ModelFileError(f"variable {name!r} stands there twice")
        variables[name] = values
    for _ in range(reader.number("I")):
        alias, name = reader.text(), reader.text()
        if name not in variables or alias in variables:
            raise ModelFileError(f"alias {alias!r} of {name!r}: it must be a new name of a variable that is there")
        variables[alias] = variables[name]
    if reader.num_left:
        raise ModelFileError(f"{reader.num_left} bytes after the last alias")
    return ModelFile(specification, revision, variables)


class _Reader:
    """Goes through the bytes, never past their end."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._position = 0

    @property
    def num_left(self) -> int:
        return len(self._content) - self._position

    def number(self, kind: str) -> int:
        return int(struct.unpack(f"<{kind}", self._take(struct.calcsize(f"<{kind}"), what="a number"))[0])

    def text(self) -> str:
        raw = bytes(self._take(self.number("H"), what="a name"))
        try:
            if raw[-1:] == b"\0" and b"\0" not in raw[:-1]:
                return raw[:-1].decode()
        except UnicodeDecodeError:
            pass
        raise ModelFileError(f"no name at byte {self._position - len(raw)}")

    def variable(self) -> tuple[str, NDArray[np.generic]]:
        name = self.text()
        if (num_dimensions := self.number("B")) > MOST_DIMENSIONS:
            raise ModelFileError(f"variable {name!r} has {num_dimensions} dimensions, allowed: up to {MOST_DIMENSIONS}")
        shape = tuple(self.number("I") for _ in range(num_dimensions))
        if (kind := self.number("B")) >= len(TYPES):
            raise ModelFileError(f"variable {name!r} is of type {kind}, allowed: 0 to {len(TYPES) - 1}")
        num_bytes = self.number("I")
        if num_bytes != math.prod(shape) * TYPES[kind].itemsize:
            raise ModelFileError(f"variable {name!r} of shape {shape} and type {TYPES[kind]} has {num_bytes} bytes")
        values = np.frombuffer(self._take(num_bytes, what=f"variable {name!r}"), TYPES[kind])
        return name, values.reshape(shape)

    def _take(self, num_bytes: int, *, what: str) -> memoryview:
        if num_bytes > self.num_left:
            raise ModelFileError(f"it ends within {what}, at byte {len(self._content)}")
        start, self._position = self._position, self._position + num_bytes
        return self._content[start : self._position]
