"""Sounds and pictures small enough to travel inside a page, and the budget that they share.

Sound is MP3, which every browser plays, a spectrogram is a strip of log-mel bands as the networks hear them, and the
picture of a run is made narrower. Pictures are WebP where Pillow has it.
"""

from __future__ import annotations

import base64
import io
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAGE_BYTES = 15_000_000
STRIP_COLUMNS = 640
PICTURE_COLUMNS = 1100
RANGE_DECIBELS = 70.0
MP3_SLOWEST_BITRATE = 0.75  # libsndfile's scale, 0 best to 1 smallest


@dataclass
class Media:
    """Data URIs by name, as many as fit; ``left_out`` counts by kind what did not."""

    limit_bytes: int = PAGE_BYTES
    used_bytes: int = 0
    uris: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)

    def known(self, name: str) -> bool:
        """Whether there is nothing left to try for a name."""
        return name in self.uris or name in self._refused

    def add(self, kind: str, name: str, content: tuple[str, bytes]) -> None:
        """Keep (MIME type, bytes) under a name unless the page would grow beyond its limit."""
        uri = f"data:{content[0]};base64,{base64.b64encode(content[1]).decode('ascii')}"
        if self.used_bytes + len(uri) > self.limit_bytes:
            self.left_out[kind] = self.left_out.get(kind, 0) + 1
            self._refused.add(name)
        else:
            self.uris[name] = uri
            self.used_bytes += len(uri)


def sound(waveform_S: NDArray[np.float32], *, sample_rate_hz: int) -> tuple[str, bytes]:
    """(MIME type, MP3): mono, float32 in [-1, 1]."""
    import soundfile

    stream = io.BytesIO()
    with soundfile.SoundFile(
        stream, "w", sample_rate_hz, 1, format="MP3", subtype="MPEG_LAYER_III", compression_level=MP3_SLOWEST_BITRATE
    ) as file:
        file.write(np.clip(waveform_S, -1.0, 1.0))
    return "audio/mpeg", stream.getvalue()


def strip(waveform_S: NDArray[np.float32], *, sample_rate_hz: int) -> tuple[str, bytes]:
    """(MIME type, picture): log-mel bands over time, the loudest 70 dB."""
    import matplotlib
    import torch
    from PIL import Image

    from lightning_modules.layers.log_mel import LogMel, LogMelSettings

    seconds = max(len(waveform_S) / sample_rate_hz, 0.1)
    hop = max(0.01, seconds / STRIP_COLUMNS)
    settings = LogMelSettings(hop_seconds=hop, window_seconds=max(0.064, hop), num_mels=64)
    log_mel = LogMel(sample_rate_hz=sample_rate_hz, **asdict(settings))
    waveform = torch.from_numpy(np.ascontiguousarray(waveform_S, dtype=np.float32))
    decibels_TM = log_mel.decibels(waveform.unsqueeze(0))[0].numpy()
    shade_MT = (decibels_TM.T[::-1] - decibels_TM.max()) / RANGE_DECIBELS + 1
    rgb = matplotlib.colormaps["magma"](np.clip(shade_MT, 0, 1), bytes=True)[..., :3]
    return _encoded(Image.fromarray(np.ascontiguousarray(rgb)), quality=60)


def picture(path: Path) -> tuple[str, bytes]:
    """(MIME type, picture) of a file, at most ``PICTURE_COLUMNS`` wide."""
    from PIL import Image

    with Image.open(path) as image:
        narrow = image.convert("RGB")
    if narrow.width > PICTURE_COLUMNS:
        narrow = narrow.resize((PICTURE_COLUMNS, round(narrow.height * PICTURE_COLUMNS / narrow.width)))
    return _encoded(narrow, quality=70)


def _encoded(image: Any, *, quality: int) -> tuple[str, bytes]:
    from PIL import features

    stream = io.BytesIO()
    if features.check("webp"):
        image.save(stream, "WEBP", quality=quality)
        return "image/webp", stream.getvalue()
    image.save(stream, "PNG", optimize=True)
    return "image/png", stream.getvalue()
