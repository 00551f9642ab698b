"""Whisper untouched on test utterances, with whole windows and with windows cut to the utterance.

    python benchmarks/whisper_windows.py prompts models/whisper-base --silence 30 0.2 1.0 --step 6 --count 40

Prints WER, CER and CPU seconds an utterance, overall and by language; 30 stands for the whole window
(docs/pretrained.md).
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import torch

from datamodules.asr import SpeechDataModule
from datamodules.batches import UtteranceBatch
from datamodules.texts.written_words import written_words
from lightning_modules.asr.whisper.whisper_recogniser import UntouchedWhisper
from lightning_modules.layers.pretrained_whisper import WhisperEncoder
from lightning_modules.metrics.word_error import WordError

WHOLE = 30.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("folder")
    parser.add_argument("--silence", type=float, nargs="+", default=[WHOLE])
    parser.add_argument("--step", type=int, default=1, help="every so many-th utterance by id, from the fourth on")
    parser.add_argument("--count", type=int, default=None)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = SpeechDataModule(corpus=arguments.corpus, batch_seconds=100, language_tags=True)
    data.setup("score")
    of = data.references("test")
    symbols = ("<blank>", *(f"<{language}>" for language in sorted(set(of.languages.values()))))
    names = sorted(of.texts)[3 :: arguments.step][: arguments.count]
    for silence in arguments.silence:
        encoder = WhisperEncoder(folder=arguments.folder, silence_seconds=None if silence == WHOLE else silence)
        system = UntouchedWhisper(encoder=encoder, symbols=symbols, sample_rate_hz=data.sample_rate_hz).eval()
        errors: dict[str, WordError] = defaultdict(WordError)
        started = time.process_time()
        for name in names:
            language, waveform_S = of.languages[name], torch.from_numpy(of.load_waveform(name)).float()
            tag = torch.tensor([[symbols.index(f"<{language}>")]])
            num_samples_B, one = torch.tensor([len(waveform_S)]), torch.tensor([1])
            batch = UtteranceBatch((name,), waveform_S.unsqueeze(0), num_samples_B, tag, one, (of.texts[name],))
            with torch.no_grad():
                (text,) = system.write(system.encode(batch.waveforms_BS, num_samples_B), batch)
            for group in ("all", language):
                errors[group].update([of.texts[name]], [written_words(text, language=language).text])
        seconds = (time.process_time() - started) / len(names)
        for group, error in errors.items():
            rates = ", ".join(f"{kind} {100 * rate:.1f}" for kind, rate in error.compute().items())
            print(f"silence {silence:g} s, {group}: {rates}; {seconds:.2f} CPU s an utterance", flush=True)


if __name__ == "__main__":
    main()
