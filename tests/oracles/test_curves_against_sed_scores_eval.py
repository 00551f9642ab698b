"""Every figure of curves against sed_scores_eval's, on its own where it is installed, else on its figures as kept."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from lightning_modules.metrics.curves.curve_scores import CurveStatistics
from lightning_modules.metrics.curves.score_curves import ClipCurves, ScoreCurves
from lightning_modules.metrics.curves.score_files import read_scores, write_scores
from lightning_modules.metrics.curves.scored_clips import ScoredClips

FOLDER = Path(__file__).parent
KEPT = json.loads((FOLDER / "sed_scores_eval.json").read_text(encoding="utf-8"))
IS_INSTALLED = importlib.util.find_spec("sed_scores_eval") is not None


def oracle():
    spec = importlib.util.spec_from_file_location("curves_of_sed_scores_eval", FOLDER / "curves_of_sed_scores_eval.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", KEPT)
def test_figures_equal_sed_scores_evals(case):
    theirs = oracle()
    curves, reference = theirs.made_curves(*theirs.CASES[case])
    ours = CurveStatistics.of(ScoredClips(curves, reference)).figures()
    expected = theirs.theirs(curves, reference) if IS_INSTALLED else KEPT[case]
    assert expected["psds1_without_st"] > 0.05
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value, abs=1e-6), name
    assert set(ours) - set(expected) == {"segment_er", "event_map"}


def test_a_class_without_events_leaves_psds_as_if_it_had_no_curve():
    curves, reference = oracle().made_curves(0, 0)
    without = {clip: [event for event in events if event.label != "bell"] for clip, events in reference.items()}
    fewer = ScoreCurves(
        curves.classes[:3],
        {clip: ClipCurves(edges, scores_TC[:, :3]) for clip, (edges, scores_TC) in curves.by_clip.items()},
    )
    four, three = (CurveStatistics.of(ScoredClips(of, without)).figures() for of in (curves, fewer))
    micro = {name for name in four if "micro" in name} | {"segment_er"}  # false alarms of the absent class cost these
    assert {name for name in four if four[name] != pytest.approx(three[name])} == micro


@pytest.mark.skipif(not IS_INSTALLED, reason="sed_scores_eval is not installed")
def test_it_reads_what_we_write_and_we_read_what_it_writes(tmp_path):
    from sed_scores_eval.base_modules.io import read_sed_scores, write_sed_scores

    module = oracle()
    curves, reference = module.made_curves(0, 0, num_clips=3)
    write_scores(tmp_path / "ours", curves)
    frames = read_sed_scores(tmp_path / "ours")
    assert list(frames) == list(curves.by_clip)
    write_sed_scores(module.as_theirs(curves, reference)[0], tmp_path / "theirs")
    for folder in ("ours", "theirs"):
        read = read_scores(tmp_path / folder)
        for clip, (edges, scores_TC) in curves.by_clip.items():
            np.testing.assert_array_equal(read.by_clip[clip].scores_TC, scores_TC)
            np.testing.assert_array_equal(read.by_clip[clip].edges, edges)
            np.testing.assert_array_equal(frames[clip][list(curves.classes)].to_numpy(), scores_TC)
