"""Pooling against mice (3.15) and mitml (0.4), given the same imputed sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.errors import FitError, SpecError
from riskkit.fit.hypothesis import Test
from riskkit.fit.pooled import PooledFit
from riskkit.fit.rubin import d1

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
FROZEN = json.loads((REFERENCE / "infer_pool.json").read_text())
LUNG = "Surv(time, died) ~ rcs(age, [48, 60, 66, 74]) + sex + rcs(karno, [60, 75, 95]) + loss"


def fits_of(name: str, model, formula: str) -> list:
    sets = pd.read_csv(REFERENCE / f"infer_pool_{name}.csv")
    return [model(formula, one) for _, one in sets.groupby("set")]


@pytest.fixture(scope="module")
def lung() -> PooledFit:
    return rk.pool(fits_of("lung", rk.cox, LUNG))


@pytest.fixture(scope="module")
def birthwt() -> PooledFit:
    return rk.pool(fits_of("birthwt", rk.logistic, "low ~ age + lwt + C(race) + smoke + ht"))


def agrees(test: Test, frozen: dict) -> None:
    found = [test.chi2 / test.df, test.df, test.df_resid, test.p]
    assert found == pytest.approx([frozen[name] for name in ("f", "df", "df_resid", "p")], rel=1e-8)


def columns(fit: PooledFit, variable: str) -> np.ndarray:
    return np.eye(fit.coef.size)[fit.recipe.terms_with(variable)[0].columns]


@pytest.mark.parametrize("name", ["lung", "birthwt"])
def test_every_coefficient_agrees_with_mice(name, request):
    fit, frozen = request.getfixturevalue(name), FROZEN[name]["pooled"]
    tidy = fit.tidy()
    assert fit.df_complete == frozen["dfcom"]
    for ours in ("estimate", "se", "df", "p", "fmi", "riv"):
        np.testing.assert_allclose(tidy[ours], frozen[ours], rtol=1e-8, err_msg=ours)
    for end in ("low", "high"):
        np.testing.assert_allclose(np.log(tidy[end]), frozen[end], rtol=1e-8)
    assert fit.df_resid == pytest.approx(min(frozen["df"]), rel=1e-8)


@pytest.mark.parametrize(("name", "variable", "tests"), [("lung", "age", "age"), ("birthwt", "race", "race")])
def test_tests_of_a_variable_agree_with_mitml(name, variable, tests, request):
    fit, frozen = request.getfixturevalue(name), FROZEN[name][tests]
    rows = columns(fit, variable)
    agrees(fit.wald(rows), frozen["D1"])
    agrees(rk.pool(fit.fits, df_complete=np.inf).wald(rows), frozen["D1_large"])
    agrees(fit.wald_d2(rows), frozen["D2"])
    for test, method in (("wald", "D1"), ("d2", "D2"), ("lr", "D4")):
        row = rk.anova(fit, test=test).set_index(["term", "part"]).loc[(variable, "overall")]
        assert [row["chi2"] / row["df"], row["p"]] == pytest.approx(
            [frozen[method]["f"], frozen[method]["p"]], rel=1e-7
        )


def test_likelihood_ratio_test_of_nonlinearity_compares_people_within_sets(lung):
    row = rk.anova(lung, test="lr").set_index(["term", "part"]).loc[("age", "nonlinear")]
    frozen = FROZEN["lung"]["nonlinear"]["D4"]
    assert [row["chi2"] / row["df"], row["p"]] == pytest.approx([frozen["f"], frozen["p"]], rel=1e-7)


def test_d4_is_to_first_order_the_d3_of_mice(birthwt):
    d4 = rk.anova(birthwt, test="lr").set_index("term").loc["race"]
    f, df, *_ = FROZEN["birthwt"]["D3"]
    assert df == d4["df"]
    assert d4["chi2"] / d4["df"] == pytest.approx(f, rel=0.05)


def test_a_curve_has_degrees_of_freedom_of_its_own_at_each_point(lung):
    frozen = FROZEN["lung"]["curve"]
    curve = rk.curve(lung, "age", reference=60, grid=frozen["x"])
    for name in ("estimate", "se"):
        np.testing.assert_allclose(curve[name], frozen[name], rtol=1e-7)
    contrast = rk.contrast(lung, {"age": 45}, {"age": 60})
    rows = lung.recipe.matrix(pd.DataFrame({"age": [*frozen["x"], 60.0]}), lung.recipe.terms_with("age"))
    np.testing.assert_allclose(lung.t_df(rows[:-1] - rows[-1]), frozen["df"], rtol=1e-8)
    assert contrast["low"][0] == pytest.approx(curve["low"][0], rel=1e-12)
    assert contrast["p"][0] == pytest.approx(0.736, abs=0.001)  # pt(-.3382, 73.5) * 2


def test_every_question_can_be_asked_of_a_pooled_fit(lung):
    light = lung.light()
    assert isinstance(light, PooledFit)
    assert light.fits[0].design is None
    pd.testing.assert_frame_equal(rk.anova(light), rk.anova(lung))
    nadir, u = rk.nadir(light, "age"), rk.ushape(light, "age")
    assert nadir.limits[0] <= nadir.low <= nadir.x <= nadir.high <= nadir.limits[1]
    assert 0 < u.p <= 1
    assert "5 imputed sets" in light.summary()
    assert "nan" not in light.summary()
    assert light.glance()["wald_p"].item() == rk.anova(light).iloc[-1]["p"]
    assert np.isnan(light.glance()["aic"].item())
    band = rk.curve(light, "age", band="simultaneous")
    assert (band["high"] >= rk.curve(light, "age")["high"] - 1e-12).all()
    with pytest.raises(SpecError, match="light fit"):
        rk.anova(light, test="lr")


def test_the_verdict_on_a_shape_has_the_degrees_of_freedom_of_what_it_compares(birthwt):
    # Of a line every comparison is the coefficient's own, with Barnard and Rubin's degrees of freedom.
    told, row = rk.ushape(birthwt, "lwt").heights, birthwt.tidy().set_index("term").loc["lwt"]
    end, length = (told.lower, -1) if row["estimate"] < 0 else (told.upper, 1)
    assert end.p == pytest.approx(row["p"], rel=1e-8)
    length *= told.upper.x - told.lower.x
    expected = sorted(length * np.log([row["low"], row["high"]]))
    assert [end.low, end.high] == pytest.approx([max(expected[0], 0), expected[1]], rel=1e-8)


def test_groups_of_a_pooled_fit(birthwt):
    floats = rk.floating(birthwt, "race")
    trend = rk.trend(birthwt, "race").set_index("part")
    assert list(floats["level"]) == ["black", "other", "white"]
    assert (floats["low"] < floats["ratio"]).all()
    assert trend.loc["heterogeneity", "p"] == pytest.approx(FROZEN["birthwt"]["race"]["D1"]["p"], rel=1e-8)


def test_identical_sets_give_back_the_single_fit(lung):
    one = lung.fits[0]
    same = rk.pool([one, one, one], df_complete=np.inf)
    np.testing.assert_allclose(same.vcov, one.vcov, rtol=1e-12)
    ours, theirs = rk.anova(same), rk.anova(one)
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-7)
    lr = rk.anova(same, test="lr")
    pd.testing.assert_frame_equal(lr, rk.anova(one, test="lr"), rtol=1e-6)


def test_one_restriction_is_the_square_of_the_t_test(lung):
    row = lung.tidy().set_index("term").loc["loss"]
    assert rk.anova(lung).set_index("term").loc["loss", "p"] == pytest.approx(row["p"], rel=1e-10)


def test_few_events_for_much_missing_leave_the_least_degrees_of_freedom():
    rng = np.random.default_rng(1)
    found = d1(rng.normal(0, 3, (5, 3)), np.stack([np.eye(3)] * 5), df_complete=6.0)
    assert found.df_resid == 4


def test_fits_that_cannot_be_pooled_are_refused(lung, birthwt):
    first = lung.fits[0]
    sets = pd.read_csv(REFERENCE / "infer_pool_lung.csv")
    other = sets[sets["set"] == 2]
    with pytest.raises(SpecError, match="two imputed sets or more; got 1"):
        rk.pool([first])
    with pytest.raises(SpecError, match="differs from the first in n"):
        rk.pool([first, rk.cox(LUNG, other.iloc[1:])])
    with pytest.raises(SpecError, match="in model"):
        rk.pool([first, birthwt.fits[0]])
    with pytest.raises(SpecError, match="coefficients"):
        rk.pool([first, rk.cox(LUNG.replace(" + loss", ""), other)])
    with pytest.raises(SpecError, match=r"coding of karno.*`fit` of riskkit.impute"):
        rk.pool([first, rk.cox(LUNG.replace("75", "80"), other)])
    with pytest.raises(SpecError, match="in ties: efron and breslow"):
        rk.pool([first, rk.cox(LUNG, other, ties="breslow")])
    with pytest.raises(SpecError, match=r"in formula: .*~ age' and .*strata\(sex\)"):
        rk.pool([rk.cox(f"Surv(time, died) ~ age{more}", other) for more in ("", " + strata(sex)")])
    with pytest.raises(SpecError, match="pooled"):
        rk.anova(first, test="d2")
    with pytest.raises(FitError, match="zero variance"):
        d1(np.ones((3, 2)), np.zeros((3, 2, 2)), np.inf)


def test_more_terms_than_a_survey_has_degrees_of_freedom_are_not_tested_together(lung):
    sets = [s for _, s in pd.read_csv(REFERENCE / "infer_pool_lung.csv").groupby("set")]
    survey = [
        rk.cox(LUNG, s.assign(one=1.0, unit=np.arange(len(s)) % 4), survey=rk.SurveyDesign("one", psu="unit"))
        for s in sets
    ]
    pooled = rk.pool(survey)
    first, enough = np.eye(pooled.coef.size)[:4], np.eye(pooled.coef.size)[:3]
    assert np.isnan(survey[0].wald(first).chi2)
    assert np.isnan(pooled.wald(first).chi2)
    assert pooled.wald(first).df == 4
    assert np.isfinite(pooled.wald(enough).p)
