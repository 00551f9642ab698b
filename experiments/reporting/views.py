"""Saved views of MLflow's Runs page, written from a table's ``views:`` (``view_spec.py``).

The format is undocumented; it was read from the page's own code and is tested in a browser. A view is an experiment tag
``mlflow.sharedViewState.<id>``: an envelope with a name, times in milliseconds and ``state``, JSON in text that holds
the page's search (filter, order) and its look (columns, grouping, charts). Ids are digests of table, scale and view, so
that writing again updates. A version of MLflow that was not tested gets no views and one warning line. Which
runs a view shows is a tag of theirs (``view_tags.py``).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import importlib.metadata
import json
import time
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from experiments.errors import first_line, public_uri
from experiments.planning.cell import Cell
from experiments.planning.known_runs import FOLD, RUNS_FOR_A_QUERY
from experiments.table_files.spec import Table
from experiments.table_files.view_spec import View, ViewChart
from experiments.table_files.view_tags import row_tags, shown_tag
from experiments.tracking.mlflow_store import Tracker, TrackingError
from experiments.tracking.tracked_run import TrackedRun
from experiments.waiting import with_bar

TESTED = ((3, 15), (3, 18))  # from, and below
PREFIX = "mlflow.sharedViewState."
CHARTS = "&compareRunsMode=CHART"  # behind a link: the page opens on the charts
MAX_CHARACTERS = 18000  # MLflow refuses experiment tags over 20,000
RUN_NAME, CREATED, DURATION = "attributes.`Run Name`", "runDateAndNestInfo", "duration"  # columns that every view has
CHARACTER_PIXELS = 6.5  # of the page's bold font, on average, a little more than names have
# Sections that the page would open itself for every metric without a chart of ours; they stay there, folded.
FOLDED = ("decoding", "model", "run", "test", "train", "validation", "Model metrics", "System metrics")


def view_id(table: Table, view: View) -> str:
    """Stable over writes, different for each scale."""
    return hashlib.sha256(f"{table.name}\n{table.scale}\n{view.name}".encode()).hexdigest()[:32]


def view_name(table: Table, view: View) -> str:
    """The name that the page lists: ``weak_sed · overview · demo``."""
    return f"{table.name} · {view.name} · {table.scale}"


def state(table: Table, view: View, *, sections: Iterable[str] = ()) -> dict[str, Any]:
    """The page's state. ``sections`` are first parts of metric names beyond the usual, to be folded too."""
    tag = shown_tag(table, view)
    group = {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": tag}]}
    order = {} if view.order_by is None else {"orderByKey": view.order_by.column, "orderByAsc": view.ascending}
    widths = _widths_pixels(view, view.rows or tuple(table.rows))
    own = f"{view_id(table, view)}-charts"
    folded = [name for name in dict.fromkeys([*FOLDED, *sections]) if name != table.name]
    return {
        "searchFilter": f"tags.`{tag}` != ''",
        **order,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": [field.column for field in view.columns],
        "columnOrder": list(widths),  # else the page sorts its columns by name
        "columnWidths": widths,
        "groupBy": group if view.grouped else None,
        # One line a row; the page would open every group.
        "groupsExpanded": {f"tag.{tag}.{row}": False for row in view.rows or table.rows} if view.grouped else {},
        "useGroupedValuesInCharts": True,
        "runsHiddenMode": "SHOW_ALL",  # the page's own choice hides all but ten
        "hideEmptyCharts": True,
        "isAccordionReordered": True,  # else the page sorts the sections by name
        "compareRunSections": [
            _section(own, table.name, display=True),
            *(_section(f"{own}-{name}", name, display=False) for name in folded),
        ],
        "compareRunCharts": [_card(chart, f"{own}-{k}", section=own) for k, chart in enumerate(view.charts)],
    }


def _widths_pixels(view: View, rows: Iterable[str]) -> dict[str, int]:
    """Columns in their order with room for their names; that of the run's for ``Group: ROW`` or ``ROW seed 0``."""
    longest = 8 + max(len(row) for row in rows)
    own = {field.column: max(100, round(CHARACTER_PIXELS * len(field.name)) + 40) for field in view.columns}
    name = min(600, round(CHARACTER_PIXELS * longest) + 90)  # and for its mark, its colour and the number of its runs
    return {RUN_NAME: name, CREATED: 110, **own, DURATION: 90}


def _section(uuid: str, name: str, *, display: bool) -> dict[str, Any]:
    return {
        "uuid": uuid, "name": name, "display": display, "isReordered": False, "deleted": False, "isGenerated": False,
    }  # fmt: skip


def _card(chart: ViewChart, uuid: str, *, section: str) -> dict[str, Any]:
    card: dict[str, Any] = {
        "uuid": uuid, "type": chart.kind.upper(), "metricSectionId": section, "displayName": chart.label,
        "runsCountToCompare": 100, "deleted": False, "isGenerated": False,
    }  # fmt: skip
    names = [field.name for field in chart.fields]
    if chart.kind == "bar":
        card |= {"metricKey": names[0]}
    elif chart.kind == "line":
        over_metric = chart.x == "epoch"  # the page has steps and times of its own; our epoch is a metric
        card |= {
            "metricKey": names[0], "selectedMetricKeys": names, "yAxisKey": "metric", "yAxisExpressions": [],
            "xAxisKey": "metric" if over_metric else chart.x, "selectedXAxisMetricKey": "epoch" if over_metric else "",
            "useGlobalXaxisKey": False, "useGlobalLineSmoothing": True, "lineSmoothness": 0, "scaleType": "linear",
            "xAxisScaleType": "linear", "range": {}, "ignoreOutliers": False,
        }  # fmt: skip
    elif chart.kind == "scatter":
        axes = [{"key": field.name, "type": "METRIC" if field.kind == "metrics" else "PARAM"} for field in chart.fields]
        card |= {"xaxis": axes[0], "yaxis": axes[1]}
    else:
        kinds = {kind: [field.name for field in chart.fields if field.kind == kind] for kind in ("params", "metrics")}
        card |= {"selectedParams": kinds["params"], "selectedMetrics": kinds["metrics"], "showAllRuns": False}
    return card


def pack(name: str, page: Mapping[str, Any], *, created_ms: int, updated_ms: int) -> str:
    """The envelope as MLflow stores it; a long state is compressed as the page itself does it."""
    text = json.dumps(page, separators=(",", ":"))
    if len(text) > MAX_CHARACTERS - 2000:
        text = "deflate;" + base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    return json.dumps({"name": name, "createdAt": created_ms, "updatedAt": updated_ms, "state": text})


def unpack(value: str) -> tuple[str, dict[str, Any], int]:
    """(name, state, created_ms) of an envelope. Raises ``ValueError`` for what is none."""
    envelope = json.loads(value)
    try:
        text = str(envelope["state"])
        if text.startswith("deflate;"):
            text = zlib.decompress(base64.b64decode(text.removeprefix("deflate;"))).decode()
        return str(envelope["name"]), dict(json.loads(text)), int(envelope["createdAt"])
    except (KeyError, TypeError, zlib.error) as error:
        raise ValueError(f"no saved view: {error!r}") from None


def refused_version(uri: str) -> str:
    """Why no views are written to the store at ``uri``; empty where its version of MLflow was tested."""
    version = importlib.metadata.version("mlflow")
    if uri.startswith(("http://", "https://")):  # its page is the server's
        try:
            with urllib.request.urlopen(_version_request(uri), timeout=5) as answer:
                version = answer.read(100).decode().strip()
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"the version of MLflow at {public_uri(uri)} is unknown ({first_line(error)})"
    parts = version.split(".")
    number = tuple(int(part) for part in parts[:2]) if all(part.isdigit() for part in parts[:2]) else (0, 0)
    if TESTED[0] <= number < TESTED[1]:
        return ""
    first, last = (".".join(map(str, pair)) for pair in TESTED)
    return f"saved views were tested with MLflow from {first} to below {last}, this is {version}"


def _version_request(uri: str) -> urllib.request.Request:
    """User and password of the URI go into a header, as MLflow's own client does it; urllib takes them for a host."""
    request = urllib.request.Request(f"{public_uri(uri).rstrip('/')}/version")
    parts = urllib.parse.urlsplit(uri)
    if parts.username or parts.password:
        user, password = (urllib.parse.unquote(part or "") for part in (parts.username, parts.password))
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {login}")  # for this server alone
    return request


def write_views(table: Table, cells: Sequence[Cell], tracker: Tracker) -> str:
    """Write the table's views and tag the runs that they show; returns one line if they could not be, else nothing.

    ``cells`` may be a part of the table: other rows and seeds keep their tags. Does nothing under ``--set``.
    """
    own = [cell for cell in cells if cell.row.table == table.name]
    if table.overrides or not table.views:
        return ""
    if why := refused_version(tracker.uri):
        return f"no saved views: {why}"
    try:
        _tag_runs(table, own, tracker)
        sections = {metric.split("/")[0] for cell in own if cell.run for metric in cell.run.metrics if "/" in metric}
        stored = tracker.experiment_tags(table.family)
        now_ms = time.time_ns() // 1_000_000
        for view in table.views:
            key = PREFIX + view_id(table, view)
            created_ms = now_ms
            if key in stored:
                with contextlib.suppress(ValueError):  # somebody broke it; it becomes ours again
                    created_ms = unpack(stored[key])[2]
            page = state(table, view, sections=sorted(sections))
            text = pack(view_name(table, view), page, created_ms=created_ms, updated_ms=now_ms)
            tracker.tag_experiment(table.family, {key: text})
    except TrackingError as error:
        return f"no saved views: {first_line(error)}"
    return ""


def _tag_runs(table: Table, cells: Sequence[Cell], tracker: Tracker) -> None:
    """Each cell's run carries the tags of its views; a run of the same place with another key loses them."""
    keys = {(cell.row.name, str(cell.seed), cell.fold): cell.key.id for cell in cells if cell.key is not None}
    planned = {cell.run.run_id: cell.run for cell in cells if cell.run is not None}
    wanted: dict[str, dict[str, str]] = {run_id: {} for run_id in planned}
    for cell in cells:
        if cell.run is not None:  # two rows of one configuration are one run, in a view the last one's
            wanted[cell.run.run_id] |= row_tags(table, cell.row.name)
    for tag in {shown_tag(table, view) for view in table.views}:
        for run in _carrying(tag, table, cells, tracker):
            place = run.tags[tag], run.tags.get("seed", ""), run.tags.get(FOLD)
            gone = place[2] not in (table.folds or (None,))
            if run.run_id not in planned and (gone or keys.get(place, run.tags.get("key")) != run.tags.get("key")):
                tracker.untag(run.run_id, tag)
    lacking = {
        run_id: {tag: row for tag, row in tags.items() if planned[run_id].tags.get(tag) != row}
        for run_id, tags in wanted.items()
    }
    for run_id in with_bar([run_id for run_id in lacking if lacking[run_id]], "runs are put into the table's views"):
        tracker.tag(run_id, lacking[run_id])


def _carrying(tag: str, table: Table, cells: Sequence[Cell], tracker: Tracker) -> list[TrackedRun]:
    """Runs of the cells' rows that carry the tag: all at once or, where too many of others do, row by row."""
    limit = max(1, RUNS_FOR_A_QUERY * len(cells))
    runs = tracker.find(table.family, tags={}, having=[tag], limit=limit)
    if len(runs) < limit:
        return runs
    rows = dict.fromkeys(cell.row.name for cell in cells)
    return [run for row in rows for run in tracker.find(table.family, tags={tag: row})]


def links(tracker: Tracker, address: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(experiment, [(view, link)]) of every experiment, views by name; ``address`` has no ``/`` at its end."""
    found = []
    for family, experiment_id in tracker.experiments():
        page = f"{address}/#/experiments/{experiment_id}/runs"
        views = []
        for key, value in tracker.experiment_tags(family).items():
            if key.startswith(PREFIX):
                try:
                    views.append((unpack(value)[0], f"{page}?viewStateShareKey={key.removeprefix(PREFIX)}"))
                except ValueError:
                    continue  # a shared link without a name
        found.append((family, [*sorted(views), ("all runs", f"{page}?searchFilter=")]))
    return found
