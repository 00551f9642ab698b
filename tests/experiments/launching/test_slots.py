from __future__ import annotations

import pytest

from experiments.launching.slots import default_slots, num_cores, visible_gpus


def test_gpus_are_those_that_the_environment_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, GPU-ab")
    assert visible_gpus() == ["3", "GPU-ab"]
    assert default_slots() == 2
    assert default_slots(devices=2) == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []
    assert 1 <= default_slots() <= num_cores()
