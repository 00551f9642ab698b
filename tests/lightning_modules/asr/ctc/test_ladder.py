"""The rungs on posteriors of a known answer: a noisy reading of sentences that a language model can mend."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from datamodules.annotations import UtteranceReferences
from datamodules.run_warning import RunWarning
from datamodules.texts.tokenizer import Tokenizer, character_tokenizer, subword_tokenizer, word_tokenizer
from lightning_modules.asr.ctc.decoder import Decoder, Greedy, PrefixBeam, PrefixSearch
from lightning_modules.asr.ctc.fused_decoders import FusedBeam, Rescored
from lightning_modules.asr.ctc.hotword_beam import HotwordBeam
from lightning_modules.asr.ctc.look_ahead_beam import LookAheadBeam
from lightning_modules.asr.ctc.n_best_decoders import ConfidentBeam, MinimumRisk
from lightning_modules.asr.ctc.wfst_decoder import Wfst
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.asr.scoring.decoding_scoring import DecodingScoring
from lightning_modules.asr.scoring.several_decodings import SeveralDecodings
from lightning_modules.lm.ngram import estimate_ngrams
from lightning_modules.lm.stored import save_ngrams

TEXTS = ["abba cab", "cab dad", "dad abba", "bad cab", "dad cab abba", "cab bad dad"]
TOKENIZER = character_tokenizer(TEXTS)


SUBWORDS = subword_tokenizer(TEXTS, size=12)


def references(ids: Sequence[str], tokenizer: Tokenizer = TOKENIZER) -> UtteranceReferences:
    texts = {name: TEXTS[index % len(TEXTS)] for index, name in enumerate(ids)}
    return UtteranceReferences(
        symbols=tokenizer.symbols,
        unit=tokenizer.unit,
        sample_rate_hz=16_000,
        texts=texts,
        languages=dict.fromkeys(texts, "en"),
        speakers=dict.fromkeys(texts, "x"),
        duration_seconds=dict.fromkeys(texts, 1.0),
        training_texts=tuple(TEXTS * 3),
        load_waveform=lambda _: np.random.default_rng(0).normal(size=16_000).astype(np.float32) / 8,
    )


def noisy(known: UtteranceReferences, *, seed: int, tokenizer: Tokenizer = TOKENIZER) -> PosteriorPredictions:
    """Each character a frame, blanks between; now and then a wrong character is likelier than the right one."""
    rng = np.random.default_rng(seed)
    rows = []
    for name in sorted(known.texts):
        frames = []
        for token in tokenizer.encode(known.texts[name]):
            right = np.full(len(tokenizer.symbols), 0.01)
            right[token] = 1.0
            if rng.random() < 0.3:
                right[rng.integers(1, len(right))] += 1.2
            blank = np.full(len(right), 0.01)
            blank[0] = 1.0
            frames += [right / right.sum(), blank / blank.sum()]
        rows.append(np.log(frames).astype(np.float32))
    return PosteriorPredictions(
        symbols=tokenizer.symbols,
        utterance_ids=tuple(sorted(known.texts)),
        log_probs_FV=np.concatenate(rows),
        num_frames_N=np.array([len(row) for row in rows]),
        hop_seconds=0.04,
        encoding_seconds=0.5,
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("ladder")
    found = {name: folder / name for name in ("own", "characters", "words")}
    for path in found.values():
        path.mkdir()
    for seed, split in enumerate(("validation", "test")):
        noisy(references([f"{split}{n:02}" for n in range(24)]), seed=seed).save(found["own"] / f"{split}.npz")
    for name, tokenizer in (("characters", TOKENIZER), ("words", word_tokenizer(TEXTS * 3))):
        sentences = [tokenizer.encode(text) for text in TEXTS * 3]
        save_ngrams(found[name], estimate_ngrams(sentences, symbols=tokenizer.symbols, unit=tokenizer.unit, order=4))
    return found


def scores(
    decoder: Decoder,
    folders: dict[str, Path],
    out: Path,
    model: str = "",
    pictures: int = 0,
    tokenizer: Tokenizer = TOKENIZER,
) -> dict[str, float]:
    known = {split: references([f"{split}{n:02}" for n in range(24)], tokenizer) for split in ("validation", "test")}
    given = {"own": folders["own"], **({"language_model": folders[model]} if model else {})}
    return DecodingScoring(decoder=decoder, num_pictures=pictures).score(
        predictions=given, references=known, output_dir=out
    )


@pytest.mark.parametrize(
    ("decoder", "model"),
    [
        (FusedBeam(beam_size=30), "characters"),
        (FusedBeam(beam_size=30), "words"),
        (FusedBeam(beam_size=30, only_known_words=True), "words"),
        (FusedBeam(beam_size=30, log_bonus=True), "words"),
        (LookAheadBeam(beam_size=30), "words"),
        (LookAheadBeam(beam_size=30, only_known_words=True), "words"),
        (MinimumRisk(beam_size=30, n_best=20, lm_weights=[0.5, 1.0], word_bonuses=[0.0, 1.0]), "characters"),
        (HotwordBeam(beam_size=30, rare_count=99, lm_weights=[0.5, 1.0], word_bonuses=[0.0, 1.0]), "characters"),
        (Rescored(beam_size=60, n_best=60), "characters"),
        (Rescored(beam_size=60, n_best=60), "words"),
        (Wfst(), "words"),
    ],
)
def test_a_language_model_mends_what_greedy_misreads(
    decoder: Decoder, model: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    if isinstance(decoder, Wfst):
        pytest.importorskip("kaldi_decoder")
    alone = scores(Greedy(), folders, tmp_path)
    mended = scores(decoder, folders, tmp_path, model)
    assert mended["test/wer"] < alone["test/wer"] - 0.2
    kept = json.loads((tmp_path / "decoding.json").read_text())
    assert kept["weights"] == {name: mended[f"decoding/{name}"] for name in decoder.weight_grid}
    assert set(kept["at_edge"]) <= set(decoder.weight_grid)
    assert kept["error"] == mended["validation/wer"]
    for name in decoder.weight_grid:
        beside = [side["error"] for side in kept["beside"][name].values() if side is not None]
        assert min(beside) >= kept["error"]
        assert name in kept["at_edge"] or len(beside) == 2 or kept["weights"][name] == 0
    assert min(trial["error"] for trial in kept["trials"]) == mended["validation/wer"]


def test_each_word_has_a_confidence_that_tells_right_from_wrong(folders: dict[str, Path], tmp_path: Path) -> None:
    rung = ConfidentBeam(beam_size=30, n_best=20, lm_weights=[0.05], word_bonuses=[0.0])
    found = scores(rung, folders, tmp_path, "characters")
    assert found["test/confidence_roc_area"] > 0.6
    assert found["test/confidence_nce"] >= found["test/confidence_nce_unscaled"] - 0.05  # fitted on validation
    assert found["test/confidence_nce"] >= found["test/confidence_nce_unmapped"] - 0.05
    kept = json.loads((tmp_path / "confidence.json").read_text(encoding="utf-8"))
    assert kept == {
        "posterior_scale": found["test/confidence_scale"],
        "slope": found["test/confidence_slope"],
        "offset": found["test/confidence_offset"],
    }
    lines = (tmp_path / "confidences.tsv").read_text(encoding="utf-8").splitlines()[1:]
    words = [line.split("\t") for line in lines]
    assert all(0 <= float(confidence) <= 1 for _, _, confidence, _ in words)
    texts = dict(
        line.split("\t") for line in (tmp_path / "hypotheses_test.tsv").read_text(encoding="utf-8").splitlines()
    )
    assert " ".join(word for utterance, word, _, _ in words if utterance == "test00") == texts["test00"]
    assert found["test/confidence_ece_n"] == found["test/confidence_roc_area_n"] == len(words)
    assert (tmp_path / "reliability.png").stat().st_size > 1000


def test_hotwords_are_a_file_of_phrases_and_what_cannot_be_written_is_said(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "names.txt").write_text("abba\n\ncab  dad\nzoë\n", encoding="utf-8")
    rung = HotwordBeam(
        beam_size=30, hotwords=tmp_path / "names.txt", lm_weights=[0.3], word_bonuses=[0.0], hotword_bonuses=[0.6]
    )
    with pytest.warns(RunWarning, match=r"1 phrases hold what the recogniser has no symbol for .* the first is 'zoë'"):
        found = scores(rung, folders, tmp_path, "characters")
    assert found["test/hotwords"] == 2
    assert found["test/listed_wer"] <= found["test/listed_wer_without"]
    said = [word for text in references([f"test{n:02}" for n in range(24)]).texts.values() for word in text.split()]
    listed = sum(word in ("abba", "cab", "dad") for word in said)
    assert (found["test/listed_wer_n"], found["test/other_wer_without_n"]) == (listed, len(said) - listed)
    with pytest.raises(ValueError, match="expected a text file"):
        HotwordBeam(hotwords=tmp_path / "none.txt")


def test_splits_beside_test_are_decoded_with_the_same_weights(folders: dict[str, Path], tmp_path: Path) -> None:
    known = {split: references([f"{split}{n:02}" for n in range(24)]) for split in ("validation", "test")}
    shutil.copy(folders["own"] / "test.npz", folders["own"] / "test_joined.npz")
    given = {"own": folders["own"], "language_model": folders["characters"]}
    found = DecodingScoring(decoder=FusedBeam(beam_size=30)).score(
        predictions=given, references={**known, "test_joined": known["test"]}, output_dir=tmp_path
    )
    assert (found["test_joined/wer"], found["test_joined/cer"]) == (found["test/wer"], found["test/cer"])
    texts = [(tmp_path / f"hypotheses_{split}.tsv").read_text() for split in ("test", "test_joined")]
    assert texts[0] == texts[1]


@pytest.fixture(scope="module")
def of_subwords(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same sentences as subwords: posteriors, an n-gram of subwords, and the others' n-gram of words."""
    own, subwords = (tmp_path_factory.mktemp(name) for name in ("own", "subwords"))
    for seed, split in enumerate(("validation", "test")):
        known = references([f"{split}{n:02}" for n in range(24)], SUBWORDS)
        noisy(known, seed=seed, tokenizer=SUBWORDS).save(own / f"{split}.npz")
    sentences = [SUBWORDS.encode(text) for text in TEXTS * 3]
    save_ngrams(subwords, estimate_ngrams(sentences, symbols=SUBWORDS.symbols, unit="subword", order=4))
    return {"own": own, "subwords": subwords, "words": folders["words"]}


