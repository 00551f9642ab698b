"""A constant text is searched on the very references that it is scored on: it is shown, and never the best."""

from __future__ import annotations

import pytest

from experiments.table_files.merge import get_path
from experiments.table_files.spec import TABLES, read_table

SEARCHED_ON_TEST = "lightning_modules.asr.scoring.constant_scoring.ConstantScoring"


@pytest.mark.parametrize("name", sorted(path.stem for path in TABLES.glob("*.yaml")))
def test_a_row_that_was_searched_on_the_test_references_does_not_compete(name: str) -> None:
    for row in read_table(name).rows.values():
        if get_path(row.config, "scoring") == SEARCHED_ON_TEST:
            assert row.reference, row.name
