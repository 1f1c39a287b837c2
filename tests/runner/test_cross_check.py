"""The second opinion: it agrees where the fits are right, notices where they are wrong, and says what it compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskkit.questions.cross_check import run
from riskkit.questions.cross_check.run import cross_check as cross_check_of
from riskkit.questions.cross_check.run import spread


def people(n: int, seed: int = 1, strength: float = 0.5) -> pd.DataFrame:
    """People with delayed entry, whole-month ties and an exposure whose hazard ratio is exp(strength) per unit."""
    rng = np.random.default_rng(seed)
    x, sex = rng.normal(size=n), rng.integers(0, 2, n)
    entry = np.floor(rng.uniform(480, 800, n))
    exit_ = entry + 1 + np.floor(rng.exponential(200 * np.exp(-strength * x)))
    event = (exit_ < 1000).astype(int)
    return pd.DataFrame({"x": x, "sex": sex, "entry": entry, "exit": np.minimum(exit_, 1000), "death": event})


def fits(*formulas: str) -> pd.DataFrame:
    keys = {"exposure": "x", "outcome": "death", "time_scale": "age", "coding": "linear", "model": "main"}
    return pd.DataFrame([{**keys, "formula": formula} for formula in formulas])


@pytest.mark.parametrize(
    "formula",
    [
        "Surv(exit, death) ~ x + sex",
        "Surv(entry, exit, death) ~ rcs(x, 4) + sex",
        "Surv(entry, exit, death) ~ x + strata(sex)",
    ],
)
def test_both_agree_with_ties_delayed_entry_and_strata(formula: str) -> None:
    row = cross_check_of(fits(formula), people(800)).iloc[0]
    assert row["converged"]
    assert row["max_difference_se"] < 1e-4
    assert row["max_se_difference"] < 1e-4
    assert (row["software"], row["n"], row["of_n"]) == ("lifelines", 800, 800)


def test_a_wrong_fit_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = run.cox.fit_design
    monkeypatch.setattr(run.cox, "fit_design", lambda design: right(design, ties="breslow"))
    row = cross_check_of(fits("Surv(exit, death) ~ x + sex"), people(800)).iloc[0]
    assert row["max_difference_se"] > 0.01


def test_steps_that_would_diverge_from_zero_converge() -> None:
    data = people(1500, strength=3.0)
    row = cross_check_of(fits("Surv(exit, death) ~ x"), data).iloc[0]
    assert row["converged"]
    assert row["max_difference_se"] < 1e-4


def test_of_many_people_a_stated_part_is_compared() -> None:
    data = people(3000).assign(death=lambda d: d["death"].where(d.index < 200, 0))
    with_event = int(data["death"].sum())
    row = cross_check_of(fits("Surv(entry, exit, death) ~ x"), data, rows=1000).iloc[0]
    assert (row["n"], row["of_n"], row["events"], row["of_events"]) == (1000, 3000, with_event, with_event)
    few = cross_check_of(fits("Surv(entry, exit, death) ~ x"), people(3000), rows=600).iloc[0]
    assert (few["n"], few["events"]) == (600, 300)
    again = cross_check_of(fits("Surv(entry, exit, death) ~ x"), people(3000), rows=600).iloc[0]
    pd.testing.assert_series_equal(few, again)


def test_models_are_taken_evenly_from_the_list() -> None:
    many = fits(*["Surv(exit, death) ~ x"] * 9).assign(model=[f"m{i}" for i in range(9)])
    assert spread(many, 3)["model"].tolist() == ["m0", "m4", "m8"]
    assert spread(many.iloc[:1], 3)["model"].tolist() == ["m0"]
    assert cross_check_of(spread(many.iloc[:0]), people(200)).empty


def test_logistic_models_are_fitted_again_by_statsmodels() -> None:
    row = cross_check_of(fits("death ~ x + sex").assign(time_scale="none"), people(800)).iloc[0]
    assert (row["software"], row["terms"], row["n"]) == ("statsmodels", 3, 800)
    assert row["converged"]
    assert 0 < row["max_difference_se"] < 1e-6
    assert 0 < row["max_se_difference"] < 1e-6


@pytest.mark.parametrize("formula", ["Surv(entry, exit, death) ~ rcs(x, 4) + strata(sex)", "Surv(exit, death) ~ x"])
def test_r_agrees_where_it_is_installed(formula: str, with_r: None) -> None:
    found = cross_check_of(fits(formula), people(800)).set_index("software")
    assert list(found.index) == ["lifelines", "R's survival"]
    assert found.loc["R's survival", "max_difference_se"] < 1e-8
    assert found.loc["R's survival", "max_se_difference"] < 1e-8


def test_r_agrees_on_a_state(with_r: None) -> None:
    state = fits("death ~ x + sex").assign(time_scale="none")
    found = cross_check_of(state, people(800)).set_index("software")
    assert found.loc["R's glm", "max_difference_se"] < 1e-7


def test_without_r_there_is_one_opinion(monkeypatch: pytest.MonkeyPatch, with_r: None) -> None:
    monkeypatch.setenv("PATH", "")
    assert cross_check_of(fits("Surv(exit, death) ~ x"), people(800))["software"].tolist() == ["lifelines"]
