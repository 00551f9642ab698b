"""``search:`` of a table: every row gets the same space and budget; what contradicts that is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import UserError
from experiments.table_files.search_spec import Range
from experiments.table_files.spec import Table, read_table

TEXT = """
family: sed
base:
  data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: tones/tiny, batch_size: 4}}
  model: {class_path: lightning_modules.sed.mil.MIL, init_args: {penalty_alpha: 0.0}}
  trainer: {max_epochs: 1}
search: SEARCH
rows:
  mil: {why: none}
  fsl: {why: another, set: {model: lightning_modules.sed.mean_pooling.MeanPooling}}
  fixed: {why: at one seed, seeds: [1]}
  own: {why: its own, search: {metric: validation/loss, better: lower, space: {data.batch_size: [2, 4]}}}
  late: {why: at another scale, only_at: [full]}
  points: {why: a grid, grid: {model.penalty_alpha: [0.0, 1.0]}}
  oracle: {why: true tags, stage: score, from: {own: mil}, set: {scoring.tags: oracle}}
seeds: [0, 1]
scales: {demo: {}, full: {}}
columns: {validation/tagging_map: {label: mAP}}
"""
SEARCH = """{metric: validation/tagging_map, budget: 12, space:
  {model.optimizer.lr: {low: 0.0001, high: 0.1, log: true}, data.batch_size: [4, 8]}}"""


def _table(folder: Path, search: str = SEARCH, text: str = TEXT, **more: object) -> Table:
    path = folder / "t.yaml"
    path.write_text(text.replace("SEARCH", search))
    return read_table(str(path), overrides=more)


def test_every_row_that_trains_has_the_same_search_but_one_with_its_own(tmp_path: Path) -> None:
    table = _table(tmp_path)
    points = ["points.penalty_alpha=0.0", "points.penalty_alpha=1.0"]
    assert list(table.searches) == ["mil", "fsl", "fixed", "own", *points]
    search = table.searches["mil"]
    assert (search.trials, search.parallel, search.sampler, search.seeds) == (12, 12, "random", (0,))
    assert search.space["model.optimizer.lr"] == Range(0.0001, 0.1, log=True)
    assert table.searches["fsl"] == search
    assert table.searches["fixed"].seeds == (1,)  # the first at which it runs
    assert (table.searches["own"].sampler, table.searches["own"].trials) == ("tpe", 20)


def test_rows_may_be_named_a_grid_too_and_one_of_another_scale_is_not_there(tmp_path: Path) -> None:
    search = SEARCH.replace(
        "budget: 12", "budget: 12 trials, sampler: tpe, parallel: 3, seeds: [1], rows: [late, points]"
    )
    table = _table(tmp_path, search)
    assert list(table.searches) == ["own", "points.penalty_alpha=0.0", "points.penalty_alpha=1.0"]
    found = table.searches["points.penalty_alpha=0.0"]
    assert (found.trials, found.parallel, found.sampler, found.seeds) == (12, 3, "tpe", (1,))


def test_at_a_scale_without_it_rows_are_as_they_are_written(tmp_path: Path) -> None:
    there, gone = (SEARCH.replace("budget: 12", f"budget: 12, only_at: [{scale}]") for scale in ("demo", "full"))
    assert "mil" in _table(tmp_path, there).searches
    table = _table(tmp_path, gone)
    assert list(table.searches) == ["own"]
    assert table.rows["mil"].config == _table(tmp_path).rows["mil"].config


def test_a_scale_has_a_budget_and_a_space_of_its_own(tmp_path: Path) -> None:
    cheap = "budget: 12, scales: {demo: {budget: 3, space: {data.batch_size: [4, 8]}, seeds: [1]}}"
    text = SEARCH.replace("budget: 12", cheap)
    demo = _table(tmp_path, text).searches["mil"]
    assert (demo.trials, demo.parallel, demo.seeds, demo.space) == (3, 3, (1,), {"data.batch_size": (4, 8)})
    full = read_table(str(tmp_path / "t.yaml"), scale="full").searches["mil"]
    assert (full.trials, full.parallel, full.seeds, len(full.space)) == (12, 12, (0,), 2)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("budget: 12", "budget: 12, only_at: []", "search.only_at: name at least one scale; allowed: demo, full"),
        ("budget: 12", "budget: 12, only_at: [fall]", "search.only_at: unknown scale 'fall' (did you mean 'full'?)"),
        ("budget: 12", "budget: 1, scales: {fall: {}}", "search.scales: unknown scale 'fall' (did you mean 'full'?)"),
        ("budget: 12", "budget: 1, scales: {full: {rows: [mil]}}", "search.scales.full: unknown key 'rows'"),
        ("budget: 12", "trials: 12", "search: unknown key 'trials'"),
        ("budget: 12", "budget: 0", "search.budget: expected how many trials every row has, such as 12"),
        ("budget: 12", "budget: dozen", "search.budget: expected how many trials every row has, such as 12"),
        ("budget: 12,", "", "search.budget: expected how many trials every row has, such as 12"),
        ("validation/tagging_map", "test/tagging_map", "search.metric: test/tagging_map is of the test split"),
        ("budget: 12", "budget: 12, sampler: grid", "search.sampler: unknown value 'grid'"),
        ("budget: 12", "budget: 12, seeds: [5]", "search.seeds: 5 is none of the seeds [0, 1] of row mil"),
        ("budget: 12", "budget: 12, folds: [a]", "search.folds: unknown fold 'a': the table has no folds"),
        ("budget: 12", "budget: 12, rows: []", "search.rows: name at least one row"),
        ("budget: 12", "budget: 12, rows: [mli]", "search.rows: unknown row 'mli' (did you mean 'mil'?)"),
        ("budget: 12", "budget: 12, rows: [oracle]", "search.rows: oracle is of stage score, which trains nothing"),
        ("budget: 12", "budget: 12, rows: [own]", "search.rows: own has a search of its own"),
        (
            "data.batch_size",
            "model.penalty_alpha",
            "rows.points.penalty_alpha=0.0: model.penalty_alpha is 0.0 here and searched for by search.space",
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SEARCH
    with pytest.raises(UserError) as caught:
        _table(tmp_path, SEARCH.replace(old, new))
    assert str(caught.value).startswith(f"t.yaml: {says}")


def test_set_on_the_command_line_does_not_narrow_a_search_in_silence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"t\.yaml: --set data\.batch_size: chosen by the search of row mil"):
        _table(tmp_path, **{"data.batch_size": 2})


def test_a_space_may_stand_under_the_scales_alone(tmp_path: Path) -> None:
    """It was a traceback."""
    space = "{metric: validation/tagging_map, scales: {demo: {budget: 2, space: {data.batch_size: [4, 8]}}}}"
    assert _table(tmp_path, space).searches["mil"].space == {"data.batch_size": (4, 8)}


def test_a_fold_does_not_take_the_place_of_what_is_searched(tmp_path: Path) -> None:
    folds = "folds: {a: {data.batch_size: 2}, b: {data.batch_size: 3}}\n"
    text = "\n".join(line for line in (folds + TEXT).splitlines() if not line.startswith("  own:"))
    with pytest.raises(UserError, match=r"t\.yaml: search\.space: data\.batch_size is .* by folds\.a"):
        _table(tmp_path, text=text)
