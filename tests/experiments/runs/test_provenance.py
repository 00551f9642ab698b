"""Hardware and energy as fakes tell them: a script called nvidia-smi on PATH, RAPL's counters in a temporary folder."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from experiments.runs import attempts, energy, provenance
from experiments.runs.journal import Journal

CPUINFO = "processor\t: 0\nmodel name\t: Made-up 9000\nprocessor\t: 1\nmodel name\t: Made-up 9000\n"
SMI = """#!/bin/sh
case "$*" in
  *total_energy_consumption*) n=$(cat {folder}/joules); echo "GPU-1, $n"; echo "GPU-2, [N/A]";;
  *driver_version*) echo "H100, 550.54"; echo "H100, 550.54";;
  *) echo "| NVIDIA-SMI 550.54   Driver Version: 550.54   CUDA Version: 12.4 |";;
esac
"""


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose file ``joules`` holds what the first GPU counts, in millijoules."""
    script = tmp_path / "nvidia-smi"
    script.write_text(SMI.replace("{folder}", str(tmp_path)))
    script.chmod(0o755)
    (tmp_path / "joules").write_text("5000")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def zone(powercap: Path, folder: str, *, name: str, microjoules: int, span: int = 1000) -> Path:
    path = powercap / folder
    path.mkdir(parents=True, exist_ok=True)
    for file, text in (("name", name), ("energy_uj", str(microjoules)), ("max_energy_range_uj", str(span))):
        (path / file).write_text(text + "\n")
    return path


def test_hardware_of_a_machine_with_gpus(smi: Path, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    (tmp_path / "meminfo").write_text("MemTotal:       2097152 kB\nMemFree: 1 kB\n")
    found = provenance.hardware(tmp_path)
    assert found.pop("cores") >= 1
    assert found == {
        "cpu": "Made-up 9000", "memory_bytes": 2 << 30, "gpus": ["H100", "H100"], "driver": "550.54", "cuda": "12.4",
    }  # fmt: skip
    assert provenance.hardware_line(found).endswith("2.0 GiB, H100 + H100 (driver 550.54, CUDA 12.4)")


@pytest.mark.parametrize(
    ("flags", "vectors"),
    [("fpu avx avx2 avx512f", "AVX-512"), ("fpu avx avx2", "AVX2"), ("fpu sse4_2", None)],
)
def test_processors_of_one_name_differ_in_their_vector_instructions(
    flags: str, vectors: str | None, tmp_path: Path
) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO + f"flags\t\t: {flags}\n")
    found = provenance.hardware(tmp_path)
    assert found.get("vectors") == vectors
    assert (f" with {vectors}, " in provenance.hardware_line(found)) == (vectors is not None)


def test_what_a_machine_does_not_tell_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not set(provenance.hardware(tmp_path)) & {"gpus", "driver", "cuda", "memory_bytes"}
    meter = energy.MachineEnergy(powercap=tmp_path / "nothing")
    assert meter.stop() == {}


def test_energy_counts_packages_and_memory_once_over_a_wrap_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cap = tmp_path / "powercap"
    package = zone(cap, "intel-rapl:0", name="package-0", microjoules=900_000, span=999_999)
    memory = zone(cap, "intel-rapl:0:1", name="dram", microjoules=10)
    for folder, name in (("intel-rapl:0:0", "core"), ("intel-rapl:1", "psys"), ("intel-rapl-mmio:0", "package-0")):
        zone(cap, folder, name=name, microjoules=0, span=10**9)
    meter = energy.MachineEnergy(powercap=cap, every_seconds=60)
    (package / "energy_uj").write_text("100000")  # 200,000 on, over the end
    meter.read()
    (package / "energy_uj").write_text("600000")
    (memory / "energy_uj").write_text("510")
    for folder in ("intel-rapl:0:0", "intel-rapl:1", "intel-rapl-mmio:0"):
        (cap / folder / "energy_uj").write_text("123456789")
    assert meter.stop() == {"processors": pytest.approx((200_000 + 500_000 + 500) / 1e6)}


