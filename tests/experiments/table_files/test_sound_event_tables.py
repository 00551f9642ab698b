"""The shipped tables of sound event detection share the runs that they say, and no weak row stands on a strong one."""

from __future__ import annotations

import pytest

from experiments.runs.config_form import form
from experiments.table_files.row_sources import WEIGHTS
from experiments.table_files.spec import Table, read_table

SHARED = {
    "pooling": {name: name for name in ("mean_pooling", "linear_softmax", "mil", "strong_upper_bound")},
    "refinement": {"fsl": "fsl", "strong_upper_bound": "strong_upper_bound"},
    "similarity_alpha": {
        "mil_penalty.penalty_alpha=0.1": "mil_penalty", "strong_upper_bound": "strong_upper_bound",
    },
    "sed_cells": {"gru": "mil"},
    "pretrained_sed": {
        "crnn": "linear_softmax", "crnn_oracle_tags": "linear_softmax_oracle_tags",
        "energy_oracle_tags": "energy_oracle_tags", "constant": "constant",
    },
}  # fmt: skip
AT_STUDY = {"sed_cells": {"gru": "mil"}, "sed_augmentation": {"shift": "mil"}}


def _strong(table: Table, row: str) -> bool:
    """Whether a row's training sees more than tags, by itself or by a run that it stands on."""
    config = table.rows[row].config
    if config["data"]["init_args"].get("train_labels", "weak") != "weak":
        return True
    return any(
        _strong(read_table(source.table, scale=table.scale), source.row)
        for name, source in table.rows[row].sources.items()
        if name in WEIGHTS
    )


@pytest.mark.parametrize("scale", ["demo", "full"])
@pytest.mark.parametrize("name", SHARED)
def test_rows_of_two_tables_are_one_run(name: str, scale: str) -> None:
    table, weak_sed = read_table(name, scale=scale), read_table("weak_sed", scale=scale)
    for own, theirs in SHARED[name].items():
        assert form(table.rows[own].config) == form(weak_sed.rows[theirs].config), own


@pytest.mark.parametrize("scale", ["demo", "full"])
def test_every_pretrained_encoder_stands_beside_the_floors(scale: str) -> None:
    table = read_table("pretrained_sed", scale=scale)
    trained = [name for name, row in table.rows.items() if row.stage == "fit"]
    own, true = table.groups
    assert list(own.rows) == ["constant", *trained]
    assert list(true.rows) == ["energy_oracle_tags", *(f"{name}_oracle_tags" for name in trained)]
    assert (own.baseline, true.baseline) == ("crnn", "crnn_oracle_tags")
    for name in trained:
        assert table.rows[f"{name}_oracle_tags"].sources["own"].row == name


@pytest.mark.parametrize("name", AT_STUDY)
def test_rows_of_two_studies_are_one_run_on_every_fold(name: str) -> None:
    table, weak_sed = read_table(name, scale="study"), read_table("weak_sed", scale="study")
    assert table.folds == weak_sed.folds
    for own, theirs in AT_STUDY[name].items():
        assert table.rows[own].config == weak_sed.rows[theirs].config, own


@pytest.mark.parametrize("scale", ["demo", "full"])
@pytest.mark.parametrize("name", [*SHARED, "sed_augmentation"])
def test_only_references_have_seen_strong_labels(name: str, scale: str) -> None:
    table = read_table(name, scale=scale)
    trained = {row for row, of in table.rows.items() if of.stage == "fit"}
    assert {row for row in trained if _strong(table, row)} <= {"strong_upper_bound"}
    assert all(table.rows[row].reference for row in trained if _strong(table, row))
    assert all(row.why for row in table.rows.values())
