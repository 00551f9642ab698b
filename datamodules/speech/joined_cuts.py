"""The utterances of several corpora as those of one: ids and speakers that tell which corpus they are of.

``fillets:cs-airplane-let``. Two corpora may each have a speaker ``1``, who are two people until somebody knows better;
one person in two corpora counts as two voices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from datamodules.audio.cuts import Cut, Segment
from datamodules.dealing.deal import KINDS
from datamodules.dealing.recorded_sources import UNKNOWN_SPEAKER

OF = ":"


def joined_cuts(parts: Mapping[str, Iterable[Cut]]) -> tuple[list[Cut], dict[str, str]]:
    """The cuts of all corpora, renamed where there are several, and the corpus of each by its id."""
    if len(parts) == 1:
        [(corpus, cuts)] = parts.items()
        cuts = list(cuts)
        return cuts, {cut.id: corpus for cut in cuts}
    joined = {corpus: [_renamed(cut, corpus) for cut in cuts] for corpus, cuts in parts.items()}
    corpora = {cut.id: corpus for corpus, cuts in joined.items() for cut in cuts}
    return [cut for cuts in joined.values() for cut in cuts], corpora


def own_name(name: str, corpus: str) -> str:
    """An id or a speaker as its own corpus has it.

    >>> own_name("fillets:cs-small", "fillets"), own_name("cs-small", "fillets")
    ('cs-small', 'cs-small')
    """
    return name.removeprefix(f"{corpus}{OF}")


def _renamed(cut: Cut, corpus: str) -> Cut:
    segments = tuple(_of_corpus(segment, corpus) for segment in cut.supervisions)
    return cut._replace(id=f"{corpus}{OF}{cut.id}", supervisions=segments, custom=_sources(cut.custom, corpus))


def _of_corpus(segment: Segment, corpus: str) -> Segment:
    speaker = segment.speaker
    if speaker and speaker != UNKNOWN_SPEAKER:
        speaker = f"{corpus}{OF}{speaker}"
    return segment._replace(speaker=speaker, custom=_sources(segment.custom, corpus))


def _sources(custom: Mapping[str, Any] | None, corpus: str) -> Mapping[str, Any] | None:
    """What is said beside the text, where sessions and families tell their corpus."""
    if custom is None:
        return None
    return {key: f"{corpus}{OF}{value}" if key in KINDS and value else value for key, value in custom.items()}
