"""The real command line: recognisers of each encoder and setting train a step, are scored, and are in the report."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from experiments.runs.run_folder import NGRAMS, SYMBOLS_OF_NGRAMS
from lightning_modules.lm.stored import ARPA, VOCABULARY, load_ngrams

from ...launches import earmark, runs
from ...lightning_modules.lm.foreign_arpa import as_kenlm

TABLE = Path(__file__).parents[1] / "tiny_speech.yaml"
FOREIGN = """\
  foreign:
    why: the same n-grams out of another toolkit's file
    stage: score
    set:
      data:
        class_path: datamodules.text.TextDataModule
        init_args: {batch_size: 2, unit: subword, vocabulary_size: 30}
      scoring: {class_path: lightning_modules.lm.arpa_scoring.ArpaNgrams, init_args: {file: FILE}}
    unset: [data.batch_seconds, data.test_joined, scoring.decoder, scoring.num_pictures]
  foreign_lm:
    why: in the beam
    stage: score
    from: {own: subword, language_model: foreign}
    set:
      data.unit: subword
      data.vocabulary_size: 30
      scoring.decoder: lightning_modules.asr.ctc.fused_decoders.FusedBeam
  words:
    why: of words
    stage: score
    set:
      data: {class_path: datamodules.text.TextDataModule, init_args: {batch_size: 2, unit: word}}
      scoring: {class_path: lightning_modules.lm.ngram_scoring.NgramScoring, init_args: {order: 2}}
    unset: [data.batch_seconds, data.test_joined, scoring.decoder, scoring.num_pictures]
  look_ahead:
    why: spells the words that training has not, so it asks for those that it has
    stage: score
    from: {own: tdnn, language_model: words}
    set: {scoring.decoder: lightning_modules.asr.ctc.look_ahead_beam.LookAheadBeam}
seeds: [0]
"""
pytestmark = pytest.mark.integration


def _figures(home: Path, table: Path) -> dict[tuple[str, str], str]:
    report = earmark(home, "report", str(table), "--format", "csv")
    assert report.returncode == 0, report.stderr
    return {(line["row"], line["metric"]): line["mean"] for line in csv.DictReader(report.stdout.splitlines())}


def _run_of(home: Path, row: str) -> Path:
    (found,) = (run for run in runs(home) if json.loads((run / "provenance.json").read_text())["row"] == row)
    return found


def test_packs_know_the_files_of_a_counted_language_model_by_name() -> None:
    assert (f"scores/{ARPA}", f"scores/{VOCABULARY}") == (NGRAMS, SYMBOLS_OF_NGRAMS)


def test_recognisers_train_and_are_reported(tmp_path: Path) -> None:
    assert earmark(tmp_path, "data", "spoken_tones", "--scale", "tiny").returncode == 0
    done = earmark(tmp_path, "run", str(TABLE), "--slots", "1")
    assert done.returncode == 0, done.stderr
    figures = _figures(tmp_path, TABLE)
    for row in ("tdnn", "averaged", "subword", "subword_lm", "subword_gru_lm", "hybrid_subword", "conformer"):
        assert figures[row, "test/cer"], row
        assert figures[row, "test_joined/cer"], row
    assert figures["hybrid_subword", "test/cer_by_ctc"] != figures["hybrid_subword", "test/cer_by_attention"]
    _is_transcribed_as_scored(tmp_path)
    _a_rung_runs_on_merged_ngrams(tmp_path)
    _decodes_with_the_file_of_another_toolkit(tmp_path)


def _is_transcribed_as_scored(home: Path) -> None:
    """By the one of two decoders that validation chose, as the run's own and as a row's."""
    run = _run_of(home, "hybrid_subword")
    chosen = json.loads((run / "scores" / "chosen_decoder.json").read_text())["chosen"]
    kind = {"ctc": "PrefixBeam", "attention": "AttentionBeam"}[chosen]
    lines = (run / "scores" / "hypotheses_test.tsv").read_text(encoding="utf-8").splitlines()
    names = dict(line.split("\t") for line in lines)
    name = max(names, key=lambda one: len(names[one]))
    audio = next((home / "data" / "spoken_tones" / "tiny").rglob(f"{name}.*"))
    for row in ([], ["--row", f"{TABLE}/hybrid_subword"]):
        told = (
            "transcribe",
            f"{TABLE}/hybrid_subword",
            str(audio),
            *row,
            "--json",
            "-o",
            str(home / f"texts{len(row)}"),
        )
        done = earmark(home, *told)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["files"][0]["text"] == names[name]
        assert f"read by {kind} of" in done.stderr
        assert f" ({chosen}, which validation chose of " in done.stderr


def _a_rung_runs_on_merged_ngrams(home: Path) -> None:
    """N-grams and predictions travel with ``--predictions all``: what is decoded with them elsewhere is the same."""
    other, pack = home / "other", home / "whole.tar.xz"
    wanted = ("--rows", "subword,ngram", "--predictions", "all", "--output", str(pack))
    assert earmark(home, "results", "pack", str(TABLE), *wanted).returncode == 0
    other.mkdir()
    (other / "data").symlink_to(home / "data")
    assert earmark(other, "results", "merge", str(pack)).returncode == 0
    assert (_run_of(other, "ngram") / NGRAMS).read_bytes() == (_run_of(home, "ngram") / NGRAMS).read_bytes()
    done = earmark(other, "run", str(TABLE), "--rows", "subword_lm", "--slots", "1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(": finished after") == 1, done.stderr
    lists = [_run_of(of, "subword_lm") / "scores" / "hypotheses_test.tsv" for of in (home, other)]
    assert lists[0].read_bytes() == lists[1].read_bytes()


def _decodes_with_the_file_of_another_toolkit(home: Path) -> None:
    """Rows that train nothing: KenLM's gzipped ARPA file of the n-grams that the row ``ngram`` counted, look-ahead."""
    file, table = home / "texts.arpa.gz", home / TABLE.name
    file.write_bytes(gzip.compress(as_kenlm(load_ngrams(_run_of(home, "ngram") / "scores")).encode()))
    table.write_text(TABLE.read_text().replace("seeds: [0]\n", FOREIGN.replace("FILE", str(file))))
    done = earmark(home, "run", str(table), "--slots", "1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(": finished after") == 4, done.stderr
    figures = _figures(home, table)
    for metric in ("test/cer", "test_joined/cer"):
        assert figures["foreign_lm", metric] == figures["subword_lm", metric]
    lists = [_run_of(home, row) / "scores" / "hypotheses_test.tsv" for row in ("foreign_lm", "subword_lm")]
    assert lists[0].read_bytes() == lists[1].read_bytes()
    _is_transcribed_with_look_ahead(home, table)


def _is_transcribed_with_look_ahead(home: Path, table: Path) -> None:
    """Which counts words of the training texts: they come from the run's corpus."""
    texts = (_run_of(home, "look_ahead") / "scores" / "hypotheses_test.tsv").read_text(encoding="utf-8").splitlines()
    names = dict(line.split("\t") for line in texts)
    name = max(names, key=lambda one: len(names[one]))
    audio = next((home / "data" / "spoken_tones" / "tiny").rglob(f"{name}.*"))
    told = ("transcribe", f"{table}/tdnn", str(audio), "--row", f"{table}/look_ahead", "--json")
    done = earmark(home, *told, "-o", str(home / "texts_look_ahead"))
    assert done.returncode == 0, done.stderr
    assert "read by LookAheadBeam of" in done.stderr
    assert json.loads(done.stdout)["files"][0]["text"] == names[name]
