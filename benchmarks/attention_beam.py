"""Beam search of an attention model, joint with CTC and alone, against SpeechBrain's, with equal random weights.

    python benchmarks/attention_beam.py            # --help: attention, cell, sizes, beam, weights, batch, repeats, seed

Both get the same encoded utterances and the same weights (``speechbrain_beam`` says what is equal), one thread, the
same beam, greatest length, length normalisation and end threshold. They take turns, in alternating order, after one
warm-up. Timed from encoded frames to texts, CTC's output layer included: milliseconds of processor time an utterance
(median of the repeats), in which other work on the machine counts less. ``same``: for how many utterances the peer
found the same text. At the greatest length ours scores the end of an open text, and SpeechBrain drops its last token:
texts that long differ.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import speechbrain_beam  # noqa: E402
import torch  # noqa: E402  (after the threads are set)
from prefix_beam import processor  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from lightning_modules.decoding.attention.attention_beam import attention_beam_search  # noqa: E402
from lightning_modules.decoding.ctc.ctc_prefix_scores import CtcPrefixScorer  # noqa: E402
from lightning_modules.layers.attention import ContentAttention, LocationAttention  # noqa: E402
from lightning_modules.layers.speller import BoundSpeller, Speller, SpellerSettings  # noqa: E402

Texts = list[tuple[int, ...]]
Search = Callable[[Tensor, Tensor], Texts]


def random_model(arguments: argparse.Namespace) -> tuple[Speller, nn.Linear]:
    """A speller that attends last, and CTC's output layer; outputs sharpened so that both prefer some tokens."""

    def attention(num_encoded: int, num_queries: int) -> ContentAttention:
        if arguments.attention == "content":
            return ContentAttention(num_encoded, num_queries, units=num_encoded)
        return LocationAttention(num_encoded, num_queries, units=num_encoded)

    settings = SpellerSettings(
        attention=attention, cell=arguments.cell, embedding_units=arguments.embedding, hidden_units=arguments.hidden
    )
    speller = Speller(
        num_symbols=arguments.symbols, num_encoded=arguments.encoded, settings=settings, attend_first=False
    )
    ctc_head = nn.Linear(arguments.encoded, arguments.symbols)
    with torch.no_grad():
        speller.classifier.weight.mul_(arguments.sharpness)
        ctc_head.weight.mul_(arguments.sharpness)
        ctc_head.bias[0] += 2 * arguments.sharpness  # the blank is the likeliest symbol, as in a trained model
    return speller.eval(), ctc_head


def earmark(speller: Speller, ctc_head: nn.Linear, arguments: argparse.Namespace, ctc_weight: float) -> Search:
    """Ours, from encoded frames."""

    def search(encoded_BTH: Tensor, num_frames_B: Tensor) -> Texts:
        with torch.inference_mode():
            model = BoundSpeller(speller, speller.memory(encoded_BTH, num_frames_B))
            ctc = CtcPrefixScorer(ctc_head(encoded_BTH).log_softmax(-1), num_frames_B) if ctc_weight else None
        found = attention_beam_search(
            model,
            max_tokens_B=[max_steps(arguments)] * len(encoded_BTH),
            beam_size=arguments.beam,
            ctc=ctc,
            ctc_weight=ctc_weight,
            length_normalised=True,
            end_threshold=arguments.end_threshold,
        )
        return [hypotheses[0].tokens for hypotheses in found]

    return search


def max_steps(arguments: argparse.Namespace) -> int:
    """Most tokens of a hypothesis."""
    return int(arguments.frames * arguments.max_ratio)


def compare(title: str, rivals: dict[str, Search], batches: list[tuple[Tensor, Tensor]], repeats: int) -> None:
    """Time all, print a line each; the first of ``rivals`` is ours."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    found: dict[str, Texts] = {}
    for repeat in range(-1, repeats):  # one warm-up
        for name in list(rivals) if repeat % 2 == 0 else list(rivals)[::-1]:
            start = time.process_time()
            found[name] = [text for batch in batches for text in rivals[name](*batch)]
            if repeat >= 0:
                seconds[name].append((time.process_time() - start) / len(found[name]))
    own = next(iter(rivals))
    print(f"\n{title}\n{'search':<36}{'ms':>9}{'times ours':>12}{'tokens':>8}{'same':>9}")
    for name in rivals:
        ratio = statistics.median(seconds[name]) / statistics.median(seconds[own])
        tokens = statistics.mean(map(len, found[name]))
        same = sum(one == other for one, other in zip(found[own], found[name], strict=True))
        line = f"{name:<36}{1000 * statistics.median(seconds[name]):>9.2f}{ratio:>11.1f}x{tokens:>8.1f}"
        print(line + ("" if name == own else f"{same:>5} of {len(found[name])}"), flush=True)


def main() -> None:
    """The joint search, then attention alone."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--attention", choices=("content", "location"), default="content")
    parser.add_argument("--cell", choices=("lstm", "gru"), default="lstm")
    parser.add_argument("--beam", type=int, default=10)
    parser.add_argument("--symbols", type=int, default=32, help="V, the end (CTC: the blank) included")
    parser.add_argument("--frames", type=int, default=200, help="T, encoded frames of the longest utterance")
    parser.add_argument("--encoded", type=int, default=256, help="units of the encoder, and of the attention")
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--embedding", type=int, default=64)
    parser.add_argument("--ctc-weight", type=float, default=0.3)
    parser.add_argument("--end-threshold", type=float, default=1.5)
    parser.add_argument("--max-ratio", type=float, default=0.25, help="greatest length in tokens by frames")
    parser.add_argument("--sharpness", type=float, default=10.0)
    parser.add_argument("--utterances", type=int, default=8)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        speechbrain_beam.import_speechbrain()
    except ImportError as error:
        sys.exit(f"speechbrain cannot be imported ({error}): see benchmarks/README.md for how to install it")
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    speller, ctc_head = random_model(arguments)
    encoded = torch.randn(arguments.utterances, arguments.frames, arguments.encoded)
    num_frames = torch.randint(arguments.frames // 2, arguments.frames + 1, (arguments.utterances,))
    num_frames[:: arguments.batch] = arguments.frames  # the longest of each batch: their ratio counts its frames
    batches = list(zip(encoded.split(arguments.batch), num_frames.split(arguments.batch), strict=True))
    print(
        f"{arguments.attention} attention, {arguments.cell} {arguments.hidden}, encoder {arguments.encoded}, "
        f"V {arguments.symbols}, T {arguments.frames}, beam {arguments.beam}, batch {arguments.batch}, "
        f"{max_steps(arguments)} tokens at most, one thread, {processor()}"
    )

    def theirs(ctc_weight: float, partial: float | None = None) -> Search:
        return speechbrain_beam.searcher(
            speller, ctc_head, beam_size=arguments.beam, ctc_weight=ctc_weight, max_ratio=arguments.max_ratio,
            partial=partial, length_normalised=True, end_threshold=arguments.end_threshold,
        )  # fmt: skip

    weight = arguments.ctc_weight
    joint = {
        "earmark": earmark(speller, ctc_head, arguments, weight),
        "SpeechBrain, CTC of all tokens": theirs(weight),
        "SpeechBrain, CTC of 1.5 x beam": theirs(weight, 1.5),
    }
    compare(f"attention and CTC (weight {weight})", joint, batches, arguments.repeats)
    alone = {"earmark": earmark(speller, ctc_head, arguments, 0.0), "SpeechBrain": theirs(0.0)}
    compare("attention alone", alone, batches, arguments.repeats)


if __name__ == "__main__":
    main()
