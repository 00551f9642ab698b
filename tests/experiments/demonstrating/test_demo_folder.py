"""The folder is whole or not there, replaces its like alone, and takes libraries of the pinned bytes alone."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path

import pytest

from experiments.demonstrating.demo_folder import SIGN, packed, write_demo
from experiments.demonstrating.examples import Example
from experiments.demonstrating.heard_systems import HeardSystem
from experiments.demonstrating.libraries import LIBRARIES, ORT, WAVESURFER, library_files
from experiments.errors import UserError

FILES = {name: name.encode() for library in LIBRARIES for name in library.files.values()}
SYSTEM = HeardSystem(title="a <b> & 'c'", facts={"kind": "events", "classes": ["Straße"]}, model=b"graph")
EXAMPLE = Example(title="bird", sound=b"RIFF", licence="CC0-1.0", events=((0.5, 1.25, "bird"),))


def scripted(path: Path) -> list[dict[str, object]]:
    """The value that a script of data assigns."""
    values: list[dict[str, object]] = json.loads(path.read_text(encoding="utf-8").split(" = ", 1)[1].rstrip(";\n"))
    return values


def test_everything_that_the_page_names_lies_in_the_folder(tmp_path: Path) -> None:
    """Scripts and styles by their names, data as given, licences beside the libraries."""
    folder = tmp_path / "page"
    write_demo(folder, [SYSTEM], [EXAMPLE], FILES)
    page = (folder / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'(?:src|href)="([^":]+)"', page)
    assert len(named) > 10
    assert [name for name in named if not (folder / name).is_file()] == []
    assert "http:" not in page
    assert "https:" not in page
    [system] = scripted(folder / "data" / "systems.js")
    assert system["title"] == SYSTEM.title
    assert gzip.decompress(base64.b64decode(str(system["model"]))) == b"graph"
    [example] = scripted(folder / "data" / "examples.js")
    assert example["events"] == [{"onset": 0.5, "offset": 1.25, "label": "bird"}]
    assert "CC0-1.0" in (folder / "examples.txt").read_text(encoding="utf-8")
    assert "Microsoft" in (folder / "libraries" / "onnxruntime-web.LICENCE").read_text(encoding="utf-8")
    assert (folder / "libraries" / "wavesurfer.js.LICENCE").is_file()


def test_only_an_earlier_page_is_replaced(tmp_path: Path) -> None:
    """A folder of the user's is refused, and stays."""
    folder = tmp_path / "page"
    write_demo(folder, [SYSTEM], [], FILES)
    (folder / "data" / "old.js").touch()
    write_demo(folder, [SYSTEM], [], FILES)
    assert not (folder / "data" / "old.js").exists()
    (folder / SIGN).unlink()
    with pytest.raises(UserError, match="no page of earmark demo; give a new folder"):
        write_demo(folder, [SYSTEM], [], FILES)
    assert (folder / "index.html").is_file()


def test_libraries_of_other_bytes_are_refused(tmp_path: Path) -> None:
    """A missing and a changed package, in a folder that the user gives."""
    with pytest.raises(UserError, match=f"has no {re.escape(ORT.archive)}"):
        library_files(tmp_path)
    (tmp_path / ORT.archive).write_bytes(b"other")
    (tmp_path / WAVESURFER.archive).write_bytes(b"other")
    with pytest.raises(UserError, match=f"its sha256 is [0-9a-f]{{64}}, pinned: {ORT.sha256}"):
        library_files(tmp_path)


def test_without_npm_the_way_out_is_named(earmark_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"no npm on this machine .*npm pack onnxruntime-web@1\.30\.0"):
        library_files()


def test_the_same_bytes_make_the_same_text() -> None:
    """A page made again differs in nothing."""
    assert packed(b"abc") == packed(b"abc")
    assert gzip.decompress(base64.b64decode(packed(b"abc"))) == b"abc"
