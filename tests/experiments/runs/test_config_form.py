"""Spellings of one training: a plan knows a run again whose configuration says the same in other words, no other."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from datamodules.corpus_folder import CorpusCard
from experiments.planning.cell import Cell
from experiments.planning.known_runs import FORM
from experiments.planning.plan import make_plan
from experiments.runs import code_closure, signatures
from experiments.runs.config_form import DEFAULTS, DRAWN, form, form_key
from experiments.runs.run_folder import KEY
from experiments.table_files.merge import get_path
from experiments.table_files.spec import TABLES, read_table
from experiments.tracking.mlflow_store import TrackedRun

from ..stored_runs import Folders

MIL, CNN = "lightning_modules.sed.mil.MIL", "lightning_modules.layers.crnn.demo_crnn"
SCORING = "lightning_modules.sed.detection_scoring.DetectionScoring"
DATA = "datamodules.asr.SpeechDataModule"


def classed(path: str, **arguments: Any) -> dict[str, Any]:
    return {"class_path": path, "init_args": arguments}


SAME = {
    "bare text": ({"scoring": SCORING}, {"scoring": classed(SCORING)}),
    "bare text below": ({"model": classed(MIL, encoder=CNN)}, {"model": classed(MIL, encoder=classed(CNN))}),
    "a default": ({"model": classed(MIL)}, {"model": classed(MIL, penalty_alpha=0.0)}),
    "a default as an integer": ({"model": classed(MIL)}, {"model": classed(MIL, penalty_alpha=0)}),
    "a base's default": ({"model": classed(MIL)}, {"model": classed(MIL, scheduler=None)}),
    "an integer for a float": (
        {"model": classed(MIL, penalty_alpha=2)}, {"model": classed(MIL, penalty_alpha=2.0)},
    ),
    "integers for floats": (
        {"data": classed(DATA, speed_factors=[1, 2])}, {"data": classed(DATA, speed_factors=[1.0, 2.0])},
    ),
    "pictures": ({"scoring": SCORING}, {"scoring": classed(SCORING, num_pictures=20)}),
    "the logger's steps": ({"trainer": {"max_epochs": 1}}, {"trainer": {"max_epochs": 1, "log_every_n_steps": 50}}),
    "the clipped norm": ({"trainer": {"gradient_clip_val": 5}}, {"trainer": {"gradient_clip_val": 5.0}}),
    "no average": ({"checkpoint": {"mode": "min"}}, {"checkpoint": {"mode": "min", "average": None}}),
    "no patience": ({"checkpoint": {"mode": "min"}}, {"checkpoint": {"mode": "min", "patience_epochs": None}}),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_harmless_spellings_have_one_form(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert form_key(one, stage="fit") == form_key(other, stage="fit")
    assert json.dumps(form(form(other))) == json.dumps(form(other))


OTHER = {
    "another value": ({"model": classed(MIL, penalty_alpha=0.1)}, {"model": classed(MIL, penalty_alpha=0.2)}),
    "no default": ({"model": classed(MIL)}, {"model": classed(MIL, penalty_alpha=0.1)}),
    "one batch, and all of them": ({"trainer": {"overfit_batches": 1}}, {"trainer": {"overfit_batches": 1.0}}),
    "a flag and a number": ({"model": classed(MIL, penalty_alpha=True)}, {"model": classed(MIL, penalty_alpha=1)}),
    "a default of torch's, which may become another": (
        {"model": classed(MIL, optimizer="torch.optim.Adam")},
        {"model": classed(MIL, optimizer=classed("torch.optim.Adam", lr=0.001))},
    ),
    "pictures of a user's own class": ({"scoring": classed("mine.Scores", num_pictures=1)}, {"scoring": "mine.Scores"}),
    "an empty mapping": ({"model": classed(MIL)}, {"model": classed(MIL, features={})}),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER)
def test_whatever_may_change_a_training_stays_another(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert form_key(one, stage="fit") != form_key(other, stage="fit")


def test_stages_differ() -> None:
    assert form_key({}, stage="fit") != form_key({}, stage="score")


OWN = """
from own_base import Base as Root
DEFAULT = 3

