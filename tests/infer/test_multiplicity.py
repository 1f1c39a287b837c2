from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.infer.multiplicity import COLUMNS, adjust

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@pytest.fixture(scope="module")
def frozen():
    return json.loads((REFERENCE / "infer_dilution.json").read_text())["adjusted"]


@pytest.mark.parametrize("method", COLUMNS)
def test_agrees_with_p_adjust(frozen, method):
    found = adjust(pd.DataFrame({"p": frozen["p"]}), method=[method])
    np.testing.assert_allclose(found[COLUMNS[method]], frozen[method], rtol=1e-12)


def test_the_example_of_benjamini_and_hochberg():
    # Their 15 comparisons (1995, section 3.2): 4 hypotheses rejected at a false discovery rate of 5%, 3 by Bonferroni.
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1,
    ]
    found = adjust(pd.DataFrame({"p": p}), method=["fdr_bh", "bonferroni"])
    assert (found["p_fdr"] <= 0.05).sum() == 4
    assert (found["p_bonferroni"] <= 0.05).sum() == 3


def test_families_are_adjusted_apart_and_keep_their_rows(frozen):
    first = pd.DataFrame({"p": frozen["p"], "model": "full", "sex": None})
    second = pd.DataFrame({"p": [0.02, 0.04], "model": "full", "sex": "Women"})
    both = pd.concat([first, second]).sample(frac=1, random_state=1)
    found = adjust(both, family=["model", "sex"])
    pd.testing.assert_frame_equal(found[both.columns], both)
    everybody = found[found["sex"].isna()].sort_index()
    np.testing.assert_allclose(everybody["p_holm"], frozen["holm"], rtol=1e-12)
    assert everybody["family_size"].eq(10).all()
    women = found[found["sex"] == "Women"].sort_index()
    # By hand: Holm 2 * 0.02 and 0.04; Benjamini-Hochberg 0.04 for both.
    assert women["p_holm"].tolist() == pytest.approx([0.04, 0.04])
    assert women["p_fdr"].tolist() == pytest.approx([0.04, 0.04])
    assert women["family_size"].eq(2).all()


def test_a_missing_p_is_left_out_and_counted():
    found = adjust(pd.DataFrame({"p": [0.01, np.nan, 0.04, np.nan], "family": ["a", "a", "a", "b"]}), ["family"])
    assert found["p_holm"].tolist() == pytest.approx([0.02, np.nan, 0.04, np.nan], nan_ok=True)
    assert found["family_size"].tolist() == [2, 2, 2, 0]
    assert found["family_missing"].tolist() == [1, 1, 1, 1]


def test_no_tests_are_no_error():
    found = adjust(pd.DataFrame({"p": pd.Series(dtype=float), "model": pd.Series(dtype=str)}), ["model"])
    assert found.empty
    assert {"p_holm", "p_fdr", "family_size", "family_missing"} <= set(found.columns)


def test_error_rate_under_the_null():
    # 30 outcomes, all null, 2,000 families: any finding at all in 5% of them (Simes's equality).
    p = np.random.default_rng(1).random((2000, 30))
    frame = pd.DataFrame({"p": p.ravel(), "run": np.repeat(np.arange(2000), 30)})
    found = adjust(frame, ["run"], ["fdr_bh"]).groupby("run")[["p", "p_fdr"]].min() <= 0.05
    assert found["p"].mean() > 0.7
    assert found["p_fdr"].mean() == pytest.approx(0.05, abs=0.015)


def test_bad_arguments_are_refused():
    frame = pd.DataFrame({"p": [0.1, 1.2], "model": ["a", "b"]})
    with pytest.raises(DataError, match=r"1 values outside 0 to 1 \(the first is 1.2\)"):
        adjust(frame)
    with pytest.raises(SpecError, match=r"'modle'.*Did you mean 'model'"):
        adjust(frame, ["modle"])
    with pytest.raises(SpecError, match=r"unknown method 'fdr'.*Did you mean"):
        adjust(frame, method=["fdr"])
    with pytest.raises(SpecError, match="are lists"):
        adjust(frame, family="model")
