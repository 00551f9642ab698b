"""What sed_scores_eval 0.0.4 says of made curves: ``python tests/oracles/curves_of_sed_scores_eval.py > FILE.json``.

It comes as source that needs a C compiler, so the tests read its figures from ``sed_scores_eval.json``; where it is
installed they ask it anew. Curves are made of numbers that every version of numpy draws alike.
"""

from __future__ import annotations

import json

import numpy as np

from datamodules.annotations import Event
from lightning_modules.metrics.curves.score_curves import ClipCurves, ScoreCurves

CLASSES = ("dog", "cat", "rain", "bell")
CASES = {"smooth": (0, 0), "other": (1, 0), "quantised": (2, 20), "coarse": (3, 6)}  # seed, levels of a score (0: any)


def made_curves(seed, levels, *, num_clips=24, num_frames=80, hop_seconds=0.064, classes=CLASSES):
    """Curves that know something of the events, and the events: by clip, of a class never touching each other."""
    rng = np.random.RandomState(seed)
    by_clip, reference = {}, {}
    length = num_frames * hop_seconds
    for clip in (f"clip-{n:04d}" for n in range(num_clips)):
        noise = rng.random_sample((num_frames + 8, len(classes)))
        scores_TC = np.cumsum(noise, axis=0)[8:] / 8 - np.cumsum(noise, axis=0)[:-8] / 8
        events = []
        for column in np.flatnonzero(rng.random_sample(len(classes)) < 0.45):
            onset = 0.0
            for _ in range(rng.randint(1, 4)):
                onset = round(onset + 0.1 + rng.random_sample() * length / 3, 3)
                offset = round(onset + 0.15 + rng.random_sample() * 1.5, 3)
                if offset > length:
                    break
                events.append(Event(onset, offset, classes[column]))
                scores_TC[int(onset / hop_seconds) : int(offset / hop_seconds), column] += 0.35
                onset = offset
        if levels:
            scores_TC = np.round(scores_TC * levels) / levels
        by_clip[clip] = ClipCurves(np.arange(num_frames + 1) * hop_seconds, scores_TC)
        reference[clip] = sorted(events)
    return ScoreCurves(classes, by_clip), reference


def as_theirs(curves, reference):
    """Scores, ground truth, tags and durations as sed_scores_eval takes them."""
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    scores = {
        clip: create_score_dataframe(scores_TC.astype(np.float64), edges, list(curves.classes))
        for clip, (edges, scores_TC) in curves.by_clip.items()
    }
    truth = {clip: [tuple(event) for event in events] for clip, events in reference.items()}
    tags = {clip: sorted({event.label for event in events}) for clip, events in reference.items()}
    return scores, truth, tags, {clip: float(edges[-1]) for clip, (edges, _) in curves.by_clip.items()}


def theirs(curves, reference, *, threshold=0.5):
    """Its figures under our names."""
    from sed_scores_eval import clip_based, collar_based, intersection_based, segment_based

    scores, truth, tags, durations = as_theirs(curves, reference)
    collars = {"onset_collar": 0.2, "offset_collar": 0.2, "offset_collar_rate": 0.2}
    halves = {"dtc_threshold": 0.5, "gtc_threshold": 0.5}
    seconds = {"audio_durations": durations, "segment_length": 1.0}
    psds1 = {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "max_efpr": 100.0}
    psds2 = {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5, "max_efpr": 100.0}
    figures = {}
    for name, settings in (("psds1", psds1), ("psds2", psds2)):
        figures[name] = intersection_based.psds(scores, truth, durations, alpha_st=1.0, **settings)[0]
        figures[f"{name}_without_st"] = intersection_based.psds(scores, truth, durations, alpha_st=0.0, **settings)[0]
    for name, module, truths, settings in (
        ("collar", collar_based, truth, collars),
        ("intersection", intersection_based, truth, halves),
        ("segment", segment_based, truth, seconds),
        ("tagging", clip_based, tags, {}),
    ):
        at = module.fscore(scores, truths, threshold=threshold, **settings)[0]
        figures[f"{name}_f1_macro"], figures[f"{name}_f1_micro"] = at["macro_average"], at["micro_average"]
        figures[f"{name}_f1_best"] = module.best_fscore(scores, truths, **settings)[0]["macro_average"]
    errors = segment_based.error_rate(scores, truth, threshold=threshold, **seconds)[0]
    figures["segment_er_macro"] = errors["macro_average"]
    figures["segment_er_best"] = segment_based.best_error_rate(scores, truth, **seconds)[0]["macro_average"]
    figures["segment_mpauc"] = segment_based.auroc(scores, truth, max_fpr=0.1, **seconds)[0]["mean"]
    figures["tagging_mpauc"] = clip_based.auroc(scores, tags, max_fpr=0.1)[0]["mean"]
    figures["tagging_map"] = clip_based.average_precision(scores, tags)[0]["mean"]
    return {name: float(value) for name, value in figures.items()}


if __name__ == "__main__":
    print(json.dumps({name: theirs(*made_curves(*case)) for name, case in CASES.items()}, indent=2))
