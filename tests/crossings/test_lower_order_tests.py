"""Tests of lower-order terms with their higher-order ones, as rms: where a variable is zero must not matter."""

from __future__ import annotations

import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk


@pytest.mark.parametrize("case", ["three", "three_curved"])
def test_as_rms(people: pd.DataFrame, r: dict, case: str) -> None:
    expected = r[case]
    coding = f"rcs(x, {expected['knots']})" if "knots" in expected else "x"
    fit = rk.logistic(f"y ~ {coding} * z * sex", people)
    tests = rk.anova(fit).set_index(["term", "part"])
    term, found = "", 0
    for row, chi2, df in zip(expected["rows"], expected["chi2"], expected["df"], strict=True):
        if row.startswith(("All", "Nonlinear")):
            part = {"All Interactions": "interaction"}.get(row, "nonlinear")
            if "f(A,B)" in row:
                continue
        else:
            name = row.replace("(Factor+Higher Order Factors)", "").strip()
            term, part = name.replace(" * ", ":"), "overall"
            if name.startswith("TOTAL"):
                term = "TOTAL"
                words = {"": "overall", "NONLINEAR": "nonlinear", "INTERACTION": "interaction"}
                part = words.get(name.removeprefix("TOTAL").strip(), "nonlinear or interaction")
        assert_allclose(tests.loc[(term, part), ["chi2", "df"]].astype(float), [chi2, df], rtol=1e-5)
        found += 1
    assert found >= len(expected["rows"]) - 2


def test_no_test_but_that_of_the_highest_depends_on_where_zero_is(people: pd.DataFrame) -> None:
    moved = people.assign(x=people["x"] - 30, z=people["z"] + 2)
    plain, again = (rk.anova(rk.logistic("y ~ x * z * sex", data)) for data in (people, moved))
    assert_allclose(again[["chi2", "df"]], plain[["chi2", "df"]], rtol=1e-6)
