"""Configurations checked by a process that has Lightning already: questions in a folder, the answer beside them.

``main`` is called in a child of the launch's warm process, so that the launcher itself never imports Lightning.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from datamodules.run_warning import RunWarning
from experiments.errors import UserError
from experiments.runs.own_code import find_own_code
from experiments.table_files.merge import Config
from experiments.table_files.yaml_files import read_yaml, to_yaml

QUESTIONS, ANSWER = "questions.yaml", "answer.json"


class Question(NamedTuple):
    """A row's configuration, and the names under its ``from:``; ``where`` is how a refusal names it.

    Without its data only names and types are checked.
    """

    where: str
    stage: str
    seed: int
    imports: Sequence[str]
    has_data: bool
    config: Config
    sources: Sequence[str] = ()


def check(questions: Iterable[Question]) -> None:
    """Build each, or parse it. Raises ``UserError`` for the first that is refused."""
    from experiments.configuration.labels_source import check_labels
    from experiments.configuration.language_model_source import check_language_model
    from experiments.configuration.schema import Parts, build, parse
    from experiments.configuration.training_lengths import check_training_lengths

    for one in questions:
        do = build if one.has_data else parse  # without data there is nothing to build
        try:
            made = do(one.config, stage=one.stage, seed=one.seed, where=one.where, imports=one.imports)
        except UserError as error:
            raise UserError(_as_meant(error)) from error
        if isinstance(made, Parts):
            check_labels(made.model, one.sources, where=one.where)
            if made.model is not None:
                check_training_lengths(made.data, made.trainer, where=one.where)
        check_language_model(one.config, one.sources, where=one.where)


def _as_meant(error: UserError) -> str:
    """A refusal with the words of what was raised ``from None``: a class's own, which name a file and what it is for.

    The builder retells the first cause of all, such as ``No such file or directory``.
    """
    said = str(error)
    meant: BaseException | None = error.__cause__
    while meant is not None and (meant.__cause__ or not meant.__suppress_context__):
        meant = meant.__cause__ or meant.__context__
    first = meant
    while first is not None and (before := first.__cause__ or first.__context__):
        first = before
    own, retold = str(meant), str(first)
    return said.removesuffix(retold) + own if meant and "\n" not in own and said.endswith(retold) else said


def ask(folder: Path, questions: Sequence[Question]) -> None:
    """Write what ``main`` is to check."""
    record = [
        {**question._asdict(), "imports": list(question.imports), "sources": list(question.sources)}
        for question in questions
    ]
    (folder / QUESTIONS).write_text(to_yaml({"questions": record}), encoding="utf-8")


def hear(folder: Path) -> None:
    """Say again what ``main`` was told by the classes. Raises ``UserError`` where it was refused."""
    answer = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
    for text in answer["warnings"]:
        warnings.warn(text, RunWarning, stacklevel=2)
    if answer["refused"]:
        raise UserError(answer["refused"])


def main(arguments: Sequence[str]) -> int:
    """Check what lies in a folder; exit code 0 where there is an answer, be it a refusal."""
    find_own_code()
    folder = Path(arguments[0])
    said, show = list[str](), warnings.showwarning

    def note(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, RunWarning):
            said.append(str(message))
        else:
            show(message, category, *place, **more)

    warnings.showwarning = note
    refused = ""
    try:
        check(Question(**question) for question in read_yaml(folder / QUESTIONS)["questions"])
    except UserError as error:
        refused = str(error)
    (folder / ANSWER).write_text(json.dumps({"refused": refused, "warnings": said}), encoding="utf-8")
    return 0
