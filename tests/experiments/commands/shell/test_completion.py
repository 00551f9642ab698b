"""Completion scripts in the shells themselves; zsh and fish where the machine has them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from experiments import cli
from experiments.commands.shell.completion import SHELLS
from experiments.table_files.spec import TABLES

TINY = Path(__file__).parents[2] / "tiny.yaml"
ASK = """source {script}
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); _shtab_earmark; printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("completion")
    with pytest.MonkeyPatch.context() as patch:
        written = {}
        for shell in SHELLS:
            path = folder / f"earmark.{shell}"
            with path.open("w") as file:
                patch.setattr("sys.stdout", file)
                assert cli.main(["completion", shell]) == 0
            written[shell] = path
    return written


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("earmark compl", {"completion"}),
        ("earmark plan weak_sed_", {"weak_sed_search"}),
        ("earmark plan --po", {"--power"}),
        ("earmark report weak_sed --format l", {"latex"}),
        ("earmark run weak_sed --rows mil_p", {"mil_penalty", "mil_penalty_oracle_tags", "mil_penalty_tagger_tags"}),
        ("earmark run weak_sed --rows fsl,energy_t", {"fsl,energy_tagger_tags"}),
        (f"earmark run {TINY} --rows ''", {"mil", "mil_oracle", "broken", "on_broken"}),
        (f"earmark plan {TINY.with_suffix('.ya')}", {str(TINY)}),
        ("earmark results pa", {"pack"}),
    ],
)
def test_bash_completes(scripts: dict[str, Path], words: str, expected: set[str]) -> None:
    asked = ASK.format(script=scripts["bash"], words=words)
    told = subprocess.run(["bash", "--norc", "-c", asked], capture_output=True, text=True, check=True)
    assert set(told.stdout.split()) == expected
    assert not told.stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_their_script(scripts: dict[str, Path], shell: str) -> None:
    text = scripts[shell].read_text()
    assert all(path.stem in text for path in TABLES.glob("*.yaml"))
    if not (program := shutil.which(shell)):
        pytest.skip(f"no {shell} here")
    assert not subprocess.run([program, "-n", str(scripts[shell])], capture_output=True, check=True).stderr