@pytest.mark.parametrize(
    ("decoder", "model"),
    [
        (FusedBeam(beam_size=30), "subwords"),
        (Rescored(beam_size=60, n_best=60), "subwords"),
        (Rescored(beam_size=60, n_best=60), "words"),
    ],
)
def test_subwords_are_mended_by_their_own_ngram_and_rescored_by_any(
    decoder: Decoder, model: str, of_subwords: dict[str, Path], tmp_path: Path
) -> None:
    alone = scores(Greedy(), of_subwords, tmp_path, tokenizer=SUBWORDS)
    mended = scores(decoder, of_subwords, tmp_path, model, tokenizer=SUBWORDS)
    assert mended["test/wer"] < alone["test/wer"] - 0.1


@pytest.mark.parametrize(
    ("decoder", "says"),
    [
        (FusedBeam(), "a model over words can't be asked inside a beam of subwords; rescore"),
        (Wfst(), "a WFST spells words in characters, and this recogniser writes subwords"),
    ],
)
def test_what_spells_words_in_characters_refuses_subwords(
    decoder: Decoder, says: str, of_subwords: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=says):
        scores(decoder, of_subwords, tmp_path, "words", tokenizer=SUBWORDS)


def test_rungs_without_a_language_model_fit_nothing(folders: dict[str, Path], tmp_path: Path) -> None:
    greedy, search, beam = (scores(rung, folders, tmp_path) for rung in (Greedy(), PrefixSearch(), PrefixBeam()))
    assert search["test/wer"] == beam["test/wer"]  # both find the best labelling of these short texts
    assert not [name for name in greedy if name.startswith("decoding/")]
    assert greedy["test/real_time_factor"] > 0.5 / 24  # the network's time is in it


