"""docs/notebooks/lecture.ipynb: a valid notebook, light, and every cell runs in order, without Jupyter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "notebooks" / "lecture.ipynb"
MOST_BYTES = 20_000


def cells() -> list[dict]:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def test_it_is_a_notebook_without_outputs() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], set(notebook)) == (4, {"cells", "metadata", "nbformat", "nbformat_minor"})
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert cell["cell_type"] in ("markdown", "code")
        assert all(isinstance(line, str) for line in cell["source"])
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            compile("".join(cell["source"]), cell["id"], "exec")
    assert NOTEBOOK.stat().st_size < MOST_BYTES


def test_its_sections_are_the_lectures() -> None:
    titles = [line[3:].strip() for cell in cells() for line in cell["source"] if line.startswith("## ")]
    assert titles == [
        "1. A recurrent cell",
        "2. Sound events from weak labels",
        "3. CTC",
        "4. Attention",
        "5. Transfer",
    ]


@pytest.mark.integration
def test_every_cell_runs_in_order(tmp_path: Path) -> None:
    code = "\n".join("".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code")
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = [line.split() for line in done.stdout.splitlines() if "loss" in line and "->" in line]
    assert len(told) == 7
    for words in told:
        before, after = (float(words[words.index("->") + place].strip(",")) for place in (-1, 1))
        assert after < before, words
