"""What a fine-tuned run's validation and test share with the training of its seed, and of that one's.

Of both the data modules are asked, so that languages, minutes, deals and what was kept apart count as they were. It
goes into the run's warnings where anything is shared, and into ``scores/seed_overlap.json`` in any case.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from datamodules.run_warning import RunWarning
from datamodules.speech.shared_speech import shared_speech
from datamodules.speech.utterance_splits import UtteranceSplits
from experiments.configuration.schema import build
from experiments.table_files.merge import Config
from experiments.table_files.table_values import corpus_of

NAME = "seed_overlap.json"


def say_seed_overlap(config: Mapping[str, Any], data: object, *, folder: Path) -> None:
    """Compare ``data`` with what the configuration's ``seed_data`` were trained on; nothing is said of other kinds.

    ``seed_data`` are sections of data, the seed's own first. Raises ``UserError`` for one that is no more allowed.
    """
    sections: Sequence[Config] = config.get("seed_data") or ()
    if not sections or not isinstance(data, UtteranceSplits):
        return
    held_out = [*data.said("validation"), *data.said("test")]
    found = []
    for number, section in enumerate(sections):
        parts = build(
            {"data": section, "scoring": config["scoring"]}, stage="score", seed=config["seed"],
            where=f"the data of {'the seed' + ' of the seed' * number}", imports=config.get("imports") or (),
        )  # fmt: skip
        if not isinstance(parts.data, UtteranceSplits):
            continue
        shared = shared_speech(parts.data.said("train"), held_out)
        found.append({"seed_corpus": corpus_of({"data": section}), **asdict(shared)})
        if shared.texts or shared.voices:
            says = f"seed on {corpus_of({'data': section})}: of {shared.says()}"
            remedy = "; data.apart_from of the seed leaves such texts out" if shared.texts else ""
            warnings.warn(says + remedy, RunWarning, stacklevel=2)
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
