"""Run an exported model on sound files: needs numpy and onnxruntime, and nothing else.

    python run_model.py clip.wav other.wav
    python run_model.py --format json clip.wav

Sound events come as a table (file, onset, offset, label: tab-separated, DCASE's columns), with --format tags as the
probability of each class; speech as file and text. A file that can't be read is named on standard error, the others
are done all the same. WAV is read by Python itself, other formats where soundfile is installed; another sample rate
needs soxr or scipy.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from experiments.exporting.shipped.exported_model import ExportedModel


def main(arguments: list[str] | None = None) -> int:
    """Run the model of this file's folder; exit code 0, or 1 where a file could not be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a sound file")
    parser.add_argument("--format", choices=("table", "json", "tags"), default="table", help="default: table")
    parsed = parser.parse_args(arguments)
    model = ExportedModel(Path(__file__).resolve().parent)
    if parsed.format == "table":
        print("filename\tonset\toffset\tevent_label" if model.kind == "sound events" else "filename\ttext")
    failed = 0
    for path in parsed.files:
        try:
            samples_S = model.read(path)
        except ValueError as error:
            failed += 1
            print(f"run_model.py: error: {error}", file=sys.stderr)
            continue
        for line in lines(str(path), model.answer(samples_S), form=parsed.format):
            print(line)
    return 1 if failed else 0


def lines(name: str, answer: dict[str, Any], *, form: str) -> list[str]:
    """What is printed of a file.

    >>> lines("a.wav", {"text": "ahoj"}, form="table")
    ['a.wav\\tahoj']
    """
    if form == "json":
        return [json.dumps({"filename": name, **answer}, ensure_ascii=False)]
    if "text" in answer:
        return [f"{name}\t{answer['text']}"]
    if form == "tags":
        return [f"{name}\t{label}\t{value:.4f}" for label, value in answer["tags"].items()]
    return [
        f"{name}\t{event['onset_seconds']:.3f}\t{event['offset_seconds']:.3f}\t{event['label']}"
        for event in answer["events"]
    ]


if __name__ == "__main__":
    raise SystemExit(main())
