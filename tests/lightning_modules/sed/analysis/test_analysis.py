"""The parts of the analysis against figures by hand, and what a scoring leaves of them."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from datamodules.annotations import ClipReferences, Event
from lightning_modules.sed.analysis.boundaries import boundary_errors, pair_by_overlap
from lightning_modules.sed.analysis.co_occurrence import co_occurrence
from lightning_modules.sed.analysis.durations import by_duration
from lightning_modules.sed.analysis.report import PARTS, analyse_events, draw_part
from lightning_modules.sed.analysis.tags_and_times import tags_and_times

CLASSES = ("cat", "dog")
TRUE = {
    "a": (Event(0.0, 1.0, "dog"), Event(2.0, 6.0, "cat"), Event(5.0, 5.2, "dog")),
    "b": (Event(1.0, 2.0, "cat"),),
    "c": (),
}
OWN = {
    "a": (Event(0.1, 1.1, "dog"), Event(2.0, 3.5, "cat")),  # the first right, the second ends too early
    "b": (Event(1.0, 2.0, "dog"),),  # of a wrong class
    "c": (Event(3.0, 3.1, "dog"),),
}


def references(events=TRUE) -> ClipReferences:
    return ClipReferences(
        classes=CLASSES,
        sample_rate_hz=16000,
        tags={clip: frozenset(event.label for event in of) for clip, of in events.items()},
        events=events,
        duration_seconds=dict.fromkeys(events, 10.0),
        load_waveform=lambda clip: np.zeros(160000, np.float32),
    )


def test_bins_of_durations_count_what_is_found_heard_and_missed():
    bins = {(of.low_seconds, of.high_seconds): of for of in by_duration(TRUE, OWN)}
    of_a_second = bins[1.0, 2.0]  # two reference events, estimates of 1.0, 1.5 and 1.0 s
    counts = (of_a_second.num_reference, of_a_second.num_found, of_a_second.num_heard)
    assert counts == (2, 1, 1)
    assert (of_a_second.num_estimated, of_a_second.num_right) == (3, 1)
    long = bins[4.0, 8.0]
    assert (long.num_reference, long.num_found, long.num_heard) == (1, 0, 1)
    short = bins[0.0, 0.25]
    assert (short.num_reference, short.num_heard, short.num_estimated, short.num_right) == (1, 0, 1, 0)
    assert short.row()["precision"] == "0.0000"
    assert bins[8.0, math.inf].row()["recall"] == ""


def test_a_length_that_floats_make_a_little_shorter_is_of_its_bin():
    bins = by_duration({"a": [Event(0.2, 1.2, "dog")]}, {})  # 1.2 - 0.2 is below 1
    assert [of.num_reference for of in bins if of.low_seconds == 1.0] == [1]


def test_boundary_errors_pair_by_overlap_without_a_collar():
    errors = boundary_errors(TRUE, OWN)
    assert errors.onsets_P == pytest.approx((0.1, 0.0))
    assert errors.offsets_P == pytest.approx((0.1, -2.5))
    assert (errors.num_missed, errors.num_false) == (2, 2)
    rows = errors.rows()
    assert sum(row["onsets"] for row in rows) == sum(row["offsets"] for row in rows) == 2
    assert rows[0]["offsets"] == 1  # 2.5 s early, in the open bin
    assert {row["from_seconds"]: row["onsets"] for row in rows if row["onsets"]} == {"0": 1, "0.1": 1}


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), max_size=6),
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 6)), max_size=6),
)
def test_pairs_are_one_to_one_and_none_that_overlaps_is_left(true, found):
    of_clip, estimates = ([Event(at, at + length, "dog") for at, length in of] for of in (true, found))
    pairs = pair_by_overlap(of_clip, estimates)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    left = [(i, j) for i in range(len(of_clip)) for j in range(len(estimates)) if not {i} & {p for p, _ in pairs}]
    for i, j in left:
        free = j not in {q for _, q in pairs}
        overlaps = of_clip[i].onset_seconds < estimates[j].offset_seconds and (
            estimates[j].onset_seconds < of_clip[i].offset_seconds
        )
        assert not (free and overlaps)


def test_seconds_found_where_another_class_sounds():
    found = co_occurrence(TRUE, OWN, duration_seconds=dict.fromkeys(TRUE, 10.0), classes=CLASSES)
    share = {(row["sounding"], row["found"]): (row["seconds"], row["found_seconds"]) for row in found.rows()}
    assert share["cat", "cat"] == ("5.000", "1.500")  # 4 s in a, 1 s in b
    assert share["dog", "dog"] == ("1.200", "0.900")
    assert share["cat", "dog"] == ("4.800", "1.000")  # without the .2 s of both
    assert share["dog", "cat"] == ("1.000", "0.000")
    assert share["", "dog"] == ("24.000", "0.200")  # c's, and .1 s after the dog of a


def test_tags_and_times_replace_one_by_the_truth():
    with_true_tags = {**OWN, "b": (Event(1.0, 2.0, "cat"),), "c": ()}
    variants = tags_and_times(references(), OWN, with_true_tags=with_true_tags)
    f1 = {(of.tags, of.times): of.f1_micro for of in variants}
    assert f1["own", "own"] == pytest.approx(2 * 1 / (4 + 4))
    assert f1["true", "own"] == pytest.approx(2 * 2 / (4 + 3))
    assert f1["own", "true"] == pytest.approx(2 * 3 / (4 + 5))  # a's three, and two dogs that are not there
    assert f1["own", "whole clip"] == f1["true", "whole clip"] == 0


def test_without_curves_there_is_no_row_of_own_times_by_true_tags():
    variants = tags_and_times(references(), OWN, with_true_tags=None)
    assert ("true", "own") not in {(of.tags, of.times) for of in variants}


@pytest.mark.parametrize("events", [TRUE, dict.fromkeys(TRUE, ())])
def test_every_part_is_drawn_from_its_lines_alone(tmp_path: Path, events):
    own = OWN if events is TRUE else events
    analyse_events(references(events), own, with_true_tags=own, output_dir=tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {part.csv for part in PARTS} - {"per_class.csv"}
    for part in PARTS:
        if part.csv in names:
            with (tmp_path / part.csv).open(encoding="utf-8") as file:
                assert list(csv.DictReader(file))
            with Image.open(draw_part(part, tmp_path / part.csv, tmp_path / "picture.png")) as image:
                assert image.width > 400
