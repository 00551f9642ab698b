"""The built wheel, used from outside the repository: tables and inventory travel, nothing else is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.integration
def test_the_wheel_plans_a_shipped_table(tmp_path: Path) -> None:
    source = tmp_path / "source"  # a copy: setuptools would reuse what an earlier build left in the checkout
    for package in ("datamodules", "lightning_modules", "experiments"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("earmark-*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    assert not (site / "tests").exists()
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site), "EARMARK_HOME": str(home), "COLUMNS": "200"}
    environment.pop("EARMARK_DATA", None)

    def earmark(*arguments: str) -> str:
        command = [sys.executable, "-P", "-m", "experiments", *arguments]
        return subprocess.run(command, cwd=home, env=environment, check=True, capture_output=True, text=True).stdout

    where = "import experiments; print(experiments.__file__)"
    found = subprocess.run(
        [sys.executable, "-P", "-c", where], cwd=home, env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert found.startswith(str(site))
    assert "weak_sed/mil_penalty seed 0" in earmark("plan", "weak_sed", "--scale", "demo")
    assert "tones/tiny" in earmark("data", "tones", "--scale", "tiny")
    assert (site / "datamodules" / "corpora" / "sounds" / "soundbank_inventory.json").is_file()
    for package_data in ("templates/report.html", "templates/report.css", "templates/report.js"):
        assert (site / "experiments" / package_data).is_file()
    shipped, here = (
        sorted(p.name for p in (root / "experiments" / "expected").glob("*.yaml")) for root in (site, ROOT)
    )
    assert shipped == here
