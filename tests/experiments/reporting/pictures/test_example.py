"""One clip as its systems hear it: which clip by which rule, of which runs, what is drawn, and why it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType as Stored

import numpy as np
import pytest
from matplotlib.figure import Figure

from datamodules.annotations import ClipReferences, Event
from experiments.errors import UserError
from experiments.planning.cell import Cell
from experiments.reporting.formats.report_page import write_page
from experiments.reporting.pictures.drawn import ChartSource, draw_examples
from experiments.reporting.pictures.example_choice import ChosenClip, NotDrawnError, choose_clip
from experiments.reporting.pictures.example_picture import draw_example
from experiments.reporting.report import make_report
from experiments.stored_results.stored_scores import StoredScores
from experiments.table_files.charts import ExampleClip
from lightning_modules.sed.predictions import DetectionPredictions

HOP_SECONDS = 0.5
EXAMPLE = ExampleClip("example", ("flat", "peaky"))


def predictions(references: ClipReferences, *, apart: Mapping[str, float]) -> DetectionPredictions:
    """Curves of dog and rain with the given angle (0: alike, 1: apart) in each clip, of ten frames in twelve."""
    clips = tuple(sorted(references.tags))
    curves_NTC = np.zeros((len(clips), 12, 2), dtype=np.float32)
    for number, clip in enumerate(clips):
        curves_NTC[number, :10, 0] = [1, *[0] * 9]
        curves_NTC[number, :10, 1] = [1 - apart.get(clip, 0.0), apart.get(clip, 0.0), *[0] * 8]
    return DetectionPredictions(
        references.classes, clips, np.ones((len(clips), 2), dtype=np.float32), curves_NTC,
        np.full(len(clips), 10), HOP_SECONDS,
    )  # fmt: skip


@dataclass
class Made:
    source: ChartSource
    references: ClipReferences

    def choose(self, chart: ExampleClip = EXAMPLE) -> ChosenClip:
        of = self.source
        return choose_clip(of.report, chart, of.cells, of.store, of.scores, of.splits)

    def with_cells(self, cells: Sequence[Cell]) -> Made:
        return replace(self, source=self.source._replace(cells=cells))


@pytest.fixture
def example(stored: Stored, tmp_path: Path, earmark_home: Path) -> Made:
    """Rows with curves, all alike in ``flat``, further apart from clip to clip in ``peaky``; ``bare`` has none."""
    references = stored.some_references()
    tracker = stored.Folders(tmp_path)
    table = stored.make_table(tmp_path, "sed", ["bare", "flat", "peaky"])
    table = replace(table, charts=(EXAMPLE,))
    both = [clip for clip, tags in references.tags.items() if len(tags) == 2]
    apart = {"flat": {}, "peaky": {clip: 0.1 * (1 + (k * 5) % len(both)) for k, clip in enumerate(both)}}
    cells = []
    for row in table.rows:
        for seed in (0, 1):
            cell = stored.event_cell(table, tracker, row, seed, references, stored.moved(references, every=2))
            cells.append(cell)
            if row in apart:
                folder = stored.scores_of(tracker, cell).parent / "predictions"
                folder.mkdir()
                predictions(references, apart=apart[row]).save(folder / "test.npz")
    source = ChartSource(make_report(table, cells), cells, tracker, StoredScores(tracker), stored.Splits(references))
    return Made(source, references)


def test_the_clip_is_the_median_by_difference_in_coactivation(example: Made) -> None:
    chosen = example.choose()
    flat, peaky = chosen.systems
    tags = frozenset(("dog", "rain"))
    both = [clip for clip, of in example.references.tags.items() if of == tags]

    def cosine(clip: str) -> float:
        dog_T, rain_T = peaky.curves[clip].T.astype(float)
        return float(dog_T @ rain_T / np.sqrt(dog_T @ dog_T * (rain_T @ rain_T)))

    differences = sorted((1 - cosine(clip), clip) for clip in both)
    assert chosen.clip == differences[2][1]  # of six the lower of the two in the middle
    assert flat.coactivation(chosen.clip, tags) == pytest.approx(1)
    assert peaky.coactivation(chosen.clip, tags) == pytest.approx(cosine(chosen.clip))
    assert "of the 6 test clips with two classes or more" in chosen.rule
    assert "between flat and peaky is the median" in chosen.rule
    assert [system.cell.name for system in chosen.systems] == ["t/flat seed 0", "t/peaky seed 0"]


def test_a_clip_is_taken_by_name_or_refused_with_what_there_is(example: Made) -> None:
    assert example.choose(replace(EXAMPLE, clip="clip04")).clip == "clip04"
    with pytest.raises(UserError, match=r"t\.yaml: charts\.example\.clip: unknown clip 'clip4' \(did you mean 'clip"):
        example.choose(replace(EXAMPLE, clip="clip4"))


def test_the_runs_are_of_the_first_seed_that_all_rows_have_finished(example: Made) -> None:
    cells = [replace(cell, state="failed") if cell.run_name == "flat seed 0" else cell for cell in example.source.cells]
    chosen = example.with_cells(cells).choose()
    assert [system.cell.seed for system in chosen.systems] == [1, 1]
    with pytest.raises(NotDrawnError, match="at no seed have all its rows"):
        example.with_cells([replace(cell, state="failed") for cell in cells]).choose()


def test_a_row_that_only_scores_has_the_curves_of_the_row_that_it_scores(example: Made, stored: Stored) -> None:
    (peaky,) = (cell for cell in example.source.cells if cell.run_name == "peaky seed 0")
    (bare,) = (cell for cell in example.source.cells if cell.run_name == "bare seed 0")
    scored = replace(bare, row=replace(bare.row, stage="score"), upstream={"own": peaky})
    chosen = example.with_cells([scored, peaky]).choose(ExampleClip("example", ("bare", "peaky")))
    assert chosen.systems[0].cell is scored
    np.testing.assert_array_equal(chosen.systems[0].curves[chosen.clip], chosen.systems[1].curves[chosen.clip])


def test_without_rows_the_baseline_and_its_neighbours_are_taken(example: Made) -> None:
    assert [system.cell.row.name for system in example.choose(ExampleClip("example")).systems] == ["flat", "peaky"]


def test_a_pack_has_no_curves_which_is_said_in_a_line(example: Made, tmp_path: Path) -> None:
    example.source.store.uri = ""
    assert draw_examples(example.source, folder=tmp_path / "out") == (
        [],
        ["t.yaml: charts.example: not drawn, a pack of results has no sounds and seldom curves; ask a store"],
    )


def test_a_split_that_is_not_here_is_said_in_a_line(example: Made, stored: Stored, tmp_path: Path) -> None:
    source = example.source._replace(splits=stored.Splits(None))
    _, lines = draw_examples(source, folder=tmp_path / "out")
    assert lines == ["t.yaml: charts.example: not drawn, the test split has no strong labels"]


def test_the_picture_has_curves_events_and_the_rule(
    example: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda of, *args, **more: (figures.append(of), save(of, *args, **more))[1])
    chosen = example.choose()
    other = Event(2.0, 2.5, "cat")
    first = replace(chosen.systems[0], events={chosen.clip: [*chosen.systems[0].events[chosen.clip], other]})
    chosen = replace(
        chosen,
        systems=(first, chosen.systems[1]),
        references=replace(chosen.references, classes=("cat", "dog", "rain")),
    )
    path = draw_example(chosen, title="Title $\\x$", path=tmp_path / "example.png")
    assert path.is_file()
    _, reference, *systems = figures[0].axes
    assert [text.get_text() for text in reference.get_yticklabels()] == ["dog", "rain"]
    for number, system in enumerate(chosen.systems):
        curves, lanes = systems[2 * number : 2 * number + 2]
        curves_TC = system.curves[chosen.clip]
        assert [line.get_label() for line in curves.lines] == ["dog", "rain"]
        for line, curve_T in zip(curves.lines, curves_TC.T, strict=True):
            np.testing.assert_allclose(line.get_xdata(), (np.arange(10) + 0.5) * HOP_SECONDS)
            np.testing.assert_allclose(line.get_ydata(), curve_T)
        assert curves.get_title(loc="left").startswith(f"{system.cell.row.name}: why of {system.cell.row.name} · ")
        starts = sorted(path.vertices[:, 0].min() for of in lanes.collections for path in of.get_paths())
        assert starts == pytest.approx(sorted(event.onset_seconds for event in system.events[chosen.clip]))
    assert [text.get_text() for text in systems[1].get_yticklabels()] == ["dog", "rain", "cat"]
    assert "2 of 2 events found, 3 detected · co-activation 1.00" in systems[0].get_title(loc="left")
    said = figures[0].get_supxlabel().replace("\n", " ")
    assert chosen.rule in said
    assert "runs of seed 0" in said


def test_the_page_has_the_rows_compared_and_the_clip_with_its_sound(example: Made, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    write_page(*example.source, path=path, mlflow_url="http://127.0.0.1:5000")
    page = path.read_text(encoding="utf-8")
    chosen = example.choose()
    table, clip = page.index('<section id="table">'), page.index('<section id="clip">')
    assert table < page.index('<figure class="compared">') < clip
    section = page[clip : page.index('<section id="charts">')]
    assert f'<audio controls preload="none" data-media="sound x/demo {chosen.clip}">' in section
    assert chosen.rule in section
    assert f'"sound x/demo {chosen.clip}"' in page[page.index('id="media"') :]


def test_a_page_from_a_pack_says_that_there_is_no_example(example: Made, tmp_path: Path) -> None:
    example.source.store.uri = ""
    path = tmp_path / "out.html"
    write_page(*example.source, path=path, mlflow_url="http://127.0.0.1:5000")
    page = path.read_text(encoding="utf-8")
    assert '<section id="clip">' not in page
    assert "charts.example: not drawn, a pack of results has no sounds and seldom curves" in page
