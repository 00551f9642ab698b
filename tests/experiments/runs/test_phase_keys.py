"""An edit asks for the phase that it concerns: which code each phase has, in every shipped row."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.runs import keys, recipe
from experiments.runs.code_closure import own_source
from experiments.runs.journal import EPOCH, JournalLine
from experiments.runs.phase_keys import (
    PREDICTION_CODE,
    PhaseCode,
    PhaseKeys,
    but_scoring,
    phase_code,
    phase_keys,
    recorded_keys,
    scored_by,
)
from experiments.runs.training_record import TrainingRecord, environment_of, figures, read_record
from experiments.table_files.spec import TABLES, Row, read_table

FAMILIES = {path.stem: read_table(path.stem) for path in sorted(TABLES.glob("*.yaml"))}
ROWS = {
    f"{table.name}/{row.name}": row for table in FAMILIES.values() for row in table.rows.values() if row.stage == "fit"
}
# What a system does with chosen weights: training and validation call none of it.
PREDICTING = {"predict_step", "write_predictions", "stored", "_stored", "save_decoder", "frames", "_facts"}
DRAWING = ("pictures", "scoring", "report", "error_table")


def _code(row: Row) -> PhaseCode:
    return phase_code(row.config, keys.code_digests(row.config, recipe_version=recipe.VERSION), imports=())


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_trainings_hold_no_code_that_scores_or_draws(row: Row) -> None:
    """The assumption behind it all: systems import neither scoring nor pictures."""
    code = _code(row)
    assert {"recipe", "lightning_modules"} <= set(code.fit)
    last = {module.split(".")[-1] for module in code.fit}
    assert not [name for name in last if any(word in name for word in DRAWING)]
    assert code.predict
    assert not set(code.predict) & set(code.fit)
    assert "lightning_modules.scoring" in code.score
    whole = keys.code_digests(row.config, recipe_version=recipe.VERSION)
    assert {**code.fit, **code.predict, **code.score} == whole


def test_what_predicts_is_used_in_prediction_alone() -> None:
    """Else an edit of it would change trainings, and they would count as finished."""
    trained = set().union(*(keys.code_files(but_scoring(row.config)) for row in ROWS.values()))
    assert set(PREDICTION_CODE) <= trained, "a name that no system imports"
    for module in sorted(trained - set(PREDICTION_CODE)):
        path = own_source(module)
        assert path is not None, module
        assert set(_uses(ast.parse(path.read_text(encoding="utf-8")))) <= PREDICTING, module


def _uses(tree: ast.Module) -> Iterator[str]:
    """The functions of a file that use names of ``PREDICTION_CODE``.

    Annotations compute nothing, and a call whose value is thrown away is a check before the training.
    """
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in PREDICTION_CODE
        for alias in node.names
    }

    def search(node: ast.AST, function: str) -> Iterator[str]:
        if isinstance(node, ast.Name) and node.id in names:
            yield function
        for child in ast.iter_child_nodes(node):
            is_annotation = isinstance(node, ast.FunctionDef) and child is node.returns
            if is_annotation or isinstance(child, ast.arguments | ast.Expr):
                continue
            inside = child.name if isinstance(child, ast.FunctionDef) else function
            yield from search(child, inside)

    yield from search(tree, "")


def _keys(row: Row, code: PhaseCode, **more: str) -> PhaseKeys:
    facts = {"data": "d", "seed_run": "", "upstream": "", **more}
    return phase_keys(row.config, code, seed=0, **facts)


def test_each_edit_changes_its_phase_and_those_after_it() -> None:
    row = ROWS["weak_sed/mil"]
    code = _code(row)
    as_is = _keys(row, code)
    drawn = _keys(row, replace(code, score={**code.score, "lightning_modules.sed.pictures": "edited"}))
    assert (drawn.fit, drawn.predict) == (as_is.fit, as_is.predict)
    assert drawn.score != as_is.score
    written = _keys(row, replace(code, predict={**code.predict, "lightning_modules.sed.predictions": "edited"}))
    assert written.fit == as_is.fit
    assert written.predict != as_is.predict
    assert written.score != as_is.score
    trained = _keys(row, replace(code, fit={**code.fit, "lightning_modules.sed.mil": "edited"}))
    assert len({trained.fit, trained.predict, trained.score} & {as_is.fit, as_is.predict, as_is.score}) == 0
    assert _keys(row, code, seed_run="s").fit != as_is.fit
    assert _keys(row, code, upstream="u").fit == as_is.fit  # a language model that only decoding reads
    assert _keys(row, code, upstream="u").score != as_is.score
    scored = replace(row, config={**row.config, "scoring": "a.B"})
    assert _keys(scored, code).predict == as_is.predict
    assert _keys(scored, code).score != as_is.score


def test_a_run_of_before_is_known_by_its_record() -> None:
    row = ROWS["weak_sed/mil"]
    code = _code(row)
    whole = keys.code_digests(row.config, recipe_version=recipe.VERSION)
    record = {"config": row.config, "code": whole, "data": "d", "seed": 0}

    def recorded(**more: str) -> PhaseKeys:
        return recorded_keys({**record, "code": {**whole, **more}}, code, seed_run="", upstream="")

    assert recorded() == _keys(row, code)
    assert recorded(**{"lightning_modules.sed.gone_since": "x"}).fit == _keys(row, code).fit
    assert recorded(**{"lightning_modules.sed.detection_scoring": "x"}).predict == _keys(row, code).predict
    assert recorded(**{"lightning_modules.sed.mil": "x"}).fit != _keys(row, code).fit
    without = {module: digest for module, digest in whole.items() if module != recipe.NAME}
    assert recorded_keys({**record, "code": without}, code, seed_run="", upstream="").fit != _keys(row, code).fit


def test_the_version_of_scoring_is_of_its_class_and_not_of_its_settings() -> None:
    row = ROWS["weak_sed/mil"]
    whole = keys.code_digests(row.config, recipe_version=recipe.VERSION)
    said = scored_by(row.config, whole, imports=())
    name, _, digest = said.partition(" ")
    assert name == "lightning_modules.sed.detection_scoring.DetectionScoring"
    assert len(digest) == 16
    other = {"class_path": name, "init_args": {"tags": "oracle"}}
    assert scored_by({**row.config, "scoring": other}, whole, imports=()) == said
    assert scored_by(row.config, {**whole, "lightning_modules.sed.mil": "x"}, imports=()) == said
    assert scored_by(row.config, {**whole, "lightning_modules.metrics.durations": "x"}, imports=()) != said
    assert scored_by({"data": {}}, whole, imports=()) == ""


@given(
    losses=st.lists(st.floats(0, 9), min_size=1, max_size=5),
    mode=st.sampled_from(["min", "max"]),
    score=st.floats(-9, 9),
)
def test_the_best_epoch_is_found_beside_a_score_of_its_name(losses: list[float], mode: str, score: float) -> None:
    lines = [
        JournalLine(k, "metrics", {"values": {EPOCH: k, "validation/loss": loss}, "step": k})
        for k, loss in enumerate(losses)
    ]
    end = {"model/parameters": 7.0, "run/seconds": 3.0, "validation/loss": score, "test/x": 1.0}
    lines.append(JournalLine(99, "metrics", {"values": end, "step": len(losses)}))
    step, found = figures(lines, monitor="validation/loss", mode="min" if mode == "min" else "max")
    best = min(losses) if mode == "min" else max(losses)
    assert (step, found) == (len(losses), {"model/parameters": 7.0, "run/seconds": 3.0, "validation/loss": best})


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    record = TrainingRecord("a", "", 12, {"validation/loss": 0.5}, "m.n", environment_of({"torch": "2", "seed": "0"}))
    record.write(tmp_path)
    assert read_record(tmp_path) == record
    assert record.tags() == {"trained_as": "a", "trained_before": "m.n", "trained_on.torch": "2"}
    assert environment_of({"torch": "3", **record.tags()}) == {"torch": "2"}  # scored once more: trained where it was
