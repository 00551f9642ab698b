"""What a training shares with speech that a later one is validated and tested on: texts and voices.

A seed that has read a target's test texts, or heard its voices, is another seed than one that has not, and a table of
transfer does not tell. Texts are compared as they were normalised, in whatever language; voices by corpus and name, so
one person under two names, or in two corpora, is not noticed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from datamodules.corpus_folder import data_root
from datamodules.dealing.dealt_cuts import read_cuts
from datamodules.dealing.recorded_sources import UNKNOWN_SPEAKER
from datamodules.run_warning import first_names
from datamodules.speech.corpus_languages import Some


class Said(NamedTuple):
    """An utterance as it is compared: ``speaker`` and ``utterance_id`` as in its own corpus."""

    corpus: str
    utterance_id: str
    text: str
    speaker: str


@dataclass(frozen=True)
class Shared:
    """Training utterances, by id, whose text is held out, with that text; and held-out utterances by shared voice."""

    num_training: int
    num_held_out: int
    texts: Mapping[str, str]
    voices: Mapping[str, int]

    def says(self) -> str:
        """Counts and names in a line."""
        texts = f"{len(self.texts)} of {self.num_training} training utterances say a text of theirs"
        if self.texts:
            texts += f" ({first_names(f'{name} {text!r}' for name, text in self.texts.items())})"
        voices = f"{len(self.voices)} voices of theirs are trained on"
        if self.voices:
            voices += f" ({', '.join(f'{voice} in {count}' for voice, count in self.voices.items())} utterances)"
        return f"{self.num_held_out} validation and test utterances: {texts}; {voices}"


def shared_speech(training: Iterable[Said], held_out: Iterable[Said]) -> Shared:
    """What they share; ``unknown`` speakers are nobody's voice.

    >>> told = [Said("a", "t1", "hello", "eva"), Said("a", "t2", "bye", "jan")]
    >>> shared_speech(told, [Said("a", "x", "hello", "jan"), Said("b", "y", "no", "eva")])
    Shared(num_training=2, num_held_out=2, texts={'a:t1': 'hello'}, voices={'a:jan': 1})
    """
    learnt, kept = list(training), list(held_out)
    texts = {one.text for one in kept}
    heard = {_voice(one) for one in learnt}
    voices = Counter(_voice(one) for one in kept if _voice(one) in heard and one.speaker != UNKNOWN_SPEAKER)
    return Shared(
        num_training=len(learnt),
        num_held_out=len(kept),
        texts={f"{one.corpus}:{one.utterance_id}": one.text for one in learnt if one.text in texts},
        voices=dict(sorted(voices.items())),
    )


def held_out_speech(apart_from: Mapping[str, Some]) -> list[Said]:
    """Validation and test utterances of corpora, of all or some of their languages, in the corpora's own splits.

    Raises ``ValueError`` for a language that a corpus does not test.
    """
    found = []
    for corpus, languages in apart_from.items():
        cuts = [cut for split in ("validation", "test") for cut in read_cuts(data_root() / corpus, split)]
        segments = [(cut.id, segment) for cut in cuts for segment in cut.supervisions]
        _check(corpus, languages, {str(segment.language) for _, segment in segments})
        found += [
            Said(corpus, utterance_id, segment.text or "", segment.speaker or UNKNOWN_SPEAKER)
            for utterance_id, segment in segments
            if languages == "all" or segment.language in languages
        ]
    return found


def _check(corpus: str, languages: Some, there: Collection[str]) -> None:
    allowed = f"allowed: all, or a list of {', '.join(sorted(there))}"
    if isinstance(languages, str) and languages != "all":
        raise ValueError(f"apart_from.{corpus}: {languages!r}, {allowed}")
    if languages != "all" and (lacking := [language for language in languages if language not in there]):
        raise ValueError(f"apart_from.{corpus}: no {lacking[0]!r} in its validation and test, {allowed}")


def _voice(one: Said) -> str:
    return f"{one.corpus}:{one.speaker}"
