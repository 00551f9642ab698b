"""``--on slurm`` on the command line: what a run's job asks the cluster for."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from experiments.errors import UserError

TIME = "24:00:00"


@dataclass(frozen=True)
class SlurmOptions:
    """What a job asks for; None leaves it to the cluster. ``more`` are other sbatch options by name."""

    partition: str | None = None
    time: str = TIME
    gpus_per_node: int = 0
    nodes: int = 1
    cpus_per_task: int = 1
    requeues: int = 10  # after the job ran out of time; those after a preemption do not count
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def minutes(self) -> int:
        """``time`` in minutes."""
        return parse_minutes(self.time)


def parse_minutes(text: str) -> int:
    """SLURM's ``90`` (minutes), ``1:30:00`` or ``1-12:00:00`` as whole minutes. Raises ``UserError``.

    >>> parse_minutes("1-00:30:00")
    1470
    """
    match = re.fullmatch(r"(?:(?:(\d+)-)?(\d+):(\d\d):(\d\d)|(\d+))", text)
    if match is None or not any(int(group or 0) for group in match.groups()):
        raise UserError(f"--time {text}: expected minutes (90), H:MM:SS (1:30:00) or D-HH:MM:SS")
    days, hours, minutes, seconds, alone = (int(group or 0) for group in match.groups())
    return alone or (days * 24 + hours) * 60 + minutes + (seconds > 0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``--on slurm``."""
    group = parser.add_argument_group("with --on slurm")
    group.add_argument("--partition", help="the cluster's partition (default: the cluster's own)")
    group.add_argument("--time", default=TIME, help=f"limit of a run's job, requeued after it (default: {TIME})")
    group.add_argument("--gpus", type=int, default=0, metavar="N", help="GPUs of a run on each of its nodes")
    group.add_argument("--nodes", type=int, default=1, metavar="N", help="nodes of a run")
    group.add_argument("--cpus", type=int, metavar="N", help="cores of a task (default: threads + num_workers)")
    group.add_argument(
        "--sbatch", action="append", default=[], metavar="KEY=VALUE",
        help="any other option of sbatch, e.g. account=speech; may be repeated",
    )  # fmt: skip


def from_arguments(arguments: argparse.Namespace, *, threads: int, num_workers: int) -> SlurmOptions:
    """The options of a command line. Raises ``UserError``."""
    for name, least in (("gpus", 0), ("nodes", 1), ("cpus", 1)):
        value = getattr(arguments, name)
        if value is not None and value < least:
            raise UserError(f"--{name} {value}: at least {least}")
    more = {}
    for text in arguments.sbatch:
        key, sign, value = text.partition("=")
        if not sign or not re.fullmatch(r"[a-z][a-z-]*", key):
            raise UserError(f"--sbatch {text!r}: expected KEY=VALUE with a long option of sbatch, e.g. account=speech")
        more[key] = value
    options = SlurmOptions(
        partition=arguments.partition,
        time=arguments.time,
        gpus_per_node=arguments.gpus,
        nodes=arguments.nodes,
        cpus_per_task=arguments.cpus or threads + num_workers,
        more=more,
    )
    parse_minutes(options.time)
    return options
