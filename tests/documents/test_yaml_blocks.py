"""Every ``yaml`` block is what its reader would write: read as its file, each row against its classes' signatures.

A block that is part of a table is put into one: the table that its page speaks of, or the one of docs/tables.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from datamodules.texts.own_text_rules import own_text_rules
from experiments.configuration.schema import parse
from experiments.reporting.expected import read_expected
from experiments.table_files.claims_file import read_claims
from experiments.table_files.merge import get_path, normalise
from experiments.table_files.spec import TABLES, Table, read_table
from experiments.table_files.yaml_files import read_yaml, to_yaml

from .blocks import blocks, run_block

Yaml = dict[str, Any]
SETTINGS = {  # a page, the number of its block, and the row of a table that it changes
    ("docs/attention.md", 0): ("end_to_end", "encoder_decoder"),
    ("docs/sed.md", 0): ("weak_sed", "mil"),
    ("docs/transfer.md", 1): ("transfer", "seed_model"),
}


def written(page: str, number: int, folder: Path) -> Yaml:
    """A block as a file has it."""
    path = folder / "block.yaml"
    path.write_text(blocks(page, "yaml")[number], encoding="utf-8")
    value = read_yaml(path)
    assert isinstance(value, dict)
    return value


def table_with(raw: Yaml, part: Mapping[str, Any], folder: Path, *, name: str = "table") -> Table:
    """A table with what a block has of it; of rows and views those that it names come to the others.

    At full scale where it has that one: smaller ones set the encoder, too, and ask each row which of both holds.
    """
    mixed = {**raw, **part}
    mixed |= {key: {**raw.get(key, {}), **part[key]} for key in ("rows", "views") if key in part}
    path = folder / f"{name}.yaml"
    path.write_text(to_yaml(mixed), encoding="utf-8")
    return read_table(str(path), scale="full" if "full" in raw["scales"] else None)


def check_rows(table: Table, rows: Mapping[str, Any]) -> None:
    """Each row's configuration by the signatures of its classes."""
    for name in rows:
        row = table.rows[name]
        parse(row.config, stage=row.stage, seed=0, where=name, imports=table.imports)


def shipped(name: str) -> Yaml:
    raw = read_yaml(TABLES / f"{name}.yaml")
    assert isinstance(raw, dict)
    return raw


@pytest.mark.parametrize(("page", "number"), SETTINGS)
def test_settings_are_those_of_a_row(page: str, number: int, tmp_path: Path) -> None:
    name, row = SETTINGS[page, number]
    raw = shipped(name)
    entry = raw["rows"][row]
    block = {**entry, "set": {**entry.get("set", {}), **written(page, number, tmp_path)}}
    block.pop("scales", None)  # of the row itself, which may set the same keys
    check_rows(table_with(raw, {"rows": {row: block}}, tmp_path), [row])


@pytest.mark.parametrize(("page", "number", "name"), [
    ("docs/sed.md", 1, "weak_sed"),
    ("docs/transfer.md", 0, "transfer"),
    ("docs/language_models.md", 0, "language_models"),
    ("docs/language_models.md", 1, "ctc_decoding"),
    ("docs/pretrained.md", 0, "ctc_decoding"),
    ("docs/pretrained.md", 0, "end_to_end"),
    ("docs/pretrained.md", 1, "end_to_end"),
    ("docs/pretrained.md", 2, "weak_sed"),
])  # fmt: skip
def test_rows_stand_in_the_table_of_their_page(page: str, number: int, name: str, tmp_path: Path) -> None:
    """``unset`` of those settings that the table's base has, as the page says; a block may leave out a row's name."""
    block, raw = written(page, number, tmp_path), shipped(name)
    rows = {"row": {"why": "as the page has it", **block}} if "set" in block else block.get("rows", block)
    base = normalise(raw["base"])
    for entry in rows.values():
        entry["unset"] = [path for path in entry.get("unset", []) if get_path(base, path) is not None]
    check_rows(table_with(raw, {"rows": rows}, tmp_path), rows)


def test_a_table_and_its_parts(tmp_path: Path) -> None:
    page = "docs/tables.md"
    whole, *parts = (written(page, number, tmp_path) for number in range(6))
    table = table_with(whole, {}, tmp_path)
    check_rows(table, table.rows)
    corpora, deals, searching_row, shared_search, groups = parts
    assert [*table_with(whole, corpora, tmp_path).folds] == ["a", "b", "c"]
    assert len(table_with(whole, deals, tmp_path).folds) == 5
    assert [*table_with(whole, {"rows": searching_row}, tmp_path).searches] == ["tuned"]
    assert {*table_with(whole, shared_search, tmp_path).searches} == {"mil", "fsl"}
    more = {
        "ctc": {"why": "the page's own name"},
        "mil_penalty_oracle_tags": {**whole["rows"]["mil_oracle_tags"], "from": {"own": "mil_penalty"}},
    }
    grouped = table_with(whole, {**groups, "rows": {**more, **groups["rows"]}}, tmp_path)
    assert (len(grouped.groups), grouped.rows["ctc_lm"].against) == (2, "ctc")


def test_charts_and_views(tmp_path: Path) -> None:
    for number in range(3):
        part = written("docs/pictures.md", number, tmp_path)
        assert {chart.name for chart in table_with(shipped("weak_sed"), part, tmp_path).charts} >= {*part["charts"]}
    declared, views = written("docs/pictures.md", 3, tmp_path), written("docs/tracking.md", 0, tmp_path)
    minutes = {
        f"{row}_{minutes}": {"why": "a minute more", "set": {"data.train_minutes": minutes}}
        for row in ("scratch", "decoder")
        for minutes in (10, 20)
    }
    table = table_with(shipped("transfer"), {**declared, **views, "rows": minutes}, tmp_path)
    assert {chart.name for chart in table.charts} == {"learning_curves", "cer_by_minutes"}
    [view] = [view for view in table.views if view.name == "overview"]
    assert (view.rows, len(view.charts)) == (("scratch", "two_stage"), 4)


def test_claims_expected_figures_and_rules_of_texts(tmp_path: Path) -> None:
    claims, expected = blocks("docs/report.md", "yaml")
    (tmp_path / "claims.yaml").write_text(claims, encoding="utf-8")
    [claim] = read_claims(tmp_path / "claims.yaml")
    assert len(claim.evidence) == 3
    (tmp_path / "expected.yaml").write_text(expected, encoding="utf-8")
    assert read_expected(tmp_path / "expected.yaml").keys() == {"demo"}
    rules = own_text_rules(written("docs/import.md", 0, tmp_path), where="docs/import.md")
    assert {*rules} == {"kab", "ha", "uz"}


@pytest.mark.integration
def test_a_row_of_ones_own(tmp_path: Path) -> None:
    """The rows of README.md, with a package that has a system of its reader's."""
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").touch()
    system = "from lightning_modules.sed.mil import MIL\n\n\nclass MySystem(MIL):\n    pass\n"
    (package / "my_module.py").write_text(system, encoding="utf-8")
    table = table_with(shipped("weak_sed"), written("README.md", 0, tmp_path), tmp_path, name="mine")
    planned = run_block("earmark plan mine.yaml --rows mil_lstm,mine --seeds 0", tmp_path)
    assert table.imports == ("my_package",)
    assert planned.count("missing") == 2
