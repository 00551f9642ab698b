"""What stands in for a package while torchmetrics is imported: its names work, and nothing is left of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments import lean_imports


@pytest.fixture
def big(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package that torchmetrics would import."""
    name = "a_big_package"
    (tmp_path / f"{name}.py").write_text(
        "class Net:\n    size = 3\n\n    def __init__(self, size):\n        self.size = size"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(lean_imports, "LATER", (name, "a_package_that_is_not_installed"))
    return name


def test_names_are_the_real_ones_when_they_are_used(big: str) -> None:
    with lean_imports._stood_in():
        scope: dict[str, Any] = {}
        exec(f"from {big} import Net\nimport {big} as whole", scope)
        assert importlib.util.find_spec(big) is not None  # by which torchmetrics asks what is installed
        assert importlib.util.find_spec("a_package_that_is_not_installed") is None
    assert big not in sys.modules
    assert scope["Net"].size == 3
    assert scope["whole"].Net(5).size == 5
    assert type(scope["Net"](5)) is sys.modules.pop(big).Net


def test_what_is_imported_already_stays(big: str) -> None:
    real = __import__(big)
    with lean_imports._stood_in():
        assert __import__(big) is real
    assert sys.modules.pop(big) is real


def test_a_package_that_is_used_is_imported_from_then_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_tree").mkdir()
    (tmp_path / "a_tree" / "__init__.py").write_text("")
    (tmp_path / "a_tree" / "leaf.py").write_text("class Green:\n    pass")
    monkeypatch.syspath_prepend(str(tmp_path))
    finder = lean_imports._LaterFinder(["a_tree"])
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    scope: dict[str, Any] = {}
    exec("import a_tree.leaf\nfrom a_tree.leaf import Green", scope)
    assert not isinstance(3, scope["Green"])  # nothing is, and nothing was imported to say so
    assert isinstance(sys.modules["a_tree.leaf"], lean_imports._Later)
    green = scope["a_tree"].leaf.Green()
    assert isinstance(green, scope["Green"])
    assert type(green) is sys.modules.pop("a_tree.leaf").Green
    del sys.modules["a_tree"]


def test_methods_that_are_not_to_be_compiled_stay_as_they_are() -> None:
    compiler = lean_imports._Later(lean_imports.COMPILER, lean_imports._LaterFinder([]))
    disable: Any = compiler.disable
    assert disable(len, recursive=True) is len
    assert compiler.__version__.startswith("2.")
