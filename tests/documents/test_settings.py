"""Settings that the documents name, against the constructors that take them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import pytorch_lightning
import yaml
from pytorch_lightning.callbacks import ModelCheckpoint

from experiments.configuration.schema import Checkpoint
from lightning_modules.asr.attention.attention_decoders import AttentionBeam, FusedAttentionBeam, RescoredAttention

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
DOTTED = re.compile(
    r"`(?!model\.(?:safetensors|onnx)`)(data|model|scoring|trainer|checkpoint)\.([a-z_.]*[a-z_])(?:: [^`]*)?`"
)
CODE = re.compile(r"`([a-z][a-z_]*)`")


def table_rows(page: Path, *, header: str) -> Iterator[list[str]]:
    """The cells of the rows of the page's table whose header begins so."""
    lines = page.read_text(encoding="utf-8").splitlines()
    [start] = [number for number, line in enumerate(lines) if line.startswith(header)]
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


@cache
def parameters() -> frozenset[str]:
    """Every argument of a constructor or function, and every field, that a table's keys can name."""
    found = {*inspect.signature(pytorch_lightning.Trainer).parameters, *inspect.signature(ModelCheckpoint).parameters}
    found |= {*inspect.signature(Checkpoint).parameters}
    for package in ("lightning_modules", "datamodules"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef):
                    found.update(argument.arg for argument in (*node.args.args, *node.args.kwonlyargs))
                elif isinstance(node, ast.ClassDef):
                    found.update(
                        field.target.id
                        for field in node.body
                        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
                    )
    return frozenset(found)


@cache
def ladder() -> dict[str, type]:
    """The decoder of each row of ``ctc_decoding.yaml`` that has one."""
    table = yaml.safe_load((ROOT / "experiments" / "tables" / "ctc_decoding.yaml").read_text(encoding="utf-8"))
    base = table["base"]["scoring"]["init_args"]["decoder"]
    paths = {
        row: settings.get("set", {}).get("scoring.decoder", base)
        for row, settings in table["rows"].items()
        if "scoring.decoder" not in settings.get("unset", ())
    }
    return {
        row: getattr(import_module(path.rpartition(".")[0]), path.rpartition(".")[2]) for row, path in paths.items()
    }


def settings_of(kind: type) -> set[str]:
    """A constructor's own arguments and those that it hands to its base."""
    found: set[str] = set()
    for base in kind.__mro__:
        if "__init__" in vars(base) and base is not object:
            signature = inspect.signature(base.__init__).parameters.values()
            found |= {p.name for p in signature if p.kind is inspect.Parameter.KEYWORD_ONLY}
            if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature):
                break
    return found


def test_the_ladders_settings_are_those_that_its_rows_can_set() -> None:
    documented = {}
    for names, _, _, cell in table_rows(ROOT / "docs" / "decoding.md", header="| row | maximises |"):
        [pattern] = re.findall(r"`([a-z_*]+)`", names)
        for row in (row for row in ladder() if fnmatchcase(row, pattern)):
            documented[row] = set(CODE.findall(cell))
    assert documented == {row: settings_of(kind) for row, kind in ladder().items()}


@pytest.mark.parametrize("rung", [AttentionBeam, FusedAttentionBeam, RescoredAttention])
def test_the_settings_of_attentions_rungs_can_be_set(rung: type) -> None:
    rows = {cells[0]: cells[2] for cells in table_rows(ROOT / "docs" / "attention.md", header="| rung of [attention")}
    assert set(CODE.findall(rows[f"`{rung.__name__}`"])) <= settings_of(rung)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_dotted_settings_are_arguments_of_something(page: Path) -> None:
    named = [match[2] for match in DOTTED.finditer(page.read_text(encoding="utf-8"))]
    assert not [keys for keys in named if not parameters().issuperset(keys.split("."))]