class Plain(Root):
    def __init__(self, width: int = 4, *, rate: float | None = None, later: int = DEFAULT, net=None, **rest) -> None:
        super().__init__(**rest)

class Changing(Root):
    def __init__(self, **rest) -> None:
        rest.setdefault("depth", 5)
        super().__init__(**rest)

class Bare(Root):
    pass

class With(Root):
    def __init__(self, inner=Plain(width=9)) -> None: ...

@property
def wrapped(width: int = 4) -> int: ...

def made(width: int = 4, *, share: float = 1): ...
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_form.py").write_text(OWN)
    (tmp_path / "own_base.py").write_text("class Base:\n    def __init__(self, depth: int = 2, size=(1, 2)): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    for cached in (code_closure._spec, code_closure._is_installed, signatures.parameters, signatures._tree):
        cached.cache_clear()


@pytest.mark.parametrize(
    ("name", "arguments", "left"),
    [
        ("Plain", {"width": 4, "rate": None, "depth": 2, "size": [1, 2]}, {}),
        ("Plain", {"width": 4.0, "rate": 1, "depth": 3}, {"width": 4.0, "rate": 1.0, "depth": 3}),
        ("Plain", {"later": 3}, {"later": 3}),  # no literal
        ("Plain", {"net": {"class_path": "own_form.made", "init_args": {"width": 4}}}, {"net": "own_form.made"}),
        ("Bare", {"depth": 2}, {}),
        ("Changing", {"depth": 2}, {"depth": 2}),  # it is 5 where nothing is said
        ("With", {"inner": classed("own_form.Plain", width=4)}, {"inner": classed("own_form.Plain", width=4)}),
        ("wrapped", {"width": 4}, {"width": 4}),
        ("made", {"width": 4, "share": 1.0}, {}),
        ("absent", {"width": 4}, {"width": 4}),
    ],
)  # fmt: skip
def test_defaults_are_left_out_where_they_are_certain(
    own: None, name: str, arguments: dict[str, Any], left: dict[str, Any]
) -> None:
    expected = classed(f"own_form.{name}", **left) if left else f"own_form.{name}"
    found = form({"model": classed(f"own_form.{name}", **arguments)})["model"]
    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)


def test_a_checkpoints_default_is_that_of_its_class() -> None:
    from experiments.configuration.schema import Checkpoint

    assert {field.name: field.default for field in fields(Checkpoint)} | DEFAULTS["checkpoint"] == {
        field.name: field.default for field in fields(Checkpoint)
    }


@pytest.mark.parametrize("name", [path.stem for path in sorted(TABLES.glob("*.yaml"))])
def test_jsonargparse_reads_the_form_as_the_file(name: str) -> None:
    """The oracle: a training gets the same values, of the same types, from either."""
    from experiments.configuration.schema import parse

    seen: set[str] = set()
    for row in read_table(name).rows.values():
        shown, formed = _without_pictures(row.config), form(row.config)
        texts = {*_section_texts("file", row.stage, shown), *_section_texts("form", row.stage, formed)}
        if texts <= seen:
            continue
        seen |= texts
        _, one = parse(shown, stage=row.stage, seed=0, where="file")
        _, other = parse(formed, stage=row.stage, seed=0, where="form")
        assert repr(one) == repr(other), row.name


def _section_texts(where: str, stage: str, config: dict[str, Any]) -> Iterator[str]:
    """What a parse reads: each section by itself, but that the trainer's epochs enter the model's schedule."""
    for section, value in config.items():
        yield json.dumps([where, stage, section, value, config["trainer"] if section == "model" else None])


def _without_pictures(config: dict[str, Any]) -> dict[str, Any]:
    scoring = config["scoring"]
    if get_path(config, f"scoring.{DRAWN}") is None:
        return config
    arguments = {name: value for name, value in scoring["init_args"].items() if name != DRAWN}
    return {**config, "scoring": {**scoring, "init_args": arguments}}


