"""A factor, groups or a number may interact with what strata hold, as in R."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk

FOLLOW_UP = "Surv(entry, exit, e) ~ "


@pytest.mark.parametrize(
    ("formula", "case"),
    [
        ("smk * sex + strata(sex)", "main"),
        ("smk * strata(sex)", "alone"),
        ("x * sex + z + strata(sex)", "number"),
        ("x:sex + strata(sex)", "nested"),
        ("fifths(x):sex + strata(sex)", "fifths"),
    ],
)
def test_in_a_cox_model(people: pd.DataFrame, r: dict, formula: str, case: str) -> None:
    fit = rk.cox(FOLLOW_UP + formula, people)
    assert_allclose(fit.coef, r["strata"][case], rtol=1e-7)


def test_a_matching_factor_in_matched_sets(people: pd.DataFrame, r: dict) -> None:
    fit = rk.clogit("case ~ smk * msex + strata(set)", people)
    assert_allclose(fit.coef, r["strata"]["matched"], rtol=1e-7)
    assert "'msex' is constant within strata" in fit.notes[0]
    assert_allclose(rk.clogit("case ~ fifths(x):msex + strata(set)", people).coef.size, 8)


def test_as_reported() -> None:
    r = np.random.default_rng(3)
    n = 800
    d = pd.DataFrame({"smk": r.choice(list("abc"), n), "sex": r.choice(["F", "M"], n), "e": 1})
    r.integers(0, 200, n)
    d["t"] = r.exponential(size=n).round(3) + 0.001
    fit = rk.cox("Surv(t, e) ~ smk * strata(sex)", d)
    assert_allclose(fit.coef, [-0.0146, -0.0641, 0.1751, 0.0997], atol=5e-5)
    assert fit.recipe.formula.strata == ("sex",)


def test_a_stratum_that_is_a_number_is_a_factor_in_its_interaction(people: pd.DataFrame, r: dict) -> None:
    for formula, lowest in (("smk * strata(sex)", 1), ("smk * sex + strata(sex)", 0)):
        coded = people.assign(sex=(people["sex"] == "M").astype(int) + lowest)
        assert_allclose(rk.cox(FOLLOW_UP + formula, coded).coef, r["strata"]["main"], rtol=1e-7)


def test_questions_are_of_what_is_left(people: pd.DataFrame) -> None:
    fit = rk.cox(FOLLOW_UP + "smk * sex + strata(sex)", people)
    tests = rk.anova(fit).set_index(["term", "part"])
    assert tests.loc[("smk", "overall"), "df"] == 4
    assert tests.loc[("smk:sex", "overall"), "df"] == 2
    one_sex = rk.cox(FOLLOW_UP + "smk", people[people["sex"] == "M"])
    found = rk.contrast(fit, {"smk": "c"}, {"smk": "a"}, at={"sex": "M"})
    assert_allclose(found["estimate"], one_sex.params["smk=c"], rtol=1e-7)
    assert_allclose(found["se"], one_sex.se[1], rtol=1e-7)
