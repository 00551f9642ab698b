"""``earmark export RUN DIR``: a finished run as a folder that runs without earmark."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.commands.shell.next_command import say_next, with_scale

if TYPE_CHECKING:
    from experiments.applying.chosen_run import ChosenRun
    from experiments.exporting.parity import Parity

DESCRIPTION = """Write a finished run as a folder for others: ONNX with log-mel inside (each graph held against the
system in onnxruntime at several lengths, difference at most 1e-4), the weights as safetensors, configuration with
symbols or classes (earmark.json), run_model.py that needs numpy and onnxruntime alone, a model card (README.md), and
the run's record, with which earmark import brings it back.

RUN is an MLflow id, a key, the beginning of either, TABLE/ROW (its best seed), or a run's folder. Needs the packages of
`pip install "earmark[export]"`."""
EXAMPLES = """examples:
  earmark export weak_sed/mil mil_model
  earmark export weak_sed/mil mil_model --features outside       log-mel in numpy, a smaller graph
  earmark export ctc_cells/gru ctc --mlflow                       and an MLflow model in ctc/mlflow
  mlflow models serve -m ctc/mlflow --env-manager local
  earmark export weak_sed/mil mil_model --check                  the parity of each output, and nothing is written
exit code: 0 when it is written; 2 when nothing was, and one line says why
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``earmark export``."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("run_name", metavar="RUN", help="which finished run")
    parser.add_argument("folder", type=Path, metavar="DIR", help="where to: a new folder, or an empty one")
    parser.add_argument("--scale", help="of a TABLE/ROW (default: the table's first)")
    parser.add_argument(
        "--features",
        choices=("inside", "outside"),
        default="inside",
        help="where log-mel is computed (default: inside)",
    )
    parser.add_argument("--mlflow", action="store_true", help="also an MLflow model that mlflow models serve serves")
    parser.add_argument("--check", action="store_true", help="print the parity of each output and write nothing")


def run(arguments: argparse.Namespace) -> int:
    """Choose, prove, write, and say what was written."""
    from experiments.waiting import working

    with working(f"reading {arguments.run_name}"):
        from experiments.applying.chosen_run import choose_run
        from experiments.exporting.exported_folder import check_free, export

        if not arguments.check:
            check_free(arguments.folder)
        chosen = choose_run(arguments.run_name, scale=arguments.scale)
    if arguments.check:
        with working(f"exporting {chosen.name} at several lengths"):
            parity = _parity(chosen, inside=arguments.features == "inside")
        for place, difference in parity.differences.items():
            print(f"{place:40} {difference:.1e}")
        say_next("export", *with_scale(arguments.run_name, arguments.scale), str(arguments.folder), why="writes it")
        return 0
    also = []
    if arguments.mlflow:
        from experiments.exporting.mlflow_folder import write_mlflow_model

        also = [write_mlflow_model]
    with working(f"exporting {chosen.name}"):
        written = export(chosen, arguments.folder, inside=arguments.features == "inside", also=also)
    print(f"run {chosen.name} ({chosen.key_id}) is in {written.folder}: {', '.join(written.system.graphs)}, "
          f"which differ from it by {written.parity.largest:.1e} at most")  # fmt: skip
    print(f"try it: python {written.folder / 'run_model.py'} FILE.wav")
    for line in written.without:
        print(f"without {line}", file=sys.stderr)
    say_next("import", str(written.folder), why="on another machine: into its store, as a finished run")
    return 0


def _parity(chosen: ChosenRun, *, inside: bool) -> Parity:
    import tempfile

    from experiments.applying.loaded_system import load_system
    from experiments.errors import UserError
    from experiments.exporting.exportable import NotExportableError, exportable
    from experiments.exporting.exported_folder import check_exact

    try:
        with tempfile.TemporaryDirectory() as folder:
            return check_exact(exportable(load_system(chosen), inside=inside), Path(folder))
    except NotExportableError as error:
        raise UserError(f"run {chosen.name}: can't be exported: {error}") from None
