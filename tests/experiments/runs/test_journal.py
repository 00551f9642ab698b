from __future__ import annotations

import math
from pathlib import Path

from experiments.runs.journal import NAME, Journal, final_state, read_lines, size
from experiments.tracking.delivery import close_dead


def test_what_is_written_is_read_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.state("started")
    journal.metrics({"train/loss": 0.5}, step=3)
    lines, offset = read_lines(tmp_path / NAME)
    assert [line.kind for line in lines] == ["state", "metrics"]
    assert lines[1].fields == {"values": {"train/loss": 0.5}, "step": 3}
    assert read_lines(tmp_path / NAME, offset=offset) == ([], offset)
    journal.state("finished")
    assert [line.fields["state"] for line in read_lines(tmp_path / NAME, offset=offset)[0]] == ["finished"]


def test_a_torn_last_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / NAME
    Journal(tmp_path).state("started")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"t": 1, "kind": "sta')
    lines, offset = read_lines(path)
    assert len(lines) == 1
    assert offset == len(whole)


def test_a_line_torn_by_a_kill_is_passed_over_and_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b'{"t": 1, "kind": "sta')
    Journal(tmp_path).state("started")
    lines, _ = read_lines(path)
    assert [line.fields["state"] for line in lines] == ["started"]
    assert final_state(path) == ("started", "", False)


def test_the_state_of_an_earlier_attempt_is_not_this_ones(tmp_path: Path) -> None:
    Journal(tmp_path).state("failed", "first attempt")
    begin = size(tmp_path / NAME)
    assert final_state(tmp_path / NAME, offset=begin) == ("", "", False)
    Journal(tmp_path).state("finished")
    assert final_state(tmp_path / NAME, offset=begin) == ("finished", "", False)


def test_values_that_are_not_finite_survive(tmp_path: Path) -> None:
    Journal(tmp_path).metrics({"a": math.inf, "b": math.nan}, step=0)
    (line,), _ = read_lines(tmp_path / NAME)
    assert float(line.fields["values"]["a"]) == math.inf
    assert math.isnan(float(line.fields["values"]["b"]))


def test_progress_is_thinned_but_its_end_is_kept(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for done in range(1, 101):
        journal.progress(done, 100, what="epoch 0")
    lines, _ = read_lines(tmp_path / NAME)
    assert len(lines) < 10
    assert lines[-1].fields["done"] == 100


def test_no_journal_has_no_state(tmp_path: Path) -> None:
    assert final_state(tmp_path / NAME) == ("", "", False)


def test_working_seconds_leave_out_the_time_between_attempts(tmp_path: Path) -> None:
    lines = [(1_000, "started"), (4_000, "stopped"), (100_000, "started"), (102_500, "stopped")]
    (tmp_path / NAME).write_text(
        "".join(f'{{"t": {t}, "kind": "state", "state": "{state}", "message": ""}}\n' for t, state in lines)
    )
    journal = Journal(tmp_path)
    journal.state("started")
    assert 5.5 <= journal.working_seconds() < 6.5


def test_working_seconds_leave_out_the_time_until_somebody_found_the_process_gone(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(
        '{"t": 1000, "kind": "state", "state": "started", "message": ""}\n'
        '{"t": 3000, "kind": "progress", "done": 1, "total": 9, "what": "epoch 0"}\n'
    )
    close_dead(tmp_path)  # decades later
    assert final_state(tmp_path / NAME) == ("failed", "its process is gone", False)
    journal = Journal(tmp_path)
    journal.state("started")
    assert 2 <= journal.working_seconds() < 12


def test_a_resumed_run_repeats_no_step(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.metrics({"epoch": 0, "train/loss": 0.5}, step=9)
    first.metrics({"epoch": 0, "validation/loss": 0.7}, step=9)
    first.metrics({"epoch": 1, "train/loss": 0.4}, step=19)
    second = Journal(tmp_path)  # from a checkpoint after step 9
    second.metrics({"epoch": 1, "train/loss": 0.4}, step=19)
    second.metrics({"epoch": 1, "validation/loss": 0.6}, step=19)
    second.metrics({"epoch": 2, "train/loss": 0.3}, step=29)
    second.metrics({"epoch": 2, "train/loss": 0.25}, step=29)  # its own values are its own affair
    lines, _ = read_lines(tmp_path / NAME)
    values = [(line.fields["step"], dict(line.fields["values"])) for line in lines]
    assert values[3:] == [
        (19, {"epoch": 1, "validation/loss": 0.6}),
        (29, {"epoch": 2, "train/loss": 0.3}),
        (29, {"epoch": 2, "train/loss": 0.25}),
    ]


def test_a_failure_says_whether_it_lasts(tmp_path: Path) -> None:
    Journal(tmp_path).state("failed", "no such file", lasting=True)
    assert final_state(tmp_path / NAME) == ("failed", "no such file", True)
    Journal(tmp_path).state("failed", "killed")
    assert final_state(tmp_path / NAME) == ("failed", "killed", False)
