"""``groups:`` and ``against:`` of table files: what is refused, whose baseline holds, and that no run changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from experiments.errors import UserError
from experiments.table_files.spec import TABLES, read_table

TABLE = """
base: {data: {class_path: d.Clips, init_args: {corpus: tones/tiny}}, scoring: s.Detection}
rows:
  a: {why: one}
  b: {why: two, against: c}
  c: {why: three}
  g: {why: grid, grid: {data.size: [1, 2]}}
  late: {why: of one scale, only_at: [full], against: a}
  early: {why: of the other, only_at: [demo], against: late}
scales: {demo: {}, full: {}}
columns: {test/er: {label: ER, better: lower}}
"""
GROUPS = """
baseline: c
groups:
  first: {heading: First, rows: [b, a], baseline: a}
  others: {rows: [g, late]}
"""


def write(folder: Path, more: str = "") -> str:
    path = folder / "small.yaml"
    path.write_text(TABLE + more)
    return str(path)


def test_a_rows_own_baseline_goes_before_its_groups_and_that_before_the_tables(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, GROUPS))
    assert [(group.name, group.heading, group.rows) for group in table.groups] == [
        ("first", "First", ("b", "a")), ("others", "others", ("g.size=1", "g.size=2", "late")),
    ]  # fmt: skip
    assert table.baselines() == {"b": "c", "g.size=1": "c", "g.size=2": "c"}  # early's is not at this scale
    assert read_table(write(tmp_path, GROUPS), scale="full").baselines()["late"] == "a"


def test_groups_change_no_run(tmp_path: Path) -> None:
    before, after = (read_table(write(tmp_path, more)).rows for more in ("", GROUPS))
    assert before == after


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        ("{x: {}}", r"small.yaml: groups.x.rows: name at least one row; allowed: a, b, c"),
        ("{x: {rows: [a, d]}}", r"groups.x.rows: unknown row 'd'"),
        ("{x: {rows: [a]}, y: {rows: [a]}}", r"groups.y.rows: a is in group x already; a row is in one group"),
        ("{x: {rows: [a], baseline: d}}", r"groups.x.baseline: unknown row 'd'"),
        ("{x: {rows: [a], heading: null}}", r"groups.x.heading: expected text, got None"),
        ("{x: {rows: [a], heading: ' '}}", r"groups.x.heading: expected text, got ' '"),
        ("{x: {rows: [a], against: b}}", r"groups.x: unknown key 'against'"),
        ("[a]", r"small.yaml: groups: expected"),
    ],
)
def test_a_mistake_in_groups_is_one_line(groups: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=says) as caught:
        read_table(write(tmp_path, f"groups: {groups}\n"))
    assert "\n" not in str(caught.value)


def test_a_row_is_compared_with_a_row(tmp_path: Path) -> None:
    text = TABLE.replace("against: c", "against: d")
    (tmp_path / "small.yaml").write_text(text)
    with pytest.raises(UserError, match=r"small.yaml: rows.b.against: unknown row 'd'"):
        read_table(str(tmp_path / "small.yaml"))


@pytest.mark.parametrize("path", sorted(TABLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_rows_of_shipped_tables_are_compared_on_the_same_speech_or_sounds(path: Path) -> None:
    for scale in yaml.safe_load(path.read_text(encoding="utf-8"))["scales"]:
        table = read_table(path.stem, scale=scale)
        for row, baseline in table.baselines().items():
            for key in ("corpus", "languages"):
                values = [table.rows[name].config["data"]["init_args"].get(key) for name in (row, baseline)]
                assert values[0] == values[1], (row, baseline, key)


def test_transfer_is_compared_with_as_much_of_the_language() -> None:
    table = read_table("transfer", scale="full")
    minutes = {name: row.config["data"]["init_args"].get("train_minutes") for name, row in table.rows.items()}
    assert {minutes[row] - minutes[baseline] for row, baseline in table.baselines().items()} == {0}
    assert set(table.baselines().values()) == {
        "scratch", "scratch_nl_20", "scratch_nl_40", "scratch_cs_10", "scratch_cs_20", "scratch_cs_40",
        "scratch_ctc", "decoder_only",  # of what another encoder or its statistics alone make of them
        "whisper_frozen_ctc", "whisper_frozen_ctc_lm",  # of what adds texts to them
    }  # fmt: skip
    assert table.baselines()["whisper_frozen_ctc"] == "scratch_ctc"  # the same but for the encoder
    assert table.baselines()["whisper_frozen_ctc_lm"] == "whisper_frozen_ctc"
    assert table.baselines()["whisper_frozen_ctc_texts"] == "whisper_frozen_ctc_lm"
