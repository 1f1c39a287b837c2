from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit import absolute_risk
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.fit import Fit

R = json.loads((REFERENCE / "absolute.json").read_text())
AALEN = json.loads((REFERENCE / "incidence.json").read_text())["curves"]["competing"]
MELANOMA = pd.read_csv(REFERENCE / "absolute_melanoma.csv")
MELANOMA["died"], MELANOMA["other"] = MELANOMA["status"].eq(1), MELANOMA["status"].eq(2)
LATE = pd.read_csv(REFERENCE / "incidence.csv").rename(columns={"competing": "death"})
SAME = "C(sex, ref='Female') + age + logthick + invasion"
THREE = MELANOMA.iloc[[0, 49, 99]]


def melanoma(first: str = SAME, second: str = SAME, **options: Any) -> dict[str, Fit]:
    return {
        "died": rk.cox(f"Surv(time, died) ~ {first}", MELANOMA, **options),
        "other": rk.cox(f"Surv(time, other) ~ {second}", MELANOMA, **options),
    }


def late(data: pd.DataFrame = LATE, terms: str = "x", **options: Any) -> dict[str, Fit]:
    return {name: rk.cox(f"Surv(entry, exit, {name}) ~ {terms}", data, **options) for name in ("event", "death")}


@pytest.mark.parametrize(("cause", "number"), [("died", "1"), ("other", "2")])
def test_it_is_risk_regression_s(cause: str, number: str) -> None:
    found = absolute_risk(melanoma(), THREE, [1000, 2500]).query("cause == @cause")
    for column in ("estimate", "se", "low", "high"):
        assert_allclose(found[column], np.ravel(R["limit"][number][column]), rtol=1e-6)


def test_each_cause_may_have_a_model_of_its_own() -> None:
    found = absolute_risk(melanoma("age + strata(sex)", "logthick"), THREE, [1000, 2500]).query("cause == 'died'")
    assert_allclose(found["estimate"], np.ravel(R["own"]["estimate"]), rtol=1e-7)
    assert_allclose(found["se"], np.ravel(R["own"]["se"]), rtol=1e-6)


def test_exponentials_of_all_causes_are_one_minus_the_survival_of_both() -> None:
    found = absolute_risk(late(), pd.DataFrame({"x": [0.3]}), [60, 70], start=50, estimator="exponential")
    hazards = [rk.baseline(fit, pd.DataFrame({"x": [0.3]})).set_index("time")["cumhaz"] for fit in late().values()]
    for time, both in found.groupby("time")["estimate"]:
        total = sum(h.loc[:time].iloc[-1] - h.loc[:50].iloc[-1] for h in hazards)
        assert_allclose(both.sum(), 1 - np.exp(-total), rtol=1e-12)


