"""Long clips cut into stretches: no audio is lost, and every event is where it was."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.annotations import Event
from datamodules.importers.audio_headers import Header
from datamodules.importers.entry import ManifestError
from datamodules.importers.imported_clips.placed_clips import PlacedClip
from datamodules.importers.imported_clips.stretches import LEAST_PIECE_SECONDS, stretches


def clip(duration_seconds: float, *events: Event, kind="strong", start_seconds: float = 0.0) -> PlacedClip:
    return PlacedClip(
        clip_id="rec",
        audio=Path("rec.wav"),
        header=Header(round(duration_seconds * 1000), 1000, 1),
        place="rec.txt, line 1",
        start_seconds=start_seconds,
        duration_seconds=duration_seconds,
        channel=None,
        kind=kind,
        events=events,
        tags=frozenset(event.label for event in events),
        recording="rec",
    )


def cut(of: PlacedClip, clip_seconds: float) -> tuple[list[PlacedClip], list[str]]:
    slivers: list[str] = []
    return list(stretches(of, clip_seconds, slivers=slivers)), slivers


def test_an_event_over_an_edge_is_in_both_stretches_and_tags_follow():
    of, slivers = cut(clip(25.0, Event(8.0, 12.5, "dog"), Event(21.0, 22.0, "cat"), start_seconds=100.0), 10.0)
    assert [(one.clip_id, one.start_seconds, one.duration_seconds) for one in of] == [
        ("rec-0100000", 100.0, 10.0), ("rec-0110000", 110.0, 10.0), ("rec-0120000", 120.0, 5.0)
    ]  # fmt: skip
    assert [one.events for one in of] == [(Event(8.0, 10.0, "dog"),), (Event(0.0, 2.5, "dog"),), (Event(1, 2, "cat"),)]
    assert [one.tags for one in of] == [{"dog"}, {"dog"}, {"cat"}]
    assert {one.recording for one in of} == {"rec"}
    assert slivers == []


def test_slivers_are_left_out_and_named_but_no_whole_event():
    of, slivers = cut(clip(20.0, Event(9.95, 12.0, "dog"), Event(9.97, 10.04, "cat"), Event(3.0, 3.02, "tick")), 10.0)
    assert of[0].events == (Event(3.0, 3.02, "tick"),)
    assert of[1].events == (Event(0.0, 0.04, "cat"), Event(0.0, 2.0, "dog"))
    assert slivers == ["rec: dog 0.05 s", "rec: cat 0.03 s"]


def test_a_short_rest_belongs_to_the_stretch_before():
    assert [one.duration_seconds for one in cut(clip(20.9), 10.0)[0]] == [10.0, pytest.approx(10.9)]
    assert [one.duration_seconds for one in cut(clip(21.1), 10.0)[0]] == [10.0, 10.0, pytest.approx(1.1)]
    [whole] = cut(clip(10.9), 10.0)[0]
    assert (whole.clip_id, whole.duration_seconds) == ("rec", 10.9)


def test_tags_without_times_cannot_be_cut():
    with pytest.raises(ManifestError, match=r"rec.txt, line 1: rec.wav has 25 s and tags without times, which cannot"):
        cut(clip(25.0, kind="weak"), 10.0)
    assert len(cut(clip(25.0, kind="unlabelled"), 10.0)[0]) == 3
    assert len(cut(clip(9.0, kind="weak"), 10.0)[0]) == 1


milliseconds = st.integers(0, 60_000)


@given(
    duration=st.integers(1000, 60_000),
    clip_ms=st.integers(1000, 20_000),
    spans=st.lists(st.tuples(milliseconds, milliseconds), max_size=6),
)
def test_stretches_cover_the_clip_and_pieces_the_events(duration, clip_ms, spans):
    inside = [(min(a, duration), min(b, duration)) for a, b in map(sorted, spans)]
    events = [Event(a / 1000, b / 1000, f"l{n}") for n, (a, b) in enumerate(inside) if a < b]
    of, slivers = cut(clip(duration / 1000, *sorted(events)), clip_ms / 1000)
    assert of[0].start_seconds == 0
    for before, after in itertools.pairwise(of):
        assert after.start_seconds == pytest.approx(before.start_seconds + before.duration_seconds)
    assert sum(one.duration_seconds for one in of) == pytest.approx(duration / 1000)
    assert all(one.duration_seconds <= 1.1 * clip_ms / 1000 + 1e-9 for one in of)
    for event in events:
        pieces = [
            (one.start_seconds + piece.onset_seconds, one.start_seconds + piece.offset_seconds)
            for one in of for piece in one.events if piece.label == event.label
        ]  # fmt: skip
        lost = event.duration_seconds - sum(offset - onset for onset, offset in pieces)
        number = sum(f" {event.label} " in sliver for sliver in slivers)
        assert pieces
        assert -0.002 <= lost <= number * LEAST_PIECE_SECONDS + 0.002
        assert all(event.onset_seconds - 0.001 <= on < off <= event.offset_seconds + 0.001 for on, off in pieces)
        assert all(piece.onset_seconds >= 0 and piece.offset_seconds <= one.duration_seconds + 0.001
                   for one in of for piece in one.events)  # fmt: skip
