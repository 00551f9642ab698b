from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from experiments.runs import code_closure, keys


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own package whose model imports a loss and, inside a function, a helper."""
    folder = tmp_path / "mypackage"
    (folder / "losses").mkdir(parents=True)
    files = {
        "__init__.py": '"""Mine."""\n',
        "model.py": "from mypackage.losses import mil\n\ndef f():\n    from . import helper\n",
        "helper.py": "import torch\n",
        "unused.py": "x = 1\n",
        "losses/__init__.py": "",
        "losses/mil.py": "ALPHA = 1\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    return folder


CONFIG = {"model": {"class_path": "mypackage.model.Net", "init_args": {}}}


def forget() -> None:
    """A process plans once: what it has read of files it does not read again."""
    keys._file_digest.cache_clear()
    for cached in (code_closure.closure, code_closure._imported, code_closure._spec, code_closure._is_installed):
        cached.cache_clear()
    importlib.invalidate_caches()


def digests() -> dict[str, str]:
    forget()
    return keys.code_digests(CONFIG, recipe_version="1", imports=["mypackage"])


def test_the_closure_follows_imports_wherever_they_stand(package: Path) -> None:
    assert set(digests()) == {
        "recipe", "mypackage", "mypackage.model", "mypackage.helper", "mypackage.losses", "mypackage.losses.mil"
    }  # fmt: skip


def test_code_key_changes_with_a_file_of_the_closure_alone(package: Path) -> None:
    before = digests()
    (package / "unused.py").write_text("x = 2\n")
    assert digests() == before
    (package / "losses" / "mil.py").write_text("ALPHA = 2\n")
    after = digests()
    assert keys.code_key(after) != keys.code_key(before)
    assert keys.differing_files(before, after) == ["mypackage.losses.mil"]


def test_line_ends_do_not_matter(package: Path) -> None:
    before = digests()
    (package / "losses" / "mil.py").write_bytes(b"ALPHA = 1\r\n")
    assert digests() == before


def test_real_systems_closure_has_its_loss_and_not_experiments() -> None:
    config = {"model": {"class_path": "lightning_modules.sed.mil.MIL", "init_args": {}}}
    found = keys.code_digests(config, recipe_version="1")
    assert "lightning_modules.losses.mil" in found
    assert "datamodules.batches" in found
    assert "lightning_modules.losses.false_strong" not in found
    assert not any(name.startswith("experiments") for name in found)


def test_config_key_ignores_order_and_sees_values() -> None:
    first = keys.config_key({"a": 1, "b": {"c": 2, "d": 3}}, stage="fit")
    assert first == keys.config_key({"b": {"d": 3, "c": 2}, "a": 1}, stage="fit")
    assert first != keys.config_key({"a": 1, "b": {"c": 2, "d": 4}}, stage="fit")
    assert first != keys.config_key({"a": 1, "b": {"c": 2, "d": 3}}, stage="score")


def test_every_part_is_in_the_id() -> None:
    base = keys.RunKey("a", "b", "c", 0, "")
    others = [
        keys.RunKey("x", "b", "c", 0, ""), keys.RunKey("a", "x", "c", 0, ""), keys.RunKey("a", "b", "x", 0, ""),
        keys.RunKey("a", "b", "c", 1, ""), keys.RunKey("a", "b", "c", 0, "x"),
    ]  # fmt: skip
    assert len({key.id for key in [base, *others]}) == 6


def test_a_class_that_stands_as_a_bare_string_is_in_the_closure(package: Path) -> None:
    config = {"model": {"class_path": "other.Model", "init_args": {"encoder": "mypackage.losses.mil.build"}}}
    forget()
    found = keys.code_digests(config, recipe_version="1", imports=["mypackage"])
    assert {"mypackage.losses.mil", "mypackage.losses", "mypackage"} <= set(found)
