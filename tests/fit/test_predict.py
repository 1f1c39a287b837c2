from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, FitError, RiskkitError, SpecError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
SURVFIT = json.loads((REFERENCE / "absolute.json").read_text())["survfit"]
LATE = pd.read_csv(REFERENCE / "incidence.csv")
LATE["sex"] = np.where(np.arange(len(LATE)) % 2, "Men", "Women")
NEW = pd.DataFrame({"x": [-1.0, 0.5], "sex": ["Men", "Women"]}, index=["a", "b"])


def cox(terms: str = "x", data: pd.DataFrame = LATE, **options: Any) -> Any:
    return rk.cox(f"Surv(entry, exit, event) ~ {terms}", data, **options)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_survival_is_survfit_s_with_delayed_entry_and_log_log_limits(ties: str) -> None:
    fit, frozen = cox(ties=ties), SURVFIT[ties]
    found = fit.predict(NEW, "survival", at=[60, 70, 80])
    for column, name in (("estimate", "surv"), ("low", "low"), ("high", "high")):
        assert_allclose(found[column], np.transpose(frozen[name]).ravel(), rtol=1e-8)
    hazard = fit.predict(NEW, "cumhazard", at=[60, 70, 80])
    assert_allclose(hazard["estimate"], np.transpose(frozen["cumhaz"]).ravel(), rtol=1e-8)
    assert_allclose(hazard["se"], np.transpose(frozen["se_cumhaz"]).ravel(), rtol=1e-8)
    risk = fit.predict(NEW, "risk", at=[60, 70, 80])
    assert_allclose(risk[["estimate", "low", "high"]], 1 - found[["estimate", "high", "low"]].to_numpy(), rtol=1e-12)
    assert found["row"].tolist() == ["a"] * 3 + ["b"] * 3


def test_from_an_age_on_it_is_conditional_on_being_alive_then() -> None:
    fit = cox("x + strata(sex)")
    whole = fit.predict(NEW, "survival", at=[60, 70]).pivot_table(index="row", columns="time", values="estimate")
    later = fit.predict(NEW, "survival", at=70, start=60).set_index("row")["estimate"]
    assert_allclose(later, whole[70] / whole[60], rtol=1e-12)
    one = fit.predict(NEW.head(1), "cumhazard", at=70)
    curve = rk.baseline(fit, NEW.head(1))
    assert_allclose(one[["estimate", "se"]].iloc[0], curve.query("time <= 70").iloc[-1][["cumhaz", "se"]].astype(float))


def test_robust_standard_errors_hold_the_baseline_too() -> None:
    data = LATE.head(80).assign(w=1 + np.arange(80) % 2, clinic=np.arange(80) % 20, sex="Men")

    def asked(weights: pd.Series) -> pd.DataFrame:
        fit = cox("x + strata(sex)", data.assign(w=weights), weights="w", cluster="clinic")
        return fit.predict(NEW.head(1), "cumhazard", at=[60, 70], start=52)

    step, variance = 1e-4, np.zeros(2)
    for clinic in range(20):
        less, more = (
            asked(data["w"].where(data["clinic"] != clinic, data["w"] * (1 + s)))["estimate"] for s in (-step, step)
        )
        variance += ((more - less) / (2 * step)).to_numpy() ** 2
    assert_allclose(asked(data["w"].astype(float))["se"], np.sqrt(variance), rtol=1e-6)
    plain, robust = (cox(data=data, robust=r).predict(NEW, "risk", at=[60], start=52) for r in (False, True))
    assert_allclose(plain["estimate"], robust["estimate"])
    assert_allclose(plain["se"], robust["se"], rtol=0.5)


def test_many_people_and_times_at_once_are_each_alone() -> None:
    fit = cox(robust=True)
    people = pd.DataFrame({"x": np.linspace(-1, 1, 50)})
    whole = fit.predict(people, "risk", at=[55, 60, 65])
    alone = fit.predict(people.loc[[37]], "risk", at=[60])
    assert_allclose(whole.query("row == 37 and time == 60")[["estimate", "se"]], alone[["estimate", "se"]])


def test_a_ratio_is_to_someone_typical() -> None:
    fit = cox("x + sex")
    found = fit.predict(NEW, "ratio")
    wanted = rk.contrast(fit, {"x": -1.0, "sex": "Men"}, {"x": LATE["x"].median(), "sex": "Men"})
    assert_allclose(found.loc["a", ["estimate", "se", "ratio", "low", "high"]].astype(float), wanted.iloc[0, :5])


