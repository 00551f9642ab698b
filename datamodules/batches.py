"""The batches that travel from data modules to systems, and the legend of dimensions.

Legend, used as suffixes everywhere: B clips (utterances, texts) of a batch, S samples, T frames, M mel bands,
C classes, H hidden units, U tokens of a text, V symbols of the vocabulary. Waveforms are mono float32 in [-1, 1] at the
data module's ``sample_rate_hz``; rows shorter than the longest are zero-padded, ``num_samples_B`` has the true lengths.

Weak and strong labels never share a field or a type: a weakly supervised ``training_step`` takes a
``ClipBatch``, which has no place for a strong label.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from datamodules.annotations import Event


class ClipBatch(NamedTuple):
    """Clips with their weak labels: which classes occur, not when."""

    clip_ids: tuple[str, ...]
    waveforms_BS: Tensor  # float32
    num_samples_B: Tensor  # int64
    tags_BC: Tensor  # float32, {0, 1}


class StrongClipBatch(NamedTuple):
    """The same clips with their strong labels beside them: for the upper bound, and for strong selection."""

    clips: ClipBatch
    events_B: tuple[tuple[Event, ...], ...]


class MixedClipBatch(NamedTuple):
    """Clips that are each labelled in their own way: with events, with tags alone, or not at all.

    Where a clip is unlabelled its row of ``clips.tags_BC`` is 0 and means nothing, where it is not strong its events
    are empty and mean nothing: a loss asks the masks, never a clip's place in the batch.
    """

    clips: ClipBatch
    events_B: tuple[tuple[Event, ...], ...]
    has_tags_B: Tensor  # bool: weak and strong clips
    has_events_B: Tensor  # bool: strong clips


class UtteranceBatch(NamedTuple):
    """Utterances with their transcripts as tokens; ``tokens_BU`` is padded with ``BLANK``.

    ``texts`` are the transcripts as they stand, which errors are counted against: tokens lack what is no symbol.
    """

    utterance_ids: tuple[str, ...]
    waveforms_BS: Tensor  # float32
    num_samples_B: Tensor  # int64
    tokens_BU: Tensor  # int64
    num_tokens_B: Tensor  # int64
    texts: tuple[str, ...]


class UtteranceLength(NamedTuple):
    """What has to fit when an utterance is aligned with its text: samples (at the fastest speed) and tokens."""

    utterance_id: str
    num_samples: int
    tokens: tuple[int, ...]


class TextBatch(NamedTuple):
    """Sentences as tokens, without boundary tokens; ``tokens_BU`` is padded with ``BLANK``."""

    text_ids: tuple[str, ...]
    tokens_BU: Tensor  # int64
    num_tokens_B: Tensor  # int64


class TextStreamBatch(NamedTuple):
    """The next piece of B endless texts: row b goes on where row b of the batch before ended.

    Sentences are joined by one boundary token (``BLANK``). The inputs are all tokens but the last, the targets all but
    the first, so the pieces overlap by one token. ``starts`` says that nothing comes before (an epoch's first batch).
    """

    tokens_BU: Tensor  # int64
    starts: bool
