"""torchmetrics, and with it Lightning, without two packages that earmark uses nothing of through it.

Where they are installed, ``import torchmetrics`` imports ``transformers`` for its metrics of texts and images, and
``onnxruntime`` for one of speech quality: a sixth of all that a process with Lightning imports, and the second starts a
thread, after which no run may be forked. While torchmetrics is imported, they are stood in for by modules whose names
import the real package when they are first used, so that these metrics go on to work. Whoever imports the packages
themselves has them as they are. ``scipy.signal`` stays: every run's features need it, and the warm process has it then.

It is so from the import of this module on, which stands before all that imports Lightning.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LATER = ("transformers", "onnxruntime")


class _Torchmetrics(MetaPathFinder):
    """Finds torchmetrics where it is, and nothing else, once."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "torchmetrics":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_leanly(module: ModuleType) -> None:
                with _stood_in():
                    execute(module)

            setattr(spec.loader, "exec_module", execute_leanly)  # noqa: B010  of this one loader
        return spec


@contextlib.contextmanager
def _stood_in() -> Iterator[None]:
    """Stand-ins for what is installed and not imported yet, as long as it holds."""
    made = {}
    for name in LATER:
        if name not in sys.modules and (spec := importlib.util.find_spec(name)) is not None:
            made[name] = _Later(name)
            made[name].__spec__ = spec  # by which others see that it is installed
    sys.modules.update(made)
    try:
        yield
    finally:
        for name, module in made.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


class _Later(ModuleType):
    """A module that is imported by whoever uses one of its names."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(self.__name__, name)


class _Name:
    """A class or function of such a module."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def _real(self) -> Any:
        return getattr(importlib.import_module(self._module), self._name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __call__(self, *values: Any, **named: Any) -> Any:
        return self._real()(*values, **named)


if "torchmetrics" not in sys.modules:
    sys.meta_path.insert(0, _Torchmetrics())
