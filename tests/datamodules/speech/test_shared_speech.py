"""Texts and voices that a seed's training and a target's held-out speech have in common, on made manifests."""

from __future__ import annotations

from datamodules.dealing.recorded_sources import UNKNOWN_SPEAKER
from datamodules.speech.shared_speech import Said, shared_speech

TRAINED = [
    Said("prompts", "en-1", "hello", "allison"),
    Said("prompts", "en-2", "good bye", "allison"),
    Said("fillets", "cs-1", "ahoj", "cs-small"),
    Said("fillets", "cs-2", "dobrý den", UNKNOWN_SPEAKER),
]


def test_counts_and_names_are_said() -> None:
    held_out = [
        Said("fillets", "nl-1", "hello", "nl-big"),  # a text is the same in whatever language
        Said("fillets", "nl-2", "dag", "cs-small"),  # and a voice, whatever it speaks
        Said("fillets", "nl-3", "tot ziens", UNKNOWN_SPEAKER),  # nobody's voice
        Said("stamps", "en-1", "a bird", "allison"),  # of another corpus: another person as far as is known
    ]
    shared = shared_speech(TRAINED, held_out)
    assert shared.texts == {"prompts:en-1": "hello"}
    assert shared.voices == {"fillets:cs-small": 1}
    assert shared.says() == (
        "4 validation and test utterances: 1 of 4 training utterances say a text of theirs (prompts:en-1 'hello'); "
        "1 voices of theirs are trained on (fillets:cs-small in 1 utterances)"
    )


def test_nothing_shared_is_said_too() -> None:
    says = shared_speech(TRAINED, [Said("fillets", "nl-1", "dag", "nl-big")]).says()
    assert says == (
        "1 validation and test utterances: 0 of 4 training utterances say a text of theirs; "
        "0 voices of theirs are trained on"
    )
