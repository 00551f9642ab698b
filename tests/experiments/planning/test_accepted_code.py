"""``--accept-code-change`` through the real command line: results stay, what stands on them too, reports say so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # nine commands, two trainings
TABLE = Path(__file__).parents[1] / "tiny.yaml"
PACKAGE = "from lightning_modules.sed.mil import MIL\n\n\nclass Mine(MIL):\n    pass\n"


def test_results_stand_for_changed_code_until_something_else_changes(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("")
    code = tmp_path / "mine" / "model.py"
    code.write_text(PACKAGE)
    table = tmp_path / "t.yaml"
    text = TABLE.read_text().replace("lightning_modules.sed.mil.MIL", "mine.model.Mine") + "imports: [mine]\n"
    table.write_text(text)
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "EARMARK_HOME": str(tmp_path), "COLUMNS": "250"}
    environment["PYTHONPATH"] = f"{root}{os.pathsep}{tmp_path}"
    environment.pop("EARMARK_DATA", None)

    def earmark(*arguments: str) -> str:
        command = [sys.executable, "-m", "experiments", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    cells = (str(table), "--rows", "mil,mil_oracle")
    earmark("data", "tones", "--scale", "tiny")
    earmark("run", *cells, "--slots", "1")
    code.write_text(PACKAGE + "# a comment\n")
    plan = earmark("plan", *cells)
    assert plan.count("stale") == 2
    assert "code changed: mine.model" in plan
    said = earmark("run", *cells, "--accept-code-change")
    assert "t/mil seed 0: kept, code changed: mine.model" in said
    assert "2 of 2 cells are finished" in said  # the row that stands on it is not run again
    assert len(list((tmp_path / "mlruns" / "runs").iterdir())) == 2
    plan = earmark("plan", *cells)
    assert "before a code change that was accepted: mine.model" in plan
    assert "0 of 2 cells would run" in plan
    assert "made before code changes that were accepted: t/mil seed 0 (mine.model)" in earmark("report", *cells)
    code.write_text(PACKAGE + "# another comment\n")
    assert earmark("plan", *cells).count("stale") == 2  # that one is not accepted yet
    code.write_text(PACKAGE + "# a comment\n")
    table.write_text(text.replace("lr: 0.001", "lr: 0.002"))
    plan = earmark("plan", *cells)
    assert "config changed: model.optimizer.lr 0.001 -> 0.002" in plan
    assert "kept" not in earmark("run", *cells, "--accept-code-change", "--slots", "1")  # more than code has changed
