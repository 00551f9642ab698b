"""``earmark transcribe``: recordings of any length to texts with times. Heavy imports wait inside ``run``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.errors import number_of

if TYPE_CHECKING:
    from experiments.applying.transcribing.nemo_manifest import Line
    from experiments.applying.transcribing.params_record import ParamsRecord
    from experiments.applying.transcribing.recordings import Transcriber
    from experiments.applying.transcribing.settings import Settings
    from experiments.applying.transcribing.transcript import Transcript

EXAMPLE = """examples:
  earmark transcribe ctc_decoding/greedy talk.wav                          talk.txt beside it
  earmark transcribe ctc_decoding/greedy *.flac -f srt,ctm -o texts        several formats, in a folder
  earmark transcribe ctc_decoding/greedy talk.mp3 --row ctc_decoding/wfst  another row's decoder and language model
  earmark transcribe 3bbc09c talk.wav --hotwords names.txt --hotword-bonus 2
  earmark transcribe end_to_end/whisper_untouched talk.wav --language en   Whisper's own texts, without times of words
  earmark transcribe exported/ --manifest test.jsonl -o answers.jsonl      NeMo's lines, pred_text added
  sox talk.wav -t flac - | earmark transcribe ctc_decoding/greedy - -f vtt standard input to standard output

RUN is an id of MLflow or a key (or its beginning), TABLE/ROW (of several seeds the best on validation), or a folder
of a run or of earmark export. Formats: txt, srt, vtt, tsv (milliseconds, as Whisper's), json (words with confidence,
tokens), ctm, all. A word's confidence is the geometric mean of its tokens' posteriors at their spikes; it is not
calibrated. What was told stands in transcribe.yaml beside the output. A file that can't be read is one line, the
others go on, and the exit code is 1. What was finished before a Ctrl-C is kept: --resume reads the other files."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "Texts of recordings of any rate, channels and length, with times of words."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "run_text", nargs="?", metavar="RUN", help="the recogniser (with --load-params: that of the file)"
    )
    parser.add_argument("audio", nargs="*", metavar="FILE", help="audio files; - for standard input")
    parser.set_defaults(takes_rest="audio")
    parser.add_argument(
        "--manifest", type=Path, metavar="JSONL", help="NeMo's lines with audio_filepath instead of FILE"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="PATH", help="folder of the output; with --manifest a file"
    )
    parser.add_argument("-f", "--formats", metavar="F,F", help="txt, srt, vtt, tsv, json, ctm or all (default txt)")
    parser.add_argument("--row", metavar="TABLE/ROW", help="decoder, fitted weights and language model of another row")
    parser.add_argument("--language", metavar="xx", help="what is spoken, for a run of Whisper's own decoder")
    parser.add_argument("--hotwords", metavar="TXT", help="words or phrases, one a line, that the beam favours")
    parser.add_argument("--hotword-bonus", type=float, metavar="B", help="natural log a character of them (default 1)")
    parser.add_argument("--beam-size", type=int, metavar="N", help="beam with --hotwords and no --row (default 100)")
    parser.add_argument("--cut", metavar="HOW", help="long files: vad (silero-vad), quiet (by power), none")
    parser.add_argument("--max-seconds", type=float, metavar="S", help="longest part (default 20)")
    parser.add_argument(
        "--pause-seconds", type=float, metavar="S", help="shortest pause of --cut vad and quiet (default 0.5)"
    )
    parser.add_argument("--scale", help="scale of a TABLE/ROW (default: the table's first)")
    parser.add_argument("--load-params", type=Path, metavar="YAML", help="settings of an earlier transcribe.yaml")
    parser.add_argument("--overwrite", action="store_true", help="replace output files that are there")
    parser.add_argument("--resume", action="store_true", help="leave out files whose texts an earlier call wrote")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output, texts and all")


