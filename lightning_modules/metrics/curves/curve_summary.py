"""Every score of a split's curves as one JSON document: what ``earmark score events --scores`` prints."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_modules.metrics.curves.curve_scores import CurveStatistics, Thresholds
from lightning_modules.metrics.curves.f_scores import best_error_rate, best_f1, error_rate_at, f1_at, mean_of_defined
from lightning_modules.metrics.curves.psds import PSDS1, PSDS2, psds
from lightning_modules.metrics.curves.ranking import average_precision, partial_auc

POLICY = (
    "an event of a class is a longest stretch of scores above the threshold; rates are sed_scores_eval's, macro means"
    " over the classes that have reference events (PSDS and its cross triggers too), null without any; times are"
    " compared rounded to a microsecond, with unrounded collars as sed_eval does; best: by class over every threshold"
    " of this very split, a bound and no result; fitted: by class, of the best F1 on the split of --thresholds-from;"
    " segment_er is sed_eval's overall one, the other error rates are by class; event_map is the mean over classes and"
    " IoUs of the area below the interpolated precision-recall curve of every threshold, detections matched one to one;"
    " mpauc is the area below the ROC up to max_fpr, divided by it"
)


def summary_json(statistics: CurveStatistics, *, fitted: Thresholds | None = None) -> dict[str, Any]:
    """Figures, figures and thresholds by class, counts, settings and policy, of plain types, NaN and inf as None."""
    classes = statistics.collar.classes
    num_reference_C = statistics.collar.num_reference_C()
    by_class = {name: dict(zip(classes, values_C.tolist(), strict=True)) for name, values_C in _of(statistics).items()}
    thresholds = {f"{name}_best": best_f1(of).thresholds_C for name, of in statistics.thresholded().items()}
    thresholds |= {f"{name}_fitted": values_C for name, values_C in (fitted or {}).items()}
    document = {
        "figures": {**statistics.figures(fitted=fitted), **_event_maps(statistics)},
        "by_class": {label: {name: of[label] for name, of in by_class.items()} for label in classes},
        "thresholds": {
            name: dict(zip(classes, values_C.tolist(), strict=True)) for name, values_C in thresholds.items()
        },
        "counts": {
            "clips": len(statistics.clips),
            "hours": float(statistics.collar.duration_seconds_N.sum() / 3600),
            "reference_events": int(num_reference_C.sum()),
            "segments": len(statistics.segments.clips_M),
        },
        "classes": list(classes),
        "settings": {**asdict(statistics.settings), "psds1": asdict(PSDS1), "psds2": asdict(PSDS2)},
        "policy": POLICY,
        "warnings": warnings_of(statistics),
    }
    return {key: _plain(value) for key, value in document.items()}


def warnings_of(statistics: CurveStatistics) -> list[str]:
    """One line for each thing that a reader of the figures should know."""
    num_reference_C = statistics.collar.num_reference_C()
    absent = [label for label, count in zip(statistics.collar.classes, num_reference_C, strict=True) if not count]
    if not absent:
        return []
    return [f"{len(absent)} classes have no reference event and leave the macro means and PSDS: {', '.join(absent)}"]


def _of(statistics: CurveStatistics) -> dict[str, NDArray[np.float64]]:
    """Figures by class, (C,) each."""
    at = statistics.settings.threshold
    values = {"psds1": psds(statistics.psds1, PSDS1).by_class, "psds2": psds(statistics.psds2, PSDS2).by_class}
    for name, of in statistics.thresholded().items():
        values[f"{name}_f1"], values[f"{name}_f1_best"] = f1_at(of, at).by_class, best_f1(of).by_class
    values["segment_er"] = error_rate_at(statistics.segment, at).by_class
    values["segment_er_best"] = best_error_rate(statistics.segment).by_class
    for iou, of in statistics.overlaps.items():
        values[f"event_ap_iou_{iou}"] = average_precision(of, interpolated=True)
    values["tagging_ap"] = average_precision(statistics.tagging)
    values["tagging_pauc"] = partial_auc(statistics.tagging, max_fpr=statistics.settings.max_fpr)
    return values


def _event_maps(statistics: CurveStatistics) -> dict[str, float]:
    return {
        f"event_map_iou_{iou}": mean_of_defined(average_precision(of, interpolated=True))
        for iou, of in statistics.overlaps.items()
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
