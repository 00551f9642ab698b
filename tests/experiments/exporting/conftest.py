"""Shared by the tests of exporting."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """``tiny_systems.py`` beside this file, which pytest's importlib mode gives no package to import it from."""
    spec = importlib.util.spec_from_file_location("tiny_systems", Path(__file__).with_name("tiny_systems.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
