"""Inference that fits the model again: selection of knots, two lines, bootstrap."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from riskkit.design.design import build
from riskkit.errors import FitError, SpecError
from riskkit.fit.clogit import clogit
from riskkit.fit.cox import cox
from riskkit.fit.linear import linear
from riskkit.fit.logistic import logistic
from riskkit.infer.bootstrap import bootstrap, sampled
from riskkit.infer.curve import curve
from riskkit.infer.select import adjusted_p, select
from riskkit.infer.twolines import two_lines

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@pytest.fixture(scope="module")
def frozen():
    return json.loads((REFERENCE / "infer_refits.json").read_text())


@pytest.fixture(scope="module")
def pbc():
    return pd.read_csv(REFERENCE / "infer_pbc.csv")


@pytest.fixture(scope="module")
def births():
    return pd.read_csv(REFERENCE / "infer_birthwt.csv")


@pytest.mark.parametrize("start", ["rcs(age, 4)", "age", "per(age, 5)", "ns(age, 3)"])
def test_knots_compared_agree_with_survival(frozen, pbc, start):
    chosen = select(cox(f"Surv(time, died) ~ sex + {start} + edema", pbc), "age")
    theirs = frozen["knots"]
    table = chosen.table
    assert table["knots"].tolist() == theirs["knots"]
    np.testing.assert_allclose(table["loglik"], theirs["loglik"], rtol=1e-9)
    np.testing.assert_allclose(table["aic"], theirs["aic"], rtol=1e-9)
    np.testing.assert_allclose(table["p"], theirs["p"], rtol=1e-5)
    np.testing.assert_allclose(table["p_nonlinear"][1:], theirs["p_nonlinear"][1:], rtol=1e-5)
    assert table["chosen"].tolist() == [True] + [False] * 5
    assert "AIC chose a straight line" in chosen.sentence()
    assert chosen.p_reported < chosen.p_adjusted <= 6 * chosen.p_reported


def test_the_chosen_fit_is_a_fit_like_any_other(pbc):
    chosen = select(cox("Surv(time, died) ~ protime + rcs(age, 3)", pbc), "protime", knots=[4])
    direct = cox("Surv(time, died) ~ rcs(protime, 4) + rcs(age, 3)", pbc)
    assert chosen.table["chosen"].tolist() == [False, True]
    for variable in ("protime", "age"):
        pd.testing.assert_frame_equal(curve(chosen.fit, variable), curve(direct, variable), rtol=1e-8)


def test_adjusted_p_of_nested_choices_meets_its_bounds():
    random = np.random.default_rng(2)
    one, other = random.standard_normal((2, 500, 1))
    other -= one * (one.T @ other) / (one.T @ one)
    assert adjusted_p([one], 0.03) == pytest.approx(0.03, abs=0.004)  # no choice, no change
    assert adjusted_p([one, 2 * one], 0.03) == pytest.approx(0.03, abs=0.004)  # no choice either
    # Two independent codings of one degree of freedom: the better of two p values.
    assert adjusted_p([one, other], 0.03) == pytest.approx(1 - 0.97**2, abs=0.006)
    assert adjusted_p([one, other], 1e-9) == pytest.approx(2e-9)


def test_adjusted_p_is_uniform_when_there_is_no_association():
    random = np.random.default_rng(11)
    found = []
    for _ in range(120):
        frame = pd.DataFrame({"x": random.normal(100, 20, 200), "t": random.exponential(1, 200), "d": 1})
        chosen = select(cox("Surv(t, d) ~ rcs(x, 3)", frame), "x", knots=(3, 5))
        found.append((chosen.p_reported, chosen.p_adjusted))
    reported, adjusted = np.array(found).T
    assert stats.kstest(adjusted, "uniform").pvalue > 0.01
    assert (reported < 0.1).mean() > (adjusted < 0.1).mean()


def test_lines_agree_with_r(frozen, pbc, births):
    fits = {
        "cox": (cox("Surv(time, died) ~ rcs(age, 4) + sex + edema", pbc), 50.03),
        "logistic": (logistic("low ~ rcs(age, 3) + smoke", births), 25.0),
    }
    for name, (fit, at) in fits.items():
        found = two_lines(fit, "age", breakpoint=at)
        for end in ("lower", "upper"):
            ours = getattr(found, end)
            np.testing.assert_allclose([ours.estimate, ours.se, ours.p], frozen["lines"][name][end], rtol=1e-5)
    assert found.p == 1.0  # rises, then falls: no U
    assert two_lines(fits["logistic"][0], "age", breakpoint=25.0, shape="inverse U").p == found.lower.p


def shaped(random: np.random.Generator, n: int, truth) -> pd.DataFrame:
    x = random.normal(0, 1, n)
    return pd.DataFrame({"x": x, "y": truth(x) + random.standard_normal(n), "z": random.standard_normal(n)})


def test_two_lines_of_a_linear_model_tell_a_u_from_a_bend():
    random = np.random.default_rng(4)
    u = linear("y ~ rcs(x, 5) + z", shaped(random, 2000, np.square))
    found = two_lines(u, "x")
    assert found.p < 1e-6
    assert found.breakpoint == pytest.approx(0, abs=0.35)
    bend = linear("y ~ rcs(x, 5) + z", shaped(random, 2000, np.exp))
    assert two_lines(bend, "x").p > 0.05


def test_robin_hood_gives_the_weaker_line_more_people():
    # A steep fall and a gentle rise with a floor between: the break lies at the side of the steep line.
    def truth(x):
        return np.where(x < -0.6, -3 * (x + 0.6), np.where(x > 0.6, 0.3 * (x - 0.6), 0))

    found = two_lines(linear("y ~ rcs(x, 7)", shaped(np.random.default_rng(8), 4000, truth)), "x")
    assert found.breakpoint < 0
    assert found.p < 0.05


def test_least_squares_with_hc3_agrees_with_statsmodels(births):
    fit = linear("lwt ~ age + smoke + race", births)
    theirs = sm.OLS(births["lwt"].to_numpy(float), fit.design.x).fit(cov_type="HC3", use_t=True)
    np.testing.assert_allclose(fit.coef, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(fit.vcov, theirs.cov_params(), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(fit.tidy()["p"], theirs.pvalues, rtol=1e-8)
    assert fit.loglik == pytest.approx(theirs.llf, rel=1e-12)
    assert fit.ratio_name == "exponentiated difference"


def test_bootstrap_repeats_with_any_number_of_workers_and_estimates_the_covariance(pbc):
    fit = cox("Surv(time, died) ~ rcs(albumin, 3) + age", pbc)
    first = bootstrap(fit, 400, seed=3, workers=1, progress=False)
    again = bootstrap(fit, 400, seed=3, workers=2, progress=False)
    np.testing.assert_array_equal(first.coef, again.coef)
    ratio = np.sqrt(np.diag(first.vcov)) / fit.se
    assert ((ratio > 0.75) & (ratio < 1.5)).all()
    assert first.nadirs("albumin").shape == (400,)


def test_bootstrap_draws_whole_clusters(pbc):
    twice = pd.concat([pbc, pbc], ignore_index=True).assign(person=np.tile(np.arange(len(pbc)), 2))
    formula = "Surv(time, died) ~ albumin + age"
    alone = cox(formula, pbc, ties="breslow")
    doubled = cox(formula, twice, ties="breslow", cluster="person")
    spread = [np.sqrt(np.diag(bootstrap(fit, 300, seed=5, progress=False).vcov)) for fit in (alone, doubled)]
    np.testing.assert_allclose(spread[0], spread[1], rtol=0.2)  # rows drawn one by one would give 1 / sqrt(2)


def test_bootstrap_draws_whole_matched_sets():
    random = np.random.default_rng(6)
    pairs = np.repeat(np.arange(150), 2)
    x = random.standard_normal(300)
    case = np.tile([1, 0], 150)
    frame = pd.DataFrame({"pair": pairs, "x": x + 0.8 * case, "case": case})
    fit = clogit("case ~ x + strata(pair)", frame)
    sample = bootstrap(fit, 200, seed=1, progress=False)
    assert sample.failed == 0
    assert np.sqrt(sample.vcov[0, 0]) == pytest.approx(fit.se[0], rel=0.35)


def test_a_sample_takes_every_column_of_the_design_along(pbc):
    data = pbc.assign(one=1.0, two=np.arange(len(pbc)), start=0.0)
    survival = build("Surv(start, time, died) ~ age + strata(sex) + offset(two)", data, weights="time", cluster="two")
    counts = build("died ~ age", data, time="time", intercept=True)
    rows = np.array([5, 5, 2, 9])
    for design in (survival, counts):
        taken = sampled(design, rows, np.arange(4))
        for field in fields(design):
            before, after = getattr(design, field.name), getattr(taken, field.name)
            if isinstance(before, np.ndarray | pd.Index):
                assert len(after) == 4, field.name
    np.testing.assert_array_equal(sampled(counts, rows, rows).time, data["time"].to_numpy()[rows])
    np.testing.assert_array_equal(sampled(survival, rows, rows).response.exit, data["time"].to_numpy()[rows])


def test_bad_input_is_explained(pbc, births):
    fit = cox("Surv(time, died) ~ rcs(albumin, 3) * sex + fp(age, [-1, 2])", pbc)
    for function in (select, two_lines):
        with pytest.raises(SpecError, match="more than one term"):
            function(fit, "albumin")
        with pytest.raises(SpecError, match="cannot be had back"):
            function(fit, "age")
        with pytest.raises(SpecError, match="light fit"):
            function(fit.light(), "age")
        with pytest.raises(SpecError, match="levels"):
            function(fit, "sex")
    with pytest.raises(SpecError, match="model-based"):
        select(cox("Surv(time, died) ~ rcs(albumin, 3)", pbc, robust=True), "albumin")
    with pytest.raises(SpecError, match="knots to compare"):
        select(cox("Surv(time, died) ~ albumin", pbc), "albumin", knots=[])
    with pytest.raises(SpecError, match="at least 2"):
        bootstrap(fit, 1)
    with pytest.raises(SpecError, match=r"1,000,000,000,000,000,000 samples of .* would take for ever"):
        bootstrap(fit, 10**18)
    with pytest.raises(SpecError, match="light fit"):
        bootstrap(fit.light())
    with pytest.raises(SpecError, match="number as outcome"):
        linear("Surv(time, died) ~ age", pbc)
    with pytest.raises(FitError, match="redundant"):
        linear("y ~ a + b", pd.DataFrame({"y": [1.0, 2, 4, 3], "a": [1.0, 2, 3, 5], "b": [2.0, 4, 6, 10]}))


def test_a_bootstrap_that_mostly_fails_says_so(pbc):
    # One person alone carries the level: most samples of 20 lack it or separate.
    frame = pbc.head(20).assign(rare=np.arange(20) == 0)
    fit = cox("Surv(time, died) ~ age + rare", frame)
    with pytest.raises(FitError, match="of 50 samples"):
        bootstrap(fit, 50, progress=False)
