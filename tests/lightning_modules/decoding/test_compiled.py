"""A cached function must not keep an old callee from another file: what numba's own cache does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CALLEE = "from lightning_modules.decoding.compiled import compiled\n\n\n@compiled\ndef one(x):\n    return x + {}\n"
CALLER = (
    "from callee import one\nfrom lightning_modules.decoding.compiled import compiled\n\n\n"
    "@compiled\ndef twice(x):\n    return one(one(x))\n\n\n"
    "if __name__ == '__main__':\n    print(twice(1), sum(twice.stats.cache_hits.values()))\n"
)


@pytest.mark.integration  # compiles twice, in processes of its own
def test_a_change_in_another_file_reaches_the_cached_function(tmp_path: Path) -> None:
    def run(added: int) -> str:
        (tmp_path / "callee.py").write_text(CALLEE.format(added), encoding="utf-8")
        command = [sys.executable, "-c", "import runpy; runpy.run_module('caller', run_name='__main__')"]
        paths = os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parents[3])])
        environment = {**os.environ, "PYTHONPATH": paths}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    (tmp_path / "caller.py").write_text(CALLER, encoding="utf-8")
    assert run(1) == "3 0"
    assert run(1) == "3 1"  # from the cache
    assert run(10) == "21 0"
