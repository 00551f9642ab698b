"""The transfer study is a fair question: what is said to differ between its rows is all that differs."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.table_files.spec import read_table

TARGETS = ("nl_10", "nl_20", "nl_40", "cs_10", "cs_20", "cs_40")
CONTROLS = ("fr_prompts", "ru_stamps")
CTC_ALONE = {
    10: ("scratch_ctc_nl_10", "encoder_ctc_nl_10", "encoder_ctc_kept_nl_10"),
    20: ("scratch_ctc_nl_20", "encoder_ctc_kept_nl_20"),
    40: ("scratch_ctc_nl_40", "encoder_ctc_kept_nl_40"),
}
PLANS = (
    "decoder_only",
    "decoder_only_statistics",
    "encoder_only",
    "encoder_decoder",
    "two_stage",
    "shared_encoder",
    "shared_decoder",
)


def configs(scale: str) -> dict[str, Any]:
    return {name: row.config for name, row in read_table("transfer_study", scale=scale).rows.items()}


def of_target(rows: dict[str, Any], target: str) -> dict[str, Any]:
    """Rows that train on it, without trials of a search."""
    ends = (target, f"{target}.start=fresh", f"{target}.start=seed")
    wanted = {f"{plan}_{end}" for plan in ("scratch", *PLANS) for end in ends}
    return {name: config for name, config in rows.items() if name in wanted}


def without(config: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in keys}


def test_by_default_it_is_what_two_cores_can_do() -> None:
    assert read_table("transfer_study").rows.keys() == read_table("transfer_study", scale="short").rows.keys()
    short, study = (
        [row for row in read_table("transfer_study", scale=scale).rows.values() if row.stage == "fit"]
        for scale in ("short", "study")
    )
    assert len(short) < len(study) / 4


@pytest.mark.parametrize(
    ("scale", "targets"),
    [("short", ["nl_10"]), ("controls", ["nl_10", "cs_10", *CONTROLS]), ("full", [*TARGETS, *CONTROLS])],
)
def test_plans_of_a_target_differ_in_what_starts_from_the_seed_and_trains_alone(scale: str, targets: list[str]) -> None:
    rows = configs(scale)
    assert not any(of_target(rows, target) for target in {*TARGETS, *CONTROLS}.difference(targets))
    for target in targets:
        found = of_target(rows, target)
        assert len(found) in (7, 15)  # scratch, and three or seven plans of two kinds of outputs
        alike = [without(config, "fine_tuning") for config in found.values()]
        assert all(config == alike[0] for config in alike), target
        assert len({str(config.get("fine_tuning")) for config in found.values()}) == len(found)


def test_rows_of_scale_short_are_the_same_at_scale_controls() -> None:
    short, controls = configs("short"), configs("controls")
    assert {name: controls[name] for name in short} == short


def test_every_row_that_trains_for_a_target_is_searched_with_the_same_draws() -> None:
    searches = read_table("transfer_study", scale="study").searches
    rows = configs("study")
    wanted = {name for target in (*TARGETS, *CONTROLS) for name in of_target(rows, target)}
    assert searches.keys() == wanted | {name for names in CTC_ALONE.values() for name in names}
    assert len({str(search) for search in searches.values()}) == 1
    assert not read_table("transfer_study", scale="short").searches


@pytest.mark.parametrize("minutes", CTC_ALONE)
def test_ctc_alone_differs_from_scratch_in_its_network_and_between_its_rows_in_the_seed(minutes: int) -> None:
    rows = configs("short")
    scratch = rows["scratch_nl_10"]
    scratch["data"]["init_args"]["train_minutes"] = minutes
    of_ctc = [rows[name] for name in CTC_ALONE[minutes]]
    for config in of_ctc:
        kept = without(config, "model", "scoring", "fine_tuning", "checkpoint")
        assert kept == without(scratch, "model", "scoring", "checkpoint")
        assert config["checkpoint"] == {"monitor": "validation/cer", "mode": "min"}  # it has no speller's accuracy
        ours, theirs = config["model"]["init_args"], scratch["model"]["init_args"]
        assert ours == {name: theirs[name] for name in ours}
        assert theirs.keys() - ours.keys() == {"speller", "label_smoothing", "guidance", "guided_epochs", "ctc_weight"}
        assert config["scoring"]["init_args"]["decoders"].keys() == {"ctc_greedy", "beam", "beam_lm"}
    assert all(without(config, "fine_tuning") == of_ctc[0] for config in of_ctc)
    assert len({str(config.get("fine_tuning")) for config in of_ctc}) == len(of_ctc)


def test_the_controls_change_the_language_alone_and_the_audio_alone() -> None:
    rows = configs("full")

    def heard(row: str) -> tuple[Any, Any]:
        data = rows[row]["data"]["init_args"]
        return data["corpus"], data.get("languages")

    assert heard("seed_without_french") == ("prompts", ["en", "es", "it", "ru"])
    assert heard("scratch_fr_prompts") == ("prompts", ["fr"])
    assert heard("seed_of_prompts") == ("prompts", None)  # of all five, Russian among them
    assert heard("scratch_ru_stamps") == ("stamps", ["ru"])
    for seed in ("seed_without_french", "seed_of_prompts"):
        apart = rows[seed]["data"]["init_args"]["apart_from"]
        assert apart == ({"prompts": ["fr"]} if seed == "seed_without_french" else {"stamps": ["ru"]})


def test_every_row_is_decoded_with_and_without_a_language_model_and_validation_chooses() -> None:
    rows = configs("full")
    for target in (*TARGETS, *CONTROLS):
        for name, config in of_target(rows, target).items():
            decoders = config["scoring"]["init_args"]["decoders"]
            assert decoders.keys() == {"ctc_greedy", "joint", "joint_lm"}, name
            fitted = [decoders[key]["init_args"] for key in ("joint", "joint_lm")]
            assert all(len(weights) > 1 for of in fitted for weights in of.values()), name
