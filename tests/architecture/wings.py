"""The wings of the packages: who may import whom, declared once; and what is there, printed.

    python tests/architecture/wings.py      files a folder, and imports between wings

A wing is a folder of modules; a module that lies beside the wings of its package counts as one. CONTRIBUTING.md has the
drawing and the reasons.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# From the top down: a wing imports wings that stand below it, never one above or beside it (on one line).
FLOORS: dict[str, tuple[tuple[str, ...], ...]] = {
    "experiments": (
        ("__main__",),
        ("cli",),
        ("commands",),
        ("reporting", "launching", "demonstrating"),
        ("exporting",),
        ("applying",),
        ("stored_results",),
        ("planning",),
        ("tracking", "training"),
        ("configuration",),
        ("runs",),
        ("table_files", "statistics", "pretrained"),
        ("waiting", "contracts"),
        ("errors", "lean_imports"),
    ),
    "lightning_modules": (
        ("asr", "sed"),
        ("lm",),
        ("layers", "losses", "decoding", "metrics", "callbacks"),
        ("scoring", "gathering"),
    ),
    "lightning_modules.asr": (
        ("scoring",),
        ("transducer", "whisper"),
        ("attention",),
        ("ctc",),
        ("aligner",),
        ("recogniser",),
        ("pictures", "gathering", "encoded_batches"),
        ("predictions", "tuning"),
    ),
    "lightning_modules.decoding": (
        ("wfst", "attention", "transducer"),
        ("ctc",),
        ("language_models",),
        ("dropping_done",),
        ("compiled", "log_posteriors", "texts", "step_models", "sound_events"),
    ),
    "datamodules": (
        ("checks",),
        ("importers",),
        ("corpora",),
        ("timed_speech",),
        ("asr", "sed", "text"),
        ("speech",),
        ("clips",),
        ("texts",),
        ("samplers", "dealing"),
        ("batches", "phones"),
        ("annotations", "audio"),
        ("corpus_changes",),
        ("corpus_files", "joined_corpora", "model_folders"),
        ("corpus_folder", "run_warning"),
    ),
    "datamodules.corpora": (
        ("summary", "card_digest"),
        ("sounds", "speech"),
        ("prompts",),
        ("debian", "clip_corpus"),
        ("containers", "sound_files", "text_table", "whole_folder"),
        ("file_locks",),
    ),
}

# Folders that may hold more than MAX_MODULES, because one look at a name says what each is.
MAX_MODULES = 20
CATALOGUES = {
    "lightning_modules/layers": "one layer or encoder a file, all torch modules",
}


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    packages = ("datamodules", "lightning_modules", "experiments")
    paths = sorted(path.relative_to(ROOT) for package in packages for path in (ROOT / package).rglob("*.py"))
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): ROOT / path for path in paths}


@cache
def import_statements(path: Path) -> tuple[tuple[ast.Import | ast.ImportFrom, bool, bool], ...]:
    """(statement, inside a function or for type checkers?, for type checkers alone?) of each import of a file."""
    return tuple(_import_statements(ast.parse(path.read_text(encoding="utf-8")).body, later=False, for_types=False))


def _import_statements(
    nodes: Sequence[ast.AST], *, later: bool, for_types: bool
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, later or for_types, for_types
            continue
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        is_checking = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for blocks in ("body", "orelse", "finalbody", "handlers", "cases"):  # no expression holds an import
            inner = getattr(node, blocks, ())
            yield from _import_statements(inner, later=later or is_function, for_types=for_types or is_checking)


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Modules of ours that a file imports, in functions and for type checkers too."""
    found = set()
    for node, *_ in import_statements(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        else:
            names = {f"{node.module}.{alias.name}": str(node.module) for alias in node.names}
            found |= {name if name in known else module for name, module in names.items()}
    return found & set(known)


def edges(package: str) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(module, what it imports) by the wings of ``package`` that they are of; within a wing left out."""
    known, found = modules(), defaultdict(list)
    for module, path in known.items():
        for other in sorted(imports(path, known)):
            pair = _wing(module, package), _wing(other, package)
            if "" not in pair and pair[0] != pair[1]:
                found[pair].append((module, other))
    return dict(found)


def _wing(module: str, package: str) -> str:
    return module.removeprefix(f"{package}.").split(".")[0] if module.startswith(f"{package}.") else ""


def floors(package: str) -> dict[str, int]:
    """The floor of each wing, from 0 at the top."""
    return {wing: number for number, floor in enumerate(FLOORS[package]) for wing in floor}


def folders() -> dict[str, int]:
    """Modules by folder of the packages and of their tests, ``__init__.py`` and ``conftest.py`` not counted."""
    paths = [*modules().values(), *(ROOT / "tests").rglob("*.py")]
    counted = Counter(path.parent for path in paths if path.name not in ("__init__.py", "conftest.py"))
    return {folder.relative_to(ROOT).as_posix(): number for folder, number in sorted(counted.items())}


def main() -> None:
    """Print files a folder, and imports between the wings of each package."""
    for folder, number in folders().items():
        print(f"{number:3} {folder}{'  (a catalogue)' if folder in CATALOGUES else ''}")
    for package, rows in FLOORS.items():
        between = edges(package)
        print(f"\n{package}: imports between wings, from the top down")
        for wing in (wing for row in rows for wing in row):
            below = [f"{other} {len(pairs)}" for (this, other), pairs in sorted(between.items()) if this == wing]
            print(f"  {wing:16} -> {', '.join(below) or '-'}")


if __name__ == "__main__":
    main()
