"""Where a data module's audio is while it trains: all of it decoded in memory, or in its files and read when needed.

Which one is the machine's affair: batches are the same, bit for bit. In memory is faster and reads every file once,
so it is taken where the corpus fits its share of the machine.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from datamodules.audio.waveform_cache import WaveformCache
from datamodules.audio.waveforms import Waveforms
from datamodules.run_warning import first_names

Audio = Literal["auto", "memory", "disk"]
AUDIO: tuple[Audio, ...] = ("auto", "memory", "disk")
SHARE = 0.25  # of the machine's memory that a corpus may take: a training needs its own, and four runs may share it
CACHE_GIGABYTES = 1.0
_LIMIT = Path("/sys/fs/cgroup/memory.max")  # a container's, in bytes or "max"
GIGA = 1e9


@dataclass
class AudioPlace:
    """``auto``, ``memory`` or ``disk``, and the bound of what is kept of the files read last, over all processes.

    Raises ``ValueError`` for another word and a bound below 0.
    """

    audio: Audio = "auto"
    cache_gigabytes: float = CACHE_GIGABYTES

    def __post_init__(self) -> None:
        if self.audio not in AUDIO:
            raise ValueError(f"audio {self.audio!r}, allowed: {', '.join(AUDIO)}")
        if not 0 <= self.cache_gigabytes < float("inf"):
            raise ValueError(f"cache_gigabytes {self.cache_gigabytes}, allowed: 0 or more")
        self.in_memory, self.says = True, ""
        self._cache = WaveformCache(0)

    def settle(self, splits: Sequence[Waveforms]) -> None:
        """Choose for the audio of all splits; ``says`` is then what was chosen and why.

        Raises ``ValueError`` naming files that are not there, where they are read later.
        """
        num_bytes, memory = sum(one.num_bytes for one in splits), machine_bytes()
        fits = num_bytes <= SHARE * memory
        self.in_memory = fits if self.audio == "auto" else self.audio == "memory"
        why = f"audio: {self.audio}"
        if self.audio == "auto":
            why = f"{'within' if fits else 'more than'} {SHARE:.0%} of the machine's {memory / GIGA:.1f} GB"
        says = f"{num_bytes / GIGA:.3g} GB decoded, {why}"
        if self.in_memory:
            self.says = f"audio is kept in memory: {says}"
            return
        again = [cut_id for one in splits for cut_id in one.decoded_again()]
        for one in splits:
            one.check_files()
            one.cache = self._cache
        if again:
            says += (
                f"; {len(again)} clips are parts of files that cannot be sought in, slow to read: {first_names(again)}"
            )
        self.says = f"audio is read from its files, {self.cache_gigabytes:g} GB of it kept: {says}"

    def open(self, waveforms: Waveforms, *, num_workers: int) -> None:
        """Make ready what a loader with so many workers serves: decode it, or share the cache among them."""
        if self.in_memory:
            waveforms.read()
        else:
            self._cache.resize(int(self.cache_gigabytes * GIGA / max(1, num_workers)))


def machine_bytes() -> int:
    """The machine's memory, or the container's where that is less."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _LIMIT.read_text(encoding="ascii").strip()
    except OSError:
        return whole
    return min(whole, int(limit)) if limit.isdigit() else whole
