from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import UserError
from experiments.table_files.merge import get_path
from experiments.table_files.spec import Table, read_table

TEXT = """
family: sed
base:
  data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: tones/tiny, batch_size: 4}}
  model:
    class_path: lightning_modules.sed.mil.MIL
    init_args: {encoder: lightning_modules.layers.crnn.demo_crnn, penalty_alpha: 0.5}
  trainer: {max_epochs: 1}
rows:
  mil: {why: none}
  swept:
    why: how much
    scales: {demo: {model.penalty_alpha: 0.7}}
    grid: GRID
seeds: [0]
scales: {demo: {model.penalty_alpha: 0.6}}
charts:
  by_alpha: {kind: against, metric: test/event_f1_macro, x: model.penalty_alpha, lines: {f1: [swept]}}
"""


def _table(tmp_path: Path, grid: str) -> Table:
    path = tmp_path / "t.yaml"
    path.write_text(TEXT.replace("GRID", grid))
    return read_table(str(path))


def test_a_grid_is_a_row_a_combination_and_wins_over_every_scale(tmp_path: Path) -> None:
    table = _table(tmp_path, "{model.penalty_alpha: [0, 0.01, 0.1], trainer.max_epochs: [1, 2]}")
    points = [(alpha, epochs) for alpha in (0, 0.01, 0.1) for epochs in (1, 2)]
    names = [f"swept.penalty_alpha={alpha}.max_epochs={epochs}" for alpha, epochs in points]
    assert list(table.rows) == ["mil", *names]
    for name, (alpha, epochs) in zip(names, points, strict=True):
        config = table.rows[name].config
        assert (get_path(config, "model.penalty_alpha"), get_path(config, "trainer.max_epochs")) == (alpha, epochs)
    assert table.rows[names[0]].why == "how much: penalty_alpha=0, max_epochs=1"
    assert get_path(table.rows["mil"].config, "model.penalty_alpha") == 0.6


def test_charts_and_rows_may_name_the_grid(tmp_path: Path) -> None:
    table = _table(tmp_path, "{model.penalty_alpha: [0, 1]}")
    assert table.charts[0].lines == {"f1": ("swept.penalty_alpha=0", "swept.penalty_alpha=1")}
    assert table.grids == {"swept": ("swept.penalty_alpha=0", "swept.penalty_alpha=1")}
    with pytest.raises(UserError, match=r"row 'swept' is a grid; name one of swept\.penalty_alpha=0"):
        table.row("swept", where="t.yaml")


def test_classes_and_words_name_a_point(tmp_path: Path) -> None:
    table = _table(
        tmp_path,
        "{model.encoder: [lightning_modules.layers.crnn.demo_crnn, lightning_modules.layers.crnn.paper_crnn],"
        " model.dropout: [null, true]}",
    )
    assert "swept.encoder=paper_crnn.dropout=null" in table.rows
    assert "swept.encoder=demo_crnn.dropout=true" in table.rows


@pytest.mark.parametrize(
    ("grid", "says"),
    [
        ("{}", "rows.swept.grid: expected lists of values by dotted path"),
        ("{model.penalty_alpha: 0.1}", "rows.swept.grid.model.penalty_alpha: expected a list of values, got 0.1"),
        ("{model.penalty_alpha: []}", "rows.swept.grid.model.penalty_alpha: expected a list of values"),
        ("{model.penalty_alpha: [0.1, 0.1]}", "two rows would be named 'swept.penalty_alpha=0.1'"),
        ("[1]", "rows.swept.grid: expected a mapping"),
        ("{model.penalty_alpha: [[1]]}", "[1] cannot name a row"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, grid: str, says: str) -> None:
    with pytest.raises(UserError) as caught:
        _table(tmp_path, grid)
    assert says in str(caught.value)
    assert "t.yaml" in str(caught.value)


def test_set_does_not_take_the_value_that_a_row_has_its_name_from(tmp_path: Path) -> None:
    _table(tmp_path, "{model.penalty_alpha: [0, 1]}")
    says = (
        r"t\.yaml: --set model\.penalty_alpha: row swept\.penalty_alpha=0 has its name from it; leave it to one of them"
    )
    with pytest.raises(UserError, match=says):
        read_table(str(tmp_path / "t.yaml"), overrides={"model.penalty_alpha": 5})


def test_a_scoring_that_is_set_for_a_grid_is_set_for_its_points_alone(tmp_path: Path) -> None:
    _table(tmp_path, "{model.penalty_alpha: [0, 1]}")
    rows = read_table(str(tmp_path / "t.yaml"), overrides={"scoring": "s.Other"}, scored_rows=["swept"]).rows
    assert {name: "scoring" in row.config for name, row in rows.items()} == {
        "mil": False, "swept.penalty_alpha=0": True, "swept.penalty_alpha=1": True,
    }  # fmt: skip
