"""What is different between a stored run and this machine, and whether the run's key would be another here.

Lines that begin with ``!`` are of what the key holds: code, data, the runs below. Packages, commit and hardware are no
part of a key, and may still change a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datamodules.corpus_changes import check_files
from datamodules.corpus_folder import CorpusMissingError
from datamodules.joined_corpora import corpus_names, read_cards
from experiments.errors import UserError
from experiments.planning.changes import code_changes, config_changes
from experiments.runs import keys, moved_files, provenance, recipe
from experiments.runs.code_record import ARCHIVE
from experiments.table_files.folds import check_fold, in_fold
from experiments.table_files.table_values import data_of
from experiments.tracking.stored_origin import Origin


def differences(origin: Origin) -> tuple[bool, list[str]]:
    """(whether code, data or upstream runs differ, all lines)."""
    serious = _of_key(origin)
    lines = [f"! {line}" for line in serious]
    return bool(serious), [*lines, *_table(origin), *_environment(origin), *_git(origin), *_hardware(origin)]


def _of_key(origin: Origin) -> list[str]:
    lines = []
    sections = origin.key["config"]
    try:
        today, imports = moved_files.config_today(sections), origin.config.get("imports") or ()
        code = keys.code_digests(today, recipe_version=recipe.VERSION, imports=imports)
        forms = code, moved_files.code_then(code)
        if changed := min((code_changes(origin.key["code"], form, tags=origin.tags) for form in forms), key=len):
            lines.append(f"code: {', '.join(changed)}")
    except UserError as error:  # a run of before such code was refused, or an edit since
        lines.append(f"code: {error}")
    corpus = data_of(sections)
    try:
        digest = read_cards(corpus).digest
        if digest != origin.key["data"]:
            lines.append(f"data: {corpus} {origin.key['data'][:16]} -> {digest[:16]}")
        for name in corpus_names(corpus):
            check_files(name)
    except CorpusMissingError as error:
        lines.append(f"data: {error}")
    for source, other in origin.upstream.items():
        if other is None:
            lines.append(f"stands on ({source}): a run that is not finished in this store")
        else:
            lines += [f"stands on {other.name} ({source}), run {other.run_id}: {line}" for line in _of_key(other)]
    return lines


def _table(origin: Origin) -> list[str]:
    """Where the table's row became another since, its command would run that."""
    from experiments.table_files.spec import read_table

    place = origin.place
    if place is None or place["table"] == "fit":
        return []
    where = f"table {place['table']}"
    try:
        table = read_table(place["table"], scale=place["scale"], overrides=place["overrides"])
        row = table.row(place["row"], where=where)
        if "fold" in place:
            check_fold(table.folds, place["fold"], where=where)
            row = in_fold(row, table.folds[place["fold"]])
        elif table.folds:
            return [f"{where}: has folds now, {', '.join(table.folds)}; the run is of none (its command runs them all)"]
    except UserError as error:
        return [f"{where}: {error}"]
    changes = config_changes(moved_files.config_today(origin.key["config"]), row.config)
    return [f"{where}, row {place['row']}: {'; '.join(changes)} (its command runs the new row)"] if changes else []


def _environment(origin: Origin) -> list[str]:
    stored = origin.files.get(provenance.ENVIRONMENT, b"").decode()
    if not stored:
        return ["packages: not recorded"]
    then, now = _packages(stored), _packages(provenance.environment())
    names = sorted({*then, *now}, key=str.lower)
    return [
        f"{name}: {then.get(name, 'absent')} -> {now.get(name, 'absent')}"
        for name in names
        if then.get(name) != now.get(name)
    ]


def _packages(text: str) -> dict[str, str]:
    """Versions by name, Python's among them."""
    first, *lines = text.splitlines()
    found = {"python": first.removeprefix("# python ").split(" ")[0]}
    for line in lines:
        name, _, version = line.partition("==")
        found[name] = version
    return found


def _git(origin: Origin) -> list[str]:
    lines = []
    sha, now = origin.tags.get("git.sha"), provenance.git_state().get("git.sha")
    dirty = provenance.DIFF in origin.files
    if sha is not None and (sha != now or dirty):
        lines += [] if sha == now else [f"commit: {sha} -> {now or 'no checkout'}"]
        patch = f" && git apply {provenance.DIFF}" if dirty else ""
        lines.append(f"its code: git checkout {sha}{patch}" + (" (written beside config.yaml)" if dirty else ""))
    for name, state in (origin.record.get("own_git") or {}).items():
        commit = state.get("git.sha", "none")
        patch = f", changes in {name}.diff of {ARCHIVE}" if state.get("git.dirty") == "true" else ""
        lines.append(f"its code in the repository {name}: commit {commit}{patch}")
    if lines and ARCHIVE in origin.files:
        lines.append(f"its files as they were: {ARCHIVE} (written beside config.yaml)")
    return lines


def _hardware(origin: Origin) -> list[str]:
    attempts = origin.record.get("attempts") or [{}]
    then: Mapping[str, Any] | None = attempts[-1].get("hardware")
    if then is None:
        return ["hardware: not recorded"]
    before, here = provenance.hardware_line(then), provenance.hardware_line(provenance.hardware())
    return [] if before == here else [f"hardware: {before} -> {here}"]
