"""The stamp of a compiled function's cache covers all folders of its package, and nothing that is not compiled."""

from pathlib import Path

from lightning_modules.decoding.compiled import _package, digest

FUNCTION = "from lightning_modules.decoding.compiled import compiled\n\n\n@compiled\ndef one(x):\n    return x + {}\n"


def test_a_change_in_another_folder_of_the_package_changes_the_stamp(tmp_path: Path) -> None:
    for folder in ("", "caller", "callee"):
        (tmp_path / "package" / folder).mkdir()
        (tmp_path / "package" / folder / "__init__.py").write_text('"""A folder."""\n', encoding="utf-8")
    assert _package(tmp_path / "package" / "caller") == tmp_path / "package"
    assert _package(tmp_path) == tmp_path

    def stamp(added: int, docstring: str) -> str:
        (tmp_path / "package" / "callee" / "one.py").write_text(FUNCTION.format(added), encoding="utf-8")
        (tmp_path / "package" / "caller" / "plain.py").write_text(f'"""{docstring}"""\n', encoding="utf-8")
        digest.cache_clear()
        return digest(tmp_path / "package")

    first = stamp(1, "Not compiled.")
    assert stamp(1, "Edited.") == first
    assert stamp(2, "Edited.") != first
