"""A configuration file builds every system: class paths, cells by name, classes and sample rate from the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentError, ArgumentParser

from datamodules.sed import SoundEventClips
from lightning_modules.layers.crnn import CRNN
from lightning_modules.sed.detector import SoundEventDetector


def parser() -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(SoundEventClips, "data", required=True)
    parser.add_subclass_arguments(SoundEventDetector, "model", required=True)
    for name in ("classes", "sample_rate_hz"):
        parser.link_arguments(f"data.{name}", f"model.init_args.{name}", apply_on="instantiate")
    return parser


def configuration(system: str, *, encoder: str = "demo_crnn", cell: str = "lstm", **init_args: Any) -> dict[str, Any]:
    return {
        "data": {
            "class_path": "datamodules.sed.SoundEventClips",
            "init_args": {"corpus": "tones/tiny", "batch_size": 4},
        },
        "model": {
            "class_path": f"lightning_modules.sed.{system}",
            "init_args": {
                "encoder": {"class_path": f"lightning_modules.layers.crnn.{encoder}", "init_args": {"cell": cell}},
                "features": {"hop_seconds": 0.04, "num_mels": 40},
                "optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.002}},
                **init_args,
            },
        },
    }


@pytest.mark.parametrize(
    ("system", "init_args"),
    [
        ("tagger.Tagger", {"hidden_units": 8}),
        ("false_strong_labels.FalseStrongLabels", {}),
        ("mean_pooling.MeanPooling", {"initial_probability": 0.2}),
        ("linear_softmax.LinearSoftmax", {}),
        ("auto_pooling.AutoPooling", {}),
        ("auto_pooling.AutoPooling", {"initial_alpha": 0.0, "max_alpha": 3.66, "alpha_penalty": 0.0001}),
        ("poolings.exponential_softmax.ExponentialSoftmax", {}),
        ("poolings.power.PowerPooling", {"initial_power": 2.0}),
        ("poolings.time_attention.TimeAttention", {}),
        ("glu_attention.GLUAttention", {"encoder": "demo_gated_crnn"}),
        ("mil.MIL", {"penalty_alpha": 0.1}),
        ("teachers.refined_labels.RefinedLabels", {"share": 0.25}),
        ("teachers.mean_teacher.MeanTeacher", {"ema_decay": 0.99, "predicts": "teacher"}),
        ("strong_labels.StrongLabels", {}),
    ],
)
def test_every_system_is_built_from_its_configuration(tiny_tones: Path, system: str, init_args: dict[str, Any]) -> None:
    arguments = parser()
    model = arguments.instantiate(arguments.parse_object(configuration(system, **init_args))).model
    assert type(model).__name__ == system.rpartition(".")[2]
    assert model.classes == ("alarm", "door", "running_water")
    assert model.log_mel.sample_rate_hz == 16000
    assert model.configure_optimizers().param_groups[0]["lr"] == 0.002


def test_augmentation_is_built_from_its_configuration(tiny_tones: Path) -> None:
    augmentation = {
        "class_path": "lightning_modules.layers.augmentation.Augmentation",
        "init_args": {
            "time_shift_seconds": 1.0, "mixup_alpha": 0.2, "mixup_share": 0.5,
            "filtering": {"kind": "step", "min_width": 4},
            "masks": {"class_path": "lightning_modules.layers.spec_augment.SpecAugment"},
        },
    }  # fmt: skip
    arguments = parser()
    model = arguments.instantiate(arguments.parse_object(configuration("mil.MIL", augmentation=augmentation))).model
    assert model.augmentation.filtering.kind == "step"
    assert model.augmentation.masks.time_masks == 2
    settings = configuration("mil.MIL", augmentation={**augmentation, "init_args": {"filtering": {"min_width": 20}}})
    with pytest.raises(ValueError, match="max_stretches 5 x min_width 20 is above num_mels 40"):
        arguments.instantiate(arguments.parse_object(settings))


@pytest.mark.parametrize("builder", ["pellegrini_cances_2019", "xu_2017", "dcase2018_baseline", "desed_2023_crnn"])
def test_published_encoders_are_named_by_a_table(tiny_tones: Path, builder: str) -> None:
    arguments = parser()
    settings = configuration("glu_attention.GLUAttention")
    num_mels = 128 if builder.startswith("desed") else 64
    settings["model"]["init_args"].update(
        encoder=f"lightning_modules.layers.published_crnns.{builder}", features={"num_mels": num_mels}
    )
    model = arguments.instantiate(arguments.parse_object(settings)).model
    assert model.encoder.num_mels == num_mels


@pytest.mark.parametrize(
    ("cell", "kind"), [("simple_rnn", torch.nn.RNN), ("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU)]
)
@pytest.mark.parametrize("encoder", ["paper_crnn", "demo_gated_crnn"])
def test_cell_is_selectable_by_name(tiny_tones: Path, encoder: str, cell: str, kind: type) -> None:
    arguments = parser()
    features = {"num_mels": 64 if encoder.startswith("paper") else 40}
    settings = configuration("mil.MIL", encoder=encoder, cell=cell, features=features)
    built = arguments.instantiate(arguments.parse_object(settings)).model.encoder
    assert isinstance(built, CRNN)
    assert type(built.recurrent.layer) is kind


@pytest.mark.parametrize(
    "settings",
    [
        configuration("mil.MIL", penalty_alfa=0.1),
        configuration("mean_pooling.MeanPooling", penalty_alpha=0.1),
        configuration("mil.MIL", cell="elman"),
        configuration("mil.MIL", features={"hop": 0.04}),
        configuration("mil.MIL", penalty_alpha="much"),
    ],
)
def test_misspelt_keys_and_wrong_values_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        parser().parse_object(settings)
