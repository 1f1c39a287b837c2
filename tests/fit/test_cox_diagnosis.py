"""What stands in the way of a fit is said in words, and what does not is said in notes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.design.design import build
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.baseline import baseline
from riskkit.fit.concordance import concordance
from riskkit.fit.diagnosis import check_learnt
from riskkit.fit.partial import partial_likelihood
from riskkit.fit.residuals import residuals


@pytest.fixture
def data() -> pd.DataFrame:
    generator = np.random.default_rng(11)
    n = 300
    frame = pd.DataFrame({"time": generator.integers(1, 60, n) + 0.0, "ill": generator.random(n) < 0.4})
    frame["bmi"] = generator.normal(27, 4, n).round(1)
    frame["smoking"] = generator.choice(["never", "former", "current"], n)
    frame["region"] = generator.choice(["north", "south"], n)
    return frame


def test_separation_names_the_level_and_the_direction(data: pd.DataFrame) -> None:
    data.loc[data["smoking"] == "never", "ill"] = False
    formula = 'Surv(time, ill) ~ C(smoking, ref="former") + bmi'  # the exposure is the first: of others it is no error
    with pytest.raises(FitError, match=r"separation.*'smoking=never' towards minus infinity.*firth") as caught:
        rk.cox(formula, data)
    assert "bmi" not in str(caught.value)
    fit = rk.cox(formula, data, penalty="firth")
    assert -8 < fit.params["smoking=never"] < -2
    assert np.isfinite(fit.se).all()
    assert "Firth" in fit.method


def test_separation_by_a_continuous_variable_towards_plus_infinity() -> None:
    data = pd.DataFrame({"time": [1.0, 2, 3, 4, 5, 6], "ill": 1, "dose": [9.0, 8, 6, 5, 3, 2], "x": [1, 0, 0, 1, 1, 0]})
    with pytest.raises(FitError, match="'dose' towards plus infinity"):
        rk.cox("Surv(time, ill) ~ dose", data)
    with pytest.raises(FitError, match="separation"):
        rk.cox("Surv(time, ill) ~ dose + x", data)


def test_separation_reached_in_a_single_leap() -> None:
    """One of 101 is exposed and falls ill: Newton's first step is 101, where nothing is left to gain or to learn."""
    data = pd.DataFrame({"time": [1.0] + [2.0] * 100, "ill": [1] + [0] * 100, "exposed": [1] + [0] * 100})
    with pytest.raises(FitError, match=r"separation.*'exposed' towards plus infinity"):
        rk.cox("Surv(time, ill) ~ exposed", data)


def test_an_information_that_ran_out_is_separation() -> None:
    with pytest.raises(FitError, match="separation: 'dose' ran away"):
        check_learnt(np.diag([1.6, -9e-16]), ("age", "dose"))


def test_events_of_one_time_tell_of_no_change_with_time() -> None:
    data = pd.DataFrame({"time": [1.0, 1, 1, 2, 2, 2], "ill": [1, 1, 1, 0, 0, 0], "x": [1.0, 3, 2, 2, 0, 1]})
    with pytest.raises(FitError, match="x cannot be tested"):
        rk.ph_test(rk.cox("Surv(time, ill) ~ x", data))


def test_a_risk_set_that_underflows_is_no_exception(data: pd.DataFrame) -> None:
    model = partial_likelihood(build("Surv(time, ill) ~ bmi + strata(region)", data), "efron")
    with np.errstate(over="ignore", invalid="ignore"):
        assert not np.isfinite(model.evaluate(np.array([1e4])).loglik)


def test_whoever_is_never_at_risk_does_not_matter_however_extreme(data: pd.DataFrame) -> None:
    gone = pd.DataFrame({"time": [0.5], "ill": [False], "bmi": [2.7e6], "smoking": ["never"], "region": ["north"]})
    fit = rk.cox("Surv(time, ill) ~ bmi + smoking", data, robust=True)
    again = rk.cox("Surv(time, ill) ~ bmi + smoking", pd.concat([gone, data], ignore_index=True), robust=True)
    assert_allclose(again.coef, fit.coef, rtol=1e-9)
    assert_allclose(again.vcov, fit.vcov, rtol=1e-8)
    assert residuals(again)[0] == 0


