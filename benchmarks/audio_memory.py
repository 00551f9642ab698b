"""Peak memory and clips a second of one epoch of loading: ours in memory, ours from files, bare soundfile + stack.

    python benchmarks/audio_memory.py --hours 1          # --help: hours, clip length, format, batch size

Makes a corpus of noise in our layout in a temporary folder and removes it: 115 MB an hour at 16 kHz and 16 bits. Each
way reads it in a process of its own, all clips once in a random order. Peak memory is the proportional set size of the
process and its workers together, sampled, less what it was before the corpus was opened; where the kernel's page cache
holds the files, as it may after writing them, the disk is not part of the figures.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE_HZ = 16_000
CORPUS = "noise"
DIFFERENT = 64  # clips; the others are copies of them in files of their own
WAYS = {  # what reads, with how many workers
    "bare soundfile + stack, 0 workers": ("bare", 0),
    "bare soundfile + stack, 2 workers": ("bare", 2),
    "earmark, audio: disk, 0 workers": ("disk", 0),
    "earmark, audio: disk, 2 workers": ("disk", 2),
    "earmark, audio: memory, 0 workers": ("memory", 0),
    "earmark, audio: memory, 2 workers": ("memory", 2),
}


def make_corpus(home: Path, *, num_clips: int, clip_seconds: float, suffix: str) -> None:
    """``home/data/noise`` with so many training clips, and four of each other split."""
    folder = home / "data" / CORPUS
    (folder / "manifests").mkdir(parents=True)
    (folder / "audio").mkdir()
    num_samples = round(clip_seconds * RATE_HZ)
    rng = np.random.default_rng(0)
    for number in range(num_clips):
        path = folder / "audio" / f"{number:06d}.{suffix}"
        if number < DIFFERENT:
            soundfile.write(path, rng.integers(-8000, 8000, num_samples, dtype=np.int16), RATE_HZ)
        else:  # encoding all of them would take longer than all readings
            shutil.copyfile(folder / "audio" / f"{number % DIFFERENT:06d}.{suffix}", path)
    for name, numbers in (("train", range(num_clips)), ("validation", range(4)), ("test", range(4))):
        with gzip.open(folder / "manifests" / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(_line(number, num_samples, suffix) for number in numbers)
    card = {"name": CORPUS, "digest": "0", "classes": ["a", "b"], "sample_rate_hz": RATE_HZ, "synthetic": True,
            "licences": {}, "num_clips": {"train": num_clips}, "description": "noise"}  # fmt: skip
    (folder / "corpus.json").write_text(json.dumps(card), encoding="utf-8")


def _line(number: int, num_samples: int, suffix: str) -> str:
    seconds = num_samples / RATE_HZ
    source = {"type": "file", "channels": [0], "source": f"audio/{number:06d}.{suffix}"}
    recording = {"id": str(number), "sources": [source], "sampling_rate": RATE_HZ, "num_samples": num_samples,
                 "duration": seconds, "channel_ids": [0]}  # fmt: skip
    custom = {"tags": ["ab"[number % 2]], "label_kind": "weak"}
    cut = {"id": f"{number:06d}", "start": 0.0, "duration": seconds, "channel": 0, "supervisions": [],
           "recording": recording, "custom": custom, "type": "MonoCut"}  # fmt: skip
    return json.dumps(cut) + "\n"


def read_once(how: str, num_workers: int, *, batch_size: int) -> None:
    """In a process of its own: print seconds until the first batch, clips a second from there, peak bytes."""
    import torch

    torch.set_num_threads(1)
    loader: Any = None
    if how == "bare":
        loader = _bare_loader(num_workers, batch_size)
    else:
        from datamodules.sed import SoundEventClips
    peak = _Peak()
    start = time.perf_counter()
    if how != "bare":
        data = SoundEventClips(corpus=CORPUS, batch_size=batch_size, num_workers=num_workers, audio=how)  # type: ignore[arg-type]
        loader = data.train_dataloader()
    batches, num_clips = iter(loader), 0
    next(batches)
    opened, spent = time.perf_counter(), time.process_time()
    for batch in batches:
        num_clips += len(batch if how == "bare" else batch.waveforms_BS)
    seconds, spent = time.perf_counter() - opened, time.process_time() - spent
    found = {"start": opened - start, "rate": num_clips / seconds, "peak": peak.stop()}
    del batches, loader  # ends the workers, whose time is known only then
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent += workers.ru_utime + workers.ru_stime
    print(json.dumps({**found, "milliseconds": 1e3 * spent / num_clips}))


def _bare_loader(num_workers: int, batch_size: int) -> Iterable[Any]:
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Files(Dataset[torch.Tensor]):
        def __init__(self, paths: list[Path]) -> None:
            self.paths = paths

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, index: int) -> torch.Tensor:
            return torch.from_numpy(soundfile.read(self.paths[index], dtype="float32")[0])

    paths = sorted((Path(os.environ["EARMARK_HOME"]) / "data" / CORPUS / "audio").iterdir())
    loader: Iterable[Any] = DataLoader(
        Files(paths),
        batch_size=batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=num_workers,
        collate_fn=torch.stack,
    )
    return loader


class _Peak:
    """The largest memory of this process and its children since it was made."""

    def __init__(self) -> None:
        self._first = self._peak = _proportional_bytes()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Bytes above those of the beginning."""
        self._ended.set()
        self._thread.join()
        return self._peak - self._first

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self._peak = max(self._peak, _proportional_bytes())