def test_probabilities_have_limits_on_the_logit_and_rates_on_the_logarithm() -> None:
    fit = rk.logistic("event ~ x", LATE)
    theirs = sm.GLM(LATE["event"], sm.add_constant(LATE[["x"]]), family=sm.families.Binomial()).fit(tol=1e-14)
    frame = theirs.get_prediction(sm.add_constant(NEW[["x"]], has_constant="add")).summary_frame()
    found = fit.predict(NEW, "probability")
    assert_allclose(found, frame[["mean", "mean_se", "mean_ci_lower", "mean_ci_upper"]], rtol=1e-6)
    assert fit.predict(NEW.assign(x=[np.nan, 0.5]), "probability")["estimate"].isna().tolist() == [True, False]

    data = LATE.assign(years=LATE["exit"] - LATE["entry"])
    rates = rk.poisson("event ~ x", data, time="years")
    model = sm.GLM(data["event"], sm.add_constant(data[["x"]]), family=sm.families.Poisson(), exposure=data["years"])
    frame = model.fit(tol=1e-14).get_prediction(sm.add_constant(NEW[["x"]], has_constant="add"), exposure=[1, 1])
    wanted = frame.summary_frame()[["mean", "mean_se", "mean_ci_lower", "mean_ci_upper"]]
    assert_allclose(rates.predict(NEW, "rate"), wanted, rtol=1e-6)
    assert_allclose(rates.predict(NEW, "count", at=10), 10 * wanted, rtol=1e-6)
    risks = rk.poisson("event ~ x", LATE, robust=True)
    assert_allclose(risks.predict(NEW, "risk"), risks.predict(NEW, "rate"))


def test_pooled_fits_predict_pooled() -> None:
    fit = cox()
    for kind in ("survival", "cumhazard"):
        pooled = rk.pool([fit, fit]).predict(NEW, kind, at=[60])
        assert_allclose(pooled[["estimate", "se"]], fit.predict(NEW, kind, at=[60])[["estimate", "se"]])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: cox().predict(NEW, "probability"), "not one of lp, ratio, survival"),
        (lambda: cox().predict(NEW, "survival"), "give one time or more"),
        (lambda: cox().predict(NEW, "survival", at=[99]), "is followed until"),
        (lambda: cox().predict(NEW, "survival", at=[60], start=30), "nobody is at risk"),
        (lambda: cox().predict(NEW, "survival", at=[60], start=65), "not after the start"),
        (lambda: cox().predict(NEW, at=[60]), "has no time"),
        (lambda: cox().predict(NEW, "ratio", at=[60]), "has no time"),
        (lambda: cox("x + strata(sex)").predict(NEW[["x"]], "risk", at=[60]), "no column 'sex'"),
        (lambda: cox("x + strata(sex)").predict(NEW.assign(sex="Mann"), "risk", at=[60]), "the stratum 'sex=Mann'"),
        (lambda: cox().predict(NEW.assign(x=np.nan), "risk", at=[60]), "is missing in 2 rows"),
        (lambda: cox().light().predict(NEW, "risk", at=[60]), "let go of"),
        (lambda: cox("ps(x)").predict(NEW, "risk", at=[60]), "penalised splines"),
        (lambda: cox(penalty="firth").predict(NEW, "risk", at=[60]), "firth"),
        (lambda: rk.poisson("event ~ x", LATE, time="exit").predict(NEW, "count"), "how much person-time"),
        (lambda: rk.poisson("event ~ x", LATE, time="exit").predict(NEW, "count", at=-1), "one positive amount"),
        (lambda: rk.clogit("event ~ x + strata(sex)", LATE).predict(NEW, "probability"), "not one of lp, ratio"),
        (lambda: cox().predict(NEW, "risk", at=[60], level=95), "between 0 and 1"),
    ],
)
def test_predictions_that_cannot_be_had_are_refused(ask: Any, message: str) -> None:
    with pytest.raises(RiskkitError, match=message):
        ask()


def test_refusals_are_of_a_kind() -> None:
    with pytest.raises(SpecError):
        cox().predict(NEW, "hazard")
    with pytest.raises(DataError):
        cox().predict(NEW, "risk", at=[60], start=30)
    with pytest.raises(FitError):
        cox().light().predict(NEW, "risk", at=[60])
