"""Listen, Attend and Spell (Chan et al. 2015, arXiv 1508.01211).

Listen: a pyramidal BLSTM (``layers.listener``; another encoder can stand in). Attend: content, or location beside it.
Spell: ``s_i = RNN(s_{i-1}, y_{i-1}, c_{i-1})``, ``c_i = AttentionContext(s_i, h)``, ``P(y_i) = MLP(s_i, c_i)``,
characters, no lexicon, scheduled sampling. The difference to ``EncoderDecoder`` is the order: the context comes after
the step.
"""

from __future__ import annotations

from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder


class ListenAttendSpell(EncoderDecoder):
    """The recogniser; the paper trains with ``sampling_rate`` 0.1."""

    attend_first = False
