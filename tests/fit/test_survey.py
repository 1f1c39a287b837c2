"""Survey designs: against R's survey on a made sample, what follows from the definitions, and bad input.

The sample and the numbers of R: tests/reference/survey.csv and survey.json, made by survey.R beside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import riskkit as rk
from riskkit.errors import DataError, FitError, RiskkitError, SpecError
from riskkit.fit.fit import Fit

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
SAMPLE = pd.read_csv(REFERENCE / "survey.csv").assign(unit=lambda d: 10 * d["stratum"] + d["psu"])
R = json.loads((REFERENCE / "survey.json").read_text())["fits"]
POPULATIONS = {"everyone": None, "young women": "female == 1 and age < 50", "rare": "rare == 1"}
SIMPLER = {"psu": {"psu": "unit"}, "strata": {"strata": "stratum"}, "weights": {}}
DELAYED = "Surv(entry, exit, event) ~ x + age + group"
MODELS: dict[str, Callable[[rk.SurveyDesign], Fit]] = {
    "cox": lambda survey: rk.cox(DELAYED, SAMPLE, survey=survey),
    "cox in strata": lambda survey: rk.cox(
        "Surv(entry, exit, event) ~ x + age + strata(female)", SAMPLE, survey=survey
    ),
    "cox without entry": lambda survey: rk.cox("Surv(exit, event) ~ x * age", SAMPLE, survey=survey),
    "cox breslow": lambda survey: rk.cox("Surv(exit, event) ~ x + age", SAMPLE, survey=survey, ties="breslow"),
    "logistic": lambda survey: rk.logistic("case ~ x + age + group", SAMPLE, survey=survey),
    "poisson": lambda survey: rk.poisson("count ~ x + age", SAMPLE, survey=survey, time="years"),
    "linear": lambda survey: rk.linear("y ~ x + age + group", SAMPLE, survey=survey),
}


def designed(**changed) -> rk.SurveyDesign:
    whole = {"weights": "weight", "strata": "stratum", "psu": "psu", "nested": True, "lonely_psu": "adjust"}
    return rk.SurveyDesign(**{**whole, **changed})


def close(covariance: np.ndarray, expected: list[list[float]]) -> None:
    se = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), se, rtol=1e-9)
    np.testing.assert_allclose(covariance / np.outer(se, se), expected / np.outer(se, se), atol=1e-9)


@pytest.mark.parametrize(
    "r", [r for r in R if "subpopulation" in r], ids=lambda r: f"{r['model']}-{r['subpopulation']}-{r['lonely_psu']}"
)
def test_estimates_covariance_and_tests_are_those_of_r(r):
    fit = MODELS[r["model"]](designed(lonely_psu=r["lonely_psu"], subpopulation=POPULATIONS[r["subpopulation"]]))
    assert (fit.n, fit.df_resid) == (r["n"], r["df"])
    np.testing.assert_allclose(fit.coef, r["estimate"], rtol=1e-9)
    close(fit.vcov, r["vcov"])
    assert fit.tidy().set_index("term")["p"]["x"] == pytest.approx(r["p_first"], rel=1e-8)
    rows = np.eye(fit.coef.size)[[name.startswith(("x", "age")) for name in fit.recipe.names]]
    test = fit.wald(rows)
    assert (test.chi2 / len(rows), test.p) == pytest.approx((r["f"], r["p"]), rel=1e-7)


@pytest.mark.parametrize("r", [r for r in R if "design" in r], ids=lambda r: r["design"])
def test_designs_without_strata_or_psus_are_those_of_r(r):
    fit = rk.cox(DELAYED, SAMPLE, survey=rk.SurveyDesign("weight", **SIMPLER[r["design"]]))
    assert fit.df_resid == r["df"]
    close(fit.vcov, r["vcov"])


def test_equal_weights_and_one_stratum_give_the_cluster_covariance_times_g_over_g_minus_1():
    same = SAMPLE.assign(one=3.0)
    survey = rk.cox(DELAYED, same, survey=rk.SurveyDesign("one", psu="unit"))
    cluster = rk.cox(DELAYED, same, cluster="unit")
    psus = same["unit"].nunique()
    np.testing.assert_allclose(survey.vcov, cluster.vcov * psus / (psus - 1), rtol=1e-10, atol=1e-15)
    ours, theirs = rk.concordance(survey), rk.concordance(cluster)
    assert ours.estimate == pytest.approx(theirs.estimate, rel=1e-12)
    assert ours.se == pytest.approx(theirs.se * np.sqrt(psus / (psus - 1)), rel=1e-10)


def test_only_ratios_of_weights_matter():
    scaled = SAMPLE.assign(weight=SAMPLE["weight"] / 1e6)
    one, other = (rk.cox(DELAYED, data, survey=designed()) for data in (SAMPLE, scaled))
    for name in ("coef", "vcov", "vcov_model", "loglik"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-8, atol=1e-14)


def test_people_outside_the_subpopulation_stay_in_the_design():
    kept = rk.logistic("case ~ x", SAMPLE, survey=designed(subpopulation="rare == 1", lonely_psu="remove"))
    dropped = rk.logistic("case ~ x", SAMPLE[SAMPLE["rare"] == 1], survey=designed(lonely_psu="remove"))
    np.testing.assert_allclose(kept.coef, dropped.coef, rtol=1e-10)
    assert kept.n == dropped.n
    assert kept.se[1] > 1.1 * dropped.se[1]  # strata with one PSU left of two would not have counted at all


def test_psus_that_the_data_lack_may_be_named():
    whole = rk.logistic("case ~ x", SAMPLE, survey=designed(subpopulation="rare == 1"))
    units = tuple(SAMPLE[["stratum", "psu"]].drop_duplicates().itertuples(index=False, name=None))
    part = rk.logistic("case ~ x", SAMPLE[SAMPLE["rare"] == 1], survey=designed(units=units))
    np.testing.assert_allclose(part.vcov, whole.vcov, rtol=1e-12)
    assert part.df_resid == whole.df_resid


def test_a_group_left_out_is_a_smaller_subpopulation():
    formula = "Surv(entry, exit, event) ~ x + age"
    whole = rk.cox(formula, SAMPLE, survey=designed())
    left_out = rk.leave_one_out(whole, SAMPLE["group"], {"x": 1}, {"x": 0}).groups.set_index("left_out")
    fit = rk.cox(formula, SAMPLE, survey=designed(subpopulation="group != 'b'"))
    assert left_out.loc["b", ["estimate", "se"]].tolist() == pytest.approx([fit.coef[0], fit.se[0]], rel=1e-8)


def test_intervals_are_of_t_and_tests_of_f_everywhere():
    fit = rk.cox("Surv(entry, exit, event) ~ rcs(x, 4) + C(group)", SAMPLE, survey=designed())
    t = stats.t(fit.df_resid).ppf(0.975)
    for frame in (
        fit.tidy(),
        rk.contrast(fit, {"x": 1}, {"x": 0}),
        rk.curve(fit, "x", grid=[-1, 1], reference=0),
        rk.floating(fit, "group"),
        rk.trend(fit, "group").head(1),
    ):
        np.testing.assert_allclose(frame["high"], np.exp(frame["estimate"] + t * frame["se"]), rtol=1e-10)
    lower = rk.ushape(fit, "x").lower
    assert lower.high == pytest.approx(lower.estimate + t * lower.se, rel=1e-10)
    line = rk.cox("Surv(entry, exit, event) ~ x + C(group)", SAMPLE, survey=designed())
    told = rk.ushape(line, "x").heights
    assert min(told.lower.p, told.upper.p) == pytest.approx(line.tidy()["p"].iloc[0], rel=1e-8)
    row = rk.anova(fit).iloc[0]
    assert row["p"] == pytest.approx(stats.f(3, fit.df_resid).sf(row["chi2"] / 3), rel=1e-8)
    assert fit.wald_test.p == pytest.approx(rk.anova(fit).iloc[-1]["p"], rel=1e-8)
    assert f"on 5 and {fit.df_resid:g} df" in fit.summary()
    assert "574 rows, 574 in the subpopulation, 549 used" in fit.summary()


def test_a_pseudo_likelihood_gives_no_test_and_no_aic():
    fit = rk.cox(DELAYED, SAMPLE, survey=designed())
    row = fit.glance().iloc[0]
    assert row[["aic", "lr_chi2", "lr_p", "score_chi2", "score_p"]].isna().all()
    with pytest.raises(SpecError, match="design-based"):
        rk.anova(fit, test="lr")


def test_more_coefficients_than_degrees_of_freedom_have_no_joint_test():
    fit = rk.linear("y ~ x + age + group", SAMPLE, survey=designed(strata=None, psu="stratum", nested=False))
    assert fit.df_resid == 7
    few = SAMPLE[SAMPLE["stratum"] < 4]
    fit = rk.linear("y ~ x + age + group", few, survey=designed())
    total = rk.anova(fit).set_index(["term", "part"]).loc[("TOTAL", "overall")]
    assert fit.df_resid == 3
    assert np.isnan(total["p"])
    assert np.isnan(fit.wald_test.p)
    assert rk.anova(fit)["p"].iloc[0] > 0


def test_intervals_of_a_clustered_sample_hold_the_truth_that_plain_ones_miss():
    random = np.random.default_rng(11)
    runs, held, plain = 150, 0, 0
    for _ in range(runs):
        psu = np.repeat(np.arange(24), 15)
        shared, shift = random.normal(size=24)[psu], 0.7 * random.normal(size=24)[psu]
        frame = pd.DataFrame({"psu": psu, "region": psu % 4, "w": random.uniform(1, 3, psu.size)})
        frame["x"] = shared + random.normal(size=psu.size)
        frame["y"] = 0.3 * frame["x"] + shift + random.normal(size=psu.size)
        design = rk.SurveyDesign("w", strata="region", psu="psu")
        for fit, weight in ((rk.linear("y ~ x", frame, survey=design), 1), (rk.linear("y ~ x", frame), 0)):
            row = fit.tidy().iloc[1]
            inside = np.log(row["low"]) <= 0.3 <= np.log(row["high"])
            held, plain = held + weight * inside, plain + (1 - weight) * inside
    assert plain / runs < 0.75
    assert held / runs > 0.90


BROKEN = {
    "zero weights": ("weight", 0, "weights 'weight' must be positive: 1 rows"),
    "negative weights": ("weight", -2, "weights 'weight' must be positive: 1 rows"),
    "missing weights": ("weight", np.nan, "weights 'weight' is missing in 1 of 574 rows"),
    "missing strata": ("stratum", np.nan, "strata 'stratum' is missing in 1 of 574 rows"),
    "missing PSUs": ("psu", np.nan, "psu 'psu' is missing in 1 of 574 rows"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_people_without_a_place_in_the_sample_are_refused(name):
    column, value, message = BROKEN[name]
    broken = SAMPLE.astype({column: float})
    broken.loc[broken.index[3], column] = value
    with pytest.raises(DataError, match=message):
        rk.logistic("case ~ x", broken, survey=designed())


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"nested": False}, DataError, "PSU 1 of 'psu' lies in more than one stratum of 'stratum'.*nested=True"),
        ({"lonely_psu": "fail"}, FitError, "1 of 8 strata have one PSU"),
        ({"lonely_psu": "ajust"}, SpecError, "did you mean.*adjust"),
        ({"subpopulation": "age > 200"}, DataError, "no one is in the subpopulation 'age > 200'"),
        ({"subpopulation": "stratum == 8"}, FitError, "1 PSUs of 1 strata, which leaves no degrees of freedom"),
        ({"subpopulation": "event == 0"}, FitError, "no events among the"),
        ({"subpopulation": "age + 1"}, SpecError, "is not a condition"),
        ({"subpopulation": "aeg < 50"}, SpecError, "no variable 'aeg'.*'age'"),
        ({"subpopulation": "__import__('os')"}, SpecError, "unknown function"),
        ({"strata": "stratus"}, SpecError, "strata='stratus' is no column of the data.*stratum"),
        ({"units": ((1,), (2,))}, SpecError, "units: give each PSU"),
        ({"strata": None}, SpecError, "nested PSUs need the names of both columns"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_designs_that_make_no_sense_are_refused(changed, error, message):
    with pytest.raises(error, match=f"(?i){message}"):
        rk.cox(DELAYED, SAMPLE, survey=designed(**changed))


def test_one_psu_is_refused():
    with pytest.raises(DataError, match="one PSU"):
        rk.logistic("case ~ x", SAMPLE[SAMPLE["unit"] == 11], survey=rk.SurveyDesign("weight", psu="unit"))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: rk.cox(DELAYED, SAMPLE, survey=designed(), weights="weight"), "of its own"),
        (lambda: rk.cox(DELAYED, SAMPLE, survey=designed(), cluster="unit"), "of its own"),
        (lambda: rk.cox(DELAYED, SAMPLE, survey=designed(), penalty="firth"), "cluster and survey"),
        (lambda: rk.logistic("case ~ x", SAMPLE, survey=designed(), penalty="firth"), "cluster and survey"),
        (lambda: rk.cox("Surv(exit, event) ~ ps(x, 4)", SAMPLE, survey=designed()), "covariance only"),
        (lambda: rk.ph_test(rk.cox(DELAYED, SAMPLE, survey=designed())), "proportional hazards is not for a survey"),
        (lambda: rk.schoenfeld_smooth(rk.cox(DELAYED, SAMPLE, survey=designed()), "x"), "not for a survey design"),
        (lambda: rk.baseline(rk.cox(DELAYED, SAMPLE, survey=designed())), "not for a survey design"),
        (lambda: rk.bootstrap(rk.cox(DELAYED, SAMPLE, survey=designed()), 10), "not for a survey design"),
    ],
)
def test_what_a_design_does_not_allow_is_refused(ask, message):
    with pytest.raises(RiskkitError, match=message):
        ask()
