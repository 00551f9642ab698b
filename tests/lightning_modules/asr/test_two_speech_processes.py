"""Two processes give what one gives: the same weights, error rates and posteriors, no utterance twice."""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_modules.asr.predictions import PosteriorPredictions

WORKER = Path(__file__).with_name("speech_worker_of_two.py")


def drop_last_utterance(manifest: Path) -> None:
    """An odd number, which a padded sampler would make even."""
    lines = gzip.decompress(manifest.read_bytes()).splitlines()
    manifest.write_bytes(gzip.compress(b"\n".join(lines[:-1])))


def launch(output: Path, *, processes: int, checkpoint: Path | None = None) -> None:
    output.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(processes), "NODE_RANK": "0"}
    arguments = [sys.executable, str(WORKER), str(output), str(processes), *([str(checkpoint)] if checkpoint else [])]
    running = [
        subprocess.Popen(
            arguments,
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


@pytest.mark.integration
def test_two_processes_equal_one(tiny_speech: Path, tmp_path: Path) -> None:
    for split in ("validation", "test"):
        drop_last_utterance(tiny_speech / "manifests" / f"{split}.jsonl.gz")
    launch(tmp_path / "one", processes=1)
    launch(tmp_path / "two", processes=2, checkpoint=tmp_path / "one" / "trained.pt")

    states = [torch.load(tmp_path / name / "trained.pt", weights_only=True) for name in ("one", "two")]
    torch.testing.assert_close(states[1], states[0], atol=1e-5, rtol=1e-4)

    metrics = [json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("one", "two")]
    assert set(metrics[0]) >= {"train/loss", "validation/loss", "validation/wer", "validation/cer"}
    assert metrics[1] == pytest.approx(metrics[0], rel=1e-5)

    one, two = (PosteriorPredictions.load(tmp_path / name / "test.npz") for name in ("one", "two"))
    assert one.utterance_ids == two.utterance_ids
    assert len(one.utterance_ids) == 7
    assert one.num_frames_N.tolist() == two.num_frames_N.tolist()
    np.testing.assert_allclose(two.log_probs_FV, one.log_probs_FV, atol=1e-4)
