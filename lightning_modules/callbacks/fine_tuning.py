"""Which parts of a multilingual seed a new language starts from, and from which epoch each trains: a plan, as data.

A system tells its parameter groups (encoder, decoder, outputs); a plan says of each whether it starts from the seed's
weights and when it trains. Output layers are made anew for the new symbols and train in every plan. Unlike Lightning's
``BaseFinetuning``, which freezes again after a resume, what is frozen is a function of the epoch and of nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import pytorch_lightning as pl
from torch import nn

OUTPUTS = "outputs"


@runtime_checkable
class FineTunable(Protocol):
    """What a plan asks of a LightningModule, beside ``checkpoint["symbols"]`` (a list) in its checkpoints."""

    symbols: tuple[str, ...]

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
        """Modules by group; together they hold every parameter exactly once."""

    def symbol_parameters(self) -> Collection[str]:
        """Names in ``state_dict`` of the tensors whose first dimension is ``symbols``."""


@dataclass(frozen=True)
class GroupPlan:
    """One group: its weights at the start, and the epoch (from 0) in which it begins to train; None is never.

    Raises ``ValueError`` for an epoch below 0.
    """

    start: Literal["seed", "fresh"]
    train_from_epoch: int | None = 0

    def __post_init__(self) -> None:
        if self.train_from_epoch is not None and self.train_from_epoch < 0:
            raise ValueError(f"train_from_epoch must be 0 or more, or null for never, got {self.train_from_epoch}")

    def trains_in(self, epoch: int) -> bool:
        """Whether the group trains in an epoch (from 0)."""
        return self.train_from_epoch is not None and epoch >= self.train_from_epoch


@dataclass(frozen=True)
class FineTuningPlan:
    """The plan of every group. With ``keep_shared_symbols`` outputs keep the rows of symbols that the seed had too.

    None is what the start of ``outputs`` says: ``seed`` can mean nothing else.
    ``statistics`` of batch norms are the seed's, or those of the target's training data (``target_statistics.py``).
    Raises ``ValueError`` for a plan in which ``outputs`` are missing, do not train from the first epoch, or start from
    the seed whole.
    """

    groups: Mapping[str, GroupPlan]
    keep_shared_symbols: bool | None = None
    statistics: Literal["seed", "target"] = "seed"

    def __post_init__(self) -> None:
        if OUTPUTS not in self.groups:
            raise ValueError(f"groups: {OUTPUTS} missing; got {', '.join(self.groups) or 'none'}")
        outputs = self.groups[OUTPUTS]
        if outputs.train_from_epoch != 0:
            raise ValueError(
                f"groups.{OUTPUTS}.train_from_epoch: outputs hold rows of new symbols, which nothing has trained yet, "
                f"so they train from epoch 0 in every plan; got {outputs.train_from_epoch}, leave it out"
            )
        if outputs.start == "seed" and self.keep_shared_symbols is False:
            raise ValueError(
                f"groups.{OUTPUTS}.start: outputs are made anew for the new symbols; 'seed' needs "
                "keep_shared_symbols: true, else say 'fresh'"
            )
        if outputs.start == "fresh" and self.keep_shared_symbols:
            raise ValueError(
                f"keep_shared_symbols: keeps rows of the seed's outputs, so groups.{OUTPUTS}.start must be 'seed', "
                "got 'fresh'"
            )


def fine_tuned_groups(system: nn.Module, plan: FineTuningPlan) -> Mapping[str, Sequence[nn.Module]]:
    """The system's parameter groups, once they and the plan are found to fit.

    Raises ``ValueError`` in one line where the system is not ``FineTunable``, a group is in one of the two alone, or a
    parameter is in no group or in more than one.
    """
    if not isinstance(system, FineTunable):
        wanted = "symbols, parameter_groups, symbol_parameters"
        raise ValueError(f"{type(system).__name__} cannot be fine-tuned: it lacks some of {wanted}")
    groups = system.parameter_groups()
    if set(groups) != set(plan.groups):
        raise ValueError(
            f"groups: the plan names {', '.join(plan.groups)}, but {type(system).__name__} has {', '.join(groups)}; "
            f"in one of the two alone: {', '.join(sorted(set(groups) ^ set(plan.groups)))}"
        )
    owners: dict[int, list[str]] = {}
    for group, modules in groups.items():
        for module in modules:
            for parameter in module.parameters():
                owners.setdefault(id(parameter), []).append(group)
    for name, parameter in system.named_parameters():
        if len(owned := owners.get(id(parameter), [])) != 1:
            place = f"in more than one place of {', '.join(dict.fromkeys(owned))}" if owned else "in no group"
            raise ValueError(f"{type(system).__name__}.parameter_groups: parameter {name} is {place}")
    return groups


class Freezing(pl.Callback):
    """Freezes the groups that do not train in an epoch: no gradients, no dropout, BatchNorm's statistics as they are.

    Applied before every batch, so that it holds after a resume and after a validation in mid-epoch as well. Optimisers
    pass over a parameter without a gradient: weight decay and momentum do not move it either.
    """

    def __init__(self, plan: FineTuningPlan) -> None:
        self._plan = plan
        self._groups: Mapping[str, Sequence[nn.Module]] = {}
        self._parameters: dict[str, list[nn.Parameter]] = {}

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Learn the groups; what the system itself never trains stays out."""
        if stage == "fit":
            self._groups = fine_tuned_groups(pl_module, self._plan)
            self._parameters = {
                name: [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
                for name, modules in self._groups.items()
            }

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Modes and, on one process, ``requires_grad``, which may not change under DDP."""
        for name, group in self._plan.groups.items():
            trains = group.trains_in(trainer.current_epoch)
            for part in _parts(self._groups[name]):
                part.training = trains or _is_the_same_in_both_modes(part)
            if trainer.world_size == 1:
                for parameter in self._parameters[name]:
                    parameter.requires_grad_(trains)

    def on_before_optimizer_step(self, trainer: pl.Trainer, *_: Any) -> None:
        """Of several processes: drop the gradients that ``requires_grad`` did not spare, before they are clipped."""
        if trainer.world_size > 1:
            for name, group in self._plan.groups.items():
                if not group.trains_in(trainer.current_epoch):
                    for parameter in self._parameters[name]:
                        parameter.grad = None


def _parts(modules: Sequence[nn.Module]) -> Iterator[nn.Module]:
    return (part for module in modules for part in module.modules())


def _is_the_same_in_both_modes(part: nn.Module) -> bool:
    """A recurrent layer without dropout: cuDNN passes gradients down through it in training mode alone."""
    return isinstance(part, nn.RNNBase) and not part.dropout
