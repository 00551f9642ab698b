"""What a run's code was, kept with the run: its files in ``code.zip``, the commits of its checkouts, and patches.

The archive has what the run's key is made of, whatever became of the checkouts; the patches say what was changed on top
of a commit. A user's own repositories are recorded as earmark's is.
"""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from experiments.runs import provenance, repositories
from experiments.runs.run_folder import write_whole

ARCHIVE = "code.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)  # one content is one archive


class Code(NamedTuple):
    """What a run's code is at one moment; ``files`` by name in the archive, for who writes it later."""

    files: Mapping[str, Path]
    patches: Mapping[str, bytes]  # of a user's checkouts, for the archive too
    patch: bytes  # of earmark's own
    states: dict[str, dict[str, str]]


def code_now(files: Mapping[str, Path], *, git: Mapping[str, str], copies: Mapping[Path, Path] | None = None) -> Code:
    """Ask git of ``files`` (by module); ``git`` is the state of earmark's checkout, empty outside one.

    ``copies`` are files that will be read in place of those, which may be edited. A change that git cannot say is named
    in the states.
    """
    patches: dict[str, bytes] = {}
    states: dict[str, dict[str, str]] = {}
    for checkout in _checkouts(files):
        name = _free_name(checkout.name, states)
        states[name] = repositories.state(checkout)
        if states[name].get("git.dirty") == "true":
            patches[f"{name}.diff"] = _patch(checkout, files, states[name])
    own = dict(git)
    change = _patch(provenance.SOURCE, files, own) if git.get("git.dirty") == "true" else b""
    if "problem" in own:
        states["earmark"] = own
    named = {archive_name(module, path): (copies or {}).get(path, path) for module, path in files.items()}
    return Code(named, patches, change, states)


def write_code(run_dir: Path, code: Code) -> dict[str, dict[str, str]]:
    """Write ``code.zip`` and, where earmark's own checkout is changed, ``git.diff``; the state of a user's checkouts.

    An earlier attempt's patch does not stay.
    """
    if code.patch:
        (run_dir / provenance.DIFF).write_bytes(code.patch)
    else:
        (run_dir / provenance.DIFF).unlink(missing_ok=True)
    contents = {name: path.read_bytes() for name, path in code.files.items()}
    write_whole(run_dir / ARCHIVE, _archive({**contents, **code.patches}))
    return code.states


def archive_name(module: str, path: Path) -> str:
    """Where a module's file lies under a folder of ``sys.path``.

    >>> archive_name("mine.nets", Path("x/mine/nets/__init__.py")), archive_name("mine.loss", Path("y/loss.py"))
    ('mine/nets/__init__.py', 'mine/loss.py')
    """
    parts = module.split(".")
    above = parts if path.name == "__init__.py" else parts[:-1]
    return "/".join([*above, path.name])


def _checkouts(files: Mapping[str, Path]) -> list[Path]:
    """Those of a user's files, earmark's apart."""
    folders = {path.parent for path in files.values() if not path.is_relative_to(provenance.SOURCE)}
    found = {repositories.root(folder) for folder in folders}
    return sorted(root for root in found if root is not None and root != provenance.SOURCE)


def _free_name(name: str, taken: Mapping[str, object]) -> str:
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return next(free for free in itertools.chain([name], numbered) if free not in taken)


def _patch(checkout: Path, files: Mapping[str, Path], state: dict[str, str]) -> bytes:
    try:
        return repositories.patch(checkout, files.values())
    except OSError as error:  # the files themselves are in the archive
        state["problem"] = str(error)
        return b""


def _archive(contents: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
