"""Which published layout a file or folder is of, where its name and content leave no doubt. Standard library only."""

from __future__ import annotations

from pathlib import Path

from datamodules.importers.entry import ManifestError, lines_of, read_text

_ESC50 = {"filename", "fold", "category", "esc10"}
_STRONG = {"segment_id", "start_time_seconds", "end_time_seconds", "label"}
_SPLITS = ("train", "validate", "test")


def published_file(path: Path) -> str | None:
    """The layout of a list or export, None where it is none of these. Raises ``ManifestError`` for unreadable text."""
    name = path.name.lower()
    if name.endswith((".jsonl.gz", ".jsonl")):
        return "lhotse"
    if name.endswith(".jams"):
        return "jams"
    if name.endswith(".json"):
        return "label_studio" if _is_label_studio(read_text(path)) else None
    if not name.endswith((".csv", ".tsv")):
        return None
    lines = [line for _, line in lines_of(path)]
    heading = lines[0] if lines else ""
    if {field.strip() for field in heading.split(",")} >= _ESC50:
        return "esc50"
    if set(heading.split("\t")) >= _STRONG:
        return "audioset_strong"
    comments = [line for line in lines[:10] if line.startswith("#")]
    if any(line.lstrip("# ").startswith("YTID,") for line in (*comments, heading)):
        return "audioset"
    if not name.endswith(".csv"):  # DESED's lists, in folders of the same names
        return None
    in_metadata = path.absolute().parent.parent.name == "metadata" and heading.startswith("filename")
    return "dcase2018" if in_metadata and (path.absolute().parent.parent.parent / "audio").is_dir() else None


def published_folder(path: Path) -> str | None:
    """The layout of a data set's folder. Raises ``ManifestError`` where it has two test lists to choose from."""
    if (path / "meta" / "esc50.csv").is_file():
        return "esc50"
    metadata = path / "metadata"
    if (metadata / "train" / "weak.csv").is_file():
        if (metadata / "test" / "test.csv").is_file() and (metadata / "eval" / "eval.csv").is_file():
            raise ManifestError(
                f"{path}: DCASE 2018 task 4 with two test lists, allowed: --format dcase2018 (test/test.csv) or "
                "--format dcase2018_eval (eval/eval.csv)"
            )
        return "dcase2018_eval" if (metadata / "eval" / "eval.csv").is_file() else "dcase2018"
    folders = [path, *(path / "annotations" / split for split in _SPLITS)]
    if any(next(folder.glob("*.jams"), None) for folder in folders):
        return "jams"
    return "urban_sed" if any(next(folder.glob("*.txt"), None) for folder in folders[1:]) else None


def _is_label_studio(text: str) -> bool:
    keys = ('"annotations"', '"annotation_id"')
    return text.lstrip().startswith("[") and any(key in text for key in keys)
