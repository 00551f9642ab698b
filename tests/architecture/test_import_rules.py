"""Who may import whom (CONTRIBUTING.md), read from the code itself; and that nothing goes round in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from .wings import import_statements

ROOT = Path(__file__).resolve().parents[2]
OURS = ("datamodules", "lightning_modules", "experiments")
CONTRACTS = ("datamodules.annotations", "datamodules.batches", "datamodules.run_warning")
PARTS = ("layers", "losses", "decoding", "metrics", "callbacks")
TORCH_ONLY = ("torch", "numpy", "numba", "scipy", "torchmetrics")

# The first matching prefix holds: what a module may import, by prefix, beside the standard library.
RULES: dict[str, tuple[str, ...]] = {
    "datamodules.annotations": ("numpy",),
    "datamodules.corpus_folder": (),
    **{
        f"datamodules.{module}": ("datamodules", "torch", "numpy", "lhotse", "soundfile", "pytorch_lightning")
        for module in ("sed", "asr", "text")
    },
    "datamodules": ("datamodules", "torch", "numpy", "scipy", "lhotse", "soundfile", "soxr", "G722", "rich"),
    "lightning_modules.layers.log_mel": (*TORCH_ONLY, "librosa", "lightning_modules.layers", *CONTRACTS),
    "lightning_modules.layers.pretrained_model": (
        *TORCH_ONLY, "transformers", "safetensors", "lightning_modules.layers", *CONTRACTS,
        "datamodules.model_folders",
    ),
    "lightning_modules.layers": (*TORCH_ONLY, "lightning_modules.layers", *CONTRACTS),
    "lightning_modules.losses": (*TORCH_ONLY, "lightning_modules.losses", *CONTRACTS),
    "lightning_modules.decoding.wfst.wfst": (
        *TORCH_ONLY, "kaldifst", "kaldi_decoder", "lightning_modules.decoding", *CONTRACTS,
    ),
    "lightning_modules.decoding": (*TORCH_ONLY, "lightning_modules.decoding", *CONTRACTS),
    "lightning_modules.metrics": (
        *TORCH_ONLY, "sed_eval", "dcase_util", "jiwer", "rapidfuzz", "lightning_modules.metrics", *CONTRACTS,
    ),
    "lightning_modules.callbacks": ("pytorch_lightning", "torch", "lightning_modules.callbacks", *CONTRACTS),
    "lightning_modules.scoring": (),
    "lightning_modules.gathering": TORCH_ONLY,
    "lightning_modules.sed": (
        *TORCH_ONLY, "pytorch_lightning", "matplotlib", *CONTRACTS, "datamodules.clips.dcase_tsv",
        "lightning_modules.scoring", "lightning_modules.gathering",
        *(f"lightning_modules.{part}" for part in ("sed", *PARTS)),
    ),
    "lightning_modules.asr": (
        *TORCH_ONLY, "pytorch_lightning", "matplotlib", *CONTRACTS, "lightning_modules.scoring",
        "lightning_modules.gathering", "datamodules.phones", "datamodules.texts.transcripts",
        "datamodules.texts.written_words",
        *(f"lightning_modules.{part}" for part in ("asr", "lm", *PARTS)),
    ),
    "lightning_modules.lm": (
        *TORCH_ONLY, "pytorch_lightning", "matplotlib", *CONTRACTS, "datamodules.texts.subwords",
        "datamodules.texts.outside_texts", "datamodules.corpora.speech.dialogue_texts",
        "datamodules.corpora.speech.fortune_texts", "lightning_modules.scoring", "lightning_modules.gathering",
        *(f"lightning_modules.{part}" for part in ("lm", *PARTS)),
    ),
    "experiments.tracking.served_model": ("mlflow", "pandas"),
    "experiments.tracking": ("mlflow", "datamodules", "experiments"),
    "experiments.tracking.tracked_run": ("mlflow",),
    "experiments.planning.search": ("optuna", "experiments"),
    "experiments.launching.slurm": ("submitit", "experiments"),
    "experiments.training.threads": ("threadpoolctl",),
    "experiments.pretrained.whisper_folder": ("experiments", "safetensors"),
    "experiments.pretrained": ("experiments", "datamodules", "numpy"),
    "experiments.exporting.shipped": (
        "experiments.exporting.shipped", "datamodules.annotations", "lightning_modules.decoding.sound_events.events",
        "lightning_modules.decoding.texts", "lightning_modules.sed.fitting.fitted",
        "lightning_modules.sed.predictions", "numpy", "onnxruntime", "soundfile", "soxr", "scipy.signal",
    ),
    "experiments.exporting": (
        "experiments", "datamodules", "lightning_modules", "torch", "numpy", "pytorch_lightning", "onnx", "onnxruntime",
    ),
    "experiments.stored_results.best_weights": ("experiments", "torch", "safetensors"),
    "experiments.commands.shell.completion": ("experiments", "shtab"),
    "experiments.demonstrating.examples": ("experiments", "datamodules", "numpy", "soundfile"),
    "experiments.applying.predicting.mono_stream": ("datamodules", "numpy", "soxr"),
    "experiments.applying.predicting.self_check": (
        "experiments", "datamodules", "lightning_modules", "torch", "numpy", "soundfile",
    ),
    "experiments.statistics": ("experiments", "lightning_modules", "numpy", "scipy"),
    "experiments.reporting.formats.page_media": (
        "lightning_modules", "numpy", "torch", "matplotlib", "PIL", "soundfile",
    ),
    "experiments.reporting.formats.report_page": ("experiments", "datamodules", "jinja2"),
    "experiments": (
        "experiments", "datamodules", "lightning_modules", "torch", "numpy", "pytorch_lightning", "jsonargparse",
        "ruamel", "rich", "matplotlib",
    ),
}  # fmt: skip
LIGHT = ("experiments.table_files", "experiments.runs", "experiments.statistics")


def modules() -> dict[str, Path]:
    found = {}
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imported(path: Path) -> Iterator[tuple[str, bool, bool]]:
    """(module, at import time?, for types alone?) of each import; ``from a import b`` is a.b where that is a module."""
    for node, later, for_types in import_statements(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, not later, for_types
        else:
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield (name if name in MODULES else str(node.module)), not later, for_types


def is_within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_what_its_package_may(module: str) -> None:
    import sys

    allowed = next(names for prefix, names in RULES.items() if is_within(module, prefix)) if "." in module else ()
    for name, *_ in imported(MODULES[module]):
        standard = name.split(".")[0] in sys.stdlib_module_names
        assert standard or any(is_within(name, prefix) for prefix in allowed), f"{module} may not import {name}"


def test_nobody_imports_experiments_but_tests() -> None:
    for module, path in MODULES.items():
        if not is_within(module, "experiments"):
            assert not any(is_within(name, "experiments") for name, *_ in imported(path)), module


def reachable(module: str) -> set[str]:
    """Everything of ours that importing a module imports, parents included, and the foreign names it meets."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in MODULES:
            todo += [target for target, at_import, _ in imported(MODULES[name]) if at_import]
    return seen


