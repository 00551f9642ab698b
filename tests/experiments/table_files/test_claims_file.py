"""The claims file of the project names what is there; a mistake in one of a user's is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.errors import UserError
from experiments.table_files.claims_file import CLAIMS, Bound, read_claims, read_title
from experiments.table_files.spec import read_table

GOOD = (
    "a:\n  says: so\n  because: of that\n  evidence:\n    - {table: t, row: x, against: y, column: m, expect: better}\n"
)
SHIPPED = [CLAIMS, *(CLAIMS.with_name(f"{of}_questions.yaml") for of in ("sed", "speech", "alignment"))]


def test_the_claims_of_the_field_are_ten() -> None:
    assert len(read_claims()) == 10


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_statements_name_rows_that_their_tables_have(path: Path) -> None:
    for claim in read_claims(path):
        for one in claim.evidence:
            assert one.scale is not None, (
                f"{claim.name}: {one.table}: packs of two scales would leave open which is meant"
            )
            table = read_table(one.table, scale=one.scale)
            for row in (one.row,) if isinstance(one, Bound) else (one.row, one.against):
                assert row in table.rows, f"{claim.name}: {one.table}/{row}"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("says: so", "says: 3", "a.says: expected a sentence"),
        ("expect: better", "expect: bettr", "a.evidence[0].expect: unknown value 'bettr'"),
        ("expect: better", "expects: better", "expects"),
        ("against: y, ", "", "a.evidence[0].against: expected a name, got None"),
        ("against: y, column: m, expect: better", "column: m, above: 1, below: 2", "above and below: one of them"),
        ("against: y, column: m, expect: better", "column: m, above: [1]", "above: expected a number or a metric"),
        ("evidence:\n    - {", "evidence: 1\n    #", "a.evidence: expected a list"),
        ("because: of that", "becuse: of that", "becuse"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UserError) as refused:
        read_claims(path)
    assert says in str(refused.value)
    assert "mine.yaml" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_good_file_is_read_and_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    (claim,) = read_claims(path)
    assert (claim.name, claim.says, claim.evidence[0].metric) == ("a", "so", "m")
    with pytest.raises(UserError, match="no such claims file"):
        read_claims(tmp_path / "none.yaml")


def test_a_file_may_have_a_title_that_is_no_claim(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    assert read_title(path) == "Claims"
    path.write_text("title: What I think\n" + GOOD)
    assert read_title(path) == "What I think"
    assert [claim.name for claim in read_claims(path)] == ["a"]
    path.write_text(GOOD.replace("a:", "title:", 1))
    with pytest.raises(UserError, match=r"mine\.yaml: title: expected the file's heading, not a claim"):
        read_title(path)
    assert len({read_title(of) for of in SHIPPED}) == len(SHIPPED)
