"""What MLflow will never take: known before a run starts, or told apart from an outage when it is delivered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytorch_lightning as lightning
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import ErrorCode
from mlflow.utils.validation import _validate_length_limit, _validate_metric_name

from experiments.commands.sync import run as sync
from experiments.errors import UserError
from experiments.runs.journal import NAME, Journal, read_lines
from experiments.table_files.columns import read_columns
from experiments.table_files.stored_names import LARGEST_STEP, name_problem, point_problem
from experiments.tracking.delivery import deliver, is_delivered, refused, track
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.refusals import REFUSED, is_lasting, send
from experiments.tracking.tracked_run import STATE
from experiments.training.journal_logger import JournalLogger, JournalProgress
from experiments.training.train import _check_scores


@given(st.text(alphabet="aZ9_-.:/ @é|\\\n", max_size=8) | st.integers(245, 255).map("a".__mul__))
@example("recall@5")
@example("größe/ß")
def test_a_name_is_refused_where_mlflow_refuses_it(name: str) -> None:
    try:
        _validate_metric_name(name)
        _validate_length_limit("Metric name", 250, name)
        taken = True
    except MlflowException:
        taken = False
    assert (name_problem(name) is None) == (taken and not name.endswith("\n"))


def test_steps_are_64_bit() -> None:
    assert point_problem("a", LARGEST_STEP) is None
    assert point_problem("a", LARGEST_STEP + 1) == f"step {2**63} is no 64-bit integer"


def test_a_metric_is_refused_at_its_first_log_in_one_line(tmp_path: Path) -> None:
    logger = JournalLogger(Journal(tmp_path))
    logger.log_metrics({"validation/f1": 0.5}, step=1)
    with pytest.raises(UserError, match=r"^metric 'recall@5': MLflow does not take '@' in a name; allowed: letters"):
        logger.log_metrics({"loss": 0.5, "recall@5": 0.5}, step=2)
    assert len(read_lines(tmp_path / NAME)[0]) == 1


class _Odd(lightning.LightningModule):
    """Logs a name that MLflow does not take, in one of its steps."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place, self.num_steps = place, 0
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
        self.num_steps += 1
        if self.place == "training":
            self.log("train/p%", 0.5)
        return self.layer(batch).sum()

    def validation_step(self, batch: torch.Tensor, index: int) -> None:
        if self.place == "validation":
            self.log("validation/recall@5", 0.5)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.mark.filterwarnings("ignore")  # Lightning's advice on data loaders
@pytest.mark.parametrize(
    ("place", "name", "num_steps"), [("validation", "validation/recall@5", 0), ("training", "train/p%", 1)]
)
def test_a_training_is_refused_at_its_first_step_or_before(
    tmp_path: Path, place: str, name: str, num_steps: int
) -> None:
    journal, model = Journal(tmp_path), _Odd(place)
    trainer = lightning.Trainer(
        logger=JournalLogger(journal), callbacks=[JournalProgress(journal)], max_epochs=2, log_every_n_steps=1,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, accelerator="cpu",
        default_root_dir=tmp_path,
    )  # fmt: skip
    loader = torch.utils.data.DataLoader(torch.ones(4, 1))  # type: ignore[arg-type]
    with pytest.raises(UserError, match=f"metric '{name}'"):
        trainer.fit(model, loader, loader)
    assert model.num_steps == num_steps


def test_a_score_costs_no_training_and_a_scoring_row_is_refused() -> None:
    with pytest.warns(UserWarning, match=r"scoring: metric 'test/p%': .*'%'.*; it stays in metrics.json, MLflow gets"):
        _check_scores({"test/p%": 1.0}, stage="fit")
    with pytest.raises(UserError, match=r"metric 'test/p%'"):
        _check_scores({"test/p%": 1.0}, stage="score")


def test_a_column_that_no_store_could_fill_is_refused_before_a_run() -> None:
    with pytest.raises(UserError, match=r"^t.yaml: columns.test/recall@5: MLflow does not take '@'"):
        read_columns({"test/recall@5": {}}, where="t.yaml")


def _error(code: str) -> MlflowException:
    return MlflowException("no\nmore", error_code=ErrorCode.Value(code))


