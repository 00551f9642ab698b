"""The tags of a run by which the saved views of its table show it.

A tag is ``row.<table>/<scale>`` = row (``…/<view>`` for a view of some rows): MLflow has no OR between tags, a run may
be of two scales, and the older run of a stale cell must leave the means.
"""

from __future__ import annotations

from experiments.table_files.spec import Table
from experiments.table_files.view_spec import View


def shown_tag(table: Table, view: View) -> str:
    """The tag that the runs of a view carry, with the row as value."""
    tag = f"row.{table.name}/{table.scale}"
    return tag if view.rows is None else f"{tag}/{view.name}"


def row_tags(table: Table, row: str) -> dict[str, str]:
    """Tags of a run of ``row`` for the views that show it; none under ``--set``, where a run is not the table's."""
    if table.overrides:
        return {}
    return {shown_tag(table, view): row for view in table.views if view.rows is None or row in view.rows}
