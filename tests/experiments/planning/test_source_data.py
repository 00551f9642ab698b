"""A row that scores what another has predicted has its data, or is refused before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from experiments.errors import UserError
from experiments.planning.plan import make_plan
from experiments.table_files.spec import read_table

from .test_planned_folds import Empty

SPEECH = "datamodules.asr.SpeechDataModule"
TEXTS = "datamodules.text.TextDataModule"


def plan(folder: Path, *, own: dict[str, Any], scored: dict[str, Any], stage: str = "score", name: str = "own") -> None:
    """A plan of a row that sets ``scored`` on a row that sets ``own``."""
    table = {
        "base": {
            "data": {"class_path": SPEECH, "init_args": {"corpus": "prompts", "batch_seconds": 40}},
            "model": {"class_path": "lightning_modules.asr.ctc.ctc.CTC", "init_args": {}},
            "scoring": {"class_path": "lightning_modules.asr.scoring.decoding_scoring.DecodingScoring"},
        },
        "rows": {
            "greedy": {"why": "trains", "set": own},
            "beam": {"why": "stands on it", "stage": stage, "from": {name: "greedy"}, "set": scored},
        },
        "seeds": [0],
    }
    path = folder / "t.yaml"
    path.write_text(yaml.safe_dump(table), encoding="utf-8")
    make_plan(read_table(str(path)), Empty(folder), rows=["beam"])


@pytest.mark.parametrize(
    ("own", "scored", "says"),
    [
        ({}, {"data.corpus": "stamps"}, "predicts for data.corpus prompts, and this row's is stamps; allowed: prompts"),
        ({"data.languages": ["en"]}, {}, r"data.languages \['en'\], and this row's is None"),
        ({"data.unit": "word"}, {"data.unit": "character"}, "data.unit word, and this row's is character"),
        ({"data.language_tags": True}, {}, "data.language_tags True, and this row's is False"),
        ({"data.train_minutes": 10}, {"data.train_minutes": 20}, "data.train_minutes 10, and this row's is 20"),
        (
            {},
            {"data": {"class_path": TEXTS, "init_args": {"corpus": "prompts"}}},
            f"predicts for data of {SPEECH}, and",
        ),
    ],
)
def test_a_row_that_scores_predictions_of_other_data_is_refused(
    earmark_home: Path, own: dict[str, Any], scored: dict[str, Any], says: str
) -> None:
    with pytest.raises(UserError, match=says) as told:
        plan(earmark_home, own=own, scored=scored)
    assert str(told.value).startswith("t.yaml: rows.beam.from.own: t/greedy seed 0 ")
    assert "\n" not in str(told.value)


def test_a_row_that_trains_with_anothers_predictions_is_held_to_them_too(earmark_home: Path) -> None:
    with pytest.raises(UserError, match=r"rows.beam.from.tagger: t/greedy seed 0 predicts for data.corpus prompts"):
        plan(earmark_home, own={}, scored={"data.corpus": "stamps"}, stage="fit", name="tagger")


@pytest.mark.parametrize(
    "scored",
    [
        {"data.unit": "character", "data.train_minutes": None},  # the defaults, said
        {"data.batch_seconds": 10, "data.speed_factors": [0.9, 1.1], "data.max_seconds": 5},  # of training alone
    ],
)
def test_settings_that_change_no_prediction_may_differ(earmark_home: Path, scored: dict[str, Any]) -> None:
    plan(earmark_home, own={}, scored=scored)


def test_weights_and_language_models_may_be_of_other_data(earmark_home: Path) -> None:
    plan(earmark_home, own={}, scored={"data.corpus": "stamps", "fine_tuning": {}}, stage="fit", name="seed")
    other = {"data": {"class_path": TEXTS, "init_args": {"corpus": "stamps"}}}
    plan(earmark_home, own=other, scored={}, name="language_model")


@pytest.mark.parametrize("path", ["model.encoder", "trainer.max_epochs", "checkpoint.mode"])
def test_what_only_a_training_reads_is_refused_in_a_row_that_never_trains(earmark_home: Path, path: str) -> None:
    with pytest.raises(
        UserError, match=rf"t.yaml: rows.beam.set.{path}: a row of stage score does not train: .* data, "
    ):
        plan(earmark_home, own={}, scored={path: 1})
