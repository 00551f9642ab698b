"""``earmark score events``: its JSON, its warnings and its refusals."""

import argparse
import json
import subprocess
import sys

import pytest

from experiments.commands import score_events
from experiments.commands.score_events import add_arguments, run

REFERENCE = "filename\tonset\toffset\tevent_label\na.wav\t1.0\t2.0\tdog\na.wav\t3\t4\tcat\nb.wav\t\t\t\n"
ESTIMATED = "a.wav\t1.1\t2.1\tdog\nx/b.wav\t0\t1\tdog\nelse.wav\t0\t1\tcow\n"


def score(tmp_path, capsys, *options, reference=REFERENCE, estimated=ESTIMATED):
    (tmp_path / "ref.tsv").write_text(reference, encoding="utf-8")
    (tmp_path / "est.tsv").write_text(estimated, encoding="utf-8")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    files = ["--reference", str(tmp_path / "ref.tsv"), "--estimated", str(tmp_path / "est.tsv")]
    assert run(parser.parse_args([*files, *options])) == 0
    printed = capsys.readouterr()
    return json.loads(printed.out, parse_constant=lambda name: pytest.fail(f"bare {name}")), printed.err


def test_scores_are_printed_as_json_and_warnings_beside(tmp_path, capsys):
    scores, warnings = score(tmp_path, capsys)
    assert scores["event_based"]["by_class"]["dog"]["f1"] == pytest.approx(2 / 3)
    assert scores["event_based"]["macro"]["f1"] == pytest.approx(1 / 3)  # cat was missed: 0
    assert scores["event_based"]["micro"]["f1"] == 0.5
    assert scores["event_based"]["micro"]["error_rate"] == pytest.approx(1.0)
    assert scores["segment_based"]["micro"]["f1"] == pytest.approx(0.4)  # 1 of 2 segments found by 3
    assert scores["tagging"]["macro"]["f1"] == pytest.approx(1 / 3)
    assert scores["counts"]["event_free_files"] == 1
    assert scores["classes"] == ["cat", "dog"]  # of the scored files
    assert warnings == "warning: 1 estimated files are not in the reference and not scored: else\n"


def test_options_reach_the_scores(tmp_path, capsys):
    scores, _ = score(
        tmp_path, capsys, "--classes", "dog,cow", "--collar-seconds", ".05", "--offset-fraction", "0",
        "--segment-seconds", "0.1", "--short-below-seconds", "0.5",
    )  # fmt: skip
    assert list(scores["event_based"]["by_class"]) == ["dog", "cow"]
    assert scores["event_based"]["micro"]["f1"] == 0.0
    assert scores["segment_based"]["by_class"]["dog"]["num_reference"] == 10
    assert scores["event_based"]["by_class"]["cow"]["f1"] is None
    assert scores["settings"]["short_below_seconds"] == 0.5


def test_an_event_free_reference_scores_null_not_nan(tmp_path, capsys):
    scores, _ = score(tmp_path, capsys, reference="a.wav\n", estimated="")
    assert scores["event_based"]["macro"]["f1"] is None
    assert scores["event_based"]["micro"]["f1"] is None


def test_a_list_without_any_event_is_named_and_no_error_rate_is_0(tmp_path, capsys):
    scores, warnings = score(tmp_path, capsys, reference="a.wav\n", estimated="")
    assert "ref.tsv: no line has an event (1 file, all event-free)" in warnings
    assert "est.tsv: no line has an event (0 files, all event-free)" in warnings
    assert scores["event_based"]["micro"]["error_rate"] is None
    assert scores["segment_based"]["macro"]["error_rate"] is None
    scores, _ = score(tmp_path, capsys, reference="a.wav\n", estimated="a.wav\t0\t1\tdog\n")
    assert scores["event_based"]["by_class"]["dog"]["error_rate"] is None  # sed_eval: about 1e15
    scores, warnings = score(tmp_path, capsys, estimated="a.wav\nb.wav\n")
    assert scores["event_based"]["micro"]["error_rate"] == 1.0
    assert "est.tsv: no line has an event (2 files" in warnings


