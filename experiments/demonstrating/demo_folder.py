"""The page as a folder of static files, which a double click opens: everything it needs lies in it.

Browsers let a ``file://`` page fetch nothing, so networks, onnxruntime-web's WebAssembly and examples are bytes in
scripts: gzip in base64. No file names another machine, and the page's own policy forbids it.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datamodules.corpora.whole_folder import locked, whole_folder
from experiments.demonstrating.examples import Example, plain
from experiments.demonstrating.heard_systems import HeardSystem
from experiments.errors import UserError

TEMPLATES = Path(__file__).parents[1] / "templates" / "demo"
SIGN = "made_by_earmark_demo.txt"  # what stands beside it may be replaced
ORT_LICENCE = "onnxruntime-web.LICENCE"  # the package has none; its files and package.json say MIT


def write_demo(
    folder: Path, systems: Sequence[HeardSystem], examples: Sequence[Example], libraries: Mapping[str, bytes]
) -> None:
    """Write the folder whole. Raises ``UserError`` where something else than an earlier page is there."""
    folder = folder.expanduser().resolve()
    with locked(folder):
        check_replaceable(folder)
        with whole_folder(folder) as partial:
            _write_libraries(partial / "libraries", libraries)
            _write_page(partial)
            data = partial / "data"
            data.mkdir()
            facts = [{**of.facts, "title": of.title, "model": packed(of.model)} for of in systems]
            (data / "systems.js").write_text(_script("systems", facts), encoding="utf-8")
            sounds = [{**plain(example), "sound": packed(example.sound)} for example in examples]
            (data / "examples.js").write_text(_script("examples", sounds), encoding="utf-8")
            notes = [f"{example.title}\n  {example.licence}\n" for example in examples] or ["no examples\n"]
            (partial / "examples.txt").write_text("".join(notes), encoding="utf-8")
            (partial / SIGN).write_text("Open index.html.\n", encoding="utf-8")


def check_replaceable(folder: Path) -> None:
    """Raises ``UserError`` for a file, and for a folder with anything but an earlier page."""
    if folder.is_dir() and ((folder / SIGN).is_file() or not any(folder.iterdir())):
        return
    if folder.exists():
        raise UserError(f"--output {folder}: is there already, and no page of earmark demo; give a new folder")


def packed(content: bytes) -> str:
    """Gzip in base64; the same bytes every time."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")


def _script(name: str, value: Any) -> str:
    return f"(globalThis.earmark ??= {{}}).{name} = {json.dumps(value, ensure_ascii=False)};\n"


def _write_page(folder: Path) -> None:
    page = folder / "page"
    page.mkdir()
    for path in sorted(TEMPLATES.iterdir()):
        if path.suffix in (".html", ".js", ".css"):
            (folder if path.suffix == ".html" else page).joinpath(path.name).write_bytes(path.read_bytes())


def _write_libraries(folder: Path, libraries: Mapping[str, bytes]) -> None:
    folder.mkdir()
    runtime = {
        "wasm": packed(libraries["ort-wasm-simd-threaded.wasm"]),
        "loader": packed(libraries["ort-wasm-simd-threaded.mjs"]),
    }
    (folder / "ort-binaries.js").write_text(_script("runtime", runtime), encoding="utf-8")
    for name, content in libraries.items():
        if not name.startswith("ort-wasm-simd-threaded."):
            (folder / name).write_bytes(content)
    (folder / ORT_LICENCE).write_bytes((TEMPLATES / ORT_LICENCE).read_bytes())
