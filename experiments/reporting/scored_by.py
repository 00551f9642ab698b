"""By which version of which class a table's runs were scored: a digest of the class's own code and all that it imports.

A figure counted in two ways is two figures. Runs under today's keys are of one version; others are where a change of
code was accepted, or where runs are shown as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.planning.cell import Cell
from experiments.runs import keys, moved_files, phase_keys

SHOWN_DIGITS = 8
UNKNOWN = "a version that was not recorded"
Versions = Mapping[str, Mapping[str, Sequence[str]]]  # names of cells by class and digest


def versions_of(cells: Sequence[Cell]) -> Versions:
    """Of the finished cells."""
    found: dict[str, dict[str, list[str]]] = {}
    for cell in cells:
        if cell.state == "finished" and cell.run is not None:
            name, _, digest = version_of(cell).partition(" ")
            if name:
                found.setdefault(name, {}).setdefault(digest, []).append(cell.name)
    return found


def version_of(cell: Cell) -> str:
    """As the run says, else as its code does where that is today's."""
    assert cell.run is not None
    if said := cell.run.tags.get(phase_keys.SCORED_BY):
        return said
    codes = (keys.code_key(cell.code), keys.code_key(moved_files.code_then(cell.code)))
    if cell.run.tags.get("key.code") in codes:
        return phase_keys.scored_by(cell.row.config, cell.code, imports=cell.table.imports)
    name = phase_keys.scoring_class(cell.row.config)
    return f"{name} {UNKNOWN}" if name else ""


def scoring_notes(versions: Versions, *, only_mixed: bool = False) -> list[str]:
    """``scored by package.Class (1a2b3c4d)``; of a class in several versions which cells are of which."""
    plain = [(name, next(iter(of))) for name, of in sorted(versions.items()) if len(of) == 1]
    texts = [f"{name} ({digest[:SHOWN_DIGITS]})" for name, digest in plain if digest != UNKNOWN]
    lines = [f"scored by {', '.join(texts)}"] if texts and not only_mixed else []
    for name, of in sorted(versions.items()):
        if len(of) > 1:
            says = [
                f"{', '.join(cells)}: {digest if digest == UNKNOWN else digest[:SHOWN_DIGITS]}"
                for digest, cells in of.items()
            ]
            lines.append(f"scored by different versions of {name}, which may count otherwise: {'; '.join(says)}")
    return lines
