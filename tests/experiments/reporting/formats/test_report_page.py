"""The page and the JSON of a report: every number leads to its runs, clips can be heard, and nothing is unescaped."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType as Stored

import numpy as np
import pytest

from datamodules.annotations import UtteranceReferences
from experiments.reporting.formats.page_media import Media
from experiments.reporting.formats.report_json import json_text
from experiments.reporting.formats.report_latex import latex
from experiments.reporting.formats.report_markdown import markdown
from experiments.reporting.report import Report, make_report
from experiments.reporting.significance import compare_rows
from experiments.runs.keys import RunKey
from experiments.stored_results.stored_scores import StoredScores


class Links(HTMLParser):
    """Every address of a page, and how its tags nest."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def media_of(page: str) -> dict[str, str]:
    found = re.search(r'<script type="application/json" id="media">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


@pytest.fixture
def detection(stored: Stored, tmp_path: Path, earmark_home: Path) -> tuple[str, Report]:
    tracker, table, references = (
        stored.Folders(tmp_path),
        stored.make_table(tmp_path, "sed", ["base", "late"]),
        stored.some_references(),
    )
    cells = [
        stored.event_cell(table, tracker, row, seed, references, stored.moved(references, every=every))
        for row, every in (("base", 7), ("late", 2))
        for seed in (0, 1)
    ]
    return stored.page_of(tmp_path, "sed", references, cells, tracker)


def test_every_number_of_the_page_leads_to_its_runs(detection: tuple[str, Report]) -> None:
    page, _ = detection
    links = Links()
    links.feed(page)
    assert links.open == []
    for row in ("base", "late"):
        for seed in (0, 1):
            key = RunKey(row, "", "", seed, "").id
            assert links.addresses.count(f"http://127.0.0.1:5000/#/experiments/7/runs/run_{row}_{seed}") >= 3
            assert links.addresses.count(f"mlruns/runs/{key}/") >= 3
    assert all(address.startswith(("#", "mlruns/", "data:", "http://127.0.0.1:5000/#/")) for address in links.addresses)
    assert not re.search(r"(src|href)=.https?://(?!127)", page)


def test_clips_have_their_sound_and_their_events(detection: tuple[str, Report]) -> None:
    page, _ = detection
    media = media_of(page)
    sounds = {name for name in media if name.startswith("sound ")}
    assert len(sounds) >= 4  # two worst and two best of two rows, some of them the same clips
    assert {name.replace("sound", "strip") for name in sounds} == {name for name in media if name.startswith("strip ")}
    kind, _, content = media[min(sounds)].partition(";base64,")
    assert kind == "data:audio/mpeg"
    assert 2_000 < len(base64.b64decode(content)) < 60_000
    assert page.count('class="predicted"') >= 4
    assert "0 of 2 events found, 2 predicted" in page


def test_markdown_latex_and_json_have_the_stars(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "asr", ["base", "better", "worse"])
    cells = [
        stored.text_cell(table, tracker, row, seed, stored.texts(wrong))
        for row, wrong in (("base", 15), ("better", 1), ("worse", 30))
        for seed in (0, 1)
    ]
    found = compare_rows(
        table, cells, StoredScores(tracker), stored.Splits(None), baseline="base", num_resamples=stored.DRAWS
    )
    made = make_report(table, cells, found)
    line = next(line for line in markdown(made).splitlines() if line.startswith("| better"))
    assert "**0.8 ± 0.0**∗∗" in line
    assert "25.0 ± 0.0▾▾" in markdown(made)  # as far from the baseline, on the other side
    assert "Stars: better than base" in markdown(made)
    assert r"\textbf{0.8 $\pm$ 0.0}$^{**}$" in latex(made)
    assert r"25.0 $\pm$ 0.0$^{\nabla\nabla}$" in latex(made)
    document = json.loads(json_text(made))
    cell = document["rows"]["better"]["test/wer"]
    assert (cell["stars"], cell["n"], cell["std"], cell["best"]) == ("**", 2, 0.0, True)
    assert cell["seeds"]["0"]["run_id"] == "run_better_0"
    assert cell["together"]["p_holm"] == found.p("better", "test/wer")
    assert document["rows"]["worse"]["test/wer"]["stars"] == "▾▾"
    assert document["versions"]["numpy"] == np.__version__
    assert document["tests"]["baseline"] == "base"


def test_texts_are_aligned_and_escaped_on_the_page(stored: Stored, tmp_path: Path, earmark_home: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    wrong = [item._replace(hypothesis=f"{evil} two three") for item in stored.texts(1)]
    ids = [item.utterance_id for item in wrong]
    references = UtteranceReferences(
        ("", "a"), 16000, dict.fromkeys(ids, "a"), dict.fromkeys(ids, "en"), dict.fromkeys(ids, "s"),
        dict.fromkeys(ids, 1.0), (), lambda _: np.zeros(16000, np.float32),
    )  # fmt: skip
    tracker, table = stored.Folders(tmp_path), stored.make_table(tmp_path, "asr", ["base", "evil"])
    cells = [
        stored.text_cell(table, tracker, "base", 0, stored.texts(1)),
        stored.text_cell(table, tracker, "evil", 0, wrong),
    ]
    page, _ = stored.page_of(tmp_path, "asr", references, cells, tracker)
    assert evil not in page
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    assert '<span class="substitution"><b>one</b>' in page
    assert '<span class="deletion"><b>four</b>' in page


def test_a_full_page_counts_what_it_leaves_out() -> None:
    media = Media(limit_bytes=100)
    media.add("sounds", "a", ("audio/mpeg", b"x" * 30))
    media.add("sounds", "b", ("audio/mpeg", b"x" * 60))
    assert list(media.uris) == ["a"]
    assert media.left_out == {"sounds": 1}
    assert media.known("b")
