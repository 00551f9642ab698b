"""Lightning, and torchmetrics with it, without packages that earmark uses nothing of through them.

Where they are installed, ``import torchmetrics`` imports ``transformers`` for its metrics of texts and images, and
``onnxruntime`` for one of speech quality: a sixth of all that a process with Lightning imports, and the second starts a
thread, after which no run may be forked. While torchmetrics is imported, they are stood in for by modules whose names
import the real package when they are first used, so that these metrics go on to work. Whoever imports the packages
themselves has them as they are. ``scipy`` stays: every run's features need it, and the warm process has it then.

A process that only checks configurations does without two more (``for_checks``): scipy, and torch's compiler, which
Lightning and every optimizer import to mark what is not to be compiled.

It is so from the import of this module on, which stands before all that imports Lightning.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LATER = ("transformers", "onnxruntime")
COMPILER = "torch._dynamo"
NOT_FOR_CHECKS = ("scipy", COMPILER)


def for_checks() -> None:
    """From here on in a process that trains nothing: half of what Lightning and the models import is left out."""
    if not any(name in sys.modules for name in NOT_FOR_CHECKS):
        sys.meta_path.insert(0, _LaterFinder(NOT_FOR_CHECKS))


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
    finder = _LaterFinder([name for name in LATER if name not in sys.modules])
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.give_way()


class _LaterFinder(MetaPathFinder, Loader):
    """Makes a stand-in for each of some packages that are installed, and for every module in them."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = [name for name in packages if importlib.util.find_spec(name) is not None]
        self._made: dict[str, ModuleType] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if any(f"{fullname}.".startswith(f"{package}.") for package in self._packages):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module whose names are looked up when they are used."""
        return _Later(spec.name, self)

    def exec_module(self, module: ModuleType) -> None:
        """Keep it, to be taken away again."""
        self._made[module.__name__] = module

    def give_way(self) -> None:
        """To the real packages, from here on."""
        with contextlib.suppress(ValueError):  # it has already
            sys.meta_path.remove(self)
        for name, module in self._made.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


class _Later(ModuleType):
    """A module that is imported by whoever uses one of its names."""

    def __init__(self, name: str, finder: _LaterFinder) -> None:
        super().__init__(name)
        self._finder = finder
        if name == COMPILER:
            self.disable = lambda method, *_, **__: method  # nothing is compiled, so nothing is to be spared that

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            return importlib.metadata.version(self.__name__.split(".")[0])
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(self, name)


class _Name:
    """A class or function of such a module."""

    def __init__(self, module: _Later, name: str) -> None:
        self._module, self._name = module, name

    def _real(self) -> Any:
        self._module._finder.give_way()
        return getattr(importlib.import_module(self._module.__name__), self._name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __call__(self, *values: Any, **named: Any) -> Any:
        return self._real()(*values, **named)

    def __instancecheck__(self, value: object) -> bool:
        """Nothing is of a class whose module nobody has imported."""
        found = sys.modules.get(self._module.__name__)
        return found not in (None, self._module) and isinstance(value, self._real())


if "torchmetrics" not in sys.modules:
    sys.meta_path.insert(0, _Torchmetrics())
