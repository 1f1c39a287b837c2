from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, FitError, SpecError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
R = json.loads((REFERENCE / "finegray.json").read_text())
MGUS, PBC = (pd.read_csv(REFERENCE / f"finegray_{name}.csv") for name in ("mgus2", "pbc"))
MELANOMA = pd.read_csv(REFERENCE / "absolute_melanoma.csv")
MELANOMA = MELANOMA.assign(
    male=MELANOMA["sex"].eq("Male").astype(float),
    entry=MELANOMA["age"],
    exit=MELANOMA["age"] + MELANOMA["time"] / 365.25,
)
LATE = pd.read_csv(REFERENCE / "incidence.csv")
LATE = LATE.assign(
    status=LATE["event"] + 2 * LATE["competing"], time=LATE["exit"] - LATE["entry"], group=np.arange(len(LATE)) % 2
)
AGE, SINCE = "Surv(entry, exit, status)", "Surv(time, status)"
FITS: dict[str, tuple[pd.DataFrame, str, dict[str, Any]]] = {
    "mgus": (MGUS, f"{SINCE} ~ age + male + mspike", {}),
    "mgus_breslow": (MGUS, f"{SINCE} ~ age + male + mspike", {"ties": "breslow"}),
    "mgus_age": (MGUS, f"{AGE} ~ male + mspike + hgb", {}),
    "mgus_age_groups": (MGUS, f"{AGE} ~ mspike + hgb + strata(male)", {"censoring": "male"}),
    "mgus_age_strata": (MGUS, f"{AGE} ~ mspike + hgb + strata(male)", {}),
    "pbc": (PBC, f"{SINCE} ~ age + male + edema + bili", {}),
    "pbc_age": (PBC[PBC["entry"] > 35], f"{AGE} ~ male + edema + bili", {}),
    "melanoma": (MELANOMA, f"{SINCE} ~ age + male + logthick", {}),
    "melanoma_age": (MELANOMA[MELANOMA["entry"].between(30, 80)], f"{AGE} ~ male + logthick", {}),
    "late": (LATE, f"{AGE} ~ x", {}),
    "late_breslow": (LATE, f"{AGE} ~ x", {"ties": "breslow"}),
    "late_groups": (LATE, f"{AGE} ~ x + strata(group)", {"censoring": ["group"]}),
    "late_since": (LATE, f"{SINCE} ~ x", {}),
}


def late(data: pd.DataFrame = LATE, formula: str = f"{AGE} ~ x", **options: Any) -> Any:
    return rk.finegray(formula, data, **{"cause": 1, "competing": 2, **options})


@pytest.mark.parametrize("name", FITS)
def test_it_is_r_s_finegray_and_coxph_with_delayed_entry_ties_and_strata(name: str) -> None:
    data, formula, options = FITS[name]
    frozen = R["finegray"][name]
    fit = rk.finegray(formula, data, cause=1, competing=2, **options)
    assert_allclose(fit.coef, np.ravel(frozen["coef"]), rtol=1e-9, atol=1e-12)
    assert_allclose(fit.se, np.ravel(frozen["se"]), rtol=1e-7)
    assert_allclose([fit.loglik_null, fit.loglik], frozen["loglik"], rtol=1e-10)
    naive = rk.finegray(formula, data, cause=1, competing=2, robust=False, **options)
    assert_allclose(naive.se, np.ravel(frozen["naive"]), rtol=1e-7)


@pytest.mark.parametrize("name", ["mgus", "pbc", "melanoma", "late_since"])
def test_it_is_cmprsk_s_crr(name: str) -> None:
    data, formula, _ = FITS[name]
    untied = data.assign(time=data["time"] + 1e-4 * (1 + np.arange(len(data))))
    fit = rk.finegray(formula, untied, cause=1, competing=2)
    frozen = R["crr"][name.removesuffix("_since")]
    assert_allclose(fit.coef, np.ravel(frozen["coef"]), rtol=1e-6)
    assert_allclose(fit.se, np.ravel(frozen["se"]), rtol=0.01)  # crr adds what estimating the censoring takes


def test_groups_of_censoring_are_rows_split_and_weighted_by_hand() -> None:
    data = LATE.head(120).assign(x=LATE["x"].round(2))
    fit = late(data, censoring="group", ties="breslow")
    events = np.sort(data.loc[data["status"] == 1, "exit"].unique())
    rows = []
    for person in data.itertuples():
        same = data[data["group"] == person.group]
        rows.append((person.entry, person.exit, person.status == 1, person.x, 1.0))
        if person.status == 2:
            before = person.exit
            for time in events[events > person.exit]:
                weight = observed(same, time) / observed(same, person.exit)
                rows.append((before, time, False, person.x, weight))
                before = time
    long = pd.DataFrame(rows, columns=["entry", "exit", "event", "x", "w"])
    by_hand = rk.cox("Surv(entry, exit, event) ~ x", long[long["w"] > 0], weights="w", ties="breslow")
    assert_allclose(fit.coef, by_hand.coef, rtol=1e-9)


def observed(people: pd.DataFrame, time: float) -> float:
    """Probability of being under observation at a time, by the definition: not censored before, entered before."""
    out = 1.0
    for c in people.loc[(people["status"] == 0) & (people["exit"] < time), "exit"].unique():
        out_already = (people["exit"] == c) & (people["status"] != 0)
        seen = ((people["entry"] < c) & (people["exit"] >= c) & ~out_already).sum()
        out *= 1 - ((people["status"] == 0) & (people["exit"] == c)).sum() / seen
    for e in people.loc[people["entry"] >= time, "entry"].unique():
        out *= 1 - (people["entry"] == e).sum() / ((people["entry"] <= e) & (people["exit"] > e)).sum()
    return out


