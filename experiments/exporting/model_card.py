"""The model card of an exported run: README.md with Hugging Face's header, filled from the run and nothing else.

The header is that of https://huggingface.co/docs/hub/model-cards; the sections are those of Mitchell et al. 2019,
"Model Cards for Model Reporting" (arXiv 1810.03993), as far as a run's own record can fill them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from datamodules.corpus_folder import CorpusCard, CorpusMissingError
from datamodules.joined_corpora import read_cards
from experiments.applying.chosen_run import ChosenRun
from experiments.applying.loaded_system import ModelFacts
from experiments.exporting.card_limits import PER_LANGUAGE, limits, read_rows
from experiments.exporting.card_scores import Score, card_scores
from experiments.exporting.exportable import Exportable
from experiments.exporting.parity import Parity
from experiments.runs import provenance
from experiments.runs.run_folder import CONFIG
from experiments.table_files.table_values import corpus_of

CARD = "README.md"
VERSIONS = ("torch", "pytorch-lightning", "numpy", "lhotse", "librosa", "soundfile", "soxr")
USAGE = """## How to run it

```
pip install numpy onnxruntime
python run_model.py clip.wav
```

`earmark import .` brings the run back into a store of earmark, where `from:` of a table's row finds it;
`earmark.json` says which classes of earmark compute it.
"""


def model_card(chosen: ChosenRun, facts: ModelFacts, graphs: Exportable, parity: Parity) -> str:
    """The whole file."""
    corpus = corpus_of(chosen.config)
    data = corpus_card(corpus, digest=chosen.corpus_digest)
    scores, why = card_scores(chosen)
    header = _header(chosen, graphs, scores, corpus)
    sections = [
        f"# {chosen.name}\n\n{_what(chosen, facts, graphs)}",
        f"## Data\n\n{_data(corpus, data)}",
        f"## Scores\n\n{_scores(scores, why, data)}",
        f"## Limits\n\n{_limits(chosen, data)}",
        USAGE.rstrip(),
        f"## Training\n\n{_training(chosen)}",
        f"## Exactness\n\n{_exactness(graphs, parity)}",
    ]
    return f"---\n{header}\n---\n\n" + "\n\n".join(sections) + "\n"


def corpus_card(corpus: str, *, digest: str) -> CorpusCard | None:
    """The card of the very corpus that a run was trained on, where that is on this disk."""
    try:
        card = read_cards(corpus)
    except CorpusMissingError:
        return None
    return card if digest in ("", card.digest) else None


def _header(chosen: ChosenRun, graphs: Exportable, scores: list[Score], corpus: str) -> str:
    """YAML, written as JSON's subset of it where texts of the run stand."""
    speech = graphs.kind != "sound events"
    task = "automatic-speech-recognition" if speech else "audio-classification"
    languages = [row["language"] for row in read_rows(chosen.folder / "scores" / PER_LANGUAGE) if row.get("language")]
    metrics = [
        {"type": score.metric.removeprefix("test/"), "name": score.words, "value": round(score.value, 4)}
        for score in scores
    ]
    result = {
        "task": {"type": task},
        "dataset": {"name": corpus, "type": corpus.partition("/")[0], "split": "test"},
        "metrics": metrics,
    }
    lines: dict[str, Any] = {
        "library_name": "earmark",
        "license": "other",
        "license_name": "that-of-the-data",
        "license_link": "#data",
        **({"language": sorted(languages)} if languages else {}),
        "pipeline_tag": task,
        "tags": ["onnx", "safetensors", "earmark", "speech-recognition" if speech else "sound-event-detection"],
        **({"model-index": [{"name": chosen.name, "results": [result]}]} if metrics else {}),
    }
    return "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in lines.items())


