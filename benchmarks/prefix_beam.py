"""Prefix beam search against flashlight-text's lexicon-free decoder and fast-ctc-decode, on the same input, one thread.

    python benchmarks/prefix_beam.py [--posteriors mlruns/…/predictions/test.npz]

For each kind of posteriors: median milliseconds an utterance over the repeats (decoders take turns, one warm-up
before), how many times longer than ours, and what was found: the mean exact CTC log-probability of the hypotheses (all
alignments summed, by the forward recursion; with an n-gram the whole objective), and on how many utterances ours is
better and worse than the peer's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import decoders  # noqa: E402
import numpy as np  # noqa: E402  (after the threads are set)
import posteriors  # noqa: E402

from lightning_modules.decoding.ctc.labelling import labelling_log_prob  # noqa: E402
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel  # noqa: E402
from lightning_modules.lm.arpa import write_arpa  # noqa: E402
from lightning_modules.lm.ngram import estimate_ngrams, sentence_log_prob  # noqa: E402

EQUAL = 1e-6  # log-probabilities closer than this are the same
Score = Callable[[np.ndarray, decoders.Tokens], float]


def processor() -> str:
    """The CPU's name as the kernel has it."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")


def compare(
    title: str, inputs: posteriors.Posteriors, rivals: dict[str, decoders.Decoder], score: Score, repeats: int
) -> None:
    """Time all, print a line each; the first of ``rivals`` is ours."""
    spikes = np.mean(np.exp(np.concatenate([log_probs_TV[:, 0] for log_probs_TV in inputs])) > 0.95)
    print(f"\n{title}: {len(inputs)} utterances, P(blank) > 0.95 in {spikes:.0%} of the frames")
    print(f"{'decoder':<32}{'ms':>9}{'times ours':>12}{'mean log p':>12}{'ours better':>13}{'worse':>7}")
    tasks = {name: [decoder(log_probs_TV) for log_probs_TV in inputs] for name, decoder in rivals.items()}
    found = {name: [decode() for decode in of_decoder] for name, of_decoder in tasks.items()}
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, of_decoder in tasks.items():
            start = time.perf_counter()
            for decode in of_decoder:
                decode()
            seconds[name].append((time.perf_counter() - start) / len(inputs))
    scores = {name: [score(*pair) for pair in zip(inputs, of, strict=True)] for name, of in found.items()}
    own = next(iter(tasks))
    for name in tasks:
        ratio = statistics.median(seconds[name]) / statistics.median(seconds[own])
        gains = [ours - theirs for ours, theirs in zip(scores[own], scores[name], strict=True)]
        better, worse = sum(gain > EQUAL for gain in gains), sum(gain < -EQUAL for gain in gains)
        line = f"{name:<32}{1000 * statistics.median(seconds[name]):>9.2f}{ratio:>11.1f}x{np.mean(scores[name]):>12.3f}"
        print(line + ("" if name == own else f"{better:>13}{worse:>7}"))


def without_model(beam_size: int, num_symbols: int) -> dict[str, decoders.Decoder]:
    """All decoders by name, without a language model."""
    rivals = {"earmark": decoders.earmark(beam_size=beam_size)}
    try:
        for log_add, form in ((True, "sums alignments"), (False, "maximum")):
            rivals[f"flashlight-text, {form}"] = decoders.flashlight(
                beam_size=beam_size, num_symbols=num_symbols, log_add=log_add
            )
    except ImportError as error:
        print(f"flashlight-text left out: {error}")
    rivals["fast-ctc-decode"] = decoders.fast_ctc_decode(beam_size=beam_size, num_symbols=num_symbols)
    return rivals


def with_ngram(arguments: argparse.Namespace, texts: list[decoders.Tokens], inputs: posteriors.Posteriors) -> None:
    """The same n-gram of characters and weight in both; flashlight-text reads it from an ARPA file."""
    symbols = ("<blank>", " ", *(chr(0x4E00 + token) for token in range(2, arguments.symbols)))
    ngrams = estimate_ngrams(texts, symbols=symbols, unit="character", order=arguments.order)
    weight = arguments.lm_weight
    options = {"beam_size": arguments.beam, "lm_weight": weight}
    rivals = {"earmark": decoders.earmark(language_model=NgramLanguageModel(ngrams), **options)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "characters.arpa"
        write_arpa(path, ngrams)
        try:
            for log_add, form in ((True, "sums alignments"), (False, "maximum")):
                rivals[f"flashlight-text, {form}"] = decoders.flashlight(
                    num_symbols=len(symbols), log_add=log_add, arpa=(path, symbols), **options
                )
        except ImportError as error:
            print(f"flashlight-text left out: {error}")

    def score(log_probs_TV: np.ndarray, tokens: decoders.Tokens) -> float:
        return labelling_log_prob(log_probs_TV, tokens) + weight * sentence_log_prob(ngrams, tokens)

    title = f"spiky, character {ngrams.order}-gram of {sum(map(len, ngrams.tables))} entries, weight {weight}"
    compare(title, inputs, rivals, score, arguments.repeats)


def main() -> None:
    """Decode simulated posteriors, those of a run where one is named, and the spiky ones with an n-gram."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beam", type=int, default=100)
    parser.add_argument("--symbols", type=int, default=32, help="V, the blank included")
    parser.add_argument("--frames", type=int, default=400, help="T")
    parser.add_argument("--utterances", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--order", type=int, default=5, help="of the character n-gram")
    parser.add_argument("--lm-weight", type=float, default=0.5)
    parser.add_argument("--posteriors", type=Path, help="a run's predictions/SPLIT.npz, decoded besides")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    shape = {"num_frames": arguments.frames, "num_symbols": arguments.symbols}
    print(f"beam {arguments.beam}, V {arguments.symbols}, T {arguments.frames}, one thread, {processor()}", flush=True)

    length = arguments.frames // posteriors.FRAMES_PER_TOKEN
    texts = posteriors.random_texts(rng, count=500 + arguments.utterances, num_symbols=arguments.symbols, length=length)
    spiky = posteriors.spiky(rng, texts[: arguments.utterances], **shape)
    flat = posteriors.flat(rng, count=arguments.utterances, **shape)
    rivals = without_model(arguments.beam, arguments.symbols)
    compare("spiky, as of a trained model", spiky, rivals, labelling_log_prob, arguments.repeats)
    compare("flat, all frames alike", flat, rivals, labelling_log_prob, arguments.repeats)
    if arguments.posteriors is not None:
        real = posteriors.stored(arguments.posteriors, count=arguments.utterances)
        rivals = without_model(arguments.beam, real[0].shape[1])
        compare(f"{arguments.posteriors}", real, rivals, labelling_log_prob, arguments.repeats)
    with_ngram(arguments, texts[arguments.utterances :], spiky)


if __name__ == "__main__":
    main()
