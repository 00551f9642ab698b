"""Rows that stand on a seed: which run, at which seed and scale, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.configuration.schema import build
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.planning.plan import make_plan
from experiments.runs import keys
from experiments.table_files.merge import get_path, normalise, set_path
from experiments.table_files.row_sources import Source
from experiments.table_files.spec import read_table
from experiments.tracking.mlflow_store import Tracker

TABLE = Path(__file__).parents[1] / "tiny_transfer.yaml"


def plan(home: Path, text: str = "", *, scale: str | None = None, **wanted: Any) -> dict[str, Cell]:
    path = home / "tiny_transfer.yaml"
    path.write_text(text or TABLE.read_text(encoding="utf-8"), encoding="utf-8")
    return {cell.name: cell for cell in make_plan(read_table(str(path), scale=scale), Tracker(home), **wanted)}


def refusal(home: Path, *changes: tuple[str, str], **wanted: Any) -> str:
    text = TABLE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(UserError) as caught:
        plan(home, text, **wanted)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("tiny_transfer.yaml: ")
    return message


def test_one_seed_model_is_shared_by_all_seeds(tiny_speech: Path) -> None:
    cells = plan(tiny_speech.parents[2])
    seed_models = [name for name in cells if "seed_model" in name]
    assert seed_models == ["tiny_transfer/seed_model seed 0"]
    for row in ("frozen", "two_stage"):
        for seed in (0, 1):
            assert cells[f"tiny_transfer/{row} seed {seed}"].upstream == {"seed": cells[seed_models[0]]}
    assert list(cells).index(seed_models[0]) < list(cells).index("tiny_transfer/frozen seed 0")
    alone = plan(tiny_speech.parents[2], rows=["frozen"], seeds=[1])
    assert list(alone) == ["tiny_transfer/seed_model seed 0", "tiny_transfer/frozen seed 1"]


def test_the_plan_is_part_of_the_key(tiny_speech: Path) -> None:
    cells = plan(tiny_speech.parents[2])
    frozen, two_stage = (cells[f"tiny_transfer/{row} seed 0"] for row in ("frozen", "two_stage"))
    assert frozen.key is not None
    assert two_stage.key is not None
    assert frozen.key.config != two_stage.key.config
    assert (frozen.key.code, frozen.key.upstream) == (two_stage.key.code, two_stage.key.upstream)
    assert "lightning_modules.callbacks.seed_loading" in frozen.code
    assert "lightning_modules.callbacks.seed_loading" not in cells["tiny_transfer/scratch seed 0"].code
    assert "fine_tuning.groups.encoder.train_from_epoch" in cells["tiny_transfer/frozen seed 0"].table.varied
    assert keys.config_key({"data": {}}, stage="fit") != keys.config_key({"data": {}, "fine_tuning": {}}, stage="fit")


def test_the_short_form_takes_the_rows_own_seed(tmp_path: Path) -> None:
    text = TABLE.read_text(encoding="utf-8").replace("{row: tiny_transfer/seed_model, seed: 0}", "seed_model")
    (tmp_path / "tiny_transfer.yaml").write_text(text, encoding="utf-8")
    rows = read_table(str(tmp_path / "tiny_transfer.yaml")).rows
    assert rows["frozen"].sources == {"seed": Source("tiny_transfer", "seed_model")}
    assert rows["two_stage"].sources == {"seed": Source("tiny_transfer", "seed_model", 0)}


SHORT = ("seed: {row: tiny_transfer/seed_model, seed: 0}", "seed: seed_model")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([SHORT], ["frozen.from.seed", "'seed_model' does not run at seed 1", "{row: tiny_transfer/seed_model, seed"]),
        ([("row: seed_model", "row: seedmodel")], ["two_stage.from.seed", "unknown row 'seedmodel'", "did you mean"]),
        ([("row: seed_model, seed: 0", "row: seed_model, sed: 0")], ["two_stage.from.seed", "'sed'", "row, seed"]),
        ([("row: seed_model, seed: 0", "row: seed_model, seed: -1")], ["two_stage.from.seed.seed", "got -1"]),
        ([("row: seed_model, seed: 0", "seed: 0")], ["two_stage.from.seed", "expected row, table/row or {row:"]),
        ([("    from: {seed: {row: seed_model, seed: 0}}\n", "")], ["rows.two_stage", "fine_tuning: needs", "from:"]),
        ([("scratch: {why: nothing shared}", "scratch: {why: nothing shared, from: {seed: seed_model}}")],
         ["rows.scratch.from.seed", "needs a fine_tuning section"]),
        ([("scratch: {why: nothing shared}", "scratch: {why: scored, stage: score, from: {own: frozen}}"),
          ("row: seed_model", "row: scratch")], ["two_stage.from.seed", "'scratch' is of stage 'score'"]),
        ([("seeds: [0], set", "seeds: [2], set")], ["seed_model.seeds: 2 is none of the table's seeds [0, 1]"]),
        ([("seeds: [0], set", "only_at: [ful], set")], ["seed_model.only_at", "'ful'", "demo, full"]),
        ([("seeds: [0], set", "only_at: [], set")], ["seed_model.only_at: name at least one scale"]),
        ([("seeds: [0], set", "only_at: full, set")], ["seed_model.only_at: expected a list of text"]),
        ([("seeds: [0], set", "only_at: [full], set")], ["frozen.from.seed", "'seed_model' is only at scale full"]),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(earmark_home: Path, changes: list[tuple[str, str]], says: list[str]) -> None:
    message = refusal(earmark_home, *changes)
    for text in says:
        assert text in message


def test_a_row_of_other_scales_is_not_there(earmark_home: Path) -> None:
    change = ("scratch: {why: nothing shared}", "scratch: {why: nothing shared, only_at: [full]}")
    text = TABLE.read_text(encoding="utf-8").replace(*change)
    assert not [name for name in plan(earmark_home, text) if "scratch" in name]
    assert "tiny_transfer/scratch seed 1" in plan(earmark_home, text, scale="full")
    assert "row 'scratch' is only at scale full, not demo" in refusal(earmark_home, change, rows=["scratch"])


def test_rows_that_run_at_none_of_the_wanted_seeds_are_said(earmark_home: Path) -> None:
    assert "none of the rows seed_model runs at --seeds" in refusal(earmark_home, rows=["seed_model"], seeds=[1])


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("encoder.start", "sed", ["fine_tuning.groups.encoder.start: expected one of seed, fresh, got 'sed'"]),
        ("encoder.strat", "seed", ["fine_tuning.groups.encoder: unknown key 'strat'", "start, train_from_epoch"]),
        ("encoder.train_from_epoch", "x", ["fine_tuning.groups.encoder.train_from_epoch: expected int, got 'x'"]),
        ("encoder.train_from_epoch", -1, ["train_from_epoch must be 0 or more", "got -1"]),
        ("encoder.train_from_epoch", 2, ["groups.encoder.train_from_epoch 2", "max_epochs is 2", "say null"]),
        ("encoder", "seed", ["fine_tuning.groups.encoder: expected a mapping, got 'seed'"]),
        ("encoder", {"train_from_epoch": 1}, ["fine_tuning.groups.encoder", "missing", "start"]),
        ("decoder", {"start": "seed"}, ["fine_tuning: groups", "encoder, outputs, decoder", "alone: decoder"]),
        ("outputs.start", "sed", ["fine_tuning.groups.outputs.start: expected one of seed, fresh, got 'sed'"]),
        ("outputs.train_from_epoch", None, ["fine_tuning: groups.outputs.train_from_epoch", "got None"]),
        ("", ["encoder"], ["fine_tuning.groups: expected a mapping, got ['encoder']"]),
        ("", None, ["fine_tuning.groups: expected a mapping, got None"]),
        ("", {"encoder": {"start": "seed"}}, ["fine_tuning: groups: outputs missing; got encoder"]),
        ("", {"en coder": {"start": "seed"}}, ["fine_tuning.groups: 'en coder' is no name"]),
    ],
)
def test_a_wrong_plan_names_group_and_key(tiny_speech: Path, path: str, value: Any, says: list[str]) -> None:
    config = normalise(read_table(str(TABLE)).rows["frozen"].config)
    set_path(config, ".".join(["fine_tuning.groups", *([path] if path else [])]), value)
    with pytest.raises(UserError) as caught:
        build(config, stage="fit", seed=0, where="F")
    message = str(caught.value)
    assert message.startswith("F: ")
    assert "\n" not in message
    for text in says:
        assert text in message


def test_unknown_keys_and_types_of_the_section(tiny_speech: Path) -> None:
    config = read_table(str(TABLE)).rows["frozen"].config
    for key, value, says in (
        ("keep_shared_symbol", True, r"fine_tuning: unknown key 'keep_shared_symbol'.*keep_shared_symbols"),
        ("keep_shared_symbols", "maybe", r"fine_tuning.keep_shared_symbols: expected bool, got 'maybe'"),
    ):
        with pytest.raises(UserError, match=says):
            build({**config, "fine_tuning": {**config["fine_tuning"], key: value}}, stage="fit", seed=0, where="F")
    with pytest.raises(UserError, match="fine_tuning: expected a mapping, got 3"):
        build({**config, "fine_tuning": 3}, stage="fit", seed=0, where="F")
    parts = build(config, stage="fit", seed=0, where="F")
    assert parts.fine_tuning is not None
    assert parts.fine_tuning.groups["encoder"].train_from_epoch is None
    assert get_path(config, "fine_tuning.groups.outputs.start") == "fresh"
