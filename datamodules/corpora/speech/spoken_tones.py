"""Synthetic speech in the layout of the real speech corpora: every character is a short tone of its own frequency.

A recogniser learns it in seconds, so unit tests and a machine without apt-get can run on it. Two languages share most
characters and have some of their own (Czech ones with diacritics); speakers differ in pitch and timbre; a word prefers
few followers, so that a language model has something to learn. Nothing in here was ever recorded, and the card says
so. ``tiny`` is made in well under a second:

    earmark data spoken_tones --scale tiny
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.corpora.clip_corpus import SPLITS
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ
from datamodules.corpora.speech.speech_corpus import SpeechFacts, Utterance, write_speech_corpus
from datamodules.corpora.whole_folder import locked, whole_folder
from datamodules.corpus_folder import CorpusCard, CorpusMissingError, corpus_name, data_root, read_card

LOWEST_HZ, HIGHEST_HZ = 300.0, 5500.0
FADE_SECONDS = 0.01
GAP_SECONDS = 0.02  # after each tone, so that two of one character are two


@dataclass(frozen=True)
class SpokenLexicon:
    """A language's sentences are runs of slots, a word from each."""

    slots: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class SpokenToneScale:
    """How much to make, of each language alike."""

    num_utterances: dict[str, int]
    min_words: int
    max_words: int
    lexicons: dict[str, SpokenLexicon]


@dataclass(frozen=True)
class _Speaker:
    name: str
    pitch: float  # factor on every tone
    overtone: float  # level of the second partial


_SPEAKERS = (_Speaker("alto", 1.015, 0.1), _Speaker("bass", 0.985, 0.4), _Speaker("tenor", 1.0, 0.25))
_SMALL = {
    "en": SpokenLexicon((("cat", "dog", "bird", "hen"), ("sat", "ran", "sang", "hid"))),
    "cs": SpokenLexicon((("pes", "kůň", "čáp", "had"), ("běží", "spí", "pije", "hraje"))),
}
_LARGE = {
    "en": SpokenLexicon((
        ("the", "one", "my", "a"), ("small", "old", "red", "quick"), ("cat", "dog", "bird", "hen", "fox"),
        ("sees", "finds", "hides", "likes"), ("this", "her", "his"), ("house", "tree", "garden", "river", "ball"),
    )),
    "cs": SpokenLexicon((
        ("ten", "náš", "můj", "tvůj"), ("malý", "starý", "černý", "hezký"), ("pes", "kůň", "čáp", "had", "lev"),
        ("vidí", "hledá", "zná", "má"), ("každý", "jeden", "nový"), ("dům", "strom", "most", "hrad", "míč"),
    )),
}  # fmt: skip
SCALES = {
    "tiny": SpokenToneScale({"train": 12, "validation": 4, "test": 4}, 1, 2, _SMALL),
    "demo": SpokenToneScale({"train": 150, "validation": 30, "test": 40}, 2, 6, _LARGE),
}


def prepare(scale: str | None = None, *, seed: int = 0, rebuild: bool = False) -> CorpusCard:
    """Make ``spoken_tones/SCALE`` under the data root unless it is there, and return its card.

    Raises ``ValueError`` for an unknown scale.
    """
    scale = "demo" if scale is None else scale
    if scale not in SCALES:
        raise ValueError(f"spoken_tones: scale {scale!r}, allowed: {', '.join(SCALES)}")
    name = corpus_name("spoken_tones", scale=scale, seed=seed)
    target = data_root() / name
    with locked(target):
        if not rebuild:
            try:
                return read_card(name)
            except CorpusMissingError:
                pass
        texts = {language: _deal_texts(SCALES[scale], language, seed) for language in SCALES[scale].lexicons}
        with whole_folder(target) as folder:
            return write_speech_corpus(
                folder,
                facts=SpeechFacts(
                    name=name,
                    synthetic=True,
                    licences={"synthetic": "CC0-1.0"},
                    description=f"every character a tone of its own, over faint noise, seed {seed}",
                ),
                utterances={split: _utterances(SCALES[scale], texts, split, seed) for split in SPLITS},
            )


