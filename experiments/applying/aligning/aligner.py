"""Given texts on a recogniser's CTC posteriors: when each word and token is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.applying.aligning.given_texts import GivenText, Spelling
from experiments.applying.transcribing.parts import Part
from experiments.applying.transcribing.reading import Reader, timed_word
from experiments.applying.transcribing.recordings import stretch_of
from experiments.applying.transcribing.remarks import sound_remarks
from experiments.applying.transcribing.transcript import Word
from lightning_modules.decoding.ctc.aligned_words import aligned_words
from lightning_modules.decoding.ctc.forced_alignment import forced_alignment
from lightning_modules.decoding.wfst.label_priors import label_log_priors

Failed = Callable[[str, str], None]  # an utterance's id, and why it has no alignment


@dataclass(frozen=True)
class AlignedText:
    """Times in seconds from the utterance's start, which is ``start`` seconds into its file.

    ``log_prob_per_frame`` is the mean natural log of the posteriors on the best path, without priors: far below that of
    other utterances, the text is perhaps not what is said. ``remarks`` say which channel was heard where that was not
    told, and that the file lacks a band.
    """

    utterance_id: str
    audio: str
    start: float
    duration: float
    words: tuple[Word, ...]
    log_prob_per_frame: float
    remarks: tuple[str, ...] = ()


@dataclass
class _Heard:
    given: GivenText
    tokens: Sequence[int]
    duration: float
    log_probs_TV: NDArray[np.float32]
    remarks: tuple[str, ...]


def align_texts(
    texts: Sequence[GivenText], reader: Reader, spelling: Spelling, *, prior_scale: float, failed: Failed
) -> Iterator[AlignedText]:
    """Those that have an alignment, in their order; of each other one ``failed`` is told why, and the rest goes on.

    With a ``prior_scale`` above 0 the posteriors of all utterances are kept (54 MB an hour of 25 frames a second
    and 150 symbols), and their mean is the label prior.
    """
    heard = _heard(texts, reader, spelling, failed)
    log_priors_V = None
    if prior_scale > 0:
        kept = list(heard)
        heard = iter(kept)
        if kept:
            all_FV = np.concatenate([one.log_probs_TV for one in kept])
            log_priors_V = label_log_priors(all_FV[None], np.array([len(all_FV)]))
    for one in heard:
        try:
            alignment = forced_alignment(
                one.log_probs_TV, one.tokens, log_priors_V=log_priors_V, prior_scale=prior_scale
            )
        except ValueError as error:
            failed(one.given.utterance_id, str(error))
            continue
        words = tuple(
            timed_word(word, spelling.symbols, start=0.0, end=one.duration, hop=reader.system.hop_seconds)
            for word in aligned_words(alignment, spelling.symbols)
        )
        yield AlignedText(
            one.given.utterance_id, str(one.given.audio), one.given.start, one.duration, words,
            alignment.log_prob / max(1, len(one.log_probs_TV)), one.remarks,
        )  # fmt: skip


def _heard(texts: Sequence[GivenText], reader: Reader, spelling: Spelling, failed: Failed) -> Iterator[_Heard]:
    for given in texts:
        try:
            tokens = spelling.tokens(given)
            heard = stretch_of(
                given.audio,
                start=given.start,
                duration=given.duration,
                channel=given.channel,
                sample_rate_hz=reader.sample_rate_hz,
            )
        except (OSError, ValueError) as error:
            failed(given.utterance_id, str(error))
            continue
        remarks = sound_remarks(
            rate_hz=heard.rate_hz, num_channels=heard.num_channels, heard_hz=reader.sample_rate_hz,
            channel=given.channel, names_channel=given.names_channel,
        )  # fmt: skip
        log_probs_TV = reader.log_posteriors(Part(0, heard.waveform_S))
        yield _Heard(given, tokens, len(heard.waveform_S) / reader.sample_rate_hz, log_probs_TV, remarks)