def test_without_covariates_it_is_aalen_and_johansen_with_delayed_entry() -> None:
    fits = late(terms="1", ties="breslow", robust=True)
    found = absolute_risk(fits, LATE[["x"]].head(1), AALEN["at"], start=50).query("cause == 'event'")
    assert_allclose(found["estimate"], AALEN["estimate"], rtol=1e-10)
    for column in ("se", "low", "high"):
        assert_allclose(found[column].iloc[1:], AALEN[column][1:], rtol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("estimator", ["product-limit", "exponential"])
def test_the_standard_error_is_made_of_derivatives_by_the_weights(ties: str, estimator: str) -> None:
    data = LATE.assign(exit=np.ceil(LATE["exit"]), group=np.arange(300) % 2, w=1 + np.arange(300) % 3).head(60)
    data["entry"] = np.minimum(data["entry"], data["exit"] - 0.5)
    one = pd.DataFrame({"x": [0.4], "group": [1]})

    def asked(weights: pd.Series) -> pd.DataFrame:
        fits = {
            "event": rk.cox(
                "Surv(entry, exit, event) ~ x + strata(group)", data.assign(w=weights), weights="w", ties=ties
            ),
            "death": rk.cox("Surv(entry, exit, death) ~ x", data.assign(w=weights), weights="w", ties=ties),
        }
        return absolute_risk(fits, one, [60, 70], start=52, estimator=estimator)

    step, variance = 1e-4, np.zeros(4)
    for row in data.index:
        less, more = (asked(data["w"].where(data.index != row, data["w"] * (1 + s))) for s in (-step, step))
        variance += ((more["estimate"] - less["estimate"]) / (2 * step)).to_numpy() ** 2
    assert_allclose(asked(data["w"])["se"], np.sqrt(variance), rtol=1e-6)


def test_splitting_rows_changes_nothing_when_people_are_clusters() -> None:
    people = LATE.assign(id=np.arange(len(LATE)))
    middle = (people["entry"] + people["exit"]) / 2
    split = pd.concat([people.assign(exit=middle, event=0, death=0), people.assign(entry=middle)], ignore_index=True)
    new = pd.DataFrame({"x": [-0.5, 1.0]})
    whole = absolute_risk(late(people, cluster="id"), new, [60, 70], start=50)
    again = absolute_risk(late(split, cluster="id"), new, [60, 70], start=50)
    pd.testing.assert_frame_equal(whole, again, rtol=1e-9)


def test_risks_rise_with_time_and_with_no_event_add_up_to_one() -> None:
    times, new = [52, 55, 60, 65, 70, 75], pd.DataFrame({"x": [-3.0, 0.0, 3.0]})
    for estimator in ("product-limit", "exponential"):
        found = absolute_risk(late(), new, times, start=50, estimator=estimator)
        wide = found.pivot_table(index=["row", "time"], columns="cause", values="estimate")
        assert (wide.groupby("row").diff().dropna() >= 0).all(axis=None)
        assert (wide.sum(axis=1) <= 1).all()
    alone = absolute_risk({"either": either()}, new, times, start=50)
    assert (alone["estimate"] <= 1).all()


def either() -> Fit:
    return rk.cox("Surv(entry, exit, any) ~ x", LATE.assign(any=LATE["event"] + LATE["death"]))


def test_one_cause_is_one_minus_its_survival() -> None:
    new = pd.DataFrame({"x": [0.3]})
    found = absolute_risk({"either": either()}, new, [60, 70], start=50, estimator="exponential")
    curve = rk.baseline(either(), new).set_index("time")["cumhaz"]
    wanted = [1 - np.exp(curve.loc[:50].iloc[-1] - curve.loc[:at].iloc[-1]) for at in (60, 70)]
    assert_allclose(found["estimate"], wanted, rtol=1e-12)


def test_each_stratum_has_its_own_baseline_and_an_offset_counts() -> None:
    data = LATE.assign(sex=np.where(np.arange(300) % 2, "Women", "Men"), known=0.3)
    everyone = pd.DataFrame({"x": [0.2, 0.2], "sex": ["Men", "Women"]})
    fits = late(data, "strata(sex)", ties="breslow")
    for row, sex in enumerate(["Men", "Women"]):
        alone = late(data[data["sex"] == sex], "1", ties="breslow")
        wanted = absolute_risk(alone, everyone.iloc[[row]], [65], start=50)
        found = absolute_risk(fits, everyone, [65], start=50).query("row == @row").reset_index(drop=True)
        pd.testing.assert_frame_equal(found, wanted, rtol=1e-10)
    shifted = absolute_risk(late(data, "x + offset(known)"), everyone.assign(known=0.3), [65], start=50)
    pd.testing.assert_frame_equal(shifted, absolute_risk(late(), everyone, [65], start=50), rtol=1e-10)


def test_fits_of_equal_imputed_sets_pool_to_themselves() -> None:
    one = pd.DataFrame({"x": [0.2]})
    pooled = absolute_risk({name: rk.pool([fit, fit]) for name, fit in late().items()}, one, [65], start=50)
    wanted = absolute_risk(late(), one, [65], start=50)
    assert_allclose(pooled[["estimate", "se"]], wanted[["estimate", "se"]], rtol=1e-10)
    with pytest.raises(SpecError, match="same imputed sets"):
        absolute_risk({"event": rk.pool([late()["event"]] * 2), "death": late()["death"]}, one, [65], start=50)


@pytest.mark.parametrize(
    ("times", "start", "message"),
    [
        ([99], 50, "is followed until"),
        ([45], 50, "is not after the start of the risk"),
        ([60], 30, "nobody is at risk just after 30"),
        ([np.nan], 50, "finite time"),
        ([], 50, "finite time"),
        (None, 50, "one time or more"),
        ([60], "fifty", "start=60"),
    ],
)
def test_a_time_that_cannot_be_answered_is_refused(times: Any, start: Any, message: str) -> None:
    with pytest.raises((DataError, SpecError), match=message):
        absolute_risk(late(), pd.DataFrame({"x": [0.0]}), times, start=start)


def test_causes_that_are_none_are_refused() -> None:
    new, fits = pd.DataFrame({"x": [0.0]}), late()
    twice = {"mi": fits["event"], "infarction": fits["event"]}
    with pytest.raises(DataError, match="are the same events"):
        absolute_risk(twice, new, [60], start=50)
    overlapping = rk.cox("Surv(entry, exit, some) ~ x", LATE.assign(some=LATE["death"] | (LATE.index < 50)))
    with pytest.raises(DataError, match="rows have events of both"):
        absolute_risk({**fits, "death": overlapping}, new, [60], start=50)
    longer = rk.cox("Surv(entry, exit, death) ~ x", LATE.assign(exit=LATE["exit"] + LATE["event"]))
    with pytest.raises(DataError, match="until the first event of any cause"):
        absolute_risk({**fits, "death": longer}, new, [60], start=50)
    for other, message in (
        (rk.logistic("event ~ x", LATE), "not a logistic model"),
        (fits["event"].light(), r"light\(\) let go"),
        (rk.cox("Surv(entry, exit, event) ~ ps(x)", LATE), "penalised splines"),
        (rk.cox("Surv(entry, exit, event) ~ x", LATE, penalty="firth"), "firth"),
    ):
        with pytest.raises(FitError, match=message):
            absolute_risk({"event": other}, new, [60], start=50)
    clustered = rk.cox("Surv(entry, exit, death) ~ x", LATE.assign(id=LATE.index), cluster="id")
    with pytest.raises(FitError, match="clustered"):
        absolute_risk({**fits, "death": clustered}, new, [60], start=50)
    with pytest.raises(SpecError, match="for each cause by name"):
        absolute_risk(fits["event"], new, [60], start=50)  # type: ignore[arg-type]


def test_a_stratum_without_events_has_no_risk_and_says_who_is_not_followed() -> None:
    data = LATE.assign(region=np.where(LATE.index < 280, "a", "b"))
    data.loc[data["region"] == "b", ["event", "death"]] = 0
    fits = late(data, "x + strata(region)")
    until = data.loc[data["region"] == "b", "exit"].max()
    with pytest.raises(DataError, match=r"stratum 'region=b'"):
        absolute_risk(fits, pd.DataFrame({"x": [0.0], "region": ["b"]}), [until + 5], start=64)
    found = absolute_risk(fits, pd.DataFrame({"x": [0.0], "region": ["b"]}), [66], start=64)
    assert (found["estimate"] == 0).all()
    assert found[["low", "high"]].isna().all(axis=None)


def test_newdata_must_be_whole() -> None:
    fits = late()
    with pytest.raises(DataError, match="'x' is missing in 1 rows"):
        absolute_risk(fits, pd.DataFrame({"x": [0.0, np.nan]}), [60], start=50)
    with pytest.raises(SpecError, match="no column 'x'"):
        absolute_risk(fits, pd.DataFrame({"y": [0.0]}), [60], start=50)