def _deal_texts(scale: SpokenToneScale, language: str, seed: int) -> dict[str, list[str]]:
    """Distinct texts by split, drawn again until the training split has every character of the language."""
    lexicon = scale.lexicons[language]
    alphabet = {character for slot in lexicon.slots for word in slot for character in word}
    rng = np.random.default_rng((seed, *language.encode()))
    dealt: dict[str, list[str]] = {}
    while set("".join(dealt.get("train", ()))) < alphabet | {" "}:
        texts: dict[str, None] = {}
        while len(texts) < sum(scale.num_utterances.values()):
            texts[_sentence(lexicon, int(rng.integers(scale.min_words, scale.max_words + 1)), rng)] = None
        left = iter(texts)
        dealt = {split: [next(left) for _ in range(scale.num_utterances[split])] for split in SPLITS}
    return dealt


def _sentence(lexicon: SpokenLexicon, num_words: int, rng: np.random.Generator) -> str:
    """A run of slots; half of the time a word is followed by its favourite, which its index gives."""
    first = int(rng.integers(len(lexicon.slots) - num_words + 1))
    words: list[str] = []
    favourite = 0
    for slot in lexicon.slots[first : first + num_words]:
        index = favourite % len(slot) if words and rng.random() < 0.5 else int(rng.integers(len(slot)))
        words.append(slot[index])
        favourite = index + 1
    return " ".join(words)


def _utterances(
    scale: SpokenToneScale, texts: dict[str, dict[str, list[str]]], split: str, seed: int
) -> Iterator[Utterance]:
    for language, of_language in texts.items():
        for index, text in enumerate(of_language[split]):
            rng = np.random.default_rng((seed, SPLITS.index(split), index, *language.encode()))
            speaker = _SPEAKERS[index % len(_SPEAKERS)]
            yield Utterance(
                utterance_id=f"{language}-{split}-{index:04d}",
                waveform_S=_speak(text, speaker=speaker, frequencies_hz=_frequencies_hz(scale), rng=rng),
                text=text,
                language=language,
                speaker=speaker.name,
            )


def _frequencies_hz(scale: SpokenToneScale) -> dict[str, float]:
    """A tone for each character of all languages, at equal ratios, neighbours in the alphabet side by side."""
    words = (word for lexicon in scale.lexicons.values() for slot in lexicon.slots for word in slot)
    alphabet = sorted(set("".join(words)))
    return dict(zip(alphabet, np.geomspace(LOWEST_HZ, HIGHEST_HZ, len(alphabet)).tolist(), strict=True))


def _speak(
    text: str, *, speaker: _Speaker, frequencies_hz: dict[str, float], rng: np.random.Generator
) -> NDArray[np.float32]:
    """The tones of a text, 80 to 120 ms each with their gaps, a space being a pause; shape (samples,)."""
    parts = [np.zeros(SAMPLE_RATE_HZ // 20)]
    for character in text:
        time_S = np.arange(round(rng.uniform(0.06, 0.1) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        pitch_hz = frequencies_hz.get(character, 0.0) * speaker.pitch
        tone_S = np.sin(2 * np.pi * pitch_hz * time_S)  # a space: nothing
        if 2 * pitch_hz < SAMPLE_RATE_HZ / 2:
            tone_S += speaker.overtone * np.sin(4 * np.pi * pitch_hz * time_S)
        fade_S = np.minimum(1.0, np.minimum(time_S, time_S[::-1]) / FADE_SECONDS)
        tone_S *= fade_S * rng.uniform(0.2, 0.4)
        parts += [tone_S, np.zeros(round(GAP_SECONDS * SAMPLE_RATE_HZ))]
    parts.append(np.zeros(SAMPLE_RATE_HZ // 20))
    speech_S = np.concatenate(parts)
    return np.asarray(speech_S + rng.normal(0.0, 0.003, len(speech_S)), dtype=np.float32)
