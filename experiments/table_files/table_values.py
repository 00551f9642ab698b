"""Values of a table file, read strictly: mappings, lists of text, seeds. What is wrong is one line with its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from datamodules.joined_corpora import corpus_names, joined_name
from datamodules.texts.portable_names import portable_problem
from experiments.errors import UserError, unknown
from experiments.table_files.merge import Config, get_path

NAME = re.compile(r"(?!\.)[A-Za-z0-9_.=-]{1,200}")  # no .. and no hidden file; a file's name has 255 bytes at most
CORPUS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?")  # a folder under data/: kind/scale
LARGEST_SEED = 2**32 - 1  # NumPy's generator takes no larger one


def check_name(name: str, *, where: str) -> None:
    """Names become folders, files, tags and arguments of ``--rows``: none leads out of its place."""
    if not NAME.fullmatch(name):
        raise UserError(
            f"{where}: name {name!r}; allowed: letters, digits and _ . - = (A-Z, a-z, 0-9), no . first, 200 at most"
        )
    if problem := portable_problem(name):
        raise UserError(f"{where}: name {name!r}: {problem}; allowed: another name")


def corpus_of(config: Config) -> str:
    """What a configuration's data are called: a corpus, or several in one training, ``prompts + fillets``."""
    corpus = get_path(config, "data.corpus")
    return joined_name(corpus) if isinstance(corpus, list) else str(corpus)


def data_of(config: Config) -> str:
    """The same with the corpora that it keeps apart from (``data.apart_from``): all that its result depends on."""
    names = corpus_names(corpus_of(config))
    apart = get_path(config, "data.apart_from") or ()
    return joined_name([*names, *(name for name in apart if name not in names)])


def check_corpora(names: object, *, where: str) -> str:
    """What they are called: the name of a corpus, or those of a list. Raises ``UserError``."""
    if not isinstance(names, list):
        return check_corpus(names, where=where)
    try:
        return joined_name([check_corpus(name, where=where) for name in names])
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


def check_apart(corpora: object, *, where: str) -> None:
    """Names of corpora for keys, or nothing. Raises ``UserError``."""
    for name in read_mapping(corpora, where=where):
        check_corpus(name, where=where)


def check_corpus(name: object, *, where: str) -> str:
    """The name of a folder under the data root, which it does not leave. Raises ``UserError``."""
    if not isinstance(name, str):
        raise UserError(f"{where}: expected the name of a prepared corpus, got {name!r}")
    if not CORPUS.fullmatch(name):
        raise UserError(f"{where}: corpus {name!r}; allowed: letters, digits and _ . -, no . first, with one / at most")
    return name


def check_seed_number(seed: object, *, where: str) -> int:
    """A run's seed: an integer from 0 to 2**32 - 1. Raises ``UserError``."""
    if type(seed) is not int or not 0 <= seed <= LARGEST_SEED:
        raise UserError(f"{where}: expected an integer from 0 to {LARGEST_SEED}, got {seed!r}")
    return seed


def read_mapping(value: Any, *, where: str, allowed: Sequence[str] | None = None) -> dict[str, Any]:
    """A mapping with text for keys, of those ``allowed`` where there are any; empty where nothing stands."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{where}: expected a mapping, got {value!r}")
    for key in value:
        if not isinstance(key, str):
            raise UserError(f"{where}: key {key!r} is not text; quote it")
        if allowed is not None and key not in allowed:
            raise UserError(f"{where}: {unknown('key', key, allowed)}")
    return dict(value)


def read_texts(value: Any, *, where: str) -> tuple[str, ...]:
    """A list of text, empty where nothing stands."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise UserError(f"{where}: expected a list of text, got {value!r}")
    return tuple(value)


def read_seeds(value: Any, *, where: str) -> tuple[int, ...]:
    """``seeds:`` of a table or a row: different integers >= 0, [0] where nothing stands."""
    seeds = [0] if value is None else value
    valid = isinstance(seeds, list) and seeds and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not valid or len(set(seeds)) != len(seeds):
        raise UserError(f"{where}: seeds: expected a list of different integers >= 0, got {value!r}")
    return tuple(check_seed_number(seed, where=f"{where}: seeds") for seed in seeds)
