"""``earmark align``: when the words of given texts are said, by a CTC output. Imports wait inside ``run``."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datamodules.importers.detect import FORMATS as MANIFEST_FORMATS
from experiments.commands.data.manifest_arguments import language_argument

if TYPE_CHECKING:
    from experiments.applying.aligning.aligner import AlignedText
    from experiments.applying.aligning.given_texts import GivenText, Spelling
    from experiments.applying.chosen_run import ChosenRun
    from experiments.applying.transcribing.reading import Reader

FORMATS = ("textgrid", "ctm", "json")
EXAMPLE = """examples:
  earmark align ctc_decoding/greedy --audio talk.wav --text talk.txt       talk_aligned/talk.TextGrid and others
  earmark align ctc_decoding/greedy --manifest test.jsonl -o aligned       NeMo's lines: audio_filepath, text
  earmark align ctc_decoding/greedy --manifest data/test                   a Kaldi folder: wav.scp, text, segments
  earmark align ctc_decoding/greedy --manifest test.jsonl --label-priors 0.5 -f ctm

RUN is an id of MLflow or a key (or its beginning), TABLE/ROW (of several seeds the best on validation), or the folder
of a run or of earmark export; it must have a CTC output (CTC, hybrids). The manifest is any that earmark data import
reads. A word lasts from the first frame of its first token to the last of its last on the best path; CTC networks
say tokens in few frames, so words end early: --label-priors, estimated on the files given, makes them longer. A text
without a path is one line, the others go on, and the exit code is 1."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options on a (sub)parser."""
    parser.description = "When each word and token of given texts is said: forced alignment with a CTC output."
    parser.epilog = EXAMPLE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.allow_abbrev = False  # --format, import's option for manifests, would be --formats
    parser.add_argument("run_text", metavar="RUN", help="the recogniser")
    parser.add_argument("--manifest", type=Path, metavar="PATH", help="recordings, texts: JSON lines, TSV, Kaldi …")
    parser.add_argument(
        "--manifest-format",
        default="auto",
        choices=("auto", *MANIFEST_FORMATS),
        metavar="FORMAT",
        help=f"default: by name and content; {', '.join(MANIFEST_FORMATS)}",
    )
    parser.add_argument(
        "--audio-root", type=Path, metavar="DIR", help="where relative audio files are (default: beside the manifest)"
    )
    parser.add_argument("--audio", type=Path, metavar="FILE", help="one recording, with --text")
    parser.add_argument("--text", type=Path, metavar="FILE", help="its text")
    parser.add_argument(
        "--language", type=language_argument, metavar="xx", help="ISO 639 code of texts whose manifest says none"
    )
    parser.add_argument(
        "--label-priors", type=float, default=0.0, metavar="A", help="their weight, 0 (default, none) or more"
    )
    parser.add_argument(
        "-f", "--formats", default="textgrid,ctm,json", metavar="F,F", help="textgrid, ctm, json (default all)"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="default: NAME_aligned beside the input")
    parser.add_argument("--scale", help="scale of a TABLE/ROW (default: the table's first)")
    parser.add_argument("--overwrite", action="store_true", help="replace output files that are there")
    parser.add_argument("--json", action="store_true", help="the JSON document on standard output too")


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0 where every text was aligned, 1 where some were not."""
    from experiments.waiting import with_bar, working

    with working(f"loading {arguments.run_text}"):
        from experiments.applying.aligning.aligner import align_texts
        from experiments.applying.aligning.alignment_files import as_json
        from experiments.applying.chosen_run import choose_run
        from experiments.applying.transcribing.remarks import by_remark
        from experiments.commands.using.next_use import after_texts

        formats, texts, folder = _asked(arguments)
        files = _files(texts, folder, formats, overwrite=arguments.overwrite)
        chosen = choose_run(arguments.run_text, scale=arguments.scale)
        reader, spelling = _reader(chosen)
        spelling.warn_of_general_rules(texts)
    priors = "without label priors"
    if arguments.label_priors:
        priors = f"with label priors of these {len(texts)} recordings, weight {arguments.label_priors:g}"
    print(f"{chosen.name} ({chosen.key_id[:7]}), {priors}, frames of {reader.system.hop_seconds:g} s", file=sys.stderr)
    failed: list[dict[str, str]] = []

    def tell(utterance_id: str, why: str) -> None:
        failed.append({"utterance": utterance_id, "why": why})
        print(f"earmark: {utterance_id}: {why}", file=sys.stderr)

    bar: Any = with_bar(texts, "aligning")
    aligned = list(align_texts(bar, reader, spelling, prior_scale=arguments.label_priors, failed=tell))
    reader.close()
    record = {
        "run": {"text": arguments.run_text, "name": chosen.name, "key": chosen.key_id},
        "label_priors": arguments.label_priors, "hop_seconds": reader.system.hop_seconds, "failed": failed,
    }  # fmt: skip
    document = as_json(aligned, record=record)
    _write(aligned, files, formats, folder, document)
    for remark in by_remark((one.utterance_id, one.remarks) for one in aligned):
        print(remark, file=sys.stderr)
    print(f"{len(aligned)} of {len(texts)} texts aligned -> {folder}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(json.loads(document), ensure_ascii=False))
    elif not failed:
        after_texts(reader.system, arguments.run_text, arguments.scale)
    return 1 if failed else 0


def _asked(arguments: argparse.Namespace) -> tuple[tuple[str, ...], list[GivenText], Path]:
    """The formats, the texts and the folder of the output."""
    from experiments.applying.aligning.given_texts import of_files, of_manifest
    from experiments.errors import UserError, unknown

    formats = tuple(dict.fromkeys(name.strip() for name in arguments.formats.split(",") if name.strip()))
    for name in formats:
        if name not in FORMATS:
            raise UserError(f"-f {arguments.formats}: {unknown('format', name, FORMATS)}")
    if not 0 <= arguments.label_priors < float("inf"):
        raise UserError(f"--label-priors {arguments.label_priors}, allowed: 0 or more")
    pair = (arguments.audio, arguments.text)
    if (arguments.manifest is None) == (pair == (None, None)) or pair.count(None) == 1:
        raise UserError("name --manifest PATH, or --audio FILE --text FILE, one of the two (see earmark align --help)")
    if arguments.manifest is None and (arguments.audio_root is not None or arguments.manifest_format != "auto"):
        raise UserError("--audio-root and --manifest-format: allowed with --manifest")
    source: Path = arguments.manifest or arguments.audio
    if arguments.manifest is not None:
        texts = of_manifest(
            source,
            language=arguments.language,
            format_name=arguments.manifest_format,
            audio_root=arguments.audio_root,
        )
    else:
        texts = [of_files(source, arguments.text, language=arguments.language)]
    return formats, texts, arguments.output or source.with_name(f"{source.name.split('.')[0] or source.name}_aligned")


def _files(texts: Sequence[GivenText], folder: Path, formats: Sequence[str], *, overwrite: bool) -> dict[str, Path]:
    """The TextGrid of each utterance by its id; refuses names that are there, or would be of two utterances."""
    from experiments.applying.transcribing.output_files import refuse_existing
    from experiments.errors import UserError

    names = {one.utterance_id: re.sub(r"[^\w.-]", "_", one.utterance_id) for one in texts}
    files = {utterance_id: folder / f"{name}.TextGrid" for utterance_id, name in names.items()}
    if len(set(files.values())) < len(files):
        raise UserError("ids that differ in signs alone would have one TextGrid; give them names of letters and digits")
    wanted = list(files.values()) if "textgrid" in formats else []
    wanted += [folder / name for name in ("words.ctm", "tokens.ctm")] if "ctm" in formats else []
    refuse_existing([*wanted, *([folder / "alignment.json"] if "json" in formats else [])], overwrite=overwrite)
    return files


def _reader(chosen: ChosenRun) -> tuple[Reader, Spelling]:
    from experiments.applying.aligning.given_texts import Spelling
    from experiments.applying.loaded_system import facts_of, load_system
    from experiments.applying.run_text_rules import text_rules_of_run
    from experiments.applying.transcribing.reading import Reader, unit_of
    from experiments.errors import UserError
    from lightning_modules.asr.ctc.ctc_output import CtcOutput

    system = load_system(chosen)
    if not isinstance(system, CtcOutput):
        raise UserError(
            f"run {chosen.name}: a {type(system).__name__} has no CTC output to align with, allowed: CTC, hybrids"
        )
    reader = Reader(system, chosen, sample_rate_hz=facts_of(chosen).sample_rate_hz)
    return reader, Spelling(system.symbols, unit_of(chosen), text_rules_of_run(chosen))


def _write(
    aligned: Sequence[AlignedText], files: dict[str, Path], formats: Sequence[str], folder: Path, document: str
) -> None:
    from experiments.applying.aligning.alignment_files import as_textgrid, tokens_ctm, words_ctm
    from experiments.applying.transcribing.output_files import write_text

    if "textgrid" in formats:
        for one in aligned:
            write_text(files[one.utterance_id], as_textgrid(one))
    if "ctm" in formats:
        write_text(folder / "words.ctm", words_ctm(aligned))
        write_text(folder / "tokens.ctm", tokens_ctm(aligned))
    if "json" in formats:
        write_text(folder / "alignment.json", document)
