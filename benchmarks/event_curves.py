"""The scores of stored curves, ours against sed_eval + sed_scores_eval, on one input.

    python benchmarks/event_curves.py [--clips 1168] [--frames 156] [--classes 10]

Curves are made: noise smoothed over 9 frames of 64 ms, raised where an event is. Ours is the whole of
``earmark score events --scores``'s figures; theirs are the same of them that the packages have: both PSDS with and
without alpha_st, collar, intersection, segment and tagging F1 at .5 and best, segment error rates, mpAUC and mAP by
sed_scores_eval, event-based and segment-based scores of the events at .5 by sed_eval. Printed are seconds of the
processor, their quotient, and the largest difference of each figure. sed_scores_eval comes as source:
``pip install sed_scores_eval`` needs a C compiler.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "oracles")]
warnings.simplefilter("ignore")

from curves_of_sed_scores_eval import made_curves, theirs  # noqa: E402

from datamodules.annotations import Event  # noqa: E402
from lightning_modules.metrics.curves.curve_scores import CurveStatistics  # noqa: E402
from lightning_modules.metrics.curves.score_curves import ScoreCurves  # noqa: E402
from lightning_modules.metrics.curves.scored_clips import ScoredClips  # noqa: E402
from lightning_modules.metrics.event_based import score_event_based  # noqa: E402
from lightning_modules.metrics.quiet_sed_eval import EventBasedMetrics, SegmentBasedMetrics  # noqa: E402
from lightning_modules.metrics.segment_based import score_segment_based  # noqa: E402

Events = dict[str, list[Event]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("clips", 1168), ("frames", 156), ("classes", 10)):
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args()
    classes = tuple(f"class_{number}" for number in range(arguments.classes))
    curves, reference = made_curves(0, 0, num_clips=arguments.clips, num_frames=arguments.frames, classes=classes)
    few, of_few = made_curves(1, 0, num_clips=4, classes=classes)
    _ours(few, of_few)  # compile, which numba keeps for the next process

    ours, our_seconds = _timed(lambda: _ours(curves, reference))
    package, package_seconds = _timed(lambda: theirs(curves, reference))
    lists, list_seconds = _timed(lambda: _sed_eval(reference, _events_above(curves, 0.5), classes))
    num_events = sum(map(len, reference.values()))
    print(f"{arguments.clips} clips x {arguments.frames} frames x {arguments.classes} classes, {num_events} events")
    print(f"ours             {our_seconds:8.1f} s")
    print(f"sed_scores_eval  {package_seconds:8.1f} s")
    print(f"sed_eval         {list_seconds:8.1f} s")
    print(f"ratio            {(package_seconds + list_seconds) / our_seconds:8.1f}")
    for name, value in {**package, **lists}.items():
        print(f"{name:28} {ours[name]:.6f}  difference {abs(ours[name] - value):.1e}")


def _timed(action: Callable[[], dict[str, float]]) -> tuple[dict[str, float], float]:
    start = time.process_time()
    result = action()
    return result, time.process_time() - start


def _ours(curves: ScoreCurves, reference: Events) -> dict[str, float]:
    found = _events_above(curves, 0.5)
    event, segment = score_event_based(reference, found), score_segment_based(reference, found)
    return {
        **CurveStatistics.of(ScoredClips(curves, reference)).figures(),
        "sed_eval_event_f1": event.micro.f1,
        "sed_eval_event_er": event.micro.error_rate,
        "sed_eval_segment_f1": segment.micro.f1,
        "sed_eval_segment_er": segment.micro.error_rate,
    }


def _sed_eval(reference: Events, estimated: Events, classes: tuple[str, ...]) -> dict[str, float]:
    event = EventBasedMetrics(
        list(classes),
        t_collar=0.2,
        percentage_of_length=0.2,
        event_matching_type="optimal",
        empty_system_output_handling="zero_score",
    )
    segment = SegmentBasedMetrics(list(classes), time_resolution=1.0)
    for clip, events in reference.items():
        lists = (_items(events), _items(estimated[clip]))
        event.evaluate(*lists)
        segment.evaluate(*lists)
    figures = {}
    for name, results in (("event", event.results_overall_metrics()), ("segment", segment.results_overall_metrics())):
        figures[f"sed_eval_{name}_f1"] = float(results["f_measure"]["f_measure"])
        figures[f"sed_eval_{name}_er"] = float(results["error_rate"]["error_rate"])
    return figures


def _items(events: list[Event]) -> list[dict[str, Any]]:
    return [{"onset": e.onset_seconds, "offset": e.offset_seconds, "event_label": e.label} for e in sorted(events)]


def _events_above(curves: ScoreCurves, threshold: float) -> Events:
    found: Events = {}
    for clip, (edges, scores_TC) in curves.by_clip.items():
        padded = np.zeros((len(scores_TC) + 2, scores_TC.shape[1]), dtype=np.int8)
        padded[1:-1] = scores_TC > threshold
        steps_TC = np.diff(padded, axis=0)
        found[clip] = [
            Event(float(edges[onset]), float(edges[offset]), label)
            for column, label in enumerate(curves.classes)
            for onset, offset in zip(
                np.flatnonzero(steps_TC[:, column] > 0), np.flatnonzero(steps_TC[:, column] < 0), strict=True
            )
        ]
    return found


if __name__ == "__main__":
    main()
