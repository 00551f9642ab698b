"""Where a recording's output goes, and that nothing of somebody else's is overwritten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from datamodules.run_warning import first_names
from experiments.errors import UserError


def output_stems(audio: Sequence[Path], output: Path | None) -> list[Path]:
    """Of each file its output's path without a suffix: beside it or in ``output``.

    Where several files would have one (``talk.wav``, ``talk.mp3``) their whole names are taken: ``talk.wav.srt``.
    Raises ``UserError`` where files of several folders would still have one.
    """
    places = [path if output is None else output / path.name for path in audio]
    shared = Counter(place.with_suffix("") for place in places)
    stems = [place if shared[place.with_suffix("")] > 1 else place.with_suffix("") for place in places]
    if twice := [stem for stem, number in Counter(stems).items() if number > 1]:
        raise UserError(f"{twice[0]}: would be of several files; give each folder an output of its own with -o")
    return stems


def refuse_existing(paths: Iterable[Path], *, overwrite: bool) -> None:
    """Raise ``UserError`` naming the files that are there, before anything is computed.

    And one where a folder has the name of a file that is to be written, or a file the name of its folder.
    """
    paths = list(paths)
    for path in paths:
        if path.is_dir():
            raise UserError(f"{path}: is a folder, allowed: the name of a file that earmark writes")
        if files := [folder for folder in path.parents if folder.exists() and not folder.is_dir()]:
            raise UserError(f"{files[0]}: is a file, allowed: a folder")
    there = [] if overwrite else [str(path) for path in paths if path.exists()]
    if there:
        raise UserError(
            f"{len(there)} output files are there already: {first_names(there)}; --overwrite replaces them, "
            "-o FOLDER writes elsewhere"
        )


def write_text(path: Path, text: str) -> None:
    """One file, in one step. Raises ``UserError`` where it cannot be written."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be written: {error.strerror}") from None
