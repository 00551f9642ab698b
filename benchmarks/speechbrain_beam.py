"""SpeechBrain's beam search for recurrent attention models, given the weights of our speller.

Equal: embedding, LSTM or GRU (attend last), attention, readout, output layer, CTC's output layer; tokens 1 to V - 1
have the same ids. Theirs wants blank, begin and end to be three symbols: their row 0 is the blank, V begins and V + 1
ends a text; what a text must not hold has a bias of -1e4. Our tanh before the output layer is put into their
``linear``; their linear layer after the context gets the identity. With attention by location their first step sees
equal weights on all frames, ours none.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lightning_modules.layers.attention import LocationAttention
from lightning_modules.layers.speller import Speller

IMPOSSIBLE = -1e4


def import_speechbrain() -> None:
    """Raises ``ImportError`` where it is missing.

    SpeechBrain imports torchaudio, for audio files and filters that no decoder touches, and torchaudio has no build for
    some versions of torch: an empty module of that name is enough.
    """
    try:
        import torchaudio  # noqa: F401
    except (ImportError, OSError):
        stand_in = types.ModuleType("torchaudio")
        stand_in.__version__ = "2.9"  # it looks for backends of older ones
        sys.modules["torchaudio"] = stand_in
    import speechbrain.decoders  # noqa: F401


class TanhLinear(nn.Module):
    """Their ``linear``: our tanh of the readout, and the output layer."""

    def __init__(self, classifier: nn.Linear) -> None:
        super().__init__()
        self.w = classifier

    def forward(self, readout: Tensor) -> Tensor:
        logits: Tensor = self.w(readout.tanh())
        return logits


def searcher(
    speller: Speller,
    ctc_head: nn.Linear,
    *,
    beam_size: int,
    ctc_weight: float,
    max_ratio: float,
    partial: float | None,
    length_normalised: bool,
    end_threshold: float | None,
) -> Callable[[Tensor, Tensor], list[tuple[int, ...]]]:
    """``search(encoded_BTH, num_frames_B)`` -> the best texts.

    CTC scores the best ``partial`` times the beam of each hypothesis' tokens, as their recipes do, or (None) all.
    """
    from speechbrain.decoders.scorer import CTCScorer, ScorerBuilder
    from speechbrain.decoders.seq2seq import S2SRNNBeamSearcher

    num_symbols = speller.classifier.out_features
    scorer = None
    if ctc_weight:
        ctc = CTCScorer(_outputs(ctc_head, end=None), blank_index=0, eos_index=num_symbols + 1)
        scorers = {"full_scorers": [ctc]} if partial is None else {"partial_scorers": [ctc]}
        scorer = ScorerBuilder(weights={"ctc": ctc_weight}, scorer_beam_scale=partial or 1, **scorers)
    search = S2SRNNBeamSearcher(
        embedding=_embedding(speller),
        decoder=_decoder(speller),
        linear=TanhLinear(_outputs(speller.classifier, end=0)),
        bos_index=num_symbols,
        eos_index=num_symbols + 1,
        min_decode_ratio=0.0,
        max_decode_ratio=max_ratio,
        beam_size=beam_size,
        scorer=scorer,
        using_eos_threshold=end_threshold is not None,
        eos_threshold=end_threshold or 1.0,
        length_normalization=length_normalised,
    ).eval()

    def texts(encoded_BTH: Tensor, num_frames_B: Tensor) -> list[tuple[int, ...]]:
        found = search(encoded_BTH, num_frames_B / encoded_BTH.shape[1])[0]
        return [tuple(int(token) for token in text) for text in found]

    return texts


def _embedding(speller: Speller) -> nn.Embedding:
    ours_VE = speller.core.embedding.weight.detach()
    return nn.Embedding.from_pretrained(torch.cat([ours_VE, ours_VE[:1], ours_VE[:1]]))


def _outputs(ours: nn.Linear, *, end: int | None) -> nn.Linear:
    """An output layer with two more symbols; ``end`` moves from our symbol to their last, and CTC (None) has none."""
    theirs = nn.Linear(ours.in_features, ours.out_features + 2)
    with torch.no_grad():
        theirs.weight.zero_()
        theirs.bias.fill_(IMPOSSIBLE)
        theirs.weight[:-2], theirs.bias[:-2] = ours.weight, ours.bias
        if end is not None:
            theirs.weight[-1], theirs.bias[-1] = ours.weight[end], ours.bias[end]
            theirs.weight[end], theirs.bias[end] = 0.0, IMPOSSIBLE
    return theirs


def _decoder(speller: Speller) -> nn.Module:
    from speechbrain.nnet.RNN import AttentionalRNNDecoder

    core = speller.core
    ours = core.attention
    units, width, hidden = ours.keys.out_features, ours.num_outputs, core.recurrent.num_outputs
    if units != width:
        raise ValueError(f"attention units {units}, allowed: the encoder's {width}, since SpeechBrain has one width")
    by_location = isinstance(ours, LocationAttention)
    theirs = AttentionalRNNDecoder(
        rnn_type=core.recurrent.cell, attn_type="location" if by_location else "content", hidden_size=hidden,
        attn_dim=width, num_layers=len(core.recurrent.layers), enc_dim=width, input_size=core.embedding.embedding_dim,
        channels=ours.filters.out_features if by_location else None,
        kernel_size=ours.reach_frames if by_location else None,
    )  # fmt: skip
    with torch.no_grad():
        for cell, layer in zip(theirs.rnn.rnn_cells, core.recurrent.layers, strict=True):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(cell, name).copy_(getattr(layer, f"{name}_l0"))
        theirs.proj.weight.copy_(speller.readout.weight.roll(width, dims=1))  # theirs reads [c; s], ours [s; c]
        theirs.proj.bias.copy_(speller.readout.bias)
        theirs.attn.mlp_enc.load_state_dict(ours.keys.state_dict())
        theirs.attn.mlp_dec.weight.copy_(ours.queries.weight)
        theirs.attn.mlp_dec.bias.zero_()
        theirs.attn.mlp_attn.weight.copy_(ours.energy.weight)
        theirs.attn.mlp_out.weight.copy_(torch.eye(width))
        theirs.attn.mlp_out.bias.zero_()
        if by_location:
            theirs.attn.conv_loc.weight.copy_(ours.filters.weight.unsqueeze(1))
            theirs.attn.mlp_loc.weight.copy_(ours.places.weight)
            theirs.attn.mlp_loc.bias.zero_()
    return theirs
