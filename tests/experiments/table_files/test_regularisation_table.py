"""What is said to differ between rows of ``regularisation`` is all that differs, and one is the ladder's own."""

from __future__ import annotations

from typing import Any

from experiments.configuration.model_alone import build_model
from experiments.table_files.spec import read_table


def configs() -> dict[str, Any]:
    return {name: row.config for name, row in read_table("regularisation").rows.items()}


def test_no_masks_is_the_ladder_s_own_recipe_so_that_its_runs_serve() -> None:
    for row, scale in (("no_masks", "demo"), ("light_masks_finer_frames_longer", "study")):
        assert configs()[row] == read_table("ctc_decoding", scale=scale).rows["greedy"].config


def test_the_larger_network_at_fine_frames_differs_in_its_network_alone() -> None:
    rows = configs()
    larger, smaller = rows["no_masks_finer_frames_larger_network"], rows["no_masks_finer_frames"]
    facts = {"sample_rate_hz": 16_000, "symbols": ("<blank>", "a")}
    built = [build_model(config["model"], facts=facts, where="row").encoder for config in (larger, smaller)]
    for config in (larger, smaller):
        del config["model"]["init_args"]["encoder"]
    assert larger == smaller
    assert [(one.num_outputs, one.dropout.p, one.time_pooling) for one in built] == [
        (2 * 192, 0.3, 4),
        (2 * 144, 0.3, 4),
    ]


def test_rows_differ_in_dropout_masks_and_frames_and_one_in_its_length() -> None:
    factors = set()
    rows = configs()
    assert rows.pop("no_masks_larger_network") != rows["no_masks"]  # its network, batches, rate and epochs are others
    del rows["no_masks_finer_frames_larger_network"]
    epochs = {name: config["trainer"].pop("max_epochs") for name, config in rows.items()}
    assert epochs.pop("light_masks_finer_frames_longer") == 54
    assert set(epochs.values()) == {36}
    for config in rows.values():
        model = config["model"]["init_args"]
        masks = model["spec_augment"]["init_args"]
        factors.add(
            (
                model["encoder"]["init_args"].pop("dropout"),
                masks.pop("time_mask_share"),
                masks.pop("band_mask_share"),
                model.pop("features", {}).get("hop_seconds"),
            )
        )
    assert factors == {
        (0.3, 0.1, 0.15, None), (0.1, 0.1, 0.15, None), (0.1, 0.05, 0.1, None),
        (0.3, 0.0, 0.0, None), (0.1, 0.0, 0.0, None), (0.3, 0.0, 0.0, 0.005),
        (0.1, 0.0, 0.0, 0.005), (0.1, 0.05, 0.1, 0.005),
    }  # fmt: skip
    first, *others = rows.values()
    assert all(config == first for config in others)
