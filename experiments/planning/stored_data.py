"""Which data the store's finished runs of a plan were made on, where the corpus itself is not on this disk.

A report needs no audio: it finds its runs by the other parts of their keys. Of several digests the newest run's is
taken, for all cells of the corpus alike, so that no mean is over two different data; the report says so, but where a
merged pack brought the labels and the card of the one draw that there is: then it is the pack's report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from datamodules.corpus_folder import data_root
from datamodules.joined_corpora import corpus_names
from experiments.planning.known_runs import ACCEPTED, FORM
from experiments.planning.merged_data import is_merged
from experiments.runs import keys, moved_files
from experiments.runs.config_form import form_key
from experiments.table_files.folds import in_fold
from experiments.table_files.spec import Table
from experiments.table_files.table_values import data_of
from experiments.tracking.mlflow_store import Tracker
from experiments.tracking.tracked_run import STATE, TrackedRun

NEWEST = 1000  # runs that are read first: more are asked for only where none of these is the table's


class StoredData(NamedTuple):
    """The digest of a corpus that the store's runs are taken by, and what a report says of that."""

    digest: str
    says: str


class DataInStore:
    """The answers of one store, each got once."""

    def __init__(self, tracker: Tracker, *, recipe_version: str) -> None:
        self._tracker, self._recipe = tracker, recipe_version
        self._known: dict[str, StoredData | None] = {}

    def of(self, corpus: str, tables: Iterable[Table]) -> StoredData | None:
        """By the runs of the tables' rows on this corpus; None where none is finished, or something of it is here."""
        if corpus not in self._known:
            # a damaged one is to be looked at
            here = all((data_root() / name / "corpus.json").is_file() for name in corpus_names(corpus))
            self._known[corpus] = None if here else self._find(corpus, tables)
        return self._known[corpus]

    def _find(self, corpus: str, tables: Iterable[Table]) -> StoredData | None:
        wanted: dict[tuple[str, str], set[str]] = {}  # configurations by family and code
        for table in tables:
            folds = [*table.folds.values()] or [{}]
            for row in [in_fold(row, settings) for row in table.rows.values() for settings in folds]:
                if data_of(row.config) == corpus:
                    code = keys.code_digests(row.config, recipe_version=self._recipe, imports=table.imports)
                    then = moved_files.config_then(row.config), moved_files.code_then(code)
                    for config, modules in ((row.config, code), then):
                        place = table.family, keys.code_key(modules)
                        forms = keys.config_key(config, stage=row.stage), form_key(config, stage=row.stage)
                        wanted.setdefault(place, set()).update(forms)
        runs = [run for (family, code), configs in wanted.items() for run in self._runs(family, code, configs)]
        digests = list(dict.fromkeys(run.tags["key.data"] for run in sorted(runs, key=lambda run: -run.start_ms)))
        if len(digests) == 1 and is_merged(self._tracker.root, digests[0]):
            return StoredData(digests[0], "")  # its labels and card came with a pack: nothing is left to compare
        return StoredData(digests[0], _says(corpus, digests)) if digests else None

    def _runs(self, family: str, code: str, configs: set[str]) -> list[TrackedRun]:
        """Finished runs of these configurations with this code, or with older code that was accepted for it."""
        ways: list[tuple[Mapping[str, str], list[str]]] = [
            ({STATE: "finished", "key.code": code}, []),
            ({STATE: "finished"}, [ACCEPTED + code]),
        ]
        found: list[TrackedRun] = []
        for tags, having in ways:
            for limit in (NEWEST, None):
                runs = self._tracker.find(family, tags=tags, having=having, limit=limit)
                own = [run for run in runs if {run.tags["key.config"], run.tags.get(FORM)} & configs]
                if own or len(runs) < NEWEST:
                    break
            found += own
        return found


def _says(corpus: str, digests: list[str]) -> str:
    first, *others = (digest[:8] for digest in digests)
    left_out = f"; left out are runs on other data of that name ({', '.join(others)})" if others else ""
    return (
        f"{corpus} is not on this disk: its figures are those of runs in the store on the data {first}, which were not "
        f"compared with anything here{left_out}"
    )
