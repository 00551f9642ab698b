"""What is kept of a training of attention is chosen by what it knows, not by the error rate of texts that run on."""

from __future__ import annotations

import importlib

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
    for scale in yaml.safe_load((TABLES / f"{name}.yaml").read_text(encoding="utf-8"))["scales"]:
        for row in read_table(name, scale=scale).rows.values():
            if row.stage != "fit":
                continue
            monitor = (get_path(row.config, "checkpoint.monitor"), get_path(row.config, "checkpoint.mode"))
            chosen = _spells(row.config["model"]["class_path"]) and row.name not in KEPT
            assert (monitor == ACCURACY) == chosen, (scale, row.name, monitor)