def test_pictures_are_drawn_where_asked(folders: dict[str, Path], tmp_path: Path) -> None:
    scores(Greedy(), folders, tmp_path, pictures=2)
    assert len(list((tmp_path / "utterances").glob("*.png"))) == 2


def test_what_does_not_fit_is_said(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="language_model: missing"):
        scores(FusedBeam(), folders, tmp_path)
    with pytest.raises(ValueError, match="needs an n-gram over words"):
        scores(Wfst(), folders, tmp_path, "characters")
    with pytest.raises(ValueError, match="needs an n-gram over words"):
        scores(FusedBeam(only_known_words=True), folders, tmp_path, "characters")
    with pytest.raises(ValueError, match="look-ahead needs an n-gram over words"):
        scores(LookAheadBeam(), folders, tmp_path, "characters")
    with pytest.raises(ValueError, match=r"escape 1\.5, allowed: a probability"):
        LookAheadBeam(escape=1.5)
    with pytest.raises(ValueError, match="must lie within 2 and beam_size 10"):
        Rescored(beam_size=10, n_best=11)
    with pytest.raises(ValueError, match="the beam must be above 0"):
        Wfst(beam=0)
    with pytest.raises(ValueError, match="weights above 0"):
        FusedBeam(lm_weights=[0.0, 1.0])
    with pytest.raises(ValueError, match="must be a recogniser's training run"):
        scores(Greedy(), {"own": tmp_path}, tmp_path)


def test_several_decodings_keep_all_figures_and_choose_on_validation(folders: dict[str, Path], tmp_path: Path) -> None:
    known = {split: references([f"{split}{n:02}" for n in range(24)]) for split in ("validation", "test")}
    given = {"own": folders["own"], "language_model": folders["characters"]}
    found = SeveralDecodings(decoders={"greedy": Greedy(), "lm": FusedBeam(beam_size=30)}).score(
        predictions=given, references=known, output_dir=tmp_path
    )
    for name in ("greedy", "lm"):
        kept = json.loads((tmp_path / name / "scores.json").read_text())["metrics"]
        assert {kept["test/cer"], found[f"test/cer_by_{name}"]} == {kept["test/cer"]}
        assert {kept["validation/wer"], found[f"validation/wer_by_{name}"]} == {kept["validation/wer"]}
    assert found["validation/cer"] == min(found["validation/cer_by_greedy"], found["validation/cer_by_lm"])
    assert json.loads((tmp_path / "chosen_decoder.json").read_text())["chosen"] == "lm"
    assert found["test/cer"] == found["test/cer_by_lm"] < found["test/cer_by_greedy"]
    assert (tmp_path / "hypotheses_test.tsv").read_text() == (tmp_path / "lm" / "hypotheses_test.tsv").read_text()
    assert json.loads((tmp_path / "scores.json").read_text())["metrics"] == found
    with pytest.raises(ValueError, match="allowed: one or more, by names of letters"):
        SeveralDecodings(decoders={"my beam": Greedy()})
