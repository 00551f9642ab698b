"""Files of score curves: written and read back to the last bit, everything else refused with file, line and value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.metrics.curves.score_curves import ClipCurves, CurveError, ScoreCurves
from lightning_modules.metrics.curves.score_files import read_scores, write_scores

scores = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(rows=st.lists(st.tuples(scores, scores), max_size=6), hop=st.floats(1e-3, 10))
def test_curves_are_read_back_to_the_last_bit(tmp_path_factory, rows, hop):
    scores_TC = np.array(rows, dtype=np.float32).reshape(-1, 2)
    curves = ScoreCurves(("Dog", "cat, small"), {"a_30.000": ClipCurves(np.arange(len(rows) + 1) * hop, scores_TC)})
    folder = tmp_path_factory.mktemp("scores") / "new"
    write_scores(folder, curves)
    read = read_scores(folder)
    assert read.classes == curves.classes
    np.testing.assert_array_equal(read.by_clip["a_30.000"].scores_TC, scores_TC)
    np.testing.assert_array_equal(read.by_clip["a_30.000"].edges, curves.by_clip["a_30.000"].edges)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no file"),
        ({"a.txt": ""}, "holds a.txt, allowed: CLIP.tsv"),
        ({"a.tsv": ""}, "a.tsv, line 1: heading ''"),
        ({"a.tsv": "onset offset dog\n"}, "a.tsv, line 1: heading"),
        ({"a.tsv": "onset\toffset\tdog\n0\t1\n"}, "a.tsv, line 2: 2 columns, allowed: the heading's 3"),
        ({"a.tsv": "onset\toffset\tdog\n0\t1\tnan\n"}, "a.tsv, line 2: dog 'nan', allowed: a number"),
        ({"a.tsv": "onset\toffset\tdog\n0\t1\t.5\n1.5\t2\t0,5\n"}, "a.tsv, line 3: dog '0,5', allowed: a number"),
        ({"a.tsv": "onset\toffset\tdog\n0\t1\t.5\n1.5\t2\t.5\n"}, "a.tsv, line 3: onset 1.5 after .* ends at 1,"),
        ({"a.tsv": "onset\toffset\tdog\n0\t1\t.5\n0.5\t2\t.5\n"}, "a.tsv, line 3: onset 0.5 after .* ends at 1,"),
        ({"a.tsv": "onset\toffset\tdog\n0\t0\t.5\n"}, "clip a: edge 0.0 after 0.0 s"),
        ({"a.tsv": "onset\toffset\tdog\n0\t1\tinf\n"}, "clip a: score inf of class dog"),
        (
            {"a.tsv": "onset\toffset\tdog\n0\t1\t1\n", "b.tsv": "onset\toffset\tcat\n0\t1\t1\n"},
            "b.tsv, line 1: classes cat, allowed: those of a.tsv: dog",
        ),
    ],
)
def test_what_is_no_curve_is_refused_with_its_place(tmp_path, files, said):
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(CurveError, match=said):
        read_scores(tmp_path)


def test_names_and_folders_that_such_files_cannot_hold(tmp_path):
    curve = ClipCurves(np.array([0.0, 1.0]), np.array([[0.5]]))
    with pytest.raises(CurveError, match="clip 'x/a', allowed"):
        write_scores(tmp_path / "new", ScoreCurves(("dog",), {"x/a": curve}))
    with pytest.raises(CurveError, match=r"class 'a\\tb', allowed"):
        write_scores(tmp_path / "new", ScoreCurves(("a\tb",), {"a": curve}))
    (tmp_path / "mine.txt").write_text("", encoding="utf-8")
    with pytest.raises(CurveError, match="has files already"):
        write_scores(tmp_path, ScoreCurves(("dog",), {"a": curve}))
