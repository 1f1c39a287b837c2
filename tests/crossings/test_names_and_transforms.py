"""Any column can be named, and numbers are transformed within the closed language."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, SpecError
from riskkit.formula import parse, rewritten

NAMES = ["µ", "IGF-1 (nmol/L)", "bmi.base", "class", unicodedata.normalize("NFD", "âge"), "a~b", "x + 1"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_written(people: pd.DataFrame, name: str) -> None:
    data = people.rename(columns={"x": name, "sex": "the sex", "entry": "in", "site": "site#"})
    plain = rk.cox("Surv(entry, exit, e) ~ rcs(x, 4) * smk + strata(sex)", people, cluster="site")
    fit = rk.cox(f"Surv(`in`, exit, e) ~ rcs(`{name}`, 4) * smk + strata(`the sex`) + cluster(`site#`)", data)
    assert_allclose(fit.coef, plain.coef, rtol=1e-12)
    assert_allclose(fit.vcov, plain.vcov, rtol=1e-9, atol=1e-12)
    assert fit.recipe.names[0] == name
    assert_allclose(rk.curve(fit, name)["estimate"], rk.curve(plain, "x")["estimate"], rtol=1e-9, atol=1e-12)
    again = rewritten(fit.recipe.formula, "smk", None)
    assert again.columns == tuple(c for c in fit.recipe.formula.columns if c != "smk") or name in again.columns


def test_letters_that_python_folds_need_no_quotes(people: pd.DataFrame) -> None:
    decomposed = unicodedata.normalize("NFD", "âge")
    data = people.rename(columns={"x": "µ", "z": decomposed})
    fit = rk.logistic(f"y ~ µ + {decomposed} * smk", data)
    assert fit.recipe.variables[:2] == ("µ", decomposed)
    assert_allclose(fit.coef, rk.logistic("y ~ x + z * smk", people).coef)
    with pytest.raises(SpecError, match=r"looks the same but is made of other characters.*rename it"):
        rk.logistic("y ~ âge", data)


def test_arguments_may_be_quoted_too(people: pd.DataFrame) -> None:
    data = people.rename(columns={"sw": "w (kg)", "site": "the site"})
    fit = rk.cox("Surv(entry, exit, e) ~ x", data, weights="`w (kg)`", cluster="`the site`")
    assert_allclose(fit.vcov, rk.cox("Surv(entry, exit, e) ~ x", people, weights="sw", cluster="site").vcov)


@pytest.mark.parametrize(
    ("formula", "case"),
    [("y ~ log(x + 1) + z", "shifted"), ("y ~ C(smk, levels=['c', 'a', 'b'])", "levels")],
)
def test_as_r_transforms(people: pd.DataFrame, r: dict, formula: str, case: str) -> None:
    fit = rk.logistic(formula, people)
    assert_allclose(fit.coef, r["transform"][case]["coef"], rtol=1e-7)
    assert_allclose(fit.se, r["transform"][case]["se"], rtol=1e-7)


@pytest.mark.parametrize("coding", ["rcs({}, 4)", "ns({}, 3)", "bs({}, 4)", "per({}, 'sd')", "ps({}, 3)"])
def test_a_coding_of_a_transform_is_that_of_a_column_made_before(people: pd.DataFrame, coding: str) -> None:
    made = people.assign(l=np.log(people["x"] + 1))
    fit = rk.logistic(f"y ~ {coding.format('log(x + 1)')} + z", people)
    by_hand = rk.logistic(f"y ~ {coding.format('l')} + z", made)
    assert_allclose(fit.coef, by_hand.coef, rtol=1e-9)
    grid = np.array([4.0, 8, 16])
    ours = rk.curve(fit, "x", grid=grid, reference=8.0)
    theirs = rk.curve(by_hand, "l", grid=np.log(grid + 1), reference=np.log(9.0))
    assert_allclose(ours[["estimate", "se"]], theirs[["estimate", "se"]], rtol=1e-7, atol=1e-10)
    assert_allclose(fit.summaries["x"].percentiles, np.percentile(people["x"], np.arange(101)), rtol=1e-7)
    assert_allclose(rk.anova(fit)["chi2"], rk.anova(by_hand)["chi2"], rtol=1e-6)
    slopes = rk.slope(fit, "x", grid=grid)["estimate"] * (grid + 1)
    assert_allclose(slopes, rk.slope(by_hand, "l", grid=np.log(grid + 1))["estimate"], rtol=1e-5)
    assert parse(f"y ~ {fit.recipe.terms[0].bases[0].label}").terms[0][0].variable == "x"


def test_what_cannot_be_transformed_is_said(people: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"log\(z - 1\): .* values of 'z' are at or below 1"):
        rk.logistic("y ~ log(z - 1)", people)
    with pytest.raises(SpecError, match=r"write per\(x, 'doubling'\)"):
        rk.logistic("y ~ per(log(x), 'doubling')", people)
    with pytest.raises(SpecError, match="cannot be had back"):
        rk.select(rk.logistic("y ~ rcs(log(x), 3)", people), "x")


def test_levels_in_the_formula_are_all_levels(people: pd.DataFrame) -> None:
    fit = rk.logistic("y ~ C(smk, ref='b', levels=['c', 'a', 'b', 'unused'])", people)
    assert fit.params.index.tolist() == ["Intercept", "smk=c", "smk=a"]
    with pytest.raises(DataError, match="the data also hold 'c'"):
        rk.logistic("y ~ C(smk, levels=['a', 'b'])", people)
    with pytest.raises(SpecError, match="named twice"):
        rk.logistic("y ~ C(smk, levels=['a', 'b', 'c', 'a'])", people)
    with pytest.raises(SpecError, match="levels is a list"):
        rk.logistic("y ~ C(smk, levels='a')", people)
