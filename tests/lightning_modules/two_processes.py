"""Trains a system of ``worker_of_two.py`` in one process and in two, and compares all that does not depend on it."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

WORKER = Path(__file__).with_name("worker_of_two.py")


def drop_last(corpus: Path) -> None:
    """An odd number of clips or utterances in what is evaluated, which a padded sampler would make even."""
    for split in ("validation", "test"):
        manifest = corpus / "manifests" / f"{split}.jsonl.gz"
        lines = gzip.decompress(manifest.read_bytes()).splitlines()
        manifest.write_bytes(gzip.compress(b"\n".join(lines[:-1])))


def trained_by_one_and_two(system: str, folder: Path) -> tuple[Path, Path, set[str]]:
    """The folders of both, whose weights and metrics are the same, and the names of these metrics."""
    one, two = folder / "one", folder / "two"
    for output in (one, two):
        output.mkdir()
    run_ranks(WORKER, system, one, 1, processes=1)
    run_ranks(WORKER, system, two, 2, one / "trained.pt", processes=2)
    states = [torch.load(output / "trained.pt", weights_only=True) for output in (one, two)]
    torch.testing.assert_close(states[1], states[0], atol=1e-5, rtol=1e-4)
    metrics = [json.loads((output / "metrics.json").read_text()) for output in (one, two)]
    assert metrics[1] == pytest.approx(metrics[0], rel=1e-5)
    return one, two, set(metrics[0])


def run_ranks(script: Path, *arguments: object, processes: int) -> None:
    """So many processes of a script, which find each other; each must end well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes), "NODE_RANK": "0"}
    running = [
        subprocess.Popen(
            [sys.executable, str(script), *map(str, arguments)],
            env={**os.environ, "OMP_NUM_THREADS": "1", **shared, "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(processes)
    ]
    try:
        for process in running:
            printed, _ = process.communicate(timeout=300)
            assert process.returncode == 0, printed[-3000:]
    finally:
        for process in running:
            process.kill()
