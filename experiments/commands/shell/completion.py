"""``earmark completion SHELL``: a script that completes commands, options, tables and rows, made of the parser itself.

shtab writes it; ours are the names of tables, files of ``.yaml`` beside them, and the rows of whichever stands before.
They are written into the script, so that a Tab starts no Python.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

SHELLS = ("bash", "zsh", "fish")
EXAMPLES = """examples:
  earmark completion bash > ~/.local/share/bash-completion/completions/earmark
  earmark completion zsh > ~/.zsh/completions/_earmark        a folder of fpath, set before compinit
  earmark completion fish > ~/.config/fish/completions/earmark.fish"""

# Rows of a user's own table: the keys two spaces deep under `rows:`.
OWN_ROWS = r"""sed -n '/^rows:/,/^[^ #]/s/^  \([A-Za-z0-9_.-]*\):.*/\1/p'"""

BASH = """_earmark_tables() {{
  compgen -W "{tables}" -- "$1"
  compgen -f -X '!*.yaml' -- "$1"
}}
_earmark_rows() {{
  local word rows= before=
  for word in "${{COMP_WORDS[@]}}"; do
    case "$word" in
{rows}
      *.yaml) rows="$({own} "$word" 2>/dev/null)" ;;
    esac
  done
  [[ "$1" == *,* ]] && before="${{1%,*}},"
  compgen -P "$before" -W "$rows" -- "${{1##*,}}"
}}
"""
ZSH = """_earmark_tables() {{
  _alternative 'tables:table:({tables})' 'files:file:_files -g "*.yaml"'
}}
_earmark_rows() {{
  local word
  local -a rows
  for word in "${{words[@]}}"; do
    case "$word" in
{rows}
      *.yaml) rows=($({own} "$word" 2>/dev/null)) ;;
    esac
  done
  _values -s , row $rows
}}
"""
FISH = """function _earmark_tables
  printf '%s\\n' {tables}
  __fish_complete_suffix .yaml
end
function _earmark_rows
  set -l rows
  for word in (commandline -opc)
    switch $word
{rows}
      case '*.yaml'
        set rows ({own} $word 2>/dev/null)
    end
  end
  set -l before (string match -r '.*,' -- (commandline -ct))
  for row in $rows
    echo $before$row
  end
end
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark completion``."""
    parser.description = "Print a completion script for a shell. What it completes of tables is what is shipped today."
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=SHELLS, help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Print the script; ``arguments.whole`` is the parser of all commands, this one among them."""
    import shtab

    _mark(arguments.whole)
    print(shtab.complete(arguments.whole, arguments.shell, preamble=_preamble(arguments.shell)))
    return 0


def _preamble(shell: str) -> str:
    """The shell's functions for tables and rows."""
    form, case = {
        "bash": (BASH, '      {}) rows="{}" ;;'),
        "zsh": (ZSH, "      {}) rows=({}) ;;"),
        "fish": (FISH, "      case {}\n        set rows {}"),
    }[shell]
    rows = _shipped_rows()
    cases = "\n".join(case.format(table, " ".join(names)) for table, names in rows.items())
    return form.format(tables=" ".join(rows), rows=cases, own=OWN_ROWS)


@cache
def _shipped_rows() -> dict[str, list[str]]:
    """The rows that ``--rows`` takes at any scale, by shipped table: those that ``each:`` and ``grid:`` make too."""
    from experiments.table_files.spec import TABLES, read_table
    from experiments.table_files.yaml_files import read_yaml

    found: dict[str, list[str]] = {}
    for path in sorted(TABLES.glob("*.yaml")):
        tables = [read_table(path.stem, scale=scale) for scale in read_yaml(path).get("scales", {None: {}})]
        found[path.stem] = list(dict.fromkeys(name for table in tables for name in (*table.rows, *table.grids)))
    return found


def _mark(parser: argparse.ArgumentParser) -> None:
    """Say of each argument of each command what completes it."""
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _mark(command)
        elif action.dest in ("table", "rows"):
            name = f"_earmark_{action.dest.removesuffix('s')}s"
            action.complete = {"bash": name, "zsh": name, "fish": f"({name})"}  # type: ignore[attr-defined]
        elif action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