def test_a_step_that_loses_its_information_is_halved_until_it_finds_some() -> None:
    """Newton's first step makes a rare level certain; the second, of an information of nothing, is then 1e13 long."""
    case = json.loads((Path(__file__).parent.parent / "reference" / "cox_leap.json").read_text())
    fit = rk.cox(
        "Surv(time, ill) ~ a + b + c + rare + g + offset(off)", pd.DataFrame(case["data"]), ties="breslow", weights="w"
    )
    assert_allclose(fit.coef, case["coef"], rtol=1e-8)
    assert_allclose(fit.loglik, case["loglik"], rtol=1e-10)


def test_a_rare_level_with_events_is_not_separation(data: pd.DataFrame) -> None:
    data["rare"] = False
    data.loc[[3, 40], "rare"] = True
    data.loc[[3, 40], ["time", "ill"]] = [[30.0, True], [5.0, False]]
    assert np.isfinite(rk.cox("Surv(time, ill) ~ bmi + rare", data).coef).all()


def test_collinear_columns_are_named(data: pd.DataFrame) -> None:
    data["weight"] = 2 * data["bmi"] - 7
    data["south"] = (data["region"] == "south").astype(int)
    with pytest.raises(FitError, match=r"'weight' is a linear combination of 'bmi' for"):
        rk.cox("Surv(time, ill) ~ bmi + smoking + weight", data)
    with pytest.raises(FitError, match=r"'region=south' is a linear combination of 'south' for"):
        rk.cox("Surv(time, ill) ~ south + bmi + region", data)


def test_a_column_without_spread_is_named(data: pd.DataFrame) -> None:
    data["site"] = 4.0
    data["south"] = (data["region"] == "south").astype(int)
    with pytest.raises(FitError, match="'site' has the same value"):
        rk.cox("Surv(time, ill) ~ bmi + site", data)
    with pytest.raises(FitError, match="'south' has the same value"):  # constant within every stratum
        rk.cox("Surv(time, ill) ~ bmi + south + strata(region)", data)


def test_a_year_of_birth_is_no_constant(data: pd.DataFrame) -> None:
    """Far from zero for its spread: a Gram matrix of the column as it is would lose ten digits."""
    generator = np.random.default_rng(2)
    data["when"] = generator.normal(size=len(data)).round(3)
    near = rk.cox("Surv(time, ill) ~ bmi + when", data)
    far = rk.cox("Surv(time, ill) ~ bmi + when", data.assign(when=data["when"] + 2**30))
    assert_allclose(far.coef, near.coef, rtol=1e-6)
    assert_allclose(far.se, near.se, rtol=1e-6)
    person = pd.DataFrame({"bmi": [27.0], "when": [0.0]})
    moved = person.assign(when=person["when"] + 2**30)
    assert_allclose(baseline(far, moved)["se"], baseline(near, person)["se"], rtol=1e-5)


def test_no_events(data: pd.DataFrame) -> None:
    with pytest.raises(FitError, match="no events among the 300 rows"):
        rk.cox("Surv(time, ill) ~ bmi", data.assign(ill=0))


def test_a_stratum_without_events_is_a_note(data: pd.DataFrame) -> None:
    data.loc[data["region"] == "north", "ill"] = False
    fit = rk.cox("Surv(time, ill) ~ bmi + strata(region)", data)
    alone = rk.cox("Surv(time, ill) ~ bmi", data[data["region"] == "south"])
    assert_allclose(fit.coef, alone.coef, rtol=1e-10)
    assert any("1 of 2 strata have no events" in note for note in fit.notes)
    assert "note: 1 of 2 strata" in fit.summary()


def test_times_equal_up_to_rounding_are_ties_and_a_note(data: pd.DataFrame) -> None:
    whole = rk.cox("Surv(time, ill) ~ bmi + smoking", data)
    nudged = data.assign(time=data["time"] * np.where(np.arange(len(data)) % 2, 1 + 3e-16, 1 - 3e-16))
    rounded = rk.cox("Surv(time, ill) ~ bmi + smoking", nudged)
    assert_allclose(rounded.loglik, whole.loglik, rtol=1e-13)
    assert any("event times that differ" in note for note in rounded.notes)
    assert whole.notes == ()


