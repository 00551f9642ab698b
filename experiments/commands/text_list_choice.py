"""Which form the lists of one ``earmark score text`` have: the one in which their ids match; and what is said of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from datamodules.texts.text_lists import FORMS, Form, TextList, read_text_lists
from datamodules.texts.transcripts import TranscriptFileError
from experiments.errors import UserError, number_of

HOW_TO_ASK = f"if a form was taken wrongly or the files have no ids, say --format ({', '.join(FORMS)})"


def read_all(reference: str, hypotheses: list[str], form: Form | None) -> list[TextList]:
    """The reference and each hypothesis in the forms that belong together.

    Raises ``UserError`` for files that can't be read, and where ids match in more than one form.
    """
    try:
        candidates = [read_text_lists(reference, side="reference", form=form)]
        candidates += [read_text_lists(path, side="hypothesis", form=form) for path in hypotheses]
    except TranscriptFileError as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"{error.filename}: {error.strerror}") from error
    choices = [list(choice) for choice in itertools.product(*candidates)]
    for fit in (_all_match, _some_match):
        fitting = [choice for choice in choices if fit(choice)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            forms = " or ".join(dict.fromkeys(choice[0].form for choice in fitting))
            raise UserError(f"{reference} and {', '.join(hypotheses)} fit as {forms}: say which with --format")
    return choices[0]


def hint(reference: TextList, hypothesis: TextList) -> str:
    """What to add to an error about ids where first words may have been taken for them, or not a single one matches."""
    if not reference.texts.keys() & hypothesis.texts.keys():
        return f"; not one id matches ({reference.form} against {hypothesis.form}): {HOW_TO_ASK}"
    return f"; {HOW_TO_ASK}" if "kaldi" in (reference.form, hypothesis.form) else ""


def described(lists: TextList) -> str:
    """What was taken, in a line for stderr."""
    return f"{lists.path}: read as {lists.form}, {number_of(len(lists.texts), 'utterance')}" + (
        f" ({lists.remark})" if lists.remark else ""
    )


def refuse_line(lists: TextList, utterance: str, problem: object) -> UserError:
    """An error about one utterance's line."""
    return UserError(f"{lists.path}, line {lists.lines[utterance]} (read as {lists.form}): {problem}")


def wordlike_ids(lists: TextList) -> str | None:
    """A warning about first words that were taken for ids and do not look like ids."""
    has_digit = any(character.isdigit() for name in lists.texts for character in name)
    if lists.form != "kaldi" or len(lists.texts) < 2 or has_digit:
        return None
    first = ", ".join(list(lists.texts)[:3])
    return (
        f"{lists.path}: the first words were taken for ids ({first}, …), and none has a digit; "
        "if the lines have no ids, say --format plain"
    )


def marked_words(lists: TextList) -> str | None:
    """A warning about words that sclite may treat in a way of their own and that are scored as they stand here."""
    marked: Mapping[str, list[str]] = {
        utterance: found
        for utterance, text in lists.texts.items()
        if (found := [word for word in text.split() if _is_marked(word, lists.form)])
    }
    if not marked:
        return None
    first = next(iter(marked))
    count = sum(map(len, marked.values()))
    return (
        f"{lists.path}, line {lists.lines[first]}: {marked[first][0]!r} is scored as a word, and so are all {count} "
        "words in round brackets or (trn) with a hyphen at an end; sclite may take them as optional words or fragments"
    )


def _is_marked(word: str, form: Form) -> bool:
    optional = len(word) > 2 and word.startswith("(") and word.endswith(")")
    return optional or (form == "trn" and len(word) > 1 and "-" in (word[0], word[-1]))


def _all_match(choice: list[TextList]) -> bool:
    return all(lists.texts.keys() == choice[0].texts.keys() for lists in choice)


def _some_match(choice: list[TextList]) -> bool:
    return all(lists.texts.keys() & choice[0].texts.keys() for lists in choice)
