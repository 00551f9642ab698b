"""What a plan freezes does not move, what it does not freezes does; a resume changes nothing; a wrong plan is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor, nn

from lightning_modules.callbacks.fine_tuning import FineTuningPlan, Freezing, GroupPlan, fine_tuned_groups

from ..two_processes import run_ranks

FRESH = GroupPlan("fresh")


def by_hand(system: Any, *, thaw: Mapping[str, int | None], epochs: int, batches: Sequence[Any]) -> None:
    """The same training without Lightning: a frozen group is in eval mode and has no gradient when the step comes."""
    optimizer = system.configure_optimizers()
    for epoch in range(epochs):
        system.train()
        frozen = [
            module
            for group, modules in system.parameter_groups().items()
            if (first := thaw[group]) is None or epoch < first
            for module in modules
        ]
        for module in frozen:
            module.eval()
        for batch in batches:
            optimizer.zero_grad()
            system.training_step(batch, 0).backward()
            for module in frozen:
                module.zero_grad()
            nn.utils.clip_grad_norm_(system.parameters(), 0.5)
            optimizer.step()


def copied(system: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in system.state_dict().items()}


@pytest.mark.parametrize(("encoder", "decoder"), [(0, 0), (None, 0), (0, None), (2, 1), (None, None)])
def test_training_is_that_of_a_plain_loop(tiny: ModuleType, encoder: int | None, decoder: int | None) -> None:
    batches = list(tiny.loader())
    systems = []
    for _ in range(2):
        torch.manual_seed(0)
        systems.append(tiny.TinySystem())
    torch.manual_seed(1)
    tiny.train(systems[0], tiny.plan(encoder, decoder), epochs=3)
    torch.manual_seed(1)
    by_hand(systems[1], thaw={"encoder": encoder, "decoder": decoder, "outputs": 0}, epochs=3, batches=batches)
    torch.testing.assert_close(systems[0].state_dict(), systems[1].state_dict(), atol=0.0, rtol=0.0)


def test_frozen_weights_and_statistics_stay_and_others_move(tiny: ModuleType) -> None:
    for plan, still in (
        (tiny.plan(None, 2), ("encoder.", "embedding.", "speller.")),
        (tiny.plan(1, None), ("embedding.", "speller.")),
    ):
        system = tiny.TinySystem()
        before = copied(system)
        tiny.train(system, plan, epochs=2)
        for name, tensor in system.state_dict().items():
            assert torch.equal(tensor, before[name]) == name.startswith(still), name


class Recorder(pl.Callback):
    """What is in training mode when each batch begins; stands behind Freezing."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, bool, bool]] = []

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        self.seen.append(
            (trainer.current_epoch, pl_module.encoder[1].training, pl_module.encoder[0].weight.requires_grad)
        )
        assert pl_module.speller.training  # a recurrent layer without dropout: the same in both modes


def test_a_validation_in_mid_epoch_thaws_nothing(tiny: ModuleType) -> None:
    recorder = Recorder()
    plan = tiny.plan(1, None)
    tiny.train(tiny.TinySystem(), plan, epochs=2, val_check_interval=1, callbacks=[Freezing(plan), recorder])
    assert recorder.seen == [(0, False, False)] * 3 + [(1, True, True)] * 3


def test_what_the_system_itself_never_trains_is_not_thawed(tiny: ModuleType) -> None:
    system = tiny.TinySystem()
    system.encoder[0].weight.requires_grad_(False)
    before = copied(system)
    tiny.train(system, tiny.plan(1), epochs=2)
    assert torch.equal(system.encoder[0].weight, before["encoder.0.weight"])
    assert not torch.equal(system.encoder[0].bias, before["encoder.0.bias"])