@pytest.mark.filterwarnings("error")
def test_limits_of_survival_far_outside_the_data(data: pd.DataFrame) -> None:
    fit = rk.cox("Surv(time, ill) ~ bmi", data)
    curve = baseline(fit, pd.DataFrame({"bmi": [27 + np.sign(fit.coef[0]) * 60 / fit.se[0]]}))
    assert (curve["se"] > 1e3).any()
    assert curve[["low", "high"]].isin([0.0, 1.0]).all(axis=None)


@pytest.mark.parametrize("wrong", [{"ties": "exact"}, {"penalty": "ridge"}, {"time_unit": "weeks"}])
def test_arguments_are_checked(data: pd.DataFrame, wrong: dict) -> None:
    with pytest.raises(SpecError, match=next(iter(wrong))):
        rk.cox("Surv(time, ill) ~ bmi", data, **wrong)


def test_what_is_asked_of_the_wrong_fit(data: pd.DataFrame) -> None:
    fit = rk.cox("Surv(time, ill) ~ bmi", data)
    for ask in (residuals, baseline, concordance, rk.ph_test):
        with pytest.raises(FitError, match="light"):
            ask(fit.light())
    with pytest.raises(SpecError, match="martingale"):
        residuals(fit, "martingal")
    with pytest.raises(SpecError, match="Surv"):
        rk.cox("ill ~ bmi", data)
    with pytest.raises(SpecError, match="robust"):
        rk.cox("Surv(time, ill) ~ bmi", data, penalty="firth", robust=True)
    with pytest.raises(SpecError, match="no column 'bmi'"):
        baseline(fit, pd.DataFrame({"bim": [25.0]}))
    with pytest.raises(DataError, match="missing"):
        baseline(fit, pd.DataFrame({"bmi": [np.nan]}))


def test_baseline_of_a_stratum_nobody_was_in(data: pd.DataFrame) -> None:
    fit = rk.cox("Surv(time, ill) ~ bmi + strata(region)", data)
    with pytest.raises(DataError, match="region=west"):
        baseline(fit, pd.DataFrame({"bmi": [25.0], "region": "west"}))
    both = baseline(fit, pd.DataFrame({"bmi": [25.0]}))
    assert set(both["stratum"]) == {"region=north", "region=south"}
    mean = baseline(fit)
    at_mean = baseline(fit, pd.DataFrame({"bmi": [data["bmi"].mean()]}))
    assert_allclose(mean["surv"], at_mean["surv"], rtol=1e-12)


def test_without_covariates_the_likelihood_is_the_null_one(data: pd.DataFrame) -> None:
    fit = rk.cox("Surv(time, ill) ~ 1", data)
    assert fit.coef.size == 0
    assert fit.loglik == fit.loglik_null == rk.cox("Surv(time, ill) ~ bmi", data).loglik_null


def test_missing_values_are_left_out_and_counted(data: pd.DataFrame) -> None:
    gaps = data.copy()
    gaps.loc[[0, 5], "bmi"] = np.nan
    gaps.loc[7, "smoking"] = None
    fit = rk.cox("Surv(time, ill) ~ bmi + smoking", gaps)
    kept = rk.cox("Surv(time, ill) ~ bmi + smoking", data.drop([0, 5, 7]))
    assert (fit.n, fit.n_missing) == (297, 3)
    assert_allclose(fit.coef, kept.coef, rtol=1e-12)


def test_an_offset_is_a_coefficient_of_one(data: pd.DataFrame) -> None:
    free = rk.cox("Surv(time, ill) ~ bmi + smoking", data)
    data["known"] = data["bmi"] * free.params["bmi"]
    fixed = rk.cox("Surv(time, ill) ~ smoking + offset(known)", data)
    assert_allclose(fixed.loglik, free.loglik, rtol=1e-12)
    assert_allclose(fixed.coef, free.coef[1:], rtol=1e-7)


def test_person_years_follow_the_unit(data: pd.DataFrame) -> None:
    days, months, years = (
        rk.cox("Surv(time, ill) ~ bmi", data, time_unit=unit).person_years for unit in ("days", "months", "years")
    )
    assert_allclose([days, months], [years / 365.25, years / 12])
    assert_allclose(years, data["time"].sum())
