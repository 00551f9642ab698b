"""A check by the process that was started early: it passes what a check passes, and refuses nothing by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.configuration.check import Question
from experiments.configuration.early_check import EarlyCheck
from experiments.table_files.spec import Table, read_table

TINY = Path(__file__).parents[1] / "tiny.yaml"


def _question(table: Table, row: str, **model: Any) -> Question:
    config = table.rows[row].config
    arguments = {**config["model"]["init_args"], **model}
    config = {**config, "model": {**config["model"], "init_args": arguments}}
    return Question(row, table.rows[row].stage, 0, (), True, config)


@pytest.fixture
def early(tiny_tones: Path) -> Iterator[EarlyCheck]:
    process = EarlyCheck(["lightning_modules.sed.mil", "a.module.that.is.not.there"])
    yield process
    process.end()


@pytest.mark.integration
def test_it_passes_what_can_be_built_without_the_packages_that_it_leaves_out(
    early: EarlyCheck,
) -> None:
    assert early.check([_question(read_table(str(TINY)), "mil")])


@pytest.mark.integration
def test_a_refused_one_is_for_a_check_with_all_imports_to_name(early: EarlyCheck) -> None:
    table = read_table(str(TINY))
    lr = {"class_path": "torch.optim.Adam", "init_args": {"lr": -1}}
    assert not early.check([_question(table, "mil"), _question(table, "mil", optimizer=lr)])
