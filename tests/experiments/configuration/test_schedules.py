from __future__ import annotations

from typing import Any

import pytest

from experiments.configuration.schedules import with_length
from experiments.errors import UserError

ONE_CYCLE = "torch.optim.lr_scheduler.OneCycleLR"
COSINE = "torch.optim.lr_scheduler.CosineAnnealingLR"


def config(scheduler: Any, **model: Any) -> dict[str, Any]:
    arguments = {"scheduler": scheduler, **model}
    return {"model": {"class_path": "m.M", "init_args": arguments}, "trainer": {"max_epochs": 7}}


def arguments(filled: dict[str, Any]) -> Any:
    return filled["model"]["init_args"]["scheduler"]["init_args"]


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ({"class_path": ONE_CYCLE, "init_args": {"max_lr": 0.1}}, {"max_lr": 0.1, "total_steps": 7}),
        ({"class_path": ONE_CYCLE, "init_args": {"max_lr": 0.1, "total_steps": 9}}, {"max_lr": 0.1, "total_steps": 9}),
        (COSINE, {"T_max": 7}),
        ({"class_path": COSINE, "init_args": {"T_max": 3}}, {"T_max": 3}),
    ],
)
def test_a_schedule_spans_the_training_unless_it_says_otherwise(scheduler: Any, expected: dict[str, Any]) -> None:
    given = config(scheduler)
    assert arguments(with_length(given, where="f")) == expected
    assert given == config(scheduler)  # nothing is changed in place


@pytest.mark.parametrize(
    "given",
    [
        config(None),
        config({"class_path": "torch.optim.lr_scheduler.StepLR", "init_args": {"step_size": 2}}),
        config({"class_path": ONE_CYCLE, "init_args": {"max_lr": 0.1}}, scheduler_interval="step"),
        config({"class_path": ONE_CYCLE, "init_args": {"max_lr": 0.1, "epochs": 3, "steps_per_epoch": 5}}),
    ],
)
def test_other_schedules_are_left_alone(given: dict[str, Any]) -> None:
    assert with_length(given, where="f") == given


def test_a_cycle_that_ends_before_the_training_is_refused() -> None:
    given = config({"class_path": ONE_CYCLE, "init_args": {"max_lr": 0.1, "total_steps": 6}})
    with pytest.raises(UserError, match="total_steps 6 is below trainer"):
        with_length(given, where="f")