@pytest.mark.parametrize("bad", [[], [0], [3, 4], list(range(7))])
def test_a_batch_is_sent_in_halves_until_what_is_refused_stands_alone(bad: list[int]) -> None:
    sent: list[int] = []

    def ship(items: Sequence[int]) -> None:
        if set(items) & set(bad):
            raise _error("INVALID_PARAMETER_VALUE")
        sent.extend(items)

    refused = send(range(7), ship, called=lambda item: f"item {item}", is_there=lambda: True)
    assert refused == {f"item {item}": "no" for item in bad}
    assert sent == [item for item in range(7) if item not in bad]


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "PERMISSION_DENIED"])
def test_a_store_that_is_away_refuses_nothing(code: str) -> None:
    def ship(items: Sequence[int]) -> None:
        raise _error(code)

    with pytest.raises(MlflowException):
        send([1, 2], ship, called=str, is_there=lambda: True)


def test_a_refusal_counts_when_it_is_repeated_and_its_run_is_there() -> None:
    answers = [_error("BAD_REQUEST")]

    def ship(items: Sequence[int]) -> None:
        if answers:
            raise answers.pop()

    assert send([1], ship, called=str, is_there=lambda: True) == {}
    answers.append(_error("INVALID_PARAMETER_VALUE"))  # of a run that was deleted meanwhile
    with pytest.raises(MlflowException):
        send([1], ship, called=str, is_there=lambda: False)


@pytest.mark.parametrize(("status", "lasting"), [(400, True), (413, True), (403, False), (503, False)])
def test_an_artifact_server_is_told_by_its_status(status: int, lasting: bool) -> None:
    error = OSError("HTTP")
    error.response = SimpleNamespace(status_code=status)  # type: ignore[attr-defined]
    assert is_lasting(error) == lasting
    assert not is_lasting(OSError("no connection"))


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder as an older earmark, which asked nobody, left it: with names and values of all kinds."""
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    run_dir = tmp_path / "mlruns" / "runs" / "k1"
    run_dir.mkdir(parents=True)
    params = {"model.labels.a@b": 1, "seed": 0, "text": "a\udc80\0"} | {f"p{k}": k for k in range(150)}
    track(run_dir, family="sed", name="a", tags={"key": "k1", "row.a=b": "r"}, params=params, datasets={"c" * 501: "d"})
    journal = Journal(run_dir)
    journal.state("started")
    for step in range(5):
        journal.metrics({"loss": 0.5, "recall@5": 0.5}, step=step)
    journal.metrics({"late": 1.0, "nan": float("nan"), "inf": float("inf")}, step=2**63)
    journal.metrics({"nan": float("nan"), "inf": float("inf")}, step=5)
    (run_dir / "odd#?%|name.txt").write_text("x")
    journal.state("finished")
    return run_dir


def test_a_run_with_a_name_that_mlflow_refuses_is_delivered_without_it(finished: Path) -> None:
    tracker = Tracker(finished.parents[2])
    assert deliver(finished, tracker)
    assert is_delivered(finished, tracker, present=tracker.run_ids())
    lacks = refused(finished, tracker)
    assert set(lacks) == {
        "metric recall@5", "metric late", "metric nan", "metric inf", "param model.labels.a@b", "tag row.a=b",
        f"dataset {'c' * 501}",
    }  # fmt: skip
    client = MlflowClient(tracking_uri=tracker.uri)
    (found,) = tracker.find("sed", tags={"key": "k1"})
    assert found.state == found.tags[STATE] == "finished"
    assert "metric recall@5: MLflow does not take '@'" in found.tags[REFUSED]
    assert set(found.metrics) == {"loss", "nan", "inf"}  # at the step that a store can hold
    assert len(client.get_metric_history(found.run_id, "loss")) == 5
    params = client.get_run(found.run_id).data.params
    assert len(params) == 152
    assert params["text"] == r"a\udc80\x00"
    assert {item.path for item in client.list_artifacts(found.run_id)} >= {"journal.jsonl", "odd#?%|name.txt"}


def test_sync_names_what_is_refused_and_is_done(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sync(SimpleNamespace()) == 0  # type: ignore[arg-type]
    printed = capsys.readouterr()
    assert "1 of 1 run folders delivered, 0 were before\n1 of them without what MLflow refuses" in printed.out
    assert "refused by MLflow, and kept in" in printed.err
    assert "metric recall@5: MLflow does not take '@' in a name" in printed.err
    assert sync(SimpleNamespace()) == 0  # type: ignore[arg-type]
    printed = capsys.readouterr()
    assert "0 of 0 run folders delivered, 1 were before\n1 of them without" in printed.out
