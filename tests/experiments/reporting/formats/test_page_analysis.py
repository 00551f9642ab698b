"""The analysis of runs on a report's page: the run's own pictures, or drawn again from its lines."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType as Stored

import pytest
from PIL import Image

from experiments.reporting.formats.page_analysis import row_analysis
from experiments.reporting.formats.page_media import Media
from experiments.stored_results.stored_scores import StoredScores
from lightning_modules.sed.analysis.report import analyse_events


@pytest.fixture
def cells(stored: Stored, tmp_path: Path, earmark_home: Path) -> tuple[object, list[object]]:
    tracker, references = stored.Folders(tmp_path), stored.some_references()
    table = stored.make_table(tmp_path, "sed", ["base", "late", "old"])
    made = []
    for row in ("base", "late", "old"):
        events = stored.moved(references, every=3)
        cell = stored.event_cell(table, tracker, row, 0, references, events)
        made.append(cell)
        if row != "old":
            folder = stored.scores_of(tracker, cell)
            analyse_events(references, events, with_true_tags=None, output_dir=folder)
    own = stored.scores_of(tracker, made[0]) / "by_duration.png"
    Image.new("RGB", (321, 99)).save(own)
    return tracker, made


def test_a_run_is_shown_with_its_own_pictures_and_the_rest_is_drawn(cells, tmp_path: Path) -> None:
    tracker, (base, late, old) = cells
    scores, media = StoredScores(tracker), Media()
    found = row_analysis(base, scores, media, aside=tmp_path)
    assert found is not None
    headings = [heading for heading, _ in found.pictures]
    assert headings == [
        "Lost by tags, lost by times",
        "By length of the event",
        "Errors of onsets and offsets",
        "Found where another class sounds",
    ]
    assert {path.stem for path in tmp_path.glob("*.png")} == {"tags_and_times", "boundary_errors", "co_occurrence"}
    assert row_analysis(late, scores, media, aside=tmp_path) is not None
    assert (tmp_path / "by_duration.png").is_file()
    assert row_analysis(old, scores, media, aside=tmp_path) is None


def test_what_does_not_fit_the_page_is_counted(cells, tmp_path: Path) -> None:
    tracker, (base, *_) = cells
    media = Media(limit_bytes=0)
    assert row_analysis(base, StoredScores(tracker), media, aside=tmp_path) is None
    assert media.left_out == {"pictures of the analysis": 4}


def test_the_page_folds_them_by_row(cells, stored: Stored, tmp_path: Path) -> None:
    tracker, made = cells
    page, _ = stored.page_of(tmp_path, "sed", stored.some_references(), made, tracker)
    part = page[page.index('<section id="analysis">') :]
    assert part.count('<details class="row">') == 2
    assert part.count("data-media=") >= 8
    assert "the page is full" not in page
