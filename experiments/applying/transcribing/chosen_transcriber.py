"""A chosen run made ready to transcribe: its system, and what reads it: a row's decoder, or a Whisper's own."""

from __future__ import annotations

from pathlib import Path

from experiments.applying.chosen_run import ChosenRun
from experiments.applying.loaded_system import facts_of, load_system
from experiments.applying.run_text_rules import text_rules_of_run
from experiments.applying.transcribing.hotword_beam import with_hotwords
from experiments.applying.transcribing.reading import Reader
from experiments.applying.transcribing.recordings import Transcriber
from experiments.applying.transcribing.row_decoder import RowDecoder, own_decoder, row_decoder
from experiments.applying.transcribing.settings import Settings
from experiments.applying.transcribing.whisper_reading import WhisperReader
from experiments.errors import UserError
from lightning_modules.asr.recogniser import Recogniser
from lightning_modules.asr.whisper.whisper_recogniser import WhisperRecogniser


def make_transcriber(chosen: ChosenRun, settings: Settings) -> tuple[Transcriber, str]:
    """What transcribes, and the decoder in words.

    Raises ``UserError`` for a run of another family, and for settings that do not fit it.
    """
    system = load_system(chosen)
    if not isinstance(system, Recogniser):
        raise UserError(
            f"run {chosen.name}: is a {type(system).__name__}, allowed: a recogniser (earmark predict has events)"
        )
    sample_rate_hz = facts_of(chosen).sample_rate_hz
    if isinstance(system, WhisperRecogniser):
        whisper = WhisperReader(system, settings, name=chosen.name, sample_rate_hz=sample_rate_hz)
        return Transcriber(whisper, settings), whisper.in_words
    if settings.language is not None:
        raise UserError(
            f"--language {settings.language}: run {chosen.name}: a {type(system).__name__} is told no language, "
            "allowed: of a run of Whisper's own decoder"
        )
    by = own_decoder(chosen) if settings.row is None else row_decoder(settings.row, chosen, scale=settings.scale)
    if settings.hotwords is not None:
        by = with_hotwords(
            by, Path(settings.hotwords), bonus=settings.hotword_bonus, beam_size=settings.beam_size,
            rules=text_rules_of_run(chosen),
        )  # fmt: skip
    return Transcriber(Reader(system, chosen, sample_rate_hz=sample_rate_hz, by=by), settings), _in_words(by)


def _in_words(by: RowDecoder | None) -> str:
    if by is None:
        return "the greedy decoding that validation uses"
    weights = ", ".join(f"{name} {value:g}" for name, value in by.weights.items())
    return f"{type(by.decoder).__name__} of {by.name}" + (f" with {weights}" if weights else "")
