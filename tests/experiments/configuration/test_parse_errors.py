"""What a user reads when a configuration is wrong: always one line, with key, value and what is allowed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from experiments.configuration.schema import build, parse
from experiments.errors import UserError
from experiments.table_files.merge import Config, normalise, set_path
from experiments.table_files.yaml_files import read_yaml

TINY = read_yaml(Path(__file__).parents[1] / "tiny.yaml")["base"]


@pytest.fixture
def config(tiny_tones: Path) -> Config:
    config: Config = normalise(copy.deepcopy(TINY))
    return config


def refusal(config: Config) -> str:
    with pytest.raises(UserError) as caught:
        build(config, stage="fit", seed=0, where="F")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("F: ")
    return message


def test_the_base_is_right(config: Config) -> None:
    parts = build(config, stage="fit", seed=3, where="F")
    assert parts.model is not None
    assert parts.model.classes == parts.data.classes
    assert parts.data.seed == 3


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("model.penalty_alhpa", 0.1, ["model: unknown key 'penalty_alhpa'", "did you mean 'penalty_alpha'", "encoder"]),
        ("model.penalty_alpha", "high", ["model.penalty_alpha: expected float, got 'high'"]),
        ("model.penalty_alpha", -1, ["penalty_alpha", "-1"]),
        ("model.encoder", "os.system", ["model.encoder: 'os.system' may not be imported", "lightning_modules"]),
        ("model.encoder", "lightning_modules.layers.crnn.nope", ["model.encoder", "'nope'"]),
        ("model.encoder", 3, ["model.encoder: expected the import path of a FrameEncoder, got 3"]),
        ("model.encoder.cell", "gruu", ["model.encoder.cell: expected one of simple_rnn, lstm, gru, got 'gruu'"]),
        ("model.encoder.sell", "gru", ["model.encoder: unknown key 'sell'", "cell"]),
        ("model.optimizer.lr", "x", ["model.optimizer.lr: expected float, got 'x'"]),
        ("model.optimizer.lrr", 1, ["model.optimizer: unknown key 'lrr'", "weight_decay"]),
        ("model.features.num_mel", 3, ["model.features: unknown key 'num_mel'", "hop_seconds"]),
        ("model.features.num_mels", 41, ["41", "40"]),
        ("model.classes", ["a"], ["model.classes: comes from the data module"]),
        ("model", "MIL", ["model: 'MIL' is not an import path"]),
        ("model", "datamodules.sed.SoundEventClips", ["model", "is not a LightningModule"]),
        ("data.batch_size", 0, ["batch_size", "0", "1 or more"]),
        ("data.batch_size", "four", ["data.batch_size: expected int, got 'four'"]),
        ("data.seed", 1, ["data.seed: comes from"]),
        ("trainer.max_epoch", 3, ["trainer: unknown key 'max_epoch'", "did you mean 'max_epochs'"]),
        ("trainer.max_epochs", "three", ["trainer.max_epochs: expected int, got 'three'"]),
        ("trainer.devices", 2, ["trainer: unknown key 'devices'"]),
        ("trainer.precision", 17, ["trainer.precision: expected one of", "16-mixed", "bf16-true", "64", "got 17"]),
        ("model.optimizer.lr", -1, ["model.optimizer", "learning rate: -1"]),
        ("model.optimizer", 3, ["model.optimizer: expected an import path (package.module.Class), got 3"]),
        ("model.encoder", {"cell": "gru"}, ["model.encoder: expected an import path", "{'cell': 'gru'}"]),
        ("checkpoint.mode", "up", ["checkpoint.mode: expected one of min, max, got 'up'"]),
        ("checkpoint.monitr", "x", ["checkpoint: unknown key 'monitr'", "monitor"]),
        ("scoring.tags", "owm", ["scoring.tags: expected one of own, tagger, oracle, got 'owm'"]),
        ("scoring.high_threshold", 2, ["high_threshold 2", "<= 1"]),
    ],
)
def test_a_mistake_names_key_value_and_what_is_allowed(config: Config, path: str, value: Any, says: list[str]) -> None:
    set_path(config, path, value)
    message = refusal(config)
    for text in says:
        assert text in message


@pytest.mark.parametrize(
    ("section", "value", "says"),
    [
        ("data", {"corpus": "tones/tiny"}, "data: expected a class (class_path: package.module.Class"),
        ("model", 7, "model: expected a class"),
        ("scoring", {"class_path": 3.5}, "scoring: expected a class"),
        ("scoring", {"class_path": "a.B", "init_args": 3}, "scoring: init_args: expected a mapping, got 3"),
        ("model", "lightning_modules.sed.mil.MIL", "model: missing: encoder"),
        ("trainer", 3, "trainer: expected a mapping, got 3"),
    ],
)
def test_a_section_of_another_shape_is_refused(config: Config, section: str, value: Any, says: str) -> None:
    config[section] = value
    assert says in refusal(config)


def test_a_class_may_stand_as_a_bare_import_path(config: Config) -> None:
    config["scoring"] = "lightning_modules.sed.detection_scoring.DetectionScoring"
    parts = build(config, stage="fit", seed=0, where="F")
    assert type(parts.scoring).__name__ == "DetectionScoring"


def test_dict_kwargs_are_refused(config: Config) -> None:
    config["model"]["dict_kwargs"] = {"anything": 1}
    message = refusal(config)
    assert "unknown key 'dict_kwargs'" in message
    assert message.endswith("allowed: class_path, init_args")


def test_a_missing_section_is_named(config: Config) -> None:
    del config["scoring"]
    with pytest.raises(UserError, match="F: scoring: missing"):
        parse(config, stage="fit", seed=0, where="F")


def test_a_users_own_package_has_to_be_named(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_systems.py").write_text("from lightning_modules.sed.mil import MIL\n\nclass Mine(MIL):\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    config["model"]["class_path"] = "my_systems.Mine"
    assert "'my_systems.Mine' may not be imported" in refusal(config)
    parts = build(config, stage="fit", seed=0, where="F", imports=["my_systems"])
    assert type(parts.model).__name__ == "Mine"


def test_a_misspelt_mapping_is_named_itself_and_not_the_keys_in_it(config: Config) -> None:
    config["model"]["init_args"]["featurs"] = {"num_mels": 40}
    assert "model: unknown key 'featurs' (did you mean 'features'?)" in refusal(config)
