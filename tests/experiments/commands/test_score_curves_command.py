"""``earmark score events --scores``: its JSON, both forms of curves, thresholds of another split, and its refusals."""

import argparse
import importlib.metadata
import json

import numpy as np
import pytest

from experiments.commands.score_events import add_arguments, run
from lightning_modules.metrics.curves.curve_scores import FIGURES, FITTED_FIGURES
from lightning_modules.sed.predictions import DetectionPredictions

REFERENCE = "filename\tonset\toffset\tevent_label\na.wav\t0.5\t1.5\tdog\nb.wav\t1.0\t2.0\tcat\nc.wav\t\t\t\n"


@pytest.fixture
def folder(tmp_path):
    curves = np.full((3, 4, 2), 0.1, dtype=np.float32)
    curves[0, 1:3, 0], curves[1, 2:4, 1], curves[2, 1, 1] = 0.9, 0.4, 0.3
    predictions = DetectionPredictions(
        classes=("dog", "cat"),
        clip_ids=("a", "b", "c"),
        clip_probabilities_NC=np.array([[0.8, 0.2], [0.1, 0.7], [0.1, 0.2]], dtype=np.float32),
        frame_probabilities_NTC=curves,
        num_frames_N=np.array([4, 4, 4]),
        hop_seconds=0.5,
    )
    predictions.save(tmp_path / "test.npz")
    (tmp_path / "ref.tsv").write_text(REFERENCE, encoding="utf-8")
    return tmp_path


def score(folder, capsys, *options, scores="test.npz"):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    files = ["--scores", str(folder / scores), "--reference", str(folder / "ref.tsv")]
    assert run(parser.parse_args([*files, *options])) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out, parse_constant=lambda name: pytest.fail(f"bare {name}")), printed.err


def test_every_figure_is_printed_with_settings_policy_and_version(folder, capsys):
    document, said = score(folder, capsys)
    figures = document["figures"]
    assert set(FIGURES) <= set(figures)
    assert (figures["psds1"], figures["collar_f1_macro"], figures["collar_f1_best"]) == (1.0, 0.5, 1.0)
    assert figures["tagging_f1_macro"] == 1.0  # of the clip probabilities, though cat's curve stays below .5
    assert document["clip_scores"] == "clip probabilities"
    assert document["by_class"]["cat"]["collar_f1"] == 0.0
    assert document["thresholds"]["collar_best"]["cat"] == pytest.approx(0.35)
    assert document["settings"]["psds2"]["criterion"] == {"dtc": 0.1, "gtc": 0.1, "cttc": 0.3}
    assert document["version"] == importlib.metadata.version("earmark")
    assert "sed_scores_eval" in document["policy"]
    assert said == ""


def test_both_forms_give_the_same_figures_but_for_tagging(folder, capsys):
    first, said = score(folder, capsys, "--write-scores", str(folder / "tsv"))
    assert "curves of 3 clips written" in said
    second, _ = score(folder, capsys, scores="tsv")
    assert second["clip_scores"] == "highest of each curve"
    differing = {name for name in first["figures"] if first["figures"][name] != second["figures"][name]}
    assert differing == {"tagging_f1_macro", "tagging_f1_micro"}


def test_curves_are_written_without_a_reference(folder, capsys):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    arguments = ["--scores", str(folder / "test.npz"), "--write-scores", str(folder / "tsv")]
    assert run(parser.parse_args(arguments)) == 0
    assert capsys.readouterr().out == ""
    assert (folder / "tsv" / "a.tsv").read_text(encoding="utf-8").startswith("onset\toffset\tdog\tcat\n0.0\t0.5\t0.1")


def test_thresholds_are_fitted_on_another_split(folder, capsys):
    document, _ = score(
        folder, capsys,
        "--thresholds-from", str(folder / "test.npz"), "--validation-reference", str(folder / "ref.tsv"),
    )  # fmt: skip
    assert document["figures"]["collar_f1_fitted"] == 1.0
    assert document["thresholds"]["collar_fitted"]["cat"] == pytest.approx(0.35)
    assert set(FITTED_FIGURES) <= set(document["figures"])


def test_durations_and_classes(folder, capsys):
    (folder / "dur.tsv").write_text("filename\tduration\na.wav\t2\nb.wav\t2\nc.wav\t20\n", encoding="utf-8")
    document, said = score(folder, capsys, "--durations", str(folder / "dur.tsv"), "--classes", "dog")
    assert document["counts"]["hours"] == pytest.approx(24 / 3600)
    assert document["classes"] == ["dog"]
    assert "1 reference events are outside the given classes" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--classes", "cow"], "test.npz: no curve of class 'cow', allowed: dog, cat"),
        (["--durations", "REF"], "ref.tsv, line 1: .* allowed: filename, tab, seconds"),
        (["--durations", "SHORT"], "test.npz: 2 clips have no duration: b, c"),
        (["--thresholds-from", "x.npz"], "--thresholds-from and --validation-reference: one without the other"),
    ],
)
def test_options_that_do_not_fit_are_refused(folder, capsys, options, said):
    (folder / "short.tsv").write_text("a.wav\t2\n", encoding="utf-8")
    named = {"REF": str(folder / "ref.tsv"), "SHORT": str(folder / "short.tsv")}
    with pytest.raises(ValueError, match=said):
        score(folder, capsys, *(named.get(option, option) for option in options))


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (REFERENCE + "d.wav\t0\t1\tdog\n", "test.npz: 1 clips of the reference have no curves: d"),
        (REFERENCE.replace("c.wav\t\t\t\n", ""), "test.npz: 1 clips of the curves have no reference: c"),
        (REFERENCE + "c.wav\t0\t1\tcow\n", "test.npz: clip c: event of class 'cow', allowed: the curves' dog, cat"),
        ("filename\tonset\toffset\tevent_label\n", "ref.tsv: lists no file"),
    ],
)
def test_references_that_do_not_fit_are_refused(folder, capsys, reference, said):
    (folder / "ref.tsv").write_text(reference, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        score(folder, capsys)


def test_files_that_hold_no_curves_are_refused(folder, capsys):
    with pytest.raises(ValueError, match=r"absent: No such file"):
        score(folder, capsys, scores="absent")
    with pytest.raises(ValueError, match=r"ref.tsv: .*allowed: a run's predictions"):
        score(folder, capsys, scores="ref.tsv")
    predictions = DetectionPredictions.load(folder / "test.npz")
    curves_NTC = predictions.frame_probabilities_NTC.copy()
    curves_NTC[1, 2, 0] = np.nan
    save(folder / "nan.npz", predictions, curves_NTC)
    with pytest.raises(ValueError, match=r"nan.npz: clip b: score nan of class dog at 1.0 s"):
        score(folder, capsys, scores="nan.npz")
    save(folder / "tagger.npz", predictions, None)
    with pytest.raises(ValueError, match=r"tagger.npz: holds no frame curves"):
        score(folder, capsys, scores="tagger.npz")


def save(path, predictions, curves_NTC):
    DetectionPredictions(
        predictions.classes,
        predictions.clip_ids,
        predictions.clip_probabilities_NC,
        curves_NTC,
        predictions.num_frames_N,
        predictions.hop_seconds,
    ).save(path)


def test_options_of_curves_are_refused_beside_a_list(folder):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    files = ["--estimated", str(folder / "ref.tsv"), "--reference", str(folder / "ref.tsv")]
    with pytest.raises(ValueError, match="--durations is of --scores"):
        run(parser.parse_args([*files, "--durations", "x.tsv"]))
    with pytest.raises(ValueError, match="--estimated needs --reference"):
        run(parser.parse_args(files[:2]))