def _proportional_bytes() -> int:
    """Proportional set size of this process and its children: shared pages count once (Linux)."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    total = 0
    for process in ("self", *children):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue  # it has ended
        total += next(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--clip-seconds", type=float, default=10.0)
    parser.add_argument("--format", choices=("flac", "wav"), default="flac")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--folder", type=Path, default=None, help="where the temporary corpus is made")
    parser.add_argument("--only", choices=("disk", "memory", "bare"), action="append", help="some of the ways")
    parser.add_argument("--read", nargs=2, metavar=("HOW", "WORKERS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read_once(arguments.read[0], int(arguments.read[1]), batch_size=arguments.batch_size)
        return
    num_clips = round(arguments.hours * 3600 / arguments.clip_seconds)
    gigabytes = arguments.hours * 3600 * RATE_HZ * 2 / 1e9
    free = shutil.disk_usage(arguments.folder or tempfile.gettempdir()).free / 1e9
    if free < 1.5 * gigabytes:
        parser.error(f"--hours {arguments.hours:g} needs {gigabytes:.1f} GB, and only {free:.1f} GB are free")
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="audio_memory_") as home:
        make_corpus(Path(home), num_clips=num_clips, clip_seconds=arguments.clip_seconds, suffix=arguments.format)
        size = sum(file.stat().st_size for file in Path(home).rglob(f"*.{arguments.format}")) / 1e9
        print(f"{num_clips} clips of {arguments.clip_seconds:g} s, {arguments.hours:g} h, {size:.2f} GB of "
              f"{arguments.format}, {gigabytes:.2f} GB decoded; batches of {arguments.batch_size}\n")  # fmt: skip
        _print_table(home, arguments)


def _print_table(home: str, arguments: argparse.Namespace) -> None:
    print("| way | first batch after, s | clips a second | times bare | processor ms a clip | peak memory, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    bare: dict[int, float] = {}
    for name, (how, num_workers) in WAYS.items():
        if arguments.only and how not in arguments.only:
            continue
        command = [sys.executable, __file__, "--batch-size", str(arguments.batch_size), "--read", how, str(num_workers)]
        root = str(Path(__file__).parents[1])
        environment = {**os.environ, "EARMARK_HOME": home, "PYTHONPATH": root}
        environment.pop("EARMARK_DATA", None)
        ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(ended.stdout.splitlines()[-1])
        if how == "bare":
            bare[num_workers] = found["rate"]
        times = f"{found['rate'] / bare[num_workers]:.2f}" if num_workers in bare else ""
        cells = [name, f"{found['start']:.1f}", f"{found['rate']:.0f}", times, f"{found['milliseconds']:.2f}"]
        print(f"| {' | '.join(cells)} | {found['peak'] / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
