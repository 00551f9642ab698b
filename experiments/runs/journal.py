"""The run's own record: JSON lines in its folder, written by rank 0 of training, read by whoever ships them.

Training never talks to a tracking server, so an outage cannot touch it. A line is written whole and flushed; a reader
stops before a torn last line and goes on from its byte offset. The file's age is the run's heartbeat.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

NAME = "journal.jsonl"
EPOCH = "epoch"  # Lightning's name for it, in every line of training


class JournalLine(NamedTuple):
    """One record: ``fields`` of a ``kind`` (``metrics``, ``progress``, ``warning``, ``fitted``, ``state``)."""

    time_ms: int
    kind: str
    fields: Mapping[str, Any]


class CurvePoint(NamedTuple):
    """A value that training logged; ``step`` counts the optimiser's steps that were done, ``epoch`` begins at 0."""

    step: int
    epoch: float
    value: float


class Journal:
    """Appends records to one run folder's journal.

    A value that an earlier attempt wrote at the same step is not written again: a resumed run repeats the steps after
    its last checkpoint, and a tracker that has them twice would draw them twice.
    """

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / NAME
        self._last_progress_ms = 0
        self._written = {
            (name, int(line.fields["step"]))
            for line in read_lines(self.path)[0]
            if line.kind == "metrics"
            for name in line.fields["values"]
        }

    def _append(self, kind: str, **fields: Any) -> None:
        line = json.dumps({"t": time.time_ns() // 1_000_000, "kind": kind, **fields}, allow_nan=False)
        with self.path.open("a+b") as file:
            torn = file.tell() and not self._ends_whole(file)
            file.write(f"{chr(10) if torn else ''}{line}{chr(10)}".encode())

    @staticmethod
    def _ends_whole(file: BinaryIO) -> bool:
        """Whether the last line has its end; a kill may have torn it."""
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Record metrics of one step; a value that is not finite is written as text, JSON has none."""
        new = {key: value for key, value in values.items() if (key, step) not in self._written or key == EPOCH}
        if set(new) - {EPOCH}:  # every line says its epoch, and none says nothing else
            self._append("metrics", values=_plain(new), step=step)

    def fitted(self, values: Mapping[str, float], *, step: int) -> None:
        """Record that training has ended and its predictions are written: what is known of it, at the step after it.

        What is left is to score. Should that fail, another run of the same training needs no training of its own.
        """
        self._append("fitted", values=_plain(values), step=step)

    def progress(self, done: int, total: int, *, what: str) -> None:
        """Record how far the run is, at most twice a second (and always at the end)."""
        now_ms = time.time_ns() // 1_000_000
        if now_ms - self._last_progress_ms >= 500 or done >= total:
            self._last_progress_ms = now_ms
            self._append("progress", done=done, total=total, what=what)

    def warning(self, message: str) -> None:
        """Record one line that whoever started the run should read."""
        self._append("warning", message=message)

    def working_seconds(self) -> float:
        """Time that the attempts took so far, each from its start to its own last line; this one until now."""
        total_ms, start_ms, last_ms = 0, None, 0
        for line in read_lines(self.path)[0]:
            if line.fields.get("afterwards"):
                continue
            if line.kind == "state" and line.fields["state"] == "started":
                total_ms += 0 if start_ms is None else last_ms - start_ms
                start_ms = line.time_ms
            last_ms = line.time_ms
        if start_ms is not None:
            total_ms += time.time_ns() // 1_000_000 - start_ms
        return total_ms / 1000

    def state(self, state: str, message: str = "", *, lasting: bool = False, afterwards: bool = False) -> None:
        """Record ``started``, ``finished``, ``failed`` or ``stopped``; ``finished`` is the last line of a whole run.

        ``lasting`` marks a failure that another attempt would meet again: what the user wrote is wrong. ``afterwards``
        marks what somebody else found out, perhaps days after the run's last line.
        """
        marks = {"lasting": lasting, "afterwards": afterwards}
        self._append("state", state=state, message=message, **{name: True for name, holds in marks.items() if holds})


def _plain(values: Mapping[str, float]) -> dict[str, float | str]:
    return {key: value if math.isfinite(value) else str(value) for key, value in values.items()}


def read_lines(path: Path, *, offset: int = 0) -> tuple[list[JournalLine], int]:
    """The whole lines after a byte offset, and the offset to go on from."""
    if not path.exists():
        return [], offset
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    return list(_parse(whole)), offset + len(whole)


def _parse(data: bytes) -> Iterator[JournalLine]:
    for line in data.splitlines():
        try:
            record = json.loads(line)
            yield JournalLine(record.pop("t"), record.pop("kind"), record)
        except (ValueError, KeyError):  # a line torn by a kill, later completed to a full line by the next process
            continue


def size(path: Path) -> int:
    """Bytes written so far: where the next process's lines begin."""
    return path.stat().st_size if path.exists() else 0


class State(NamedTuple):
    """What the last ``state`` line says; ``state`` is empty where there is none."""

    state: str
    message: str
    lasting: bool = False


def final_state(path: Path, *, offset: int = 0) -> State:
    """The last ``state`` line after an offset."""
    lines, _ = read_lines(path, offset=offset)
    fields: Mapping[str, Any] = next((line.fields for line in reversed(lines) if line.kind == "state"), {})
    return State(str(fields.get("state", "")), str(fields.get("message", "")), bool(fields.get("lasting")))


def is_fitted(path: Path) -> bool:
    """Whether the last attempt has trained and predicted, however it ended: weights and predictions are whole."""
    for line in reversed(read_lines(path)[0]):
        if line.kind == "fitted":
            return True
        if line.kind == "state" and line.fields["state"] == "started":
            return False
    return False
