"""The small system that plans are tried on; with ``--import-mode=importlib`` its file has no name to import it by."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).with_name("tiny_system.py")


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    specification = importlib.util.spec_from_file_location("tiny_system", FILE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["tiny_system"] = module
    specification.loader.exec_module(module)
    return module