def test_there_are_no_cycles() -> None:
    """Imports inside functions count; those for type checkers alone do not."""
    edges = {
        name: {target for target, _, for_types in imported(path) if not for_types and target in MODULES}
        for name, path in MODULES.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"cycle: {' -> '.join([*trail, name])}"
        if name not in done:
            for target in edges[name]:
                visit(target, (*trail, name))
            done.add(name)

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize("module", [name for name in MODULES if any(is_within(name, wing) for wing in LIGHT)])
def test_light_modules_import_neither_torch_nor_mlflow(module: str) -> None:
    heavy = {name.split(".")[0] for name in reachable(module)} & {"torch", "mlflow", "pytorch_lightning", "lhotse"}
    assert not heavy


def test_the_training_process_imports_no_mlflow() -> None:
    assert "mlflow" not in {name.split(".")[0] for name in reachable("experiments.training.train")}


@pytest.mark.parametrize("module", [name for name, path in MODULES.items() if path.name == "__init__.py"])
def test_inits_hold_a_docstring_and_nothing_else(module: str) -> None:
    body = ast.parse(MODULES[module].read_text(encoding="utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)
    assert isinstance(body[0].value, ast.Constant)


def test_the_wheel_lists_every_package() -> None:
    import tomllib

    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    assert sorted(declared) == sorted(name for name, path in MODULES.items() if path.name == "__init__.py")