def test_weights_are_people() -> None:
    weighted = late(LATE.assign(w=1 + np.arange(len(LATE)) % 3), weights="w", ties="breslow")
    repeated = LATE.loc[LATE.index.repeat(1 + np.arange(len(LATE)) % 3)]
    people = repeated.assign(person=repeated.index).reset_index(drop=True)
    clustered = late(people, cluster="person", ties="breslow")
    assert_allclose(weighted.coef, clustered.coef, rtol=1e-10)
    assert_allclose(weighted.se, clustered.se, rtol=1e-8)


def test_splitting_rows_changes_nothing() -> None:
    people = LATE.assign(id=np.arange(len(LATE)))
    middle = (people["entry"] + people["exit"]) / 2
    split = pd.concat([people.assign(exit=middle, status=0), people.assign(entry=middle)]).sample(
        frac=1, random_state=1
    )
    whole, parts = late(people), late(split, id="id")
    assert_allclose(parts.coef, whole.coef, rtol=1e-10)
    assert_allclose(parts.se, whole.se, rtol=1e-8)
    with pytest.raises(DataError, match="event before the person's last row"):
        late(pd.concat([people, people.assign(entry=people["exit"], exit=people["exit"] + 1)]), id="id")


def test_without_censoring_those_who_had_a_competing_event_stay_for_good() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=300)
    data = pd.DataFrame({"time": random.exponential(np.exp(-0.5 * x)), "status": random.choice([1, 2], 300), "x": x})
    stays = data.assign(
        time=np.where(data["status"] == 2, data["time"].max() + 1, data["time"]), event=data["status"] == 1
    )
    fit, cox = late(data, f"{SINCE} ~ x"), rk.cox("Surv(time, event) ~ x", stays, robust=True)
    assert_allclose(fit.coef, cox.coef, rtol=1e-10)
    assert_allclose(fit.vcov, cox.vcov, rtol=1e-8)
    assert_allclose(fit.loglik, cox.loglik, rtol=1e-12)


def test_every_question_about_a_fit_is_answered() -> None:
    fit = rk.finegray(f"{AGE} ~ rcs(mspike, 4) + C(male) + hgb", MGUS, cause=1, competing=2)
    assert fit.ratio_name == "subdistribution hazard ratio"
    assert "subdistribution" in fit.summary()
    assert rk.curve(fit, "mspike").shape[0] >= 200
    assert rk.contrast(fit, {"mspike": 2}, {"mspike": 1})["ratio"][0] > 1
    assert {"nonlinear", "overall"} <= set(rk.anova(fit)["part"])
    assert np.isfinite(rk.nadir(fit, "mspike").x)
    assert 0 <= rk.ushape(fit, "mspike").p <= 1
    smaller = rk.finegray(f"{AGE} ~ mspike + C(male) + hgb", MGUS, cause=1, competing=2)
    lr = rk.anova(
        rk.finegray(f"{AGE} ~ rcs(mspike, 4) + C(male) + hgb", MGUS, cause=1, competing=2, robust=False), test="lr"
    )
    nonlinear = lr[(lr["term"] == "mspike") & (lr["part"] == "nonlinear")].iloc[0]
    assert_allclose(nonlinear["chi2"], 2 * (fit.loglik - smaller.loglik), rtol=1e-6)


def test_statuses_may_be_words() -> None:
    words = LATE.assign(status=LATE["status"].map({0: "alive", 1: "mi", 2: "death"}))
    fit = late(words, cause="mi", competing=["death"], censored="alive")
    assert_allclose(fit.coef, late().coef)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (LATE, {"competing": None}, "holds 2, which is not declared"),
        (LATE, {"cause": 2}, "declared twice"),
        (LATE, {"cause": None, "competing": [1, 2]}, "cause is the code"),
        (LATE.assign(status=LATE["status"].replace(2, 0)), {}, "no competing event"),
        (LATE.assign(status=LATE["status"].replace(1, 2)), {}, "no event of the cause"),
        (LATE, {"censoring": "region"}, "no column 'region'"),
        (LATE.assign(region=np.nan), {"censoring": "region"}, "missing values"),
        (LATE, {"formula": "status ~ x"}, "the outcome is Surv"),
        (LATE, {"formula": f"{AGE} ~ ps(x)"}, "no penalised splines"),
        (LATE, {"ties": "exact"}, "is not one of"),
        (MELANOMA, {"formula": f"{AGE} ~ x0"}, "no column 'x0'"),
        (MELANOMA, {"formula": f"{AGE} ~ male"}, "nobody who entered before is under observation"),
    ],
)
def test_bad_input_is_refused(data: pd.DataFrame, options: dict[str, Any], message: str) -> None:
    with pytest.raises((DataError, FitError, SpecError), match=message):
        late(data, **options)


def test_it_is_not_taken_for_a_cox_model() -> None:
    fit = late()
    for ask in (rk.baseline, rk.residuals, rk.ph_test):
        with pytest.raises((FitError, SpecError)):
            ask(fit)
    with pytest.raises(FitError, match="not a finegray model"):
        rk.absolute_risk({"event": fit}, LATE, [60], start=50)
    with pytest.raises(FitError, match="not of a finegray model"):
        rk.standardise(fit, "x", [0, 1], [60])
    with pytest.raises(SpecError, match="not fitted again to other rows"):
        rk.bootstrap(fit, 20, progress=False)
