"""Statistics of batch norms are those of the training batches; weights, modes and draws are as without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import nn

from lightning_modules.callbacks.fine_tuning import FineTuningPlan, Freezing, GroupPlan
from lightning_modules.callbacks.target_statistics import TargetStatistics


def system(tiny: ModuleType) -> Any:
    class Predicting(tiny.TinySystem):  # type: ignore[name-defined,misc]
        def predict_step(self, batch: Any, batch_idx: int) -> Any:
            return self(batch[0], batch[1])

    torch.manual_seed(0)
    made = Predicting()
    made.encoder[1].running_mean.fill_(3.0)  # of another corpus
    return made


def train(tiny: ModuleType, made: Any, plan: FineTuningPlan, *, epochs: int = 2, **settings: Any) -> None:
    torch.manual_seed(1)
    tiny.train(made, plan, epochs=epochs, **{"callbacks": [Freezing(plan), TargetStatistics(plan)], **settings})


def test_they_are_the_means_over_the_batches_and_stay_where_the_group_is_frozen(tiny: ModuleType) -> None:
    plan = replace(tiny.plan(None), statistics="target")
    made = system(tiny)
    weights = {name: of.clone() for name, of in made.encoder.named_parameters()}
    hidden = [made.encoder[0](batch[0]).detach() for batch in tiny.loader()]
    train(tiny, made, plan)
    torch.testing.assert_close(made.encoder[1].running_mean, torch.stack([of.mean(0) for of in hidden]).mean(0))
    torch.testing.assert_close(made.encoder[1].running_var, torch.stack([of.var(0) for of in hidden]).mean(0))
    torch.testing.assert_close(dict(made.encoder.named_parameters()), weights, atol=0.0, rtol=0.0)
    assert made.encoder[1].momentum == nn.BatchNorm1d(1).momentum


def test_what_trains_is_trained_as_without_but_for_the_norms_statistics(tiny: ModuleType) -> None:
    with_them, without = system(tiny), system(tiny)
    plan = tiny.plan(0)  # in training mode a norm's statistics are no part of what is computed
    train(tiny, with_them, replace(plan, statistics="target"))
    train(tiny, without, plan, callbacks=[Freezing(plan)])
    ours, theirs = dict(with_them.named_parameters()), dict(without.named_parameters())
    torch.testing.assert_close(ours, theirs, atol=0.0, rtol=0.0)
    assert not torch.equal(with_them.encoder[1].running_mean, without.encoder[1].running_mean)


def test_a_resume_estimates_nothing_anew(tiny: ModuleType, tmp_path: Path) -> None:
    plan = replace(tiny.plan(None), statistics="target")
    made = system(tiny)
    callbacks = [Freezing(plan), TargetStatistics(plan), ModelCheckpoint(tmp_path, filename="last")]
    train(tiny, made, plan, epochs=1, callbacks=callbacks, enable_checkpointing=True)
    stored = torch.load(tmp_path / "last.ckpt", weights_only=True)
    stored["state_dict"]["encoder.1.running_mean"].fill_(7.0)
    torch.save(stored, tmp_path / "last.ckpt")
    resumed = system(tiny)
    train(tiny, resumed, plan, epochs=2, resume=tmp_path / "last.ckpt")
    assert (resumed.encoder[1].running_mean == 7.0).all()


def test_a_plan_without_a_norm_of_the_seed_is_refused(tiny: ModuleType) -> None:
    groups = {"encoder": GroupPlan("fresh"), "decoder": GroupPlan("seed"), "outputs": GroupPlan("fresh")}
    with pytest.raises(ValueError, match="no group that starts from the seed has a batch norm"):
        train(tiny, system(tiny), FineTuningPlan(groups, statistics="target"))
