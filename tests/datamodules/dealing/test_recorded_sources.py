"""What clips were recorded from: what manifests say, groups of what is mixed, and what lies under a soundscape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lhotse import MonoCut, SupervisionSegment

from datamodules.corpora.sounds import mixing
from datamodules.corpora.sounds.mixing import MixRecipe, SplitSounds, mix_clip
from datamodules.dealing.recorded_sources import recorded_sources, sources_by_kind
from datamodules.dealing.soundscape_backgrounds import backgrounds

HERE = Path("data/mine")


def cut(clip_id: str, *families: str, custom: dict[str, Any] | None = None, speaker: str | None = None) -> MonoCut:
    segments = [
        SupervisionSegment(f"{clip_id}-{k}", clip_id, 0.0, 1.0, custom={"label": "dog", "family": family})
        for k, family in enumerate(families)
    ]
    if speaker is not None:
        segments = [SupervisionSegment(clip_id, clip_id, 0.0, 1.0, speaker=speaker)]
    return MonoCut(clip_id, 0.0, 1.0, 0, supervisions=segments, custom=custom)


@given(st.lists(st.sets(st.sampled_from("abcdefghij"), min_size=1, max_size=3), min_size=1, max_size=12))
def test_clips_of_one_source_are_the_connected_ones(mixed: list[set[str]]) -> None:
    cuts = [cut(f"clip{k}", *sorted(families)) for k, families in enumerate(mixed)]
    found = recorded_sources(cuts, HERE, by="family", where="mine")
    graph = nx.Graph()
    for k, families in enumerate(mixed):
        graph.add_edges_from((f"clip{k}", ("family", family)) for family in families)
    groups = [{node for node in group if isinstance(node, str)} for group in nx.connected_components(graph)]
    assert {frozenset(clip for clip in found if found[clip] == name) for name in found.values()} == set(
        map(frozenset, groups)
    )


def test_what_a_manifest_says_of_a_clip_or_a_segment() -> None:
    cuts = [cut("x", speaker="ada", custom={"session": "mon"}), cut("y", speaker="bob", custom={"session": "mon"})]
    assert sources_by_kind(cuts, HERE) == {"speaker": {"x": "ada", "y": "bob"}, "session": {"x": "mon", "y": "mon"}}


def test_an_eventless_clip_over_made_noise_is_a_source_of_its_own() -> None:
    cuts = [cut("x", "a", "b"), cut("y", "b"), cut("z"), cut("zz")]
    assert recorded_sources(cuts, HERE, by="family", where="mine") == {
        "x": "a and 1 more", "y": "a and 1 more", "z": "nothing in z", "zz": "nothing in zz",
    }  # fmt: skip


def test_the_background_that_a_manifest_says_is_a_family_and_a_kind_of_its_own() -> None:
    cuts = [cut("x", "a", custom={"background": "wind"}), cut("y", "b", custom={"background": "wind"}), cut("z", "c")]
    assert recorded_sources(cuts, HERE, by="family", where="mine") == {
        "x": "a and 2 more", "y": "a and 2 more", "z": "c",
    }  # fmt: skip
    assert sources_by_kind(cuts[:2], HERE)["background"] == {"x": "wind", "y": "wind"}


@pytest.mark.parametrize(
    ("cuts", "by", "says"),
    [
        ([cut("x", speaker="ada"), cut("y", speaker="unknown")], "speaker", r"no speaker is recorded of 1 clips \(y"),
        ([cut("x", "a")], "session", "no session is recorded of 1 clips .*; recorded is family"),
        ([cut("x"), cut("y")], "family", "no family is recorded of 2 clips .*; recorded is nothing"),
    ],
)
def test_a_clip_without_a_source_is_named(cuts: list[MonoCut], by: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        recorded_sources(cuts, HERE, by=by, where="mine")
    assert by not in sources_by_kind(cuts, HERE)


@pytest.mark.parametrize(
    ("name", "seed", "fold"),
    [("demo", 0, 0), ("demo-seed3", 3, 0), ("full", 0, 0), ("study-fold2", 0, 2), ("study-fold2-seed3", 3, 2)],
)
def test_a_soundscapes_background_is_the_one_that_was_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, seed: int, fold: int
) -> None:
    """The clips are mixed as ``soundscapes.py`` does it, and the first family that is drawn is the background's."""
    folder = tmp_path / "soundscapes" / name
    folder.mkdir(parents=True)
    families = {"train": ["wind", "crowd", "hum", "sea"], "validation": ["rain"], "test": ["street", "forest"]}
    (folder / "sources.json").write_text(json.dumps({split: {"background": of} for split, of in families.items()}))
    drawn: list[str] = []
    draw = mixing._draw

    def spy(of: mixing.Families, rng: np.random.Generator) -> tuple[str, mixing.Waveform]:
        drawn.append(draw(of, rng)[0])
        return drawn[-1], of[drawn[-1]][0]

    monkeypatch.setattr(mixing, "_draw", spy)
    noise_S = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    mixed = {}
    for number, (split, of) in enumerate(families.items()):
        sounds = SplitSounds({"dog": {"a_dog": [noise_S]}}, {family: [noise_S] for family in of})
        for index in range(12):
            drawn.clear()
            clip_id = f"{split}-{index:04d}"
            mix_clip(clip_id, sounds=sounds, recipe=MixRecipe(), rng=np.random.default_rng((seed, number, index, fold)))
            mixed[clip_id] = drawn[0]
    assert backgrounds(mixed, folder) == mixed


def test_no_background_is_made_up_for_other_corpora(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "demo"
    folder.mkdir(parents=True)
    (folder / "sources.json").write_text('{"train": {"background": ["wind"]}}')
    assert backgrounds(["train-0000"], folder) == {}


def test_a_clip_of_nothing_has_no_block_though_it_can_be_dealt() -> None:
    cuts = [cut("x", "a"), cut("y", "a", "b"), cut("z")]
    assert sources_by_kind(cuts, HERE) == {}
    assert sources_by_kind(cuts[:2], HERE) == {"family": {"x": "a and 1 more", "y": "a and 1 more"}}