class Store(Folders):
    """Finds the runs that it was given."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.runs: list[TrackedRun] = []

    def find(
        self, family: str, *, tags: Mapping[str, str], having: Sequence[str] = (), limit: int | None = None
    ) -> list[TrackedRun]:
        found = [run for run in self.runs if tags.items() <= run.tags.items() and set(having) <= set(run.tags)]
        return found[:limit]

    def finish(self, cell: Cell) -> None:
        assert cell.key is not None
        parts = {f"key.{name}": part for name, part in cell.key.parts().items()}
        tags = {"key": cell.key.id, "seed": "0", FORM: form_key(cell.row.config, stage=cell.row.stage), **parts}
        self.runs.append(TrackedRun("r", "finished", {"earmark.state": "finished", **tags}, {}))
        self.run_dir(cell.key.id).mkdir(parents=True)
        (self.run_dir(cell.key.id) / KEY).write_text(json.dumps({"config": cell.row.config}))


Plan = Callable[..., list[Cell]]


@pytest.fixture
def store(earmark_home: Path) -> Store:
    folder = earmark_home / "data" / "tones" / "tiny"
    folder.mkdir(parents=True)
    CorpusCard("tones/tiny", "a" * 16, ("a",), 16000, True, {}, {"train": 4, "test": 2}, "").write(folder)
    return Store(earmark_home)


@pytest.fixture
def plan(store: Store, tmp_path: Path) -> Plan:
    """The cells of two rows, the second of which stands on the first, of a table with settings of its scale."""
    text = (Path(__file__).parents[1] / "tiny.yaml").read_text(encoding="utf-8")

    def cells(scale: str = "{}", *, more: str = "", rows: Sequence[str] = ("mil", "mil_oracle")) -> list[Cell]:
        path = tmp_path / "t.yaml"
        edited = text.replace("scales: {demo: {}}", f"scales: {{demo: {scale}}}").replace("rows:\n", f"rows:\n{more}")
        path.write_text(edited, encoding="utf-8")
        return make_plan(read_table(str(path)), store, rows=rows)

    return cells


def test_an_edit_that_trains_alike_leaves_cells_finished(store: Store, plan: Plan) -> None:
    before = plan()
    for cell in before:
        store.finish(cell)
    after = plan("{model.penalty_alpha: 0, scoring.num_pictures: 9}")
    assert [cell.state for cell in after] == ["finished", "finished"]
    assert [cell.key for cell in after] == [cell.key for cell in before]
    changed = "model.penalty_alpha unset -> 0; scoring.num_pictures 1 -> 9"
    assert after[0].why == f"the same training in other words: {changed}"
    assert {cell.state for cell in plan("{model.penalty_alpha: 0.5}")} == {"missing"}


def test_a_run_of_the_very_words_comes_before_others(store: Store, plan: Plan) -> None:
    words = "{model.penalty_alpha: 0}"
    for scale in ("{}", words):
        store.runs, found = [], store.runs
        store.finish(plan(scale)[0])
        store.runs += found
    assert plan()[0].key != plan(words)[0].key
    assert {plan()[0].why, plan(words)[0].why} == {""}


def test_two_rows_that_say_the_same_are_one_run(plan: Plan) -> None:
    twin = "  twin: {why: the same in other words, set: {model.penalty_alpha: 0.0}}\n"
    first, second = plan(more=twin, rows=("twin", "mil"))
    assert first.key == second.key


UNSURE = """
def wrap(of): return of
class A:
    def __init__(self, x: float = 1.0): ...
class B(A): ...
class C(A):
    def __init__(self, x: float = 2.0): ...
class D(B, C): ...
class Head:
    def __init__(self, x: float = 0.5): ...
class Builds(A):
    def __init__(self, **more):
        super().__init__()
        self.head = Head(**more)
R = A
class R:
    def __init__(self, x: float = 1.0): ...
R = wrap(R)
"""


@pytest.mark.parametrize("name", ["D", "Builds", "R"])
def test_where_python_decides_a_default_nothing_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "own_unsure.py").write_text(UNSURE)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    for cached in (code_closure._spec, code_closure._is_installed, signatures.parameters, signatures._tree):
        cached.cache_clear()
    for value in (1.0, 2.0, 0.5):
        written = classed(f"own_unsure.{name}", x=value)
        assert form({"model": written})["model"] == written
