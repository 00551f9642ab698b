"""Which languages of which corpus a training takes: the setting ``languages`` of the data modules of speech."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

Some = Literal["all"] | Sequence[str]
Languages = Sequence[str] | Mapping[str, Some] | None


def selected_languages(languages: Languages, there: Mapping[str, Collection[str]]) -> dict[str, frozenset[str] | None]:
    """The languages to keep of each corpus; None keeps all, the empty set none.

    ``there`` has those that each corpus is trained on. A list is of all corpora, each of which keeps what it has of it;
    a mapping says it by corpus, and a corpus that it does not name keeps all.
    Raises ``ValueError`` for a corpus and for languages that are not there, and where nothing is named.

    >>> selected_languages({"fillets": ["cs"]}, {"prompts": ["de", "en"], "fillets": ["cs", "nl"]})
    {'prompts': None, 'fillets': frozenset({'cs'})}
    >>> selected_languages(["en"], {"prompts": ["de", "en"], "fillets": ["cs", "nl"]})
    {'prompts': frozenset({'en'}), 'fillets': frozenset()}
    """
    if languages is None:
        return dict.fromkeys(there)
    if not isinstance(languages, Mapping):
        everything = {language for known in there.values() for language in known}
        _check(languages, everything, who=_who(there))
        return {corpus: frozenset(languages) & frozenset(known) for corpus, known in there.items()}
    for corpus, some in languages.items():
        if corpus not in there:
            raise ValueError(f"languages: {corpus!r} is none of the corpora, allowed: {', '.join(there)}")
        if some != "all":
            if isinstance(some, str):
                raise ValueError(f"languages.{corpus}: {some!r}, allowed: all, or a list of languages")
            _check(some, there[corpus], who=_who([corpus]))
    return {corpus: None if (some := languages.get(corpus, "all")) == "all" else frozenset(some) for corpus in there}


def spoken(languages: Languages) -> str:
    """The setting in a phrase for messages, empty where it keeps everything.

    >>> spoken(None), spoken(["nl"]), spoken({"prompts": "all", "fillets": ["cs"]})
    ('', ' in nl', ' in all of prompts, cs of fillets')
    """
    if not languages:
        return ""
    if not isinstance(languages, Mapping):
        return f" in {', '.join(languages)}"
    said = ((corpus, some if isinstance(some, str) else " and ".join(some)) for corpus, some in languages.items())
    return " in " + ", ".join(f"{some} of {corpus}" for corpus, some in said)


def _who(corpora: Collection[str]) -> str:
    [first, *others] = [repr(corpus) for corpus in corpora]
    return f"corpus {first} has" if not others else f"corpora {', '.join([first, *others])} have"


def _check(languages: Sequence[str], known: Collection[str], *, who: str) -> None:
    allowed = ", ".join(sorted(known))
    for language in languages:
        if language not in known:
            close = difflib.get_close_matches(language, sorted(known), n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise ValueError(f"languages: {who} no {language!r}{hint}; allowed: {allowed}")
    if not languages:
        raise ValueError(f"languages: name at least one, or none at all (null); allowed: {allowed}")
