"""Keys of what a run does one after the other: it trains, it predicts, it scores. An edit outdates what it concerns.

``fit`` is of all that a training hangs on, ``predict`` of that and of the code that writes predictions, ``score`` of
that and of the scoring. They stand beside the run's own key, which they are no part of: a plan that finds no run under
a cell's key looks for one of the same training (``planning/trained_before.py``), and scores its predictions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments.runs import keys
from experiments.runs.config_form import form
from experiments.table_files.merge import Config, get_path

# Tags of a run. CODE and SETTINGS are the parts of FIT, by which runs are asked for.
FIT, PREDICT, SCORE = "key.fit", "key.predict", "key.score"
CODE, SETTINGS = "key.fit.code", "key.fit.settings"
TRAINED_AS, PREDICTED_AS = "trained_as", "predicted_as"  # the keys of the runs that did; without them a run did itself
SCORED_BY = "scored_by"  # the class that scores, and a digest of its code: the version of its figures
SCORING = "scoring"
# What is done with weights once they are chosen: no figure of a training comes from here. tests/experiments/runs/
# test_phase_keys.py asks that systems use it in their prediction alone.
PREDICTION_CODE = (
    "lightning_modules.gathering",
    "lightning_modules.asr.attention.stored_decoder",
    "lightning_modules.asr.gathering",
    "lightning_modules.asr.predictions",
    "lightning_modules.asr.transducer.stored_transducer",
    "lightning_modules.asr.whisper.written_texts",
    "lightning_modules.lm.neural_file",
    "lightning_modules.lm.predictions",
    "lightning_modules.sed.gathering",
    "lightning_modules.sed.predictions",
)


@dataclass(frozen=True)
class PhaseCode:
    """Digests by module of the code that trains (the recipe among it), that predicts, and that scores.

    What is known of no phase counts as training. Scoring shares modules with the others.
    """

    fit: Mapping[str, str]
    predict: Mapping[str, str]
    score: Mapping[str, str]


@dataclass(frozen=True)
class PhaseKeys:
    """The keys, and the parts of ``fit``: its code, and its settings with data, seed and the run it starts from."""

    settings: str
    fit_code: str
    predict_code: str
    score: str

    @property
    def fit(self) -> str:
        """Of the training."""
        return _digest([self.settings, self.fit_code])

    @property
    def predict(self) -> str:
        """Of the predictions."""
        return _digest([self.fit, self.predict_code])

    @property
    def code(self) -> str:
        """Of the code behind the predictions, training and all: what a user may accept."""
        return _digest([self.fit_code, self.predict_code])

    def tags(self) -> dict[str, str]:
        """As a run carries them."""
        own = {FIT: self.fit, PREDICT: self.predict, SCORE: self.score}
        return {**own, CODE: self.fit_code, SETTINGS: self.settings}


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def phase_code(config: Config, code: Mapping[str, str], *, imports: Sequence[str]) -> PhaseCode:
    """Share the ``code_digests`` of a configuration out. Raises ``UserError`` for code that cannot be followed."""
    scoring = keys.code_files({SCORING: config.get(SCORING)}, imports=imports)
    others = keys.code_files(but_scoring(config), imports=imports)
    predict = {module: code[module] for module in PREDICTION_CODE if module in others and module in code}
    only_score = scoring.keys() - others.keys()
    fit = {module: digest for module, digest in code.items() if module not in only_score and module not in predict}
    return PhaseCode(fit, predict, {module: code[module] for module in scoring if module in code})


def but_scoring(config: Config) -> Config:
    """The sections that a training hangs on."""
    return {section: value for section, value in config.items() if section != SCORING}


def phase_keys(config: Config, code: PhaseCode, *, data: str, seed: int, seed_run: str, upstream: str) -> PhaseKeys:
    """The keys of a run of stage fit.

    ``data`` is its corpus's digest, ``seed_run`` the key of the training that it starts from (empty: of none),
    ``upstream`` that part of its own key. Spellings of one configuration have the same keys (``config_form.py``).
    """
    settings = _digest([form(but_scoring(config)), data, seed, seed_run])
    made = PhaseKeys(settings, _digest(dict(code.fit)), _digest(dict(code.predict)), "")
    score = [made.predict, form({SCORING: config.get(SCORING)}), dict(code.score), upstream]
    return PhaseKeys(settings, made.fit_code, made.predict_code, _digest(score))


def recorded_keys(record: Mapping[str, Any], code: PhaseCode, *, seed_run: str, upstream: str) -> PhaseKeys:
    """The keys of a run from its ``key.json``, over the modules that ``code`` has in each phase.

    Modules that it had beside them count for nothing: it can have imported one only from a module that differs too.
    """
    then = record["code"]
    parts = ({module: then.get(module, "") for module in part} for part in (code.fit, code.predict, code.score))
    return phase_keys(
        record["config"], PhaseCode(*parts), data=record["data"], seed=record["seed"], seed_run=seed_run,
        upstream=upstream,
    )  # fmt: skip


def scoring_class(config: Config) -> str:
    """The import path of the class that scores; empty for a configuration without one."""
    name = get_path(config, SCORING)
    return name if isinstance(name, str) else ""


def scored_by(config: Config, code: Mapping[str, str], *, imports: Sequence[str]) -> str:
    """``package.module.Class DIGEST`` of the class that scores: its own code, whatever a row gives it as arguments.

    Empty for a configuration without scoring.
    """
    name = scoring_class(config)
    if not name:
        return ""
    files = keys.code_files({SCORING: name}, imports=imports)
    return f"{name} {_digest({module: code.get(module, '') for module in files})}"
