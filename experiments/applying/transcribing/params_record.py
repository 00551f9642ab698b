"""``transcribe.yaml`` of each folder that is written to, kept while files are read: a killed call leaves it too.

``--resume`` goes by it: which texts are there, and whether the same run, decoder and settings made them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.applying.transcribing.output_files import write_text
from experiments.applying.transcribing.settings import PARAMS
from experiments.errors import UserError
from experiments.table_files.yaml_files import read_yaml, to_yaml

EVERY_SECONDS = 10.0  # a record of thousands of files takes a second to write


@dataclass
class ParamsRecord:
    """``told`` is what all files have in common, ``outputs`` are the files of each recording of this call.

    ``kept`` are recordings that an earlier call transcribed, as its record has them.
    """

    told: Mapping[str, Any]
    outputs: Sequence[Sequence[Path]]
    kept: list[dict[str, Any]] = field(default_factory=list)
    _next_seconds: float = 0.0

    @property
    def head(self) -> dict[str, Any]:
        """What stands before the files."""
        return {"earmark": version("earmark"), **self.told}

    @property
    def folders(self) -> list[Path]:
        """Those that are written to; none where the text goes to standard output."""
        return list(dict.fromkeys(files[0].parent for files in self.outputs if files))

    def write(
        self, files: Iterable[Mapping[str, Any]], failed: Sequence[Mapping[str, str]], *, is_last: bool = False
    ) -> None:
        """Into every folder, at most every ten seconds but for the last; ``files`` are transcripts, ``written`` too."""
        if not is_last and time.monotonic() < self._next_seconds:
            return
        self._next_seconds = time.monotonic() + EVERY_SECONDS
        brief = [
            {"audio": one["audio"], "seconds": round(one["duration"], 3), "parts": len(one["parts"]),
             "written": one["written"]}
            for one in files
        ]  # fmt: skip
        for folder in self.folders:
            write_text(folder / PARAMS, to_yaml({**self.head, "files": [*self.kept, *brief], "failed": list(failed)}))

    def keep_finished(self, audio: Sequence[str]) -> list[str]:
        """Those of ``audio`` of which an earlier call's record says so and every output is still there.

        Raises ``UserError`` where that call was told something else.
        """
        done = []
        for folder in self.folders:
            record = _record(folder / PARAMS)
            said = {one.get("audio"): one for one in record.get("files") or []}
            for name, files in zip(audio, self.outputs, strict=True):
                if files[0].parent == folder and name in said and all(map(Path.exists, files)):
                    self._refuse_other(folder / PARAMS, record)
                    self.kept.append(said[name])
                    done.append(name)
        return done

    def _refuse_other(self, path: Path, record: Mapping[str, Any]) -> None:
        was, now = _facts(record), _facts(self.told)
        for key in now:
            if was.get(key) != now[key]:
                raise UserError(
                    f"--resume: {path}: {key} {was.get(key)}, now {now[key]}; --overwrite alone reads all anew"
                )


def _record(path: Path) -> Mapping[str, Any]:
    record = read_yaml(path) if path.is_file() else {}
    return record if isinstance(record, dict) else {}


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the texts have in common, each setting by itself, so that a message names the one that differs."""
    run, settings = record.get("run") or {}, record.get("settings") or {}
    by_name = {f"settings.{name}": value for name, value in settings.items()}
    return {"run.key": run.get("key"), **by_name, "decoder": record.get("decoder"), "cut": record.get("cut")}
