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

from experiments.runs import provenance, repositories
from experiments.runs.run_folder import write_whole

ARCHIVE = "code.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)  # one content is one archive


def write_code(run_dir: Path, files: Mapping[str, Path], *, git: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Write ``code.zip`` and, where earmark's own checkout is changed, ``git.diff``; the state of a user's checkouts.

    ``files`` by module; ``git`` is the state of earmark's checkout, empty outside one. A change that git cannot say is
    named in ``git.diff``'s place in the returned states. An earlier attempt's patch does not stay.
    """
    contents = {archive_name(module, path): path.read_bytes() for module, path in files.items()}
    states: dict[str, dict[str, str]] = {}
    for checkout in _checkouts(files):
        name = _free_name(checkout.name, states)
        states[name] = repositories.state(checkout)
        if states[name].get("git.dirty") == "true":
            contents[f"{name}.diff"] = _patch(checkout, files, states[name])
    own = dict(git)
    change = _patch(provenance.SOURCE, files, own) if git.get("git.dirty") == "true" else b""
    if change:
        (run_dir / provenance.DIFF).write_bytes(change)
    else:
        (run_dir / provenance.DIFF).unlink(missing_ok=True)
    if "problem" in own:
        states["earmark"] = own
    write_whole(run_dir / ARCHIVE, _archive(contents))
    return states


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
