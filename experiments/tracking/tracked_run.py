"""What the store knows of one run, in the terms of the rest of earmark."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import Run

STATE = "earmark.state"


@dataclass(frozen=True)
class TrackedRun:
    """What MLflow knows of one run; ``start_ms`` is its creation in milliseconds since 1970."""

    run_id: str
    state: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    start_ms: int = 0
    artifact_uri: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


def as_tracked(run: Run) -> TrackedRun:
    """A run as the store gave it."""
    metrics = {name: as_logged(value) for name, value in run.data.metrics.items()}
    state, start_ms = run.data.tags.get(STATE, ""), int(run.info.start_time or 0)
    uri = str(run.info.artifact_uri or "")
    return TrackedRun(run.info.run_id, state, run.data.tags, metrics, start_ms, uri, run.data.params)


def as_logged(value: float) -> float:
    """MLflow's SQL stores keep an infinite metric as the largest float that there is, on which a mean overflows."""
    return math.copysign(math.inf, value) if abs(value) >= 1.797e308 else value
