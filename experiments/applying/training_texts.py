"""What a chosen run was trained to write: the texts of its corpus, which must be on this disk."""

from __future__ import annotations

from typing import Any

from experiments.applying.chosen_run import ChosenRun
from experiments.configuration.schema import build

SECTIONS = ("data", "scoring")  # of a run that only scores


def training_texts(chosen: ChosenRun) -> tuple[str, ...]:
    """Those of its training split as the run saw them.

    Raises ``CorpusMissingError`` where its corpus is not there, ``UserError`` for what today's code refuses.
    """
    config = {section: chosen.config[section] for section in SECTIONS if section in chosen.config}
    data: Any = build(config, stage="score", seed=0, where=f"run {chosen.name}", imports=tuple(chosen.imports)).data
    data.setup("score")
    texts: tuple[str, ...] = tuple(data.references("validation").training_texts)
    return texts
