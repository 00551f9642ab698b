"""MLflow, the one place that talks to it: the launcher creates store and runs, ships journals, asks for states.

One writer: training processes know nothing of MLflow. Runs of one family are one MLflow experiment, so tables share
them; a run is found by its tags. ``earmark.state`` is the judge (MLflow's own status says FINISHED of a run that was
ended by SIGTERM): it is set to ``finished`` last, after the journal and every artifact arrived.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
# MLflow's own patience is seven minutes a call; ours is the courier's, which holds nobody up.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # one for each file

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param, Run, RunStatus, RunTag
from mlflow.exceptions import MlflowException

from experiments.runs import journal
from experiments.runs.run_folder import locked
from experiments.table_files.stored_names import name_problem, point_problem
from experiments.tracking.artifact_files import artifact_folder, fetch, link, sizes
from experiments.tracking.fresh_store import begin_store
from experiments.tracking.launcher_identity import HEARTBEAT
from experiments.tracking.refusals import Refused, send, storable, tag_of
from experiments.tracking.run_pages import read_pages
from experiments.tracking.store_place import database_path, opening, store_place
from experiments.tracking.stored_experiments import check_place, experiment_id, follow_move
from experiments.tracking.tracked_run import STATE, TrackedRun, as_logged, as_tracked

STORE_PATIENCE_SECONDS = 600.0  # many processes on a slow machine take turns at a fresh store
BATCH = {"metrics": 1000, "params": 100, "tags": 100}  # the most that MLflow takes at once
TrackingError = MlflowException
Entry = Metric | Param | RunTag
for _chatter in ("alembic", "mlflow.store.db.utils"):  # a fresh store's schema, told table by table
    logging.getLogger(_chatter).setLevel(logging.WARNING)


class Tracker:
    """Writes to and asks one MLflow store; one that may only be read is asked without a lock and left as it is."""

    def __init__(self, home: Path) -> None:
        self.place = store_place(home)
        self.root, self.uri = self.place.root, self.place.uri
        if self._is_there():
            _ = self._client
        # Without the password: the name stands in files.
        self.store = hashlib.sha256(re.sub(r":[^:@/]*@", "@", self.uri).encode()).hexdigest()[:8]
        self.experiment_id = cache(self._experiment_id)
        self._artifact_location = cache(
            lambda family: str(self._client.get_experiment(self.experiment_id(family)).artifact_location).rstrip("/")
        )

    def _is_there(self) -> bool:
        """Whether there is a store to ask; a file of SQLite is made by the first who writes, which takes seconds."""
        return (path := database_path(self.uri)) is None or path.exists()

    @cached_property
    def _client(self) -> MlflowClient:
        with self._alone(), opening(self.uri):
            begin_store(database_path(self.uri))
            client = MlflowClient(tracking_uri=self.uri)
            if database_path(self.uri) == self.root / "mlflow.db" and not self.place.read_only:
                follow_move(self.root)
        return client

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time: several that open a fresh database race in the migration of its schema."""
        if self.place.read_only:
            yield
            return
        path = database_path(self.uri)
        folder = path.parent if path and path.parent.is_dir() else self.root  # homes may share a database
        with locked(folder, "store.lock", patience_seconds=STORE_PATIENCE_SECONDS) as mine:
            if not mine:
                raise TrackingError(f"{folder / 'store.lock'}: another process has opened the store for minutes")
            yield

    def run_dir(self, key_id: str) -> Path:
        """The folder of the run with this key."""
        return self.root / "runs" / key_id

    def _experiment_id(self, family: str) -> str:
        """The experiment of a family, made on first use (its artifacts lie under ``mlruns/artifacts``)."""
        client = self._client  # opened under a lock of its own
        with self._alone():
            return experiment_id(family, client, self.place)

    def check_experiment(self, family: str) -> None:
        """Refuse to begin runs that the store would not take, or whose files would go to a folder that is gone."""
        found = self._client.get_experiment(self._experiment_id(family))
        check_place(str(found.artifact_location), levels=1)

    def check_files(self, run_id: str) -> None:
        """Refuse to write a run's files where the folder that they go to is gone."""
        check_place(str(self._client.get_run(run_id).info.artifact_uri), levels=3)

    def find(
        self, family: str, *, tags: Mapping[str, str], having: Sequence[str] = (), limit: int | None = None
    ) -> list[TrackedRun]:
        """Runs of a family that carry all these tags, and those of ``having`` with any value, newest first.

        With all their metrics: a store gives some hundreds a second, so ask for few.
        """
        conditions = [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
        conditions += [f"tags.`{name}` LIKE '%'" for name in having]
        found = self._search([self.experiment_id(family)], " and ".join(conditions), limit) if self._is_there() else []
        return [as_tracked(run) for run in found]

    def _search(self, experiment_ids: list[str], condition: str = "", limit: int | None = None) -> list[Run]:
        """Runs that are not deleted, newest first."""

        def ask(size: int, token: str | None) -> list[Run]:
            return self._client.search_runs(
                experiment_ids, condition, max_results=size, page_token=token, order_by=["attributes.start_time DESC"]
            )

        return read_pages(ask, limit=limit)

    def beginning_with(self, text: str) -> list[TrackedRun]:
        """Runs of every experiment whose id or key begins with ``text`` (hexadecimal digits), newest first."""
        experiments = [experiment_id for _, experiment_id in self.experiments()]
        found: dict[str, Run] = {}
        for condition in (f"attributes.run_id LIKE '{text}%'", f"tags.key LIKE '{text}%'"):
            for run in self._client.search_runs(experiments, condition, max_results=100):
                found[run.info.run_id] = run
        runs = sorted(found.values(), key=lambda run: int(run.info.start_time or 0), reverse=True)
        return [as_tracked(run) for run in runs]

    def create(self, family: str, *, name: str, tags: Mapping[str, str], start_ms: int | None = None) -> str:
        """A new run in state ``scheduled``, since ``start_ms`` or now; its id. ``describe`` names refused tags."""
        taken = {key: storable(value) for key, value in tags.items() if name_problem(key) is None}
        run = self._client.create_run(  # asked anew: somebody may have deleted the experiment
            self._experiment_id(family), run_name=name, start_time=start_ms,
            tags={**taken, STATE: "scheduled", "mlflow.runName": name},
        )  # fmt: skip
        run_id = str(run.info.run_id)
        self._client.update_run(run_id, status=RunStatus.to_string(RunStatus.SCHEDULED))
        return run_id

    def describe(
        self, run_id: str, *, tags: Mapping[str, str], params: Mapping[str, Any], datasets: Mapping[str, str]
    ) -> Refused:
        """Tags, parameters and data (digests by corpus) of a run, where it has none yet."""
        run = self._client.get_run(run_id)
        wanted = {key: value for key, value in tags.items() if key not in run.data.tags}
        refused = self.tag_as_taken(run_id, wanted)
        entries = [Param(key, storable(value)[:6000]) for key, value in params.items() if key not in run.data.params]
        refused |= self._send(run_id, "params", entries)
        if datasets and not (run.inputs and run.inputs.dataset_inputs):
            inputs = [  # MLflow takes 36 characters of a digest; the whole one is in the tag key.data
                DatasetInput(Dataset(corpus, digest[:36], "local", json.dumps({"corpus": corpus})))
                for corpus, digest in datasets.items()
            ]
            refused |= send(
                inputs,
                lambda some: self._client.log_inputs(run_id, datasets=some),
                called=lambda item: f"dataset {item.dataset.name}",
                is_there=lambda: self.state(run_id) is not None,
            )
        return refused

    def _send(self, run_id: str, kind: Literal["metrics", "params", "tags"], entries: Sequence[Entry]) -> Refused:
        """All that the store takes of these, in batches; what it does not take. Raises ``TrackingError``."""
        refused, taken = {}, []
        for entry in entries:
            step = entry.step if isinstance(entry, Metric) else 0
            if problem := point_problem(str(entry.key), step):  # known, so a thousand points need no thousand questions
                refused[f"{kind[:-1]} {entry.key}"] = problem
            else:
                taken.append(entry)
        size = BATCH[kind]
        for start in range(0, len(taken), size):
            refused |= send(
                taken[start : start + size],
                lambda some: self._log_batch(run_id, some),
                called=lambda entry: f"{kind[:-1]} {entry.key}",
                is_there=lambda: self.state(run_id) is not None,
            )
        return refused

    def _log_batch(self, run_id: str, entries: Sequence[Entry]) -> None:
        self._client.log_batch(
            run_id,
            metrics=[entry for entry in entries if isinstance(entry, Metric)],
            params=[entry for entry in entries if isinstance(entry, Param)],
            tags=[entry for entry in entries if isinstance(entry, RunTag)],
        )

    def state(self, run_id: str) -> str | None:
        """What the store was told last of a run; None where it has none: deleted, or in a database that is gone."""
        try:
            run = self._client.get_run(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return run.data.tags.get(STATE, "") if run.info.lifecycle_stage == "active" else None

    def run_ids(self) -> set[str]:
        """The ids of all runs that are not deleted.

        MLflow gives no run without all its metrics, and needs 20 s for ten thousand: a database is asked by itself, in
        MLflow's schema, and a server is read page by page.
        """
        store = getattr(getattr(self._client, "_tracking_client", None), "store", None)
        if open_session := getattr(store, "ManagedSessionMaker", None):  # a database's; its errors are TrackingErrors
            with open_session() as session:
                found = session.connection().exec_driver_sql(
                    "SELECT run_uuid FROM runs WHERE lifecycle_stage = 'active'"
                )
                return {str(run_id) for (run_id,) in found}
        experiments = [str(item.experiment_id) for item in self._client.search_experiments()]
        return {str(run.info.run_id) for run in self._search(experiments)}

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set tags (MLflow cuts values at 8,000 characters)."""
        if not tags:
            return
        self._client.log_batch(run_id, tags=[RunTag(key, storable(value)) for key, value in tags.items()])

    def tag_as_taken(self, run_id: str, tags: Mapping[str, str]) -> Refused:
        """Set the tags that the store takes; the others, with the reason."""
        return self._send(run_id, "tags", [RunTag(key, storable(value)) for key, value in tags.items()])

    def start(self, run_id: str, tags: Mapping[str, str]) -> Refused:
        """The run's process has started, under these tags."""
        self._client.update_run(run_id, status=RunStatus.to_string(RunStatus.RUNNING))
        return self.tag_as_taken(run_id, {**tags, STATE: "running"})

    def beat(self, run_id: str, seconds: float) -> None:
        """Somebody worked on the run at this time (seconds since 1970)."""
        self.tag(run_id, {HEARTBEAT: f"{seconds:.0f}"})

    def log_metrics(self, run_id: str, lines: Iterable[journal.JournalLine]) -> Refused:
        """Send the metrics of journal lines; what is refused. What is sent twice changes nothing in the store."""
        metrics = [
            Metric(key, float(value), line.time_ms, int(line.fields["step"]))
            for line in lines
            if line.kind == "metrics"
            for key, value in line.fields["values"].items()
        ]
        return self._send(run_id, "metrics", metrics)

    def finish(
        self, run_id: str, run_dir: Path, *, artifacts: Iterable[Path], refused: Mapping[str, str] | None = None
    ) -> Refused:
        """Artifacts, then MLflow's status, then the tag that makes the run count as finished.

        ``refused`` is what the store did not take before; returned is what it did not take now.
        """
        now: Refused = {}
        here = artifact_folder(str(self._client.get_run(run_id).info.artifact_uri))  # where MLflow looks for them
        for path in artifacts:
            if here is None or not link(path, here / path.relative_to(run_dir)):
                now |= self._send_artifact(run_id, run_dir, path)
        self._client.set_terminated(run_id, status=RunStatus.to_string(RunStatus.FINISHED))
        self.tag(run_id, {**tag_of({**(refused or {}), **now}), STATE: "finished"})
        return now

    def _send_artifact(self, run_id: str, run_dir: Path, path: Path) -> Refused:
        name = path.relative_to(run_dir)
        folder = None if name.parent == Path() else name.parent.as_posix()
        if self.place.has_server and (odd := [sign for sign in "#?%" if sign in str(name)]):
            return {f"file {name}": f"MLflow would read {' '.join(odd)} as part of the URL, and store another name"}
        return send(
            [path],
            lambda some: self._client.log_artifact(run_id, str(some[0]), folder),
            called=lambda _: f"file {name}",
            is_there=lambda: self.state(run_id) is not None,
        )

    def fail(self, run_id: str, *, state: str, message: str, refused: Mapping[str, str] | None = None) -> None:
        """The run ended without its result; ``state`` is ``failed`` or ``stopped``, ``refused`` as in ``finish``."""
        status = RunStatus.FAILED if state == "failed" else RunStatus.KILLED
        self._client.set_terminated(run_id, status=RunStatus.to_string(status))
        self.tag(run_id, {**tag_of(refused or {}), STATE: state, "earmark.error": message[:5000]})

    def artifact_folder(self, uri: str) -> Path | None:
        """Where a run's artifacts lie if that is on this disk, moved with its home perhaps; None on a server."""
        return artifact_folder(uri, moved_to=self.root / "artifacts")

    def stored_at(self, family: str, run_id: str) -> Path | None:
        """The ``artifact_folder`` of a run by its id alone."""
        return self.artifact_folder(f"{self._artifact_location(family)}/{run_id}/artifacts")

    def stored_files(self, run_id: str) -> dict[str, int]:
        """Bytes of every artifact of a run by its path."""
        return sizes(lambda folder: self._client.list_artifacts(run_id, folder or None))

    def delete(self, run_id: str) -> None:
        """Take back a run that was made in vain."""
        self._client.delete_run(run_id)

    def download(self, run_id: str, artifact: str, folder: Path) -> None:
        """Fetch an artifact of a run into ``folder``, whole or not at all, in the place of one that is there."""
        fetch(lambda aside: self._client.download_artifacts(run_id, artifact, aside), folder / artifact, folder=folder)

    def curve(self, run_id: str, metric: str) -> list[journal.CurvePoint]:
        """The points of a metric that training logged, by step; a resumed epoch's later value stands.

        Step and time tell which epoch a value is of: the journal's line had both.
        """
        epochs = {
            (point.step, point.timestamp): point.value for point in self._client.get_metric_history(run_id, "epoch")
        }
        points = sorted(self._client.get_metric_history(run_id, metric), key=lambda point: point.timestamp)
        by_step = {
            point.step: journal.CurvePoint(point.step, epochs[point.step, point.timestamp], as_logged(point.value))
            for point in points
            if (point.step, point.timestamp) in epochs
        }
        return [by_step[step] for step in sorted(by_step)]

    def untag(self, run_id: str, key: str) -> None:
        """Take a tag from a run that has it."""
        self._client.delete_tag(run_id, key)

    def tag_experiment(self, family: str, tags: Mapping[str, str]) -> None:
        """Set tags of a family's experiment (MLflow refuses values over 20,000 characters)."""
        experiment_id = self.experiment_id(family)
        for key, value in tags.items():
            self._client.set_experiment_tag(experiment_id, key, value)

    def experiment_tags(self, family: str) -> Mapping[str, str]:
        """The tags of a family's experiment; empty where there is none yet."""
        found = self._client.get_experiment_by_name(family)
        return {} if found is None else dict(found.tags)

    def experiments(self) -> Sequence[tuple[str, str]]:
        """(name, id) of every experiment that has runs of ours."""
        try:
            return [(item.name, str(item.experiment_id)) for item in self._client.search_experiments()]
        except MlflowException:
            return []
