"""TextGrids read back by a parser of Praat's long form, and CTM and JSON."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from experiments.applying.aligning.aligner import AlignedText
from experiments.applying.aligning.alignment_files import as_json, as_textgrid, tokens_ctm, words_ctm
from experiments.applying.transcribing.transcript import Token, Word

Interval = tuple[float, float, str]


def tiers_of(textgrid: str) -> tuple[float, dict[str, list[Interval]]]:
    """(the end, intervals by tier) of a TextGrid in the long form; counts are checked."""
    heading, *items = re.split(r"^    item \[\d+\]:\n", textgrid, flags=re.MULTILINE)
    assert heading.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = ')
    size = re.search(r"^size = (\d+)$", heading, re.MULTILINE)
    assert size is not None
    assert int(size[1]) == len(items)
    tiers = {}
    for item in items:
        name = re.search(r'^        name = "(\w+)"$', item, re.MULTILINE)
        count = re.search(r"^        intervals: size = (\d+)$", item, re.MULTILINE)
        found = re.findall(
            r'^        intervals \[\d+\]:\n {12}xmin = (\S+)\n {12}xmax = (\S+)\n {12}text = "((?:[^"]|"")*)"$',
            item,
            re.MULTILINE,
        )
        assert name is not None
        assert count is not None
        assert int(count[1]) == len(found)
        tiers[name[1]] = [(float(start), float(end), text.replace('""', '"')) for start, end, text in found]
    end = re.search(r"^xmax = (\S+)$", heading, re.MULTILINE)
    assert end is not None
    return float(end[1]), tiers


def said(edges: list[int], duration: int) -> AlignedText:
    """Words between every other two of the edges, in milliseconds, each of one token."""
    spans = [(start / 1000, end / 1000) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    words = tuple(Word('a"b', start, end, 0.5, (Token('"', start, end, 0.25),)) for start, end in spans)
    return AlignedText("u 1", str(Path("u.wav")), 0.0, duration / 1000, words, -0.5)


@given(st.sets(st.integers(0, 5000), max_size=12), st.integers(5000, 6000))
def test_a_textgrid_covers_the_utterance_without_holes(edges: set[int], duration: int) -> None:
    aligned = said(sorted(edges), duration)
    end, tiers = tiers_of(as_textgrid(aligned))
    assert end == aligned.duration
    assert list(tiers) == ["words", "tokens"]
    for intervals in tiers.values():
        assert intervals[0][0] == 0
        assert intervals[-1][1] == end
        assert all(before[1] == after[0] for before, after in pairwise(intervals))
        assert all(start < stop for start, stop, _ in intervals)
    assert [one for one in tiers["words"] if one[2]] == [(word.start, word.end, word.text) for word in aligned.words]


def test_ctm_and_json_name_the_utterance() -> None:
    aligned = said([250, 1000], 2000)
    assert words_ctm([aligned]) == 'u_1 1 0.250 0.750 a"b 0.500\n'
    assert tokens_ctm([aligned]) == 'u_1 1 0.250 0.750 " 0.250\n'
    content = json.loads(as_json([aligned], record={"label_priors": 0.5}))
    assert content["label_priors"] == 0.5
    assert content["utterances"][0]["words"][0]["end"] == 1.0
