"""Many outcomes in one call: the same fits as one at a time, and an error in the place of those that cannot be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.outcomes import cox_many

TERMS = "rcs(igf1, 4) + smoking + strata(sex)"


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    generator = np.random.default_rng(6)
    n = 600
    data = pd.DataFrame({"start": generator.integers(40, 60, n) + 0.0})
    data["igf1"] = generator.normal(21, 6, n).round(1)
    data["smoking"] = generator.choice(["never", "former", "current"], n)
    data["sex"] = generator.choice(["men", "women"], n)
    data["w"] = generator.integers(1, 4, n) / 2
    data["family"] = generator.integers(0, 200, n)
    for name, share in (("mi", 0.3), ("stroke", 0.2), ("cancer", 0.4)):
        data[f"{name}_age"] = data["start"] + generator.integers(1, 15, n)
        data[name] = generator.random(n) < share
    data["nothing"] = False
    return data


OUTCOMES = {name: f"Surv(start, {name}_age, {name})" for name in ("mi", "stroke", "cancer")}


@pytest.mark.parametrize("options", [{}, {"ties": "breslow", "weights": "w"}, {"cluster": "family"}])
def test_the_same_as_one_at_a_time(cohort: pd.DataFrame, options: dict) -> None:
    fits = cox_many(TERMS, cohort, OUTCOMES, **options)
    assert list(fits) == list(OUTCOMES)
    for name, response in OUTCOMES.items():
        alone, fit = rk.cox(f"{response} ~ {TERMS}", cohort, **options), fits[name]
        assert isinstance(fit, Fit)
        assert_allclose(fit.coef, alone.coef, rtol=1e-9)
        assert_allclose(fit.vcov, alone.vcov, rtol=1e-8)
        assert_allclose([fit.loglik, fit.loglik_null], [alone.loglik, alone.loglik_null], rtol=1e-12)
        assert_allclose(fit.person_years, alone.person_years)
        assert (fit.n, fit.events, fit.covariance, fit.method) == (
            alone.n,
            alone.events,
            alone.covariance,
            alone.method,
        )
        assert fit.recipe.formula.response == alone.recipe.formula.response
        assert_allclose(fit.predict(cohort.head(5)), alone.predict(cohort.head(5)), rtol=1e-9)
        assert fit.summaries["igf1"].percentiles == alone.summaries["igf1"].percentiles
        assert fit.summaries["smoking"] == alone.summaries["smoking"]
        assert fit.design is None


def test_rows_without_follow_up_are_never_at_risk_of_that_outcome(cohort: pd.DataFrame) -> None:
    terms = "rcs(igf1, [12, 20, 30]) + smoking + strata(sex)"
    prevalent = cohort.copy()
    prevalent.loc[::7, "mi_age"] = np.nan
    for response in ("Surv(start, mi_age, mi)", "Surv(mi_age, mi)"):
        fit = cox_many(terms, prevalent, {"mi": response})["mi"]
        alone = rk.cox(f"{response} ~ {terms}", prevalent)
        assert (fit.n, fit.n_missing) == (alone.n, alone.n_missing) == (600 - 86, 86)
        assert_allclose(fit.coef, alone.coef, rtol=1e-9)
        assert_allclose(fit.vcov, alone.vcov, rtol=1e-8)
        assert_allclose(fit.person_years, alone.person_years)


def test_an_event_at_time_zero_does_not_meet_the_missing() -> None:
    data = pd.DataFrame({"t": [0.0, 1, 2, 3, np.nan], "d": [1, 1, 0, 1, 1], "x": [1.0, 3, 2, 2, 9]})
    fit = cox_many("x", data, {"d": "Surv(t, d)"})["d"]
    assert_allclose(fit.coef, rk.cox("Surv(t, d) ~ x", data).coef, rtol=1e-9)


def test_an_outcome_that_cannot_be_fitted_does_not_stop_the_others(cohort: pd.DataFrame) -> None:
    fits = cox_many(TERMS, cohort, {"none": "Surv(start, mi_age, nothing)", **OUTCOMES})
    assert isinstance(fits["none"], FitError)
    assert "no events" in str(fits["none"])
    assert isinstance(fits["cancer"], Fit)


@pytest.mark.parametrize(
    ("terms", "outcomes", "message"),
    [
        (TERMS, {}, "empty"),
        (TERMS, {"mi": "mi"}, "'mi' must be Surv"),
        (TERMS, {"mi": "Surv(mi_agee, mi)"}, "Did you mean 'mi_age'"),
        ("igff1", OUTCOMES, "igf1"),
    ],
)
def test_what_is_wrong_for_every_outcome_is_raised(
    cohort: pd.DataFrame, terms: str, outcomes: dict, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        cox_many(terms, cohort, outcomes)


def test_cut_points_from_non_cases_differ_between_outcomes(cohort: pd.DataFrame) -> None:
    with pytest.raises(SpecError, match="noncases"):
        cox_many('groups(igf1, 4, cuts="noncases")', cohort, OUTCOMES)
