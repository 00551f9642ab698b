"""``earmark demo RUN… --output FOLDER``: a page on which one or more finished runs hear somebody's audio."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from experiments.commands.shell.next_command import say_open

DESCRIPTION = """Write a page of static files on which finished runs hear what a visitor drops, chooses or records:
player, spectrogram, curves and events of sound events, posteriors and text of CTC recognisers, a column a run.
The networks run in the browser (onnxruntime-web); a double click on index.html opens it, without server or network.

RUN is an MLflow id, a key, the beginning of either, TABLE/ROW (its best seed), or a folder of a run or of earmark
export. Needs the packages of `pip install "earmark[export]"` and, once, npm to fetch the page's two libraries."""
EXAMPLES = """examples:
  earmark demo weak_sed/fsl weak_sed/mil_penalty --output page     the lecture's comparison, side by side
  earmark demo "FSL=4ebdabf7" "MIL + penalty=c65374b7" --output page   with titles of your own
  earmark demo ctc_cells/gru --output page --examples 5
  earmark demo exported/ --output page --examples 0                no clips of the corpus in it
exit code: 0 when the page is written; 2 when nothing was, and one line says why
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark demo``."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("runs", nargs="+", metavar="RUN", help="which finished runs, up to 4; TITLE=RUN gives a title")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FOLDER", help="where to; replaces an earlier page"
    )
    parser.add_argument("--examples", type=int, default=3, metavar="N", help="test clips in the page (default: 3)")
    parser.add_argument("--scale", metavar="NAME", help="of a TABLE/ROW (default: the table's first)")
    parser.add_argument("--libraries", type=Path, metavar="FOLDER", help="where the libraries' .tgz lie (default: npm)")


def run(arguments: argparse.Namespace) -> int:
    """Choose, export, write. Raises ``UserError``."""
    from experiments.errors import UserError
    from experiments.waiting import with_bar, working

    if len(arguments.runs) > 4:
        raise UserError(f"{len(arguments.runs)} runs, allowed: 1 to 4 beside one another")
    if not 0 <= arguments.examples <= 20:
        raise UserError(f"--examples {arguments.examples}, allowed: 0 to 20")
    with working("choosing runs"):
        from experiments.applying.chosen_run import choose_run
        from experiments.demonstrating.demo_folder import check_replaceable, write_demo
        from experiments.demonstrating.examples import test_examples
        from experiments.demonstrating.heard_systems import heard_system
        from experiments.demonstrating.libraries import library_files

        check_replaceable(arguments.output)
        named = [_title_and_run(text) for text in arguments.runs]
        chosen = [(title, choose_run(text, scale=arguments.scale)) for title, text in named]
    with working("fetching the page's libraries"):
        libraries = library_files(arguments.libraries)
    systems = [heard_system(run, title=title or run.name) for title, run in with_bar(chosen, "exporting")]
    with working("choosing examples"):
        examples = test_examples(chosen[0][1], count=arguments.examples)
    if len(examples) < arguments.examples:
        print(f"{len(examples)} examples, not {arguments.examples}: there are no more short ones", file=sys.stderr)
    write_demo(arguments.output, systems, examples, libraries)
    size = sum(path.stat().st_size for path in arguments.output.rglob("*") if path.is_file())
    titles = ", ".join(of.title for of in systems)
    print(f"{arguments.output / 'index.html'}: {titles}; {len(examples)} examples; {size / 1e6:.0f} MB")
    print("open it with a double click; to share it, send or serve the whole folder")
    say_open(arguments.output / "index.html")
    return 0


def _title_and_run(text: str) -> tuple[str, str]:
    """``TITLE=RUN`` or ``RUN``; the name of a folder that is there stands as it is."""
    title, equals, rest = text.partition("=")
    return (title.strip(), rest) if equals and not Path(text).exists() else ("", text)
