"""Effects that change over time: survival's tt(), and splitting follow-up at every event by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import riskkit as rk
from riskkit.errors import DataError, FitError, SpecError

REFERENCE = Path(__file__).parent.parent / "reference"
R = json.loads((REFERENCE / "changing.json").read_text())["fits"]
LUNG = pd.read_csv(REFERENCE / "infer_lung.csv").dropna(subset=["time", "age", "sex", "karno", "died"])
LUNG = LUNG.assign(
    women=(LUNG["sex"] == "women").astype(int),
    entry=np.where(np.arange(1, len(LUNG) + 1) % 3 == 0, 5.0, 0.0),
    w=1 + np.arange(1, len(LUNG) + 1) % 4 / 2,
)
MODELS = {
    "log": ('Surv(time, died) ~ karno + age + tv(karno, "log")', {}),
    "linear": ('Surv(time, died) ~ karno + age + tv(karno, "linear")', {"ties": "breslow"}),
    "spline": ("Surv(time, died) ~ karno + age + tv(karno, rcs([50, 200, 600]))", {}),
    "entry": (
        'Surv(entry, time, died) ~ karno + women + tv(karno, "log") + tv(women, "linear")',
        {"weights": "w"},
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_it_is_survival_s_tt(name) -> None:
    formula, options = MODELS[name]
    fit = rk.cox(formula, LUNG, **options)
    assert_allclose(fit.coef, R[name]["coef"], rtol=1e-6)
    assert_allclose(fit.vcov, R[name]["var"], rtol=1e-5, atol=1e-12)
    assert_allclose(fit.loglik, R[name]["loglik"][1], rtol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("late", [False, True])
def test_it_is_splitting_at_every_event(ties, late) -> None:
    random = np.random.default_rng(2)
    n = 250
    data = pd.DataFrame(
        {"x": random.normal(size=n), "g": random.choice(list("abc"), n), "s": random.integers(0, 2, n),
         "entry": random.integers(0, 3, n) if late else 0, "w": random.uniform(0.5, 2, n),
         "known": random.normal(size=n)}
    )  # fmt: skip
    data["exit"] = data["entry"] + random.integers(1, 25, n).astype(float)
    data["ill"] = random.binomial(1, 0.6, n)
    formula = 'Surv(entry, exit, ill) ~ x + g + tv(x, "log") + tv(g, "linear") + offset(known) + strata(s)'
    fit = rk.cox(formula, data, ties=ties, weights="w")
    pieces = rk.split(data, np.unique(data.loc[data["ill"] == 1, "exit"]), follow_up="Surv(entry, exit, ill)")
    pieces = pieces.assign(
        x_log=pieces["x"] * np.log(pieces["exit"]),
        b_t=(pieces["g"] == "b") * pieces["exit"],
        c_t=(pieces["g"] == "c") * pieces["exit"],
    )
    by_hand = rk.cox(
        "Surv(entry, exit, ill) ~ x + g + x_log + b_t + c_t + offset(known) + strata(s)", pieces, ties=ties, weights="w"
    )
    assert_allclose(fit.coef, by_hand.coef, rtol=1e-8)
    assert_allclose(fit.vcov, by_hand.vcov, rtol=1e-7, atol=1e-12)
    assert_allclose([fit.loglik, fit.loglik_null], [by_hand.loglik, by_hand.loglik_null], rtol=1e-10)
    assert (fit.n, fit.events) == (n, data["ill"].sum())


def test_answers_are_at_a_time() -> None:
    fit = rk.cox(*MODELS["log"][:1], LUNG)
    assert list(fit.params.index) == ["karno", "age", "karno:log(time)"]
    for time in (30.0, 300.0):
        found = rk.contrast(fit, {"karno": 80}, {"karno": 70}, at={"time": time}).iloc[0]
        row = 10 * np.array([1, 0, np.log(time)])
        assert found["estimate"] == pytest.approx(row @ fit.coef)
        assert found["se"] == pytest.approx(np.sqrt(row @ fit.vcov @ row))
    assert rk.curve(fit, "karno", reference=80, at={"time": 100}, grid=[70, 80, 90])["ratio"].iloc[1] == 1
    with pytest.raises(SpecError, match="depends on 'time', which has no main effect; set it"):
        rk.contrast(fit, {"karno": 80}, {"karno": 70})
    tests = rk.anova(fit).set_index(["term", "part"])["p"]
    z = fit.coef[2] / fit.se[2]
    assert tests[("karno", "interaction")] == pytest.approx(rk.anova(fit).set_index("term")["p"]["karno:time"])
    assert tests[("karno", "interaction")] == pytest.approx(2 * stats.norm.sf(abs(z)))


def test_a_spline_of_time_has_its_knots_at_the_events() -> None:
    fit = rk.cox("Surv(time, died) ~ karno + tv(karno, rcs(3))", LUNG)
    events = LUNG.loc[LUNG["died"] == 1, "time"]
    knots = ", ".join(f"{k:.17g}" for k in rk.knots(events, 3))
    given = rk.cox(f"Surv(time, died) ~ karno + tv(karno, rcs([{knots}]))", LUNG)
    assert_allclose(fit.coef, given.coef)
    assert len(fit.coef) == 3


def test_missing_values_are_left_out_and_counted() -> None:
    holes = LUNG.assign(karno=LUNG["karno"].where(np.arange(len(LUNG)) > 9))
    fit = rk.cox(MODELS["log"][0], holes)
    assert fit.n_missing == 10
    assert_allclose(fit.coef, rk.cox(MODELS["log"][0], LUNG[10:]).coef, rtol=1e-10)


def test_what_takes_effects_to_be_constant_is_refused() -> None:
    fit = rk.cox(MODELS["log"][0], LUNG)
    for ask in (rk.baseline, rk.concordance, rk.residuals, rk.ph_test):
        with pytest.raises(FitError, match=r"not for a model with tv"):
            ask(fit)
    with pytest.raises(SpecError, match="fitted again"):
        rk.bootstrap(fit)


@pytest.mark.parametrize(
    ("formula", "options", "said"),
    [
        ('Surv(time, died) ~ age + tv(age, "sqrt")', {}, "say how the effect changes"),
        ("Surv(time, died) ~ age + tv(age)", {}, "say how the effect changes"),
        ('Surv(time, died) ~ women * tv(age, "log")', {}, "cannot stand in an interaction"),
        ('Surv(time, died) ~ age + tv(age, "log")', {"robust": True}, "model-based covariance only"),
        ('Surv(time, died) ~ ps(karno) + tv(age, "log")', {}, "model-based covariance only"),
        ('Surv(time, died) ~ age + tv(age, "log") + cluster(sex)', {}, "leave out cluster"),
        ('Surv(time, died) ~ age + tv(age, "log") + tv(age, "log")', {}, None),
        ('Surv(time, died) ~ age + tv(height, "log")', {}, "no column 'height'"),
    ],
)
def test_faults_are_named(formula, options, said) -> None:
    if said is None:  # written twice, a term stands once, as any other
        assert len(rk.cox(formula, LUNG, **options).coef) == 2
        return
    with pytest.raises(SpecError, match=said):
        rk.cox(formula, LUNG, **options)


def test_other_models_and_impossible_times_refuse() -> None:
    for fit in (lambda: rk.poisson('Surv(time, died) ~ age + tv(age, "log")', LUNG),
                lambda: rk.logistic('died ~ age + tv(age, "log")', LUNG)):  # fmt: skip
        with pytest.raises(SpecError, match=r"are for riskkit\.cox alone"):
            fit()
    shifted = LUNG.assign(entry=-2000.0, exit=LUNG["time"] - 1000)
    with pytest.raises(DataError, match="which has no logarithm"):
        rk.cox('Surv(entry, exit, died) ~ age + tv(age, "log")', shifted)
