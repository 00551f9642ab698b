"""``each:`` makes a row after every one of some others; a scale may have folds and seeds of its own."""

from pathlib import Path

import pytest

from experiments.errors import UserError
from experiments.table_files.merge import get_path
from experiments.table_files.spec import Table, read_table

TEXT = """
family: sed
base:
  data: {class_path: datamodules.sed.SoundEventClips, init_args: {corpus: tones/tiny, batch_size: 4}}
  model: {class_path: lightning_modules.sed.mil.MIL, init_args: {encoder: lightning_modules.layers.crnn.demo_crnn}}
  scoring: lightning_modules.sed.detection_scoring.DetectionScoring
rows:
  mil: {why: maximum}
  strong: {why: knows more, reference: true, only_at: [demo]}
  oracle_tags:
    why: "{row} with the true tags"
    each: [mil, strong]
    stage: score
    from: {own: "{row}"}
    set: {scoring.tags: oracle}
seeds: [0, 1]
scales: {demo: {}, study: SCALE}
groups: {true_tags: {rows: [oracle_tags], baseline: mil_oracle_tags}}
"""


def _table(tmp_path: Path, *, scale: str = "demo", of_study: str = "{}", text: str = TEXT) -> Table:
    (tmp_path / "t.yaml").write_text(text.replace("SCALE", of_study))
    return read_table(str(tmp_path / "t.yaml"), scale=scale)


def test_each_row_has_its_follower(tmp_path: Path) -> None:
    table = _table(tmp_path)
    assert list(table.rows) == ["mil", "strong", "mil_oracle_tags", "strong_oracle_tags"]
    follower = table.rows["mil_oracle_tags"]
    assert (follower.why, follower.sources["own"].row) == ("mil with the true tags", "mil")
    assert get_path(follower.config, "scoring.tags") == "oracle"
    assert not follower.reference
    assert table.rows["strong_oracle_tags"].reference
    assert table.groups[0].rows == table.meant_by("oracle_tags") == ("mil_oracle_tags", "strong_oracle_tags")
    assert "strong_oracle_tags" not in _table(tmp_path, scale="study").rows


@pytest.mark.parametrize(
    ("named", "followed"), [("mil", ("0.5", "2.0")), ("mil.ratio=2.0", ("2.0",))], ids=["the grid", "one point of it"]
)
def test_what_follows_a_grid_follows_its_points(tmp_path: Path, named: str, followed: tuple[str, ...]) -> None:
    text = TEXT.replace("mil: {why: maximum}", "mil: {why: maximum, grid: {model.ratio: [0.5, 2.0]}}")
    text = text.replace("[mil, strong]", f"[{named}]").replace("mil_oracle_tags}}", "mil_oracle_tags.ratio=2.0}}")
    table = _table(tmp_path, text=text)
    followers = tuple(f"mil_oracle_tags.ratio={ratio}" for ratio in followed)
    assert table.meant_by("oracle_tags") == table.groups[0].rows == followers
    assert [table.rows[row].sources["own"].row for row in followers] == [f"mil.ratio={ratio}" for ratio in followed]
    assert get_path(table.rows["mil.ratio=2.0"].config, "model.ratio") == 2.0
    assert "ratio" not in str(table.rows[followers[0]].config)  # it reads what the point stored, and trains nothing
    assert table.meant_by("mil") == ("mil.ratio=0.5", "mil.ratio=2.0")


def test_a_pattern_names_what_else_follows_the_same_row(tmp_path: Path) -> None:
    text = TEXT.replace("mil: {why: maximum}", "mil: {why: maximum, seeds: [1], grid: {model.ratio: [0.5, 2.0]}}")
    fitted = 'each: [mil, strong], stage: score, from: {own: "{row}"}, against: "{row}_oracle_tags"'
    text = text.replace("rows:\n", f'rows:\n  fitted: {{why: "{{row}} fitted", {fitted}}}\n')  # before what it follows
    text = text.replace("mil_oracle_tags}}", "strong_oracle_tags}}")
    rows = _table(tmp_path, text=text).rows
    assert rows["mil_fitted.ratio=2.0"].against == "mil_oracle_tags.ratio=2.0"
    assert rows["mil_fitted.ratio=2.0"].why == "mil.ratio=2.0 fitted"
    assert rows["mil_fitted.ratio=2.0"].seeds == (1,)  # it can only read what was trained
    assert rows["strong_fitted"].against == "strong_oracle_tags"
    assert rows["strong_fitted"].reference


def test_a_dot_in_a_name_is_no_grid(tmp_path: Path) -> None:
    text = TEXT.replace("mil: {why: maximum}", "mil.v2: {why: maximum}").replace("[mil, ", "[mil.v2, ")
    assert "mil.v2_oracle_tags" in _table(tmp_path, text=text.replace("mil_oracle_tags}}", "mil.v2_oracle_tags}}")).rows


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            "each: [mil, strong]",
            "each: [mil]\n    grid: {scoring.tags: [oracle]}",
            r"oracle_tags.grid: a row has grid or each",
        ),
        ("[mil, strong]", "[mil, weak]", r"rows.oracle_tags.each: unknown row 'weak'"),
        ("[mil, strong]", "[]", r"rows.oracle_tags.each: name at least one row; allowed: mil"),
        ("[mil, strong]", "[mil, mil]", r"two rows would be named 'mil_oracle_tags'"),
        ("[mil, strong]", "[oracle_tags]", r"oracle_tags is no row by itself"),
        ("  mil: {", "  mil_oracle_tags: {why: mine}\n  mil: {", r"two rows would be named 'mil_oracle_tags'"),
        ("  mil: {", "  mil_oracle_tags: {why: mine, grid: {model.ratio: [1]}}\n  mil: {", r"named 'mil_oracle_tags'"),
        (
            "  strong:",
            "  oracle: {why: o}\n  mil_oracle: {why: m}\n  tags: {why: t, each: [mil_oracle]}\n  strong:",
            r"two rows would be named 'mil_oracle_tags'",
        ),
    ],
)
def test_what_is_no_row_is_refused_in_one_line(tmp_path: Path, before: str, after: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        _table(tmp_path, text=TEXT.replace(before, after))


def test_a_scale_has_folds_and_seeds_of_its_own(tmp_path: Path) -> None:
    of_study = "{seeds: [1], folds: {a: {data.corpus: mine/a}, b: {data.corpus: mine/b}}}"
    table = _table(tmp_path, scale="study", of_study=of_study)
    assert (table.seeds, list(table.folds)) == ((1,), ["a", "b"])
    table = _table(tmp_path, of_study=of_study)
    assert (table.seeds, list(table.folds)) == ((0, 1), [])
    with pytest.raises(UserError, match="one fold is none"):
        _table(tmp_path, scale="study", of_study="{folds: {a: {data.corpus: mine/a}}}")
