"""All files of a command, one after the other: predicted, written at once, counted; a broken one stops no other."""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.applying.chosen_run import ChosenRun
from experiments.applying.predicting.clip_batches import predict_files
from experiments.applying.predicting.file_events import FileEvents, FilePredictor
from experiments.applying.predicting.formats.json_files import label_studio
from experiments.applying.predicting.formats.known import FORMATS
from experiments.applying.predicting.found_audio import Found, FoundAudio, output_stems
from experiments.applying.predicting.settings import Settings
from experiments.applying.predicting.written_files import WrittenFiles
from experiments.errors import UserError
from lightning_modules.sed.fitting.fitted import FittedPostProcessing

ONE_LIST = "predictions"  # its name without the suffix


@dataclass(frozen=True)
class FileSummary:
    """What is said of a file; ``by_class`` counts its events, the most frequent class first."""

    audio: Path
    duration_seconds: float
    num_windows: int
    by_class: dict[str, int]
    outputs: tuple[Path, ...]

    @property
    def num_events(self) -> int:
        """Of all classes."""
        return sum(self.by_class.values())


@dataclass
class Outcome:
    """What became of all files, with the params files that were written."""

    done: list[FileSummary] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)
    params: list[Path] = field(default_factory=list)


class ManyFiles:
    """The work of ``earmark predict``; making it raises ``UserError`` for outputs that are in the way."""

    def __init__(
        self, predictor: FilePredictor, settings: Settings, names: Sequence[str], found: Found, *,
        output: Path | None, overwrite: bool, chosen: ChosenRun, run_text: str,
    ) -> None:  # fmt: skip
        self._predictor, self._settings, self._names, self._found = predictor, settings, names, found
        self._chosen, self._run_text, self._output = chosen, run_text, output
        self._stems = output_stems(found.audio, output)
        roots = dict.fromkeys(self._folder(one) for one in found.audio)
        self._written = {root: WrittenFiles(root, overwrite=overwrite) for root in roots}
        self._texts: dict[tuple[Path, str], list[str]] = {}
        for root, written in self._written.items():
            if settings.one_list:
                written.refuse_foreign(FORMATS[name].beside(root / ONE_LIST) for name in names)
                continue
            stems = [stem for one, stem in zip(found.audio, self._stems, strict=True) if self._folder(one) == root]
            written.refuse_foreign(FORMATS[name].beside(stem) for stem in stems for name in names)

    def run(
        self, *, tell: Callable[[Path, str], None], advance: Callable[[Path, float], None] = lambda path, seconds: None
    ) -> Outcome:
        """Predict and write; ``tell`` is told of each broken file, ``advance`` of the seconds that are done of one."""
        outcome = Outcome()
        found = {one.path: (one, stem) for one, stem in zip(self._found.audio, self._stems, strict=True)}
        try:
            for path, events in predict_files(self._predictor, found, advance=advance):
                try:
                    if not isinstance(events, FileEvents):
                        raise events
                    outcome.done.append(self._write(*found[path], events))
                except UserError:  # of the outputs, not of the file
                    raise
                except (OSError, ValueError) as error:
                    why = str(getattr(error, "strerror", None) or error)
                    outcome.failed.append((path, why))
                    tell(path, why)
        finally:  # what an interruption leaves is known as ours
            for (root, name), texts in self._texts.items():
                join = FORMATS[name].join
                assert join is not None
                self._written[root].write(FORMATS[name].beside(root / ONE_LIST), join(texts))
            outcome.params = [written.close(self._record(root, outcome)) for root, written in self._written.items()]
        return outcome

    def _write(self, one: FoundAudio, stem: Path, events: FileEvents) -> FileSummary:
        folder = self._folder(one)
        whole_path = self._settings.one_list or self._output is not None  # as --audio-root of an import finds it
        audio = one.relative.as_posix() if whole_path else one.path.name
        outputs = []
        for name in self._names:
            text = self._text(name, events, audio)
            if self._settings.one_list:
                self._texts.setdefault((folder, name), []).append(text)
                outputs.append(FORMATS[name].beside(folder / ONE_LIST))
            else:
                outputs.append(FORMATS[name].beside(stem))
                self._written[folder].write(outputs[-1], text)
        by_class = dict(Counter(event.label for event in events.events).most_common())
        return FileSummary(one.path, events.duration_seconds, events.num_windows, by_class, tuple(outputs))

    def _text(self, name: str, events: FileEvents, audio: str) -> str:
        if name == "labelstudio":
            return label_studio(events, audio, prefix=self._settings.audio_prefix, made_by=self._chosen.name)
        return FORMATS[name].text(events, audio)

    def _folder(self, one: FoundAudio) -> Path:
        return self._output or one.root

    def _record(self, root: Path, outcome: Outcome) -> dict[str, Any]:
        """What ``predict.yaml`` of one folder says, without the digests."""
        plan, decision = self._predictor.plan, self._predictor.decision
        frame_seconds = plan.frame_samples / self._predictor.sample_rate_hz
        here = {one.path: one.relative for one in self._found.audio if self._folder(one) == root}
        settings = {
            **self._settings.as_plain(),
            "window_seconds": round(plan.window_frames * frame_seconds, 6),
            "overlap_seconds": round(plan.overlap_frames * frame_seconds, 6),
        }
        fitted = FittedPostProcessing(settings=decision.settings, gate=decision.gate, fitted={"tags": "own"})
        return {
            "earmark": importlib.metadata.version("earmark"),
            "run": {"text": self._run_text, "name": self._chosen.name, "key": self._chosen.key_id},
            "settings": settings,
            "post_processing": fitted.as_json(self._predictor.grid),
            "files": [f"{here[of.audio].as_posix()}: {summary(of)}" for of in outcome.done if of.audio in here],
            "failed": [f"{here[path].as_posix()}: {why}" for path, why in outcome.failed if path in here],
            "no_audio": [str(path) for path in self._found.no_audio],
        }


def summary(of: FileSummary) -> str:
    """``12.5 s, 3 events: dog 2, cat 1``."""
    counts = ", ".join(f"{label} {number}" for label, number in of.by_class.items())
    return f"{of.duration_seconds:g} s, {of.num_events} events{': ' if counts else ''}{counts}"
