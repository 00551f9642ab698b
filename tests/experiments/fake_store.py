"""A tracking store in memory that can be taken down: what delivery and courier tests talk to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from experiments.runs.journal import JournalLine
from experiments.tracking.mlflow_store import TrackingError
from experiments.tracking.tracked_run import STATE, TrackedRun


class FakeStore:
    """The methods of ``Tracker`` that a delivery calls."""

    store = "fake"

    def __init__(self) -> None:
        self.down = False
        self.refuses: dict[str, str] = {}  # metrics, with the reason
        self.runs: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []

    def _call(self, name: str) -> None:
        if self.down:
            raise TrackingError("server is down\nwith details")
        self.calls.append(name)

    def find(self, family: str, *, tags: Mapping[str, str]) -> list[TrackedRun]:
        self._call("find")
        return [
            TrackedRun(run_id, run["state"], run["tags"], {})
            for run_id, run in self.runs.items()
            if all(run["tags"].get(name) == value for name, value in tags.items())
        ]

    def create(self, family: str, *, name: str, tags: Mapping[str, str]) -> str:
        self._call("create")
        run_id = next(name for number in count() if (name := f"run{number}") not in self.runs)
        self.runs[run_id] = {"state": "scheduled", "tags": dict(tags), "points": [], "files": [], "message": ""}
        return run_id

    def describe(
        self, run_id: str, *, tags: Mapping[str, str], params: Mapping[str, Any], datasets: Mapping[str, str]
    ) -> dict[str, str]:
        self._call("describe")
        self.runs[run_id]["params"] = dict(params)
        return {}

    def state(self, run_id: str) -> str | None:
        self._call("state")
        return self.runs[run_id]["state"] if run_id in self.runs else None

    def tag_as_taken(self, run_id: str, tags: Mapping[str, str]) -> dict[str, str]:
        self._call("tag")
        self.runs[run_id]["tags"].update(tags)
        return {}

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        self._call("tag")
        self.runs[run_id]["tags"].update({name: value for name, value in tags.items() if name != STATE})
        self.runs[run_id]["state"] = tags.get(STATE, self.runs[run_id]["state"])

    def delete(self, run_id: str) -> None:
        self._call("delete")
        del self.runs[run_id]

    def start(self, run_id: str, tags: Mapping[str, str]) -> dict[str, str]:
        self._call("start")
        self.runs[run_id]["state"] = "running"
        self.runs[run_id]["tags"].update(tags)
        return {}

    def beat(self, run_id: str, seconds: float) -> None:
        self._call("beat")

    def log_metrics(self, run_id: str, lines: Iterable[JournalLine]) -> dict[str, str]:
        self._call("log_metrics")
        self.runs[run_id]["points"] += [
            (name, line.fields["step"], value)
            for line in lines
            if line.kind == "metrics"
            for name, value in line.fields["values"].items()
            if name not in self.refuses
        ]
        return {f"metric {name}": why for name, why in self.refuses.items()}

    def check_files(self, run_id: str) -> None:
        self._call("check_files")

    def finish(
        self, run_id: str, run_dir: Path, *, artifacts: Iterable[Path], refused: Mapping[str, str]
    ) -> dict[str, str]:
        self._call("finish")
        self.runs[run_id]["files"] = [path.name for path in artifacts]
        self.runs[run_id]["state"] = "finished"
        self.runs[run_id]["refused"] = dict(refused)
        return {}

    def fail(self, run_id: str, *, state: str, message: str, refused: Mapping[str, str]) -> None:
        self._call("fail")
        self.runs[run_id].update(state=state, message=message, refused=dict(refused))
