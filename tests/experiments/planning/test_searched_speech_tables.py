"""Every row of a searched speech table takes every setting of the table's space, which has what a recipe is of."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from experiments.configuration.model_alone import build_model
from experiments.configuration.schema import parse
from experiments.table_files.merge import Config, set_path
from experiments.table_files.search_spec import Range, Search
from experiments.table_files.spec import Table, read_table

FACTS = {"sample_rate_hz": 16_000, "symbols": ("<blank>", *"abcdefgh")}
RECIPE = {
    "model.scheduler.max_lr",
    "model.scheduler.pct_start",
    "model.encoder.dropout",
    "model.spec_augment.time_mask_share",
    "model.spec_augment.band_mask_share",
    "data.batch_seconds",
}
NETWORK = RECIPE | {"model.encoder.depth", "model.encoder.conv_channels", "model.features.hop_seconds"}
SPACES = {
    ("encoders", "short"): {"model.scheduler.max_lr", "model.scheduler.pct_start"},
    ("encoders", "demo"): NETWORK,
    ("encoders", "study"): NETWORK,
    ("end_to_end_search", "demo"): RECIPE,  # its encoders start from weights, which fix their layers
}


def _ends(search: Search) -> list[dict[str, object]]:
    """The first value of every axis together, and the last."""
    axes = {path: (axis.low, axis.high) if isinstance(axis, Range) else axis for path, axis in search.space.items()}
    return [{path: values[place] for path, values in axes.items()} for place in (0, -1)]


def _config(table: Table, row: str, point: dict[str, object]) -> Config:
    config = deepcopy(table.rows[row].config)
    for path, value in point.items():
        set_path(config, path, value)
    return config


@pytest.mark.parametrize(("name", "scale"), SPACES)
def test_every_row_takes_both_ends_of_the_space(name: str, scale: str) -> None:
    table = read_table(name, scale=scale)
    searches = table.searches
    assert len({str(search) for search in searches.values()}) == 1  # the same budget and space for all
    assert set(next(iter(searches.values())).space) == SPACES[name, scale]
    for row, search in searches.items():
        sizes = []
        for point in _ends(search):
            config = _config(table, row, point)
            parse(config, stage="fit", seed=0, where=f"{name}: {row}")
            with torch.device("meta"):
                model = build_model(config["model"], facts=FACTS, where=row)
            sizes.append(sum(parameter.numel() for parameter in model.parameters()))
        grows = "model.encoder.depth" in search.space
        assert sizes[0] < sizes[1] if grows else sizes[0] == sizes[1], row
