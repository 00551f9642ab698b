"""One checkpoint through several decoders, each with weights that validation chose; the figures of all are kept.

How a text is read out of a network may decide more than how it was trained: a transfer table that is decoded in one way
alone compares plans as that decoder sees them. Which decoder's figures stand under the plain names is chosen on
validation too, in every row by itself, so that no plan is read by what suits another.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from lightning_modules.asr.ctc.decoder import Decoder
from lightning_modules.asr.scoring.decoding_scoring import DecodingScoring
from lightning_modules.scoring import Scoring


class SeveralDecodings(Scoring):
    """Scores by each of ``decoders``, by name, as ``DecodingScoring`` does, ``fitted_for`` its validation error.

    ``SPLIT/wer_by_NAME`` and ``/cer_by_NAME`` are of every decoder, and its files in a folder of its name; all other
    names and files are of the one with the lowest validation error, the first of equals; where that has no attention,
    figures of attention are of the first that has. Raises ``ValueError`` without a decoder and for a name that is no
    identifier.
    """

    def __init__(
        self,
        *,
        decoders: Mapping[str, Decoder],  # type: ignore[type-arg]  # as DecodingScoring's
        fitted_for: Literal["wer", "cer"] = "cer",
        num_pictures: int = 0,
    ) -> None:
        if not decoders or not all(name.isidentifier() for name in decoders):
            raise ValueError(f"decoders {list(decoders)}, allowed: one or more, by names of letters, digits and _")
        self.fitted_for = fitted_for
        self.scorings = {
            name: DecodingScoring(decoder=decoder, fitted_for=fitted_for, num_pictures=num_pictures)
            for name, decoder in decoders.items()
        }

    def check(self, system: object) -> None:
        """Every decoder must read what the system stores."""
        for scoring in self.scorings.values():
            scoring.check(system)

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``."""
        found: dict[str, dict[str, float]] = {}
        for name, scoring in self.scorings.items():
            folder = output_dir / name
            folder.mkdir(exist_ok=True)
            found[name] = scoring.score(predictions=predictions, references=references, output_dir=folder)
        chosen = min(found, key=lambda name: found[name][f"validation/{self.fitted_for}"])
        shutil.copytree(output_dir / chosen, output_dir, dirs_exist_ok=True)
        by_decoder = {
            f"{split}/{error}_by_{name}": metrics[f"{split}/{error}"]
            for name, metrics in found.items()
            for split in ("validation", "test")
            for error in ("wer", "cer")
            if f"{split}/{error}" in metrics
        }
        content = {"chosen": chosen, "by": f"validation/{self.fitted_for}", "of": list(found)}
        (output_dir / "chosen_decoder.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        scores = json.loads((output_dir / "scores.json").read_text(encoding="utf-8"))
        of_attention = {
            name: figure
            for of_decoder in reversed(found.values())  # the first stands last, and so for all
            for name, figure in of_decoder.items()
            if "/attention_" in name
        }
        metrics = {**of_attention, **found[chosen], **by_decoder}
        scores["metrics"] = metrics
        text = json.dumps(scores, indent=2, ensure_ascii=False) + "\n"
        (output_dir / "scores.json").write_text(text, encoding="utf-8")
        return metrics
