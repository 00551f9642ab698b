"""Which figures make two runs of one key different ones."""

from __future__ import annotations

import math

import pytest

from experiments.stored_results.packs.packed_run import differing_figure

RUN = {"test/wer": 0.25, "validation/loss": math.nan, "run/seconds": 20.0, "test/decoding_seconds": 1.5}


@pytest.mark.parametrize("name", ["run/seconds", "run/energy", "test/decoding_seconds", "test/real_time_factor"])
def test_the_same_training_run_again_took_another_time(name: str) -> None:
    assert differing_figure({**RUN, name: 1.0}, {**RUN, name: 2.0}) == ""


@pytest.mark.parametrize("name", ["test/wer", "decoding/gap_seconds", "test/word_start_ms"])
def test_every_other_figure_is_of_the_result(name: str) -> None:
    assert differing_figure({**RUN, name: 1.0}, {**RUN, name: 2.0}) == f"{name} is 1.0 and 2.0"
    assert differing_figure(RUN, {**RUN, "test/cer": 0.1}) == "", "one lacks it"
