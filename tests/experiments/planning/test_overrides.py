"""How far ``--set`` reaches: into its own table's rows, and from there no further than two tables must agree."""

from __future__ import annotations

from pathlib import Path

from experiments.planning.plan import make_plan
from experiments.table_files.merge import get_path
from experiments.table_files.spec import read_table
from experiments.tracking.mlflow_store import Tracker


def test_scoring_is_set_for_the_named_rows_alone() -> None:
    table = read_table("ctc_decoding", overrides={"scoring.decoder.beam_size": 7}, scored_rows=["prefix_beam"])
    assert get_path(table.rows["prefix_beam"].config, "scoring.decoder.beam_size") == 7
    assert get_path(table.rows["greedy"].config, "scoring.decoder.beam_size") is None


def test_a_row_of_another_table_takes_the_corpus_and_nothing_else(earmark_home: Path) -> None:
    overrides = {"data.corpus": "mine", "data.batch_seconds": 9, "trainer.max_epochs": 2}
    table = read_table("ctc_decoding", overrides=overrides)
    cells = {cell.name: cell for cell in make_plan(table, Tracker(earmark_home), rows=["rescored_lstm"], seeds=[0])}
    model = cells["language_models/lstm seed 0"]
    own = read_table("language_models", scale="demo").rows["lstm"].config
    assert get_path(model.row.config, "data.corpus") == "mine"
    assert get_path(model.row.config, "trainer.max_epochs") == get_path(own, "trainer.max_epochs") != 2
    assert get_path(cells["ctc_decoding/greedy seed 0"].row.config, "trainer.max_epochs") == 2
    assert model.table.family == "lm"
