"""What a system can't do, in words that its own figures say: no sentence here is of systems in general."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from experiments.applying.chosen_run import ChosenRun

WEAK_F1 = 0.20
MANY_ERRORS = 0.5
FEW_EVENTS = 20  # of which a class's figure is little more than chance
PER_CLASS, PER_LANGUAGE = "per_class.csv", "per_language.csv"


def limits(chosen: ChosenRun) -> list[str]:
    """Sentences about what the test split showed."""
    scores = chosen.folder / "scores"
    by_class, by_language = read_rows(scores / PER_CLASS), read_rows(scores / PER_LANGUAGE)
    return [*_of_classes(by_class), *_of_durations(chosen.scores), *_of_texts(chosen.scores, by_language)]


def read_rows(path: Path) -> list[Mapping[str, str]]:
    """Rows of a CSV; none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _of_classes(rows: list[Mapping[str, str]]) -> Iterator[str]:
    named = [(row["class"], row) for row in rows if row.get("event_f1")]
    weak = [f"{label} ({float(row['event_f1']):.2f})" for label, row in named if float(row["event_f1"]) < WEAK_F1]
    if weak:
        yield (
            f"Events of these classes are mostly missed or misplaced (event-based F1 below {WEAK_F1:.2f}): "
            f"{', '.join(weak)}."
        )
    elif named:
        yield f"No class has an event-based F1 below {WEAK_F1:.2f}."
    few = [label for label, row in named if int(row.get("reference_events") or 0) < FEW_EVENTS]
    if few:
        yield f"Their figures rest on fewer than {FEW_EVENTS} events each: {', '.join(few)}."
    alarms = [(label, int(row["estimated_events"]), int(row["reference_events"])) for label, row in named]
    many = [f"{label} ({said} said, {true} there)" for label, said, true in alarms if true and said > 2 * true]
    if many:
        yield f"Said more than twice as often as they occur: {', '.join(many)}."


def _of_durations(scores: Mapping[str, float]) -> Iterator[str]:
    short, long = scores.get("test/event_recall_short"), scores.get("test/event_recall_long")
    if short is not None and long is not None:
        yield f"Of short events {short:.0%} are found, of long ones {long:.0%}."


def _of_texts(scores: Mapping[str, float], rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    if (rate := scores.get("test/wer")) is None:
        return
    if rate > MANY_ERRORS:
        yield f"{rate:.0%} of the words are wrong: its texts can't be used as they are."
    languages = [(float(row["wer"]), row["language"]) for row in rows if row.get("wer") and row.get("language")]
    if len(languages) > 1:
        worst, best = max(languages), min(languages)
        yield f"Word error rate by language: best {best[1]} ({best[0]:.0%}), worst {worst[1]} ({worst[0]:.0%})."
    if empty := scores.get("test/empty_hypotheses"):
        yield f"Nothing is written for {empty:.1%} of the utterances."