@dataclass
class _Done:
    """What became of the files."""

    files: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)

    def fail(self, audio: str, error: Exception) -> None:
        why = (getattr(error, "strerror", None) or str(error)).strip().splitlines()[0]
        why = why.removeprefix(f"{audio}: ")
        self.failed.append({"audio": audio, "why": why})
        print(f"earmark: {audio}: {why}", file=sys.stderr)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0 where every file was read, 1 where some were not."""
    from experiments.errors import UserError
    from experiments.waiting import working

    run_text, settings = _told(arguments)
    if settings.hotwords is None:
        _refuse_without_hotwords(arguments)
    if bool(arguments.audio) == (arguments.manifest is not None):
        raise UserError("name audio files, or --manifest JSONL, one of the two (see earmark transcribe --help)")
    with working(f"loading {run_text}"):
        from experiments.applying.chosen_run import choose_run
        from experiments.applying.transcribing.chosen_transcriber import make_transcriber
        from experiments.applying.transcribing.params_record import ParamsRecord
        from experiments.commands.using.next_use import after_texts

        outputs = _outputs(arguments, settings)
        lines = _lines(arguments.manifest)
        chosen = choose_run(run_text, scale=settings.scale)
        transcriber, decoder = make_transcriber(chosen, settings)
    _say(f"{chosen.name} ({chosen.key_id[:7]}), read by {decoder}; {transcriber.cut_in_words}")
    told = {
        "run": {"text": run_text, "name": chosen.name, "key": chosen.key_id},
        "decoder": decoder, "cut": transcriber.cut_in_words, "settings": settings.as_plain(),
    }  # fmt: skip
    record, done = ParamsRecord(told, [] if arguments.manifest is not None else outputs), _Done()
    try:
        if arguments.manifest is not None:
            _manifest(lines, transcriber, outputs[0][0], done)
        else:
            _files(arguments, transcriber, record, settings, done)
    finally:
        transcriber.reader.close()
    if arguments.json:
        print(json.dumps({**record.head, "files": done.files, "failed": done.failed}, ensure_ascii=False, indent=1))
    elif done.files and not done.failed and outputs != [[]]:
        beside = arguments.manifest is None and arguments.output is None and "txt" in settings.format_names
        after_texts(
            transcriber.reader.system, run_text, settings.scale, audio=Path(arguments.audio[0]) if beside else None
        )
    return 1 if done.failed else 0


def _told(arguments: argparse.Namespace) -> tuple[str, Settings]:
    """The run and the settings: what the command line says, else the params file, else the defaults."""
    from dataclasses import fields

    from experiments.applying.transcribing.settings import Settings, load_params
    from experiments.errors import UserError

    run_text, settings = None, Settings()
    if arguments.load_params is not None:
        run_text, settings = load_params(arguments.load_params)
        if arguments.run_text is not None:  # the first of the files: the run stands in the params file
            arguments.audio = [arguments.run_text, *arguments.audio]
    elif arguments.run_text is not None:
        run_text = arguments.run_text
    if run_text is None:
        raise UserError("which run? earmark transcribe RUN FILE… (see earmark transcribe --help)")
    return run_text, settings.with_given({one.name: getattr(arguments, one.name) for one in fields(Settings)})


def _refuse_without_hotwords(arguments: argparse.Namespace) -> None:
    """Options of the beam with hotwords, which would change nothing."""
    from experiments.errors import UserError

    for name in ("hotword_bonus", "beam_size"):
        if (value := getattr(arguments, name)) is not None:
            raise UserError(f"--{name.replace('_', '-')} {value}: allowed with --hotwords TXT")


def _outputs(arguments: argparse.Namespace, settings: Settings) -> list[list[Path]]:
    """The files to be written, of each recording; one for a manifest; none for a pipe to standard output."""
    from experiments.applying.transcribing.output_files import output_stems, refuse_existing
    from experiments.applying.transcribing.settings import PARAMS
    from experiments.errors import UserError

    if arguments.resume and (arguments.manifest is not None or arguments.audio == ["-"]):
        raise UserError("--resume leaves out files that are transcribed; allowed: with FILE…")
    if arguments.manifest is not None:
        if arguments.formats is not None:
            raise UserError(f"-f {arguments.formats}: --manifest is answered by NeMo's lines; allowed: with FILE…")
        answers = arguments.output or arguments.manifest.with_name(f"{arguments.manifest.stem}_pred.jsonl")
        if answers.exists() and answers.samefile(arguments.manifest):
            raise UserError(
                f"-o {answers}: is the manifest itself, of which lines would be lost; allowed: another file"
            )
        refuse_existing([answers], overwrite=arguments.overwrite)
        return [[answers]]
    if arguments.output is not None and arguments.output.exists() and not arguments.output.is_dir():
        raise UserError(f"-o {arguments.output}: is a file, allowed: a folder")
    if "-" in arguments.audio and len(arguments.audio) > 1:
        raise UserError("- (standard input) stands alone, without other files")
    if arguments.audio == ["-"] and arguments.output is None:
        if len(settings.format_names) > 1:
            raise UserError(f"-f {settings.formats}: standard output takes one format; give -o FOLDER for several")
        return [[]]
    audio = [Path("stdin" if name == "-" else name) for name in arguments.audio]
    stems = output_stems(audio, arguments.output)
    found = [[stem.with_name(f"{stem.name}.{name}") for name in settings.format_names] for stem in stems]
    folders = {files[0].parent for files in found}
    params = [folder / PARAMS for folder in folders]
    foreign = [path for path in params if path.is_file() and not _is_ours(path)]
    new = [] if arguments.resume else [path for files in found for path in files]
    refuse_existing([*new, *foreign], overwrite=arguments.overwrite)
    return found


def _is_ours(params: Path) -> bool:
    """Whether ``earmark transcribe`` wrote it; another file of the name is somebody's own."""
    from experiments.applying.params_file import read_params
    from experiments.applying.transcribing.settings import Settings
    from experiments.errors import UserError

    try:
        read_params(params, Settings, command="transcribe")
    except UserError:
        return False
    return True