def _what(chosen: ChosenRun, facts: ModelFacts, graphs: Exportable) -> str:
    section = chosen.config["model"]
    system = section if isinstance(section, str) else section["class_path"]
    hears = f"It hears one channel at {facts.sample_rate_hz} Hz and says something every {graphs.hop_seconds:.3f} s"
    if graphs.kind == "sound events":
        what = f"Detects {len(facts.classes)} classes of sounds: {', '.join(facts.classes)}."
    else:
        decoder = {"ctc": "a CTC output", "attention": "an attention decoder", "transducer": "a transducer"}
        what = f"Writes what is said, with {decoder[graphs.kind]} over {len(facts.symbols)} symbols."
    return f"{what} {hears}. The system is `{system}` of earmark, run `{chosen.key_id}`."


def _data(corpus: str, card: CorpusCard | None) -> str:
    if card is None:
        return f"Trained on `{corpus}`, which was not on the exporting machine as it was: its licences are not listed here."
    splits = ", ".join(f"{count} {split}" for split, count in card.num_clips.items())
    made = " No sound in it was ever recorded: it is synthetic." if card.synthetic else ""
    licences = "\n".join(f"| {source} | {licence} |" for source, licence in card.licences.items())
    return (
        f"`{corpus}`: {card.description} ({splits}).{made}\n\n"
        f"| source | licence |\n| --- | --- |\n{licences}\n\n"
        "Whoever passes the model on should hold to the licences of what it has learnt from."
    )


def _scores(scores: list[Score], why: str, card: CorpusCard | None) -> str:
    if not scores:
        return "The run has no stored figures."
    size = f" of {card.num_clips['test']}" if card is not None and "test" in card.num_clips else ""
    rows = "\n".join(f"| {score.words} | {score.value:.3f} | {_interval(score)} |" for score in scores)
    note = f"\n\nWithout an interval: {why}." if why else ""
    return (
        f"Of this one training, on the test split{size}; intervals are 95 % bootstraps over its clips or utterances, "
        f"and say nothing of other trainings or other recordings.\n\n"
        f"| figure | value | 95 % interval |\n| --- | --- | --- |\n{rows}{note}"
    )


def _interval(score: Score) -> str:
    return "" if score.interval is None else f"{score.interval.low:.3f} to {score.interval.high:.3f}"


def _limits(chosen: ChosenRun, card: CorpusCard | None) -> str:
    said = limits(chosen)
    source = "mixtures and recordings of its own corpus" if card is None or not card.synthetic else "synthetic sounds"
    said.append(f"Everything above was measured on {source}; of other microphones, rooms and sounds nothing is known.")
    return "\n".join(f"- {sentence}" for sentence in said)


def _training(chosen: ChosenRun) -> str:
    attempts = provenance.read(chosen.folder).get("attempts") or []
    seconds = sum(float(attempt.get("wall_seconds") or 0.0) for attempt in attempts)
    last: Mapping[str, Any] = attempts[-1] if attempts else {}
    where = f" on {last['device']} ({provenance.hardware_line(last['hardware'])})" if "hardware" in last else ""
    took = f"{seconds / 60:.1f} minutes{where}." if seconds else "How long it took the run does not say."
    epochs = (chosen.config.get("trainer") or {}).get("max_epochs")
    recipe = f" At most {epochs} epochs; the whole configuration is in `earmark.json`." if epochs else ""
    return f"{took}{recipe}\n\nMade with: {_versions(chosen)}."


def _versions(chosen: ChosenRun) -> str:
    path = chosen.folder / provenance.ENVIRONMENT
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = dict(line.split("==", 1) for line in lines if "==" in line)
    known = [f"{name} {found[name]}" for name in VERSIONS if name in found]
    return ", ".join(known) or f"versions that {CONFIG}'s folder does not say"


def _exactness(graphs: Exportable, parity: Parity) -> str:
    features = "Log-mel features are in the graph" if graphs.inside else "Log-mel features are computed in numpy"
    return (
        f"{features}; a graph takes one clip of any length. Its outputs differ from earmark's own by at most "
        f"{parity.largest:.1e} (onnxruntime on a CPU, at {len(parity.lengths)} lengths)."
    )
