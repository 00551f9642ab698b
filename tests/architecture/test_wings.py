"""Wings import downwards only, folders stay small enough to be looked through, and tests lie where their code lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from .wings import CATALOGUES, FLOORS, MAX_MODULES, ROOT, edges, floors, folders, modules

MAX_LINES = 350


@pytest.mark.parametrize("package", FLOORS)
def test_every_wing_has_a_floor(package: str) -> None:
    start = ROOT / package.replace(".", "/")
    there = {path.stem for path in start.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert there - {"__init__"} == set(floors(package))


@pytest.mark.parametrize("package", FLOORS)
def test_imports_go_down(package: str) -> None:
    floor = floors(package)
    up = {pair: found for pair, found in edges(package).items() if floor[pair[0]] >= floor[pair[1]]}
    assert not up


def test_no_folder_holds_too_much() -> None:
    assert not {folder: n for folder, n in folders().items() if n > MAX_MODULES and folder not in CATALOGUES}
    assert set(CATALOGUES) <= set(folders())


def test_no_file_is_too_long() -> None:
    paths = [*modules().values(), *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    assert not [path for path in paths if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES]


@pytest.mark.parametrize("package", ["experiments", "lightning_modules", "datamodules"])
def test_tests_mirror_the_folders(package: str) -> None:
    folders_of_tests = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests" / package).rglob("*.py")}
    assert not [str(folder) for folder in folders_of_tests if not (ROOT / folder).is_dir()]


@pytest.mark.parametrize("package", ["experiments", "lightning_modules", "datamodules"])
def test_a_test_named_after_a_module_lies_in_its_folder(package: str) -> None:
    """``experiments/runs/keys.py`` is tested in ``tests/experiments/runs/test_keys.py``, if in a file of that name."""
    places: dict[str, set[Path]] = {}
    for path in (ROOT / package).rglob("*.py"):
        places.setdefault(f"test_{path.name}", set()).add(ROOT / "tests" / path.relative_to(ROOT).parent)
    tests = list((ROOT / "tests" / package).rglob("test_*.py"))
    assert not [test for test in tests if test.parent not in places.get(test.name, {test.parent})]
