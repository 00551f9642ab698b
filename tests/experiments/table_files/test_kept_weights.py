"""What tables keep of a training: whose error rate or accuracy chooses the epoch, and which rows average weights."""

from __future__ import annotations

import importlib
from copy import deepcopy

import pytest
import yaml

from experiments.table_files.merge import get_path
from experiments.table_files.spec import TABLES, read_table
from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder

ACCURACY = ("validation/token_accuracy", "max")
KEPT = {"seed_for_nl", "seed_for_cs", "seed_of_prompts", "seed_without_french"}  # of transfer_study: its pack has one


def _spells(class_path: str) -> bool:
    module, _, name = class_path.rpartition(".")
    return issubclass(getattr(importlib.import_module(module), name), EncoderDecoder)


@pytest.mark.parametrize("name", sorted(path.stem for path in TABLES.glob("*.yaml")))
def test_epochs_of_spellers_are_chosen_by_token_accuracy_and_others_are_not(name: str) -> None:
    """By what a network knows, not by the error rate of texts that run on."""
    for scale in yaml.safe_load((TABLES / f"{name}.yaml").read_text(encoding="utf-8"))["scales"]:
        for row in read_table(name, scale=scale).rows.values():
            if row.stage != "fit":
                continue
            monitor = (get_path(row.config, "checkpoint.monitor"), get_path(row.config, "checkpoint.mode"))
            chosen = _spells(row.config["model"]["class_path"]) and row.name not in KEPT
            assert (monitor == ACCURACY) == chosen, (scale, row.name, monitor)


@pytest.mark.parametrize("scale", ["demo", "full"])
def test_an_average_is_all_that_averaged_rows_add(scale: str) -> None:
    table = read_table("augmentation", scale=scale)
    averaged = [row for row in table.rows.values() if get_path(row.config, "checkpoint.average")]
    assert [row.name for row in averaged] == ["all_mean", "all_moving_mean"]
    for row in averaged:
        assert row.against == "all"
        config = deepcopy(row.config)
        average = config["checkpoint"].pop("average")
        assert config == table.rows["all"].config
        assert average["from_epoch"] <= 0.75 * get_path(config, "trainer.max_epochs")
    assert [get_path(row.config, "checkpoint.average.decay") for row in averaged] == [None, 0.99]
