"""The place of a corpus that a user makes: a name that is none of another corpus, and one maker at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datamodules.corpora.whole_folder import locked
from datamodules.corpus_folder import CorpusMissingError, data_root, read_card
from datamodules.texts.portable_names import portable_problem

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?")


@contextmanager
def new_corpus(name: str, *, rebuild: bool) -> Iterator[Path]:
    """Hold the folder ``DATA_ROOT/NAME``, which is not there yet or is to be made again.

    Raises ``ValueError`` for a name that is none or taken.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"corpus name {name!r}, allowed: letters, digits and _ . -, with one / at most")
    if problem := portable_problem(name):
        raise ValueError(f"corpus name {name!r}: {problem}, allowed: another name")
    target = data_root() / name
    if twins := [path.name for path in target.parent.glob("*") if _same_elsewhere(path.name, target.name)]:
        raise ValueError(f"corpus name {name!r}: {twins[0]!r} would be the same folder on a Mac, allowed: another name")
    with locked(target):
        if not rebuild and _is_there(name):
            raise ValueError(f"{target}: corpus {name!r} is there already, allowed: another name, or --rebuild")
        yield target


def _same_elsewhere(one: str, other: str) -> bool:
    return one != other and one.casefold() == other.casefold()


def _is_there(name: str) -> bool:
    try:
        read_card(name)
    except CorpusMissingError:
        return False
    return True