@pytest.mark.parametrize("interrupted_after", [1, 2, 3])
def test_a_resumed_training_equals_an_uninterrupted_one(
    tiny: ModuleType, tmp_path: Path, interrupted_after: int
) -> None:
    """Across the epoch 2 in which the encoder begins to train, at it, before it and after it."""
    states = []
    for parts in ([4], [interrupted_after, 4]):
        last: Path | None = None
        for epochs in parts:
            pl.seed_everything(0, verbose=False)
            system = tiny.TinySystem()
            trainer = tiny.train(system, tiny.plan(2), epochs=epochs, resume=last)
            last = tmp_path / "last.ckpt"
            trainer.save_checkpoint(last)
        states.append(system.state_dict())
    torch.testing.assert_close(states[0], states[1], atol=0.0, rtol=0.0)


def test_the_symbols_are_in_checkpoints_of_weights_alone(tiny: ModuleType, tmp_path: Path) -> None:
    keep = ModelCheckpoint(tmp_path, filename="best", save_weights_only=True)
    tiny.train(tiny.TinySystem(), tiny.plan(0), epochs=1, enable_checkpointing=True, callbacks=[keep])
    stored = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert stored["symbols"] == list(tiny.SYMBOLS)
    assert "optimizer_states" not in stored


@pytest.mark.integration
def test_two_processes_freeze_what_one_does(tiny: ModuleType, tmp_path: Path) -> None:
    """Both see all batches, so their mean gradient is that of one."""
    for processes in (1, 2):
        run_ranks(Path(tiny.__file__ or ""), tmp_path / f"{processes}.pt", processes, processes=processes)
    one, two = (torch.load(tmp_path / f"{processes}.pt", weights_only=True) for processes in (1, 2))
    torch.testing.assert_close(two, one, atol=1e-6, rtol=1e-6)
    pl.seed_everything(0, verbose=False)
    start = tiny.TinySystem(dropout=0.0).state_dict()
    assert all(torch.equal(two[name], start[name]) for name in start if name.startswith(("embedding.", "speller.")))


@pytest.mark.parametrize(
    ("groups", "keep", "says"),
    [
        ({"encoder": FRESH}, False, "groups: outputs missing; got encoder"),
        ({"outputs": GroupPlan("fresh", None)}, False, "train from epoch 0 in every plan; got None"),
        ({"outputs": GroupPlan("fresh", 3)}, False, "train from epoch 0 in every plan; got 3"),
        ({"outputs": GroupPlan("seed")}, False, "'seed' needs keep_shared_symbols: true"),
        ({"outputs": FRESH}, True, "groups.outputs.start must be 'seed'"),
    ],
)
def test_plans_that_cannot_be_are_refused(groups: dict[str, GroupPlan], keep: bool, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FineTuningPlan(groups, keep_shared_symbols=keep)


def test_an_epoch_is_0_or_more() -> None:
    with pytest.raises(ValueError, match="train_from_epoch must be 0 or more, or null for never, got -1"):
        GroupPlan("seed", -1)


def test_plan_and_system_have_the_same_groups(tiny: ModuleType) -> None:
    plan = FineTuningPlan({"encoder": FRESH, "attention": FRESH, "outputs": FRESH})
    with pytest.raises(ValueError, match=r"TinySystem has encoder, decoder, outputs.*alone: attention, decoder$"):
        fine_tuned_groups(tiny.TinySystem(), plan)
    with pytest.raises(ValueError, match="Linear cannot be fine-tuned"):
        fine_tuned_groups(nn.Linear(1, 1), plan)


def test_every_parameter_is_in_one_group(tiny: ModuleType) -> None:
    class Forgetful(tiny.TinySystem):  # type: ignore[misc, name-defined]
        def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
            return {**super().parameter_groups(), "decoder": [self.speller]}

    class Greedy(tiny.TinySystem):  # type: ignore[misc, name-defined]
        def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
            return {**super().parameter_groups(), "outputs": [self.classifier, self.embedding]}

    with pytest.raises(ValueError, match=r"parameter embedding\.weight is in no group"):
        fine_tuned_groups(Forgetful(), tiny.plan(0))
    with pytest.raises(ValueError, match=r"embedding\.weight is in more than one place of decoder, outputs"):
        fine_tuned_groups(Greedy(), tiny.plan(0))