def test_counters_are_read_while_a_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    package = zone(tmp_path, "intel-rapl:0", name="package-0", microjoules=0, span=99)
    meter = energy.MachineEnergy(powercap=tmp_path, every_seconds=0.01)
    for microjoules in (60, 20, 80):  # wraps once between the first two
        (package / "energy_uj.new").write_text(str(microjoules))
        (package / "energy_uj.new").replace(package / "energy_uj")
        time.sleep(0.5)
    assert meter.stop() == {"processors": pytest.approx(180e-6)}


def test_a_counter_that_vanished_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    package = zone(tmp_path, "intel-rapl:0", name="package-0", microjoules=1)
    meter = energy.MachineEnergy(powercap=tmp_path, every_seconds=60)
    (package / "energy_uj").unlink()
    assert meter.stop() == {}


def test_energy_of_gpus(smi: Path, tmp_path: Path) -> None:
    meter = energy.MachineEnergy(powercap=tmp_path / "nothing")
    (smi / "joules").write_text("7500")
    assert meter.stop() == {"gpus": 2.5}


def test_sums_are_over_all_attempts_or_unknown(smi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "nothing")
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    for microjoules in ("6000", "9000"):
        attempts.begin(run_dir, {"table": "t"})
        attempt = attempts.Attempt(run_dir)
        (smi / "joules").write_text(microjoules)
        spent = attempt.end()
        assert attempt.end() == spent  # the end is counted once
    record = provenance.read(run_dir)
    assert record["table"] == "t"
    wall = sum(item["wall_seconds"] for item in record["attempts"])
    assert spent == {attempts.ENERGY: pytest.approx(4.0), attempts.WALL: pytest.approx(wall)}
    assert provenance.tags(run_dir)["hardware.gpus"] == "H100 + H100"
    attempts.begin(run_dir, {"table": "t"})  # its process is killed: what it used is not known
    attempts.ended(run_dir)
    attempts.begin(run_dir, {"table": "t"})
    assert set(attempts.Attempt(run_dir).end()) == {attempts.WALL}


@pytest.mark.parametrize("first_ended", [True, False])
def test_a_requeued_job_is_one_more_attempt(
    first_ended: bool, smi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "nothing")
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    attempts.begin(run_dir, {"table": "t"})
    first = attempts.Attempt(run_dir)
    (smi / "joules").write_text("6000")
    if first_ended:
        first.end()
    (smi / "joules").write_text("7000")  # of whoever had the machine in between
    second = attempts.Attempt(run_dir)  # SLURM started it: no launcher wrote anything
    (smi / "joules").write_text("9000")
    spent = second.end()
    record = provenance.read(run_dir)
    assert record["table"] == "t"
    assert [item.get("energy_joules") for item in record["attempts"]] == [1.0 if first_ended else None, 2.0]
    assert all("hardware" in item for item in record["attempts"])
    assert spent[attempts.WALL] == pytest.approx(sum(item["wall_seconds"] for item in record["attempts"]))
    assert spent.get(attempts.ENERGY) == (3.0 if first_ended else None)  # a killed one's part is not known


def test_a_run_that_only_waits_for_its_delivery_has_no_new_attempt(tmp_path: Path) -> None:
    attempts.begin(tmp_path, {})
    Journal(tmp_path).state("finished")
    attempts.begin(tmp_path, {})
    assert len(provenance.read(tmp_path)["attempts"]) == 1


def test_a_damaged_record_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / provenance.NAME).write_text("{torn")
    assert provenance.read(tmp_path) == {}
    attempts.ended(tmp_path)
    attempts.begin(tmp_path, {"table": "t"})
    assert len(provenance.read(tmp_path)["attempts"]) == 1


def test_packages_that_setuptools_brings_along_are_not_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = provenance.environment()
    for place, name in (("setuptools/_vendor", "brought"), ("own", "installed")):
        folder = tmp_path / place / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        monkeypatch.syspath_prepend(str(tmp_path / place))
    after = provenance.environment()
    assert set(after.splitlines()) - set(before.splitlines()) == {"installed==1.0"}
