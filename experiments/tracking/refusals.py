"""What a store will not take, told apart from a store that is away: the rest is sent, and the refused is named.

MLflow answers 400 to what is wrong in itself (a name, a length, a value): sent again it is refused again. Everything
else may pass: no connection, 5xx, a locked or full database, a missing permission. A refused batch is sent in halves
until what is refused stands alone, and that is asked for twice before it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from datamodules.texts.utf8_text import printable
from experiments.errors import first_line

REFUSED = "earmark.refused"  # the tag of a run that the store lacks something of
LASTING_CODES = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
LASTING_STATUS = (400, 413, 414)  # of an artifact server: a bad path, too large, a name too long for a URL

Refused = dict[str, str]  # "metric recall@5": why
Item = TypeVar("Item")


def is_lasting(error: Exception) -> bool:
    """Whether a store refused what it was sent, and would again."""
    if getattr(error, "error_code", None) in LASTING_CODES:
        return True
    response = getattr(error, "response", None)  # of requests.HTTPError, which artifacts over HTTP raise
    return getattr(response, "status_code", None) in LASTING_STATUS


def send(
    items: Sequence[Item],
    ship: Callable[[Sequence[Item]], object],
    *,
    called: Callable[[Item], str],
    is_there: Callable[[], bool],
) -> Refused:
    """Ship the items together or, where that is refused, in halves; what is refused, by what it is ``called``.

    Raises the store's error where it may pass, or where the run that takes the items is not there any more.
    """
    if not items:
        return {}
    try:
        ship(items)
    except Exception as error:
        if not is_lasting(error) or not is_there():
            raise
    else:
        return {}
    if len(items) > 1:
        middle = len(items) // 2
        halves = items[:middle], items[middle:]
        return {
            what: why for half in halves for what, why in send(half, ship, called=called, is_there=is_there).items()
        }
    try:
        ship(items)
    except Exception as error:
        if not is_lasting(error):
            raise
        return {called(items[0]): first_line(error)}
    return {}


def told(refused: Mapping[str, str]) -> str:
    """One line of all that was refused."""
    return "; ".join(f"{what}: {why}" for what, why in refused.items())


def tag_of(refused: Mapping[str, str]) -> dict[str, str]:
    """The tag of a run that the store lacks something of; none where it has all."""
    return {REFUSED: told(refused)[:5000]} if refused else {}


def storable(value: object) -> str:
    r"""As text that every store takes: NUL, and what is not UTF-8, by its number.

    >>> print(storable("a\udc80\0"))
    a\udc80\x00
    """
    return printable(str(value)).replace("\0", "\\x00")
