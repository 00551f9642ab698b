"""The code that an exported folder carries: our own modules, not copies of their ideas, under a name of their own.

``run_model.py`` and what it imports become one flat package, so that a folder runs beside any version of earmark and
without it. Everything in it is of the standard library and numpy; what post-processing takes of scipy is
replaced by the same in numpy.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

PACKAGE = "earmark_model"
SCRIPT = "experiments.exporting.shipped.run_model"
SHIPPED = (
    SCRIPT,
    "experiments.exporting.shipped.exported_model",
    "experiments.exporting.shipped.filters",
    "experiments.exporting.shipped.greedy_texts",
    "experiments.exporting.shipped.numpy_log_mel",
    "experiments.exporting.shipped.sound_file",
    "datamodules.annotations",
    "lightning_modules.decoding.sound_events.change_points",
    "lightning_modules.decoding.sound_events.double_threshold",
    "lightning_modules.decoding.sound_events.events",
    "lightning_modules.decoding.sound_events.runs",
    "lightning_modules.decoding.sound_events.setting",
    "lightning_modules.decoding.texts",
    "lightning_modules.sed.fitting.fitted",
    "lightning_modules.sed.predictions",
)
_OURS = re.compile(r"^from (?:datamodules|lightning_modules|experiments)\.(?:\w+\.)*(\w+) import ", re.MULTILINE)


def shipped_files() -> Mapping[str, str]:
    """Text by name below the exported folder."""
    texts = {module.rpartition(".")[2]: _renamed(module) for module in SHIPPED}
    script = texts.pop(SCRIPT.rpartition(".")[2])
    init = '"""What run_model.py needs, as `earmark export` copied it from earmark (Apache-2.0)."""\n'
    return {"run_model.py": script, **{f"{PACKAGE}/{name}.py": text for name, text in {"__init__": init, **texts}.items()}}


def _renamed(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text(encoding="utf-8")
    text = text.replace("from scipy.ndimage import", f"from {PACKAGE}.filters import")
    return _OURS.sub(rf"from {PACKAGE}.\1 import ", text)
