r"""Names that MLflow stores metrics, parameters and tags under: its own rule, for those who do not import it.

``mlflow/utils/validation.py`` of 3.17: 250 characters of ``[/\w.\- :]`` that are no other path when read as one. ``\w``
means letters and digits of any script. Ours is narrower by a line break at the end, which its ``$`` lets through. A
server on Windows takes no colon either; only the server can say so (``refusals.py``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from experiments.errors import UserError

MAX_CHARACTERS = 250
LARGEST_STEP = 2**63 - 1  # a store's column is a signed 64-bit integer
_ALLOWED = re.compile(r"[/\w.\- :]*")


def name_problem(name: str) -> str | None:
    """Why MLflow takes nothing under this name; None where it does.

    >>> name_problem("test/recall at 5")
    >>> name_problem("recall@5")
    "MLflow does not take '@' in a name; allowed: letters, digits, space and _ - . : /"
    >>> name_problem("test//wer")
    "MLflow would read it as the path 'test/wer'; allowed: parts between single /, none of them . or .."
    """
    if not name:
        return "it is empty"
    if not _ALLOWED.fullmatch(name):
        odd = dict.fromkeys(sign for sign in name if not _ALLOWED.fullmatch(sign))
        signs = " ".join(repr(sign) for sign in odd)
        return f"MLflow does not take {signs} in a name; allowed: letters, digits, space and _ - . : /"
    path = posixpath.normpath(name)
    if path != name or path == "." or path.startswith(("..", "/")):
        return f"MLflow would read it as the path {path!r}; allowed: parts between single /, none of them . or .."
    if len(name) > MAX_CHARACTERS:
        return f"it has {len(name)} characters; allowed: {MAX_CHARACTERS}"
    return None


def point_problem(name: str, step: int) -> str | None:
    """Why MLflow takes no value of this metric at this step; None where it does."""
    if problem := name_problem(name):
        return problem
    if not -LARGEST_STEP - 1 <= step <= LARGEST_STEP:
        return f"step {step} is no 64-bit integer"
    return None


def check_metrics(names: Iterable[str], *, step: int = 0) -> None:
    """Refuse metrics that no store would take. Raises ``UserError``."""
    for name in names:
        if problem := point_problem(name, step):
            raise UserError(f"metric {name!r}: {problem}")