def test_commas_are_read_and_said(tmp_path, capsys):
    with_commas = "filename,onset,offset,event_label\na.wav,0.5,2.0,dog\nb.wav,1.0,3.0,cat\n"
    scores, said = score(tmp_path, capsys, reference=with_commas, estimated=with_commas.replace(",", "\t"))
    assert scores["event_based"]["macro"]["f1"] == 1.0
    assert said == f"{tmp_path / 'ref.tsv'}: read as csv, by its heading\n"
    assert "quote the micro one" in scores["policy"]


def test_formats_of_each_list(tmp_path, capsys):
    track, reference = "1.1\t2.1\tdog\n", "ref.wav\t1\t2\tdog\nest.wav\t1\t2\tdog\n"
    scores, said = score(tmp_path, capsys, "--format", "audacity", "--reference-format", "dcase",
                         reference=reference, estimated=track)  # fmt: skip
    assert scores["event_based"]["by_class"]["dog"]["f1"] == pytest.approx(2 / 3)  # est.wav's event
    assert said == ""
    with pytest.raises(ValueError, match=r"est.tsv, line 1: .*--format audacity"):
        score(tmp_path, capsys, estimated=track)


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--collar-seconds", "0", "a number of seconds above 0"),
        ("--offset-fraction", "1.5", "a number from 0 to 1"),
        ("--segment-seconds", "nan", "a number of seconds above 0"),
        ("--classes", "dog,,cat", "names of classes"),
    ],
)
def test_options_out_of_range_are_refused_with_what_is_allowed(tmp_path, capsys, option, value, allowed):
    with pytest.raises(SystemExit):
        score(tmp_path, capsys, option, value)
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert option in last_line
    assert value in last_line
    assert allowed in last_line


def test_files_that_cannot_be_scored_are_refused_in_one_line(tmp_path, capsys):
    with pytest.raises(ValueError, match=r"est.tsv, line 1: offset 1.0 lies before onset 2.0"):
        score(tmp_path, capsys, estimated="a.wav\t2\t1\tdog\n")
    with pytest.raises(ValueError, match=r"ref.tsv: lists no file"):
        score(tmp_path, capsys, reference="filename\tonset\toffset\tevent_label\n")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(ValueError, match=r"absent.tsv: No such file"):
        run(parser.parse_args(["--reference", str(tmp_path / "absent.tsv"), "--estimated", str(tmp_path / "est.tsv")]))


def test_offsets_that_make_endless_segments_are_refused(tmp_path, capsys):
    with pytest.raises(
        ValueError, match=r"ref.tsv: offset 1e\+07 of a makes more than 1,000,000 segments of 1 s; allowed"
    ):
        score(tmp_path, capsys, reference="a.wav\t1\t1e7\tdog\n")
    with pytest.raises(ValueError, match=r"est.tsv: offset 2.1 of a makes more .* allowed: offsets up to 1,"):
        score(tmp_path, capsys, "--segment-seconds", "1e-6", reference="a.wav\t0\t0.5\tdog\n")
    scores, _ = score(tmp_path, capsys, estimated="else.wav\t1\t1e9\tdog\n")  # not scored
    assert scores["event_based"]["by_class"]["dog"]["f1"] == 0.0


def test_help_names_the_formats_that_are_read():
    from datamodules.clips import event_lists

    assert score_events.FORMATS == event_lists.FORMATS


def test_scoring_needs_no_torch():
    """Three seconds of import that nothing here uses."""
    code = "import sys, lightning_modules.metrics.summary; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_needs_no_heavy_import():
    code = (
        "import argparse, sys; from experiments.commands.score_events import add_arguments; "
        "add_arguments(argparse.ArgumentParser()); "
        "sys.exit(bool({'numpy', 'torch', 'sed_eval'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_class_with_a_comma_is_named_with_a_backslash(tmp_path, capsys):
    events = "a.wav\t0.5\t1.0\tMale speech, man speaking\n"
    names = ("--classes", r"Male speech\, man speaking,Car")
    scores, _ = score(tmp_path, capsys, *names, reference=events, estimated=events)
    assert scores["classes"] == ["Male speech, man speaking", "Car"]
    assert scores["event_based"]["micro"]["f1"] == 1.0
