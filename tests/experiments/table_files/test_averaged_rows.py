"""Rows that average weights differ from the one that they are compared with in the average alone."""

from __future__ import annotations

from copy import deepcopy

import pytest

from experiments.table_files.merge import get_path
from experiments.table_files.spec import read_table


@pytest.mark.parametrize("scale", ["demo", "full"])
def test_an_average_is_all_that_they_add(scale: str) -> None:
    table = read_table("augmentation", scale=scale)
    averaged = [row for row in table.rows.values() if get_path(row.config, "checkpoint.average")]
    assert [row.name for row in averaged] == ["all_mean", "all_moving_mean"]
    for row in averaged:
        assert row.against == "all"
        config = deepcopy(row.config)
        average = config["checkpoint"].pop("average")
        assert config == table.rows["all"].config
        assert average["from_epoch"] <= 0.75 * get_path(config, "trainer.max_epochs")
    assert [get_path(row.config, "checkpoint.average.decay") for row in averaged] == [None, 0.99]
