"""A Whisper in use: parts of recordings to texts as its own decoder writes them, in a language that it is told.

It differs from ``reading.py``: texts are in Whisper's tokens, with capitals and signs, so no decoder of a row reads
them, and no word has a time. The language may be any that the model knows, of the run's corpus or not.
"""

from __future__ import annotations

import torch

from experiments.applying.transcribing.parts import Part
from experiments.applying.transcribing.settings import Settings
from experiments.applying.transcribing.text_formats import FORMATS, OF_WORD_TIMES
from experiments.applying.transcribing.transcript import ReadPart, Times
from experiments.errors import UserError, unknown
from lightning_modules.asr.whisper.whisper_recogniser import MOST_TOKENS_PER_SECOND, WhisperRecogniser
from lightning_modules.decoding.texts import is_tag
from lightning_modules.layers.pretrained_model import load_generation
from lightning_modules.layers.pretrained_whisper import FRAMES_PER_SECOND
from lightning_modules.layers.pretrained_whisper_text import LONGEST_TEXT


class WhisperReader:
    """Reads as the run's predictions were written. Raises ``UserError`` for settings that do not fit, in one line."""

    times: Times = "parts"
    unaligned = 0  # nothing is aligned

    def __init__(self, system: WhisperRecogniser, settings: Settings, *, name: str, sample_rate_hz: int) -> None:
        self.system = system
        self.sample_rate_hz = sample_rate_hz
        self.max_seconds = system.heard.max_frames / FRAMES_PER_SECOND
        where = f"run {name} ({type(system).__name__})"
        for option, value in (("--row", settings.row), ("--hotwords", settings.hotwords)):
            if value is not None:
                raise UserError(f"{option} {value}: {where} writes by its own decoder alone, allowed: without {option}")
        if settings.max_seconds > self.max_seconds:
            asked = f"--max-seconds {settings.max_seconds:g}"
            raise UserError(f"{asked}: {where} hears {self.max_seconds:g} s at once, allowed: up to that")
        if timed := [kind for kind in settings.format_names if kind in OF_WORD_TIMES]:
            allowed = ", ".join(kind for kind in FORMATS if kind not in OF_WORD_TIMES)
            raise UserError(f"-f {timed[0]}: {where} writes texts without times of words, allowed: {allowed}")
        self.language = self._told(settings.language, where)

    @property
    def in_words(self) -> str:
        """The decoder, for people."""
        trained = self._trained_languages()
        other = "" if self.language in trained else f" (its corpus has {', '.join(trained)})"
        return f"its own greedy writing in {self.language!r}{other}, without times of words"

    def read(self, part: Part) -> ReadPart:
        """The text of a part. Raises ``ValueError`` for one that is longer than a window."""
        start, end = part.first_sample / self.sample_rate_hz, part.end_sample / self.sample_rate_hz
        if len(part.waveform_S) > self.max_seconds * self.sample_rate_hz:
            raise ValueError(
                f"a part of {end - start:.1f} s, a Whisper hears {self.max_seconds:g} s at once; leave out --cut none"
            )
        with torch.inference_mode():
            num_samples_B = torch.tensor([len(part.waveform_S)])
            hidden_BTH = self.system.encode(torch.from_numpy(part.waveform_S)[None], num_samples_B).hidden_BTH
            most = min(LONGEST_TEXT, int(hidden_BTH.shape[1] * self.system.hop_seconds * MOST_TOKENS_PER_SECOND))
            [text] = self.system.writer.write(hidden_BTH, [self.language], most_tokens=most)
        return ReadPart(start, end, " ".join(text.split()))

    def close(self) -> None:
        """Nothing is kept."""

    def _told(self, language: str | None, where: str) -> str:
        """The language; where none is said, the one of a corpus that has no other."""
        trained = self._trained_languages()
        if language is None and len(trained) == 1:
            return trained[0]
        known = [name[2:-2] for name in load_generation(self.system.heard.folder).get("lang_to_id") or ["<|en|>"]]
        allowed = [*trained, *sorted(set(known) - set(trained))]
        if language is None:
            raise UserError(f"--language is missing: {where} is told what is spoken, allowed: {', '.join(allowed)}")
        if language not in allowed:
            raise UserError(f"--language: {where}: {unknown('language', language, allowed)}")
        return language

    def _trained_languages(self) -> list[str]:
        return [symbol[1:-1] for symbol in self.system.symbols if is_tag(symbol)]
