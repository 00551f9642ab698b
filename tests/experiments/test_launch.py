from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments import launch
from experiments.keys import RunKey
from experiments.plan import Cell
from experiments.progress import LaunchProgress
from experiments.run_folder import is_locked
from experiments.spec import Row, Table
from experiments.tracking import Tracker, TrackingError


def test_a_tracking_failure_at_the_start_fails_that_cell_and_what_stands_on_it(
    earmark_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*args: Any, **kwargs: Any) -> str:
        raise TrackingError("server is down\nwith details")

    monkeypatch.setattr(launch, "prepare_run", down)
    rows = {name: Row("t", name, "", "fit", {}, {}) for name in ("a", "b")}
    table = Table("t", earmark_home / "t.yaml", "T", "sed", "demo", rows, (0,), (), {}, (), ())
    first = Cell(table, rows["a"], 0, RunKey("a", "", "", 0, ""), {}, "missing", "", None)
    second = Cell(table, rows["b"], 0, RunKey("b", "", "", 0, ""), {}, "missing", "", None, {"own": first})
    tracker = Tracker(earmark_home)
    with LaunchProgress("t", 2) as progress:
        result = launch.Launcher(tracker, slots=1, machine={}, progress=progress).launch([first, second])
    assert result.failed == {"t/a seed 0": "not started, tracking failed: server is down"}
    assert result.skipped == {"t/b seed 0": "stands on t/a seed 0, which failed"}
    assert not is_locked(tracker.run_dir(RunKey("a", "", "", 0, "").id))