def _files(
    arguments: argparse.Namespace,
    transcriber: Transcriber,
    record: ParamsRecord,
    settings: Settings,
    done: _Done,
) -> None:
    """All of them, one after the other; the record says what is finished, however it ends."""
    from datamodules.run_warning import first_names
    from experiments.applying.transcribing.output_files import refuse_existing

    kept = record.keep_finished(arguments.audio) if arguments.resume else []
    if kept:
        have = "has its text" if len(kept) == 1 else "have their texts"
        _say(f"{number_of(len(kept), 'file')} {have} from an earlier call: {first_names(kept)}")
    left = [(name, files) for name, files in zip(arguments.audio, record.outputs, strict=True) if name not in kept]
    refuse_existing([path for _, files in left for path in files], overwrite=arguments.overwrite)
    try:
        _read_files(left, transcriber, record, settings, done, is_document=arguments.json)
    except KeyboardInterrupt:
        num_left = len(left) - len(done.files) - len(done.failed)
        if record.folders:
            _say(f"stopped: {number_of(len(kept) + len(done.files), 'file')} with text, {num_left} left for --resume")
        raise
    finally:
        record.write(done.files, done.failed, is_last=True)


def _read_files(
    left: Sequence[tuple[str, Sequence[Path]]],
    transcriber: Transcriber,
    record: ParamsRecord,
    settings: Settings,
    done: _Done,
    *,
    is_document: bool,
) -> None:
    from experiments.applying.predicting.mono_stream import standard_input
    from experiments.applying.transcribing.progress import progress

    with progress([Path(name) for name, _ in left if name != "-"]) as advance:
        for name, files in left:
            started = time.monotonic()
            try:
                if name == "-":
                    with standard_input() as path:
                        transcript = transcriber.file(path, name="stdin", advance=advance(None))
                else:
                    transcript = transcriber.file(Path(name), name=Path(name).name, advance=advance(Path(name)))
                texts = _written(transcript, settings, files)
            except (OSError, ValueError) as error:
                done.fail(name, error)
                continue
            if not files and not is_document:
                sys.stdout.write(texts[0])
            _say(_summary(name, transcript, time.monotonic() - started, files))
            done.files.append({**transcript.as_plain(), "audio": name, "written": [str(path) for path in files]})
            record.write(done.files, done.failed)


def _written(transcript: Transcript, settings: Settings, files: Sequence[Path]) -> list[str]:
    """The texts in each format, all made before the first is written."""
    from experiments.applying.transcribing.output_files import write_text
    from experiments.applying.transcribing.text_formats import FORMATS

    texts = [FORMATS[name](transcript) for name in settings.format_names]
    for path, text in zip(files, texts, strict=False):
        write_text(path, text)
    return texts


def _lines(manifest: Path | None) -> list[Line]:
    """All of a manifest, so that what is wrong with it is said before a recogniser is loaded."""
    from experiments.applying.transcribing.nemo_manifest import read_lines

    return [] if manifest is None else list(read_lines(manifest))


def _manifest(lines: Sequence[Line], transcriber: Transcriber, answers: Path, done: _Done) -> None:
    from experiments.applying.transcribing.output_files import write_text
    from experiments.applying.transcribing.remarks import by_remark
    from experiments.waiting import with_bar

    answered: list[str] = []
    remarked: list[tuple[str, Sequence[str]]] = []
    try:
        for line in with_bar(lines, "transcribing"):
            try:
                transcript = _of_line(line, transcriber)
            except (OSError, ValueError) as error:
                done.fail(line.place, error)
                continue
            answered.append(line.answered(transcript.text))
            remarked.append((line.place.rpartition(", ")[2], transcript.remarks))
            audio = str(line.record["audio_filepath"])
            done.files.append({**transcript.as_plain(), "audio": audio, "written": [str(answers)]})
    finally:  # what an interruption leaves is said to be so many of so many
        for remark in by_remark(remarked):
            _say(remark)
        if answered or done.failed:
            write_text(answers, "".join(answered))
            _say(f"{answers}: {len(answered)} of {len(lines)} lines with pred_text, {len(done.failed)} left out")


def _of_line(line: Line, transcriber: Transcriber) -> Transcript:
    """Raises ``ValueError`` that names the audio file, since the line is named by its place."""
    name = line.audio.name
    try:
        if line.whole:
            return transcriber.file(line.audio, name=name, channel=line.channel)
        return transcriber.stretch(
            line.audio, name=name, start=line.offset, duration=line.duration, channel=line.channel
        )
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).removeprefix(f"{line.audio}: ")
        raise ValueError(f"{line.audio}: {why}") from error


def _summary(name: str, transcript: Transcript, seconds: float, files: Sequence[Path]) -> str:
    count = len(transcript.parts)
    parts = [f"{name}: {transcript.duration:.1f} s in {count} part{'s' * (count != 1)}"]
    if transcript.left_out_seconds >= 0.05:
        parts.append(f"{transcript.left_out_seconds:.1f} s of silence left out")
    if count > 1:
        places = [f"{part.start:.1f}" for part in transcript.parts[1:]]
        shown = ", ".join(places[:8]) + (", … (all in json)" if len(places) > 8 else "")
        parts.append(f"cut at {shown} s")
    parts += [*transcript.remarks, f"read in {seconds:.1f} s"]
    return ", ".join(parts) + (f" -> {', '.join(map(str, files))}" if files else "")


def _say(line: str) -> None:
    """To standard error: standard output is the text's, or the document's."""
    print(line, file=sys.stderr)
