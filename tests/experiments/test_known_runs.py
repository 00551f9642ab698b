"""Which finished run a cell is compared with."""

from __future__ import annotations

from typing import Any

from experiments.known_runs import KnownRuns
from experiments.tracking import TrackedRun


class _Store:
    def find(self, family: str, **how: Any) -> list[TrackedRun]:
        tags = {"row.t": "mil", "seed": "0"}
        configs = {"newest": "trial", "older": "plain", "oldest": "plain"}
        return [TrackedRun(name, "finished", {**tags, "key.config": config}, {}) for name, config in configs.items()]


def test_a_newer_trial_with_other_settings_does_not_hide_the_rows_own_run() -> None:
    for config, expected in (("plain", "older"), ("trial", "newest"), ("unknown", "newest")):
        store: Any = _Store()
        found = KnownRuns(store).older("sed", table="t", scale="demo", cells={("mil", 0): config})
        assert found["mil", 0].run_id == expected
