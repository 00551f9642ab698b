"""The corpora that ``earmark data NAME`` prepares: what each is, and the module whose ``prepare()`` makes it."""

from __future__ import annotations

# These have --scale and --seed.
SCALED = {
    "soundscapes": ("events over backgrounds (scale demo, study or full)", "datamodules.corpora.sounds.soundscapes"),
    "tones": ("synthetic clips (scale tiny or demo)", "datamodules.corpora.sounds.tones"),
    "spoken_tones": ("synthetic speech (scale tiny or demo)", "datamodules.corpora.speech.spoken_tones"),
}
# These are always whole.
WHOLE = {
    "soundbank": ("recordings of ten sound classes and of backgrounds", "datamodules.corpora.sounds.soundbank"),
    "prompts": ("telephone prompts in en, es, fr, it, ru with texts", "datamodules.corpora.speech.speech_prompts"),
    "fillets": ("a game's dialogues in cs, nl with texts", "datamodules.corpora.speech.speech_fillets"),
    "festvox_ru": ("long Russian sentences of one reader, with texts", "datamodules.corpora.speech.speech_festvox_ru"),
    "stamps": ("names of things in nine languages with texts", "datamodules.corpora.speech.speech_stamps"),
}
