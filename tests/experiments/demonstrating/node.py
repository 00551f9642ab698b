"""Runs the page's own scripts in Node, for what needs no browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

NODE = shutil.which("node") or shutil.which("nodejs")
SCRIPTS = Path(__file__).parents[3] / "experiments" / "templates" / "demo"


def computed(scripts: tuple[str, ...], expression: str, given: Any) -> Any:
    """What an expression of JavaScript makes of ``given`` after the page's ``scripts`` were read."""
    assert NODE is not None
    source = "\n".join((SCRIPTS / script).read_text(encoding="utf-8") for script in scripts)
    program = (
        f"{source}\nconst given = JSON.parse(require('fs').readFileSync(0)); console.log(JSON.stringify({expression}));"
    )
    done = subprocess.run([NODE, "-e", program], input=json.dumps(given), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
