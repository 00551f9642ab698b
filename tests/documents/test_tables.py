"""Every printed table is what its runs give: the blocks of README.md and docs/ against the packs in results/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .tables import BLOCK, CLAIMS, ROOT, claims_text, documents, render, rewritten

TEXT = """# A document
<!-- earmark report results/a.tar.xz --rows mil,fsl -->
old
<!-- end of report -->
between
<!-- earmark report results/b.tar.xz -->

old
<!-- end of report -->
"""


def _with_tables() -> list[Path]:
    return [path for path in documents() if BLOCK.search(path.read_text(encoding="utf-8"))]


@pytest.mark.integration
@pytest.mark.parametrize("path", _with_tables(), ids=lambda path: path.name)
def test_a_document_has_what_its_packs_give(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert rewritten(text, render) == text, "make tables writes it anew"


@pytest.mark.integration
@pytest.mark.parametrize("path", CLAIMS, ids=lambda path: path.name)
def test_the_claims_are_what_the_packs_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == claims_text(CLAIMS[path]), "make tables writes it anew"


@pytest.mark.integration
def test_verdicts_are_of_the_rows_and_columns_of_a_block_as_the_whole_report_has_them() -> None:
    pack = ROOT / "results" / "ctc_cells-demo.tar.xz"
    whole = render(pack, ["--parts", "verdicts"])
    one = render(pack, ["--parts", "verdicts", "--rows", "gru,lstm", "--columns", "test/cer,model/parameters"])
    assert [line.split(":")[0] for line in one.splitlines() if line.startswith("- ")] == ["- CER, against lstm"]
    (figure,) = re.findall(r"gru [−+][^,;]*", one)
    assert figure in whole, "corrected over the whole report"
    assert "simple_rnn" in whole
    assert "simple_rnn" not in one
    assert render(pack, ["--parts", "verdicts", "--rows", "lstm"]) == "\n"


@pytest.mark.integration
def test_costs_are_of_all_packs_that_a_block_names_each_run_once() -> None:
    both = ["results/language_models-demo.tar.xz", "results/ctc_decoding-demo.tar.xz"]
    lines = render(ROOT / both[0], ["--cost", both[1]]).splitlines()[2:]
    kinds = ["language_models | train", "language_models | score", "ctc_decoding | train", "ctc_decoding | score"]
    assert [line[2:].split(" alone")[0] for line in lines if "score" in line] == kinds[1::2]
    alone = render(ROOT / both[0], ["--cost"]).splitlines()[2:]
    assert alone == lines[:2], "the runs of the first table are among the other's, too"


def test_every_pack_stands_behind_a_table_and_says_so() -> None:
    named = {pack for path in documents() for _, pack, *_ in BLOCK.findall(path.read_text(encoding="utf-8"))}
    packs = {path.relative_to(ROOT).as_posix() for path in (ROOT / "results").rglob("*.tar.xz")}
    assert named <= packs, "a table whose pack is not there"
    about = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    assert not [pack for pack in packs if Path(pack).name not in about]
    in_folder = {
        folder: [pack for pack in packs if Path(pack).parent.name == folder] for folder in ("results", "weights")
    }
    assert sum(map(len, in_folder.values())) == len(packs)
    for folder, most_bytes in (("results", 10 * 2**20), ("weights", 6 * 2**20)):
        assert sum((ROOT / pack).stat().st_size for pack in in_folder[folder]) < most_bytes, folder


def test_blocks_are_rewritten_between_their_comments_and_nothing_else() -> None:
    asked: list[tuple[str, list[str]]] = []

    def new(pack: Path, options: list[str]) -> str:
        asked.append((pack.name, options))
        return "new\n"

    after = rewritten(TEXT, new)
    assert asked == [("a.tar.xz", ["--rows", "mil,fsl"]), ("b.tar.xz", [])]
    assert "old" not in after
    assert after.count("new") == 2
    assert after.startswith("# A document\n<!-- earmark report results/a.tar.xz --rows mil,fsl -->\n\nnew\n\n<!-- end")
    assert "\nbetween\n" in after
    assert rewritten(after, new) == after
    one = rewritten(TEXT, new, only="b")
    assert (one.count("new"), one.count("old")) == (1, 1)
    assert asked[-1] == ("b.tar.xz", [])


def test_a_block_that_does_not_end_is_refused() -> None:
    with pytest.raises(SystemExit, match="does not end"):
        rewritten(TEXT.replace("<!-- end of report -->", "", 1).replace("b.tar.xz", "c"), lambda *_: "")
