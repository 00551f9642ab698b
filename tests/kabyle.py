"""A tiny corpus of Kabyle beside French, imported with text rules of a user's own, for tests of what follows them.

The rules change every word of ``WRITTEN``: ours know nothing of Kabyle, keep Greek letters and drop its apostrophes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from datamodules.corpus_folder import CorpusCard
from datamodules.importers.imported_corpus import Source, import_corpus

RULES: dict[str, Any] = {"script": "LATIN", "letters": "'", "map": {"ε": "ɛ", "Γ": "Ɣ", "γ": "ɣ", "5": "semmus"}}
WRITTEN, NORMALISED = "Γef wεezzi, d'", "ɣef wɛezzi d'"  # by hand
GENERAL = "γef wεezzi d"


def import_kabyle(
    folder: Path, *, rules: dict[str, Any] | None, name: str = "mine", french: bool = False
) -> CorpusCard:
    """Three splits of three utterances (of ``french``: and one more) whose manifests lie in ``folder``."""
    manifests = {}
    for split in ("train", "validation", "test"):
        texts = [(WRITTEN, "kab"), (f"Azul {split}", "kab"), (f"Azul fell awen {split}", "kab")]
        rows = ["audio\ttext\tlanguage"]
        for number, (text, language) in enumerate([*texts, *([("Bonjour", "fr")] if french else [])]):
            samples_S = np.random.default_rng(number).uniform(-0.3, 0.3, 8000 + 100 * number)
            soundfile.write(folder / f"{split}{number}.wav", samples_S, 16_000)
            rows.append(f"{split}{number}.wav\t{text}\t{language}")
        (folder / f"{split}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        manifests[split] = [folder / f"{split}.tsv"]
    file = None if rules is None else folder / "rules.yaml"
    return import_corpus(name, Source(manifests, text_rules=rules or {}, rules_file=file), rebuild=True)
