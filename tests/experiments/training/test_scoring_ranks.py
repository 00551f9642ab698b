"""A scoring row as several tasks, as SLURM starts it on several GPUs: one of them scores."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from experiments.runs.journal import NAME, final_state
from experiments.training import train


class Scoring:
    """Writes one file."""

    def score(self, *, output_dir: Path, **more: Any) -> dict[str, float]:
        (output_dir / "table.csv").write_text("1")
        return {"test/wer": 0.25}


@pytest.mark.parametrize("rank", [0, 1])
def test_one_rank_scores(rank: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.yaml").write_text("{stage: score, seed: 0, machine: {devices: 2}}")
    data = SimpleNamespace(setup=lambda stage: None, references=lambda split: None)
    monkeypatch.setattr(train, "build", lambda *args, **more: SimpleNamespace(data=data, model=None, scoring=Scoring()))
    monkeypatch.setattr(train, "_check_key", lambda *args: None)
    monkeypatch.setattr(train, "follow_text_rules", lambda sections: None)
    monkeypatch.setattr(train, "_journal_warnings", lambda journal: None)
    monkeypatch.setattr("signal.signal", lambda *args: None)
    monkeypatch.delenv("SLURM_NTASKS", raising=False)
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    assert train.main([str(tmp_path)]) == 0
    if rank == 0:
        assert final_state(tmp_path / NAME).state == "finished"
        assert json.loads((tmp_path / "metrics.json").read_text()) == {"test/wer": 0.25}
        assert (tmp_path / "scores" / "table.csv").is_file()
    else:
        assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
