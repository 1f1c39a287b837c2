from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.fit.cox import cox
from riskkit.fit.linear import linear
from riskkit.fit.logistic import logistic
from riskkit.infer.curve import curve
from riskkit.infer.dilution import dilution, dilution_in
from riskkit.infer.simex import simex

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
MODEL = "Surv(time, died) ~ albumin + age + logbili + strata(female)"


@pytest.fixture(scope="module")
def frozen():
    return json.loads((REFERENCE / "infer_dilution.json").read_text())


@pytest.fixture(scope="module")
def pbc():
    return pd.read_csv(REFERENCE / "infer_dilution.csv")


def test_a_cox_model_agrees_with_simex_by_hand_in_r(pbc, frozen):
    fit = cox(MODEL, pbc)
    found = simex(fit, "albumin", dilution_in(fit, "albumin", pbc["repeated"]), replicates=150)
    theirs = frozen["simex"]
    ours = found.steps.query("term == 'albumin' and added >= 0").sort_values("added")["estimate"]
    # The means of 150 draws, at four of their standard errors.
    np.testing.assert_array_less(np.abs(ours - theirs["mean"]), 4 * np.array(theirs["sd"]) / np.sqrt(150) + 1e-9)
    assert found.fit.coef[0] == pytest.approx(theirs["estimate"], abs=0.05)
    assert found.fit.se[0] == pytest.approx(np.sqrt(theirs["variance"]), rel=0.1)


def pairs(n: int = 10_000, ratio: float = 0.75) -> pd.DataFrame:
    random = np.random.default_rng(7)
    usual = np.sqrt(ratio) * random.standard_normal(n)
    x, repeat = usual + np.sqrt(1 - ratio) * random.standard_normal((2, n))
    y = 0.5 * usual + random.standard_normal(n)
    return pd.DataFrame({"x": x, "repeat": repeat, "y": y, "ill": random.random(n) < 1 / (1 + np.exp(1 - y))})


def test_a_line_is_attenuated_and_extrapolated_as_algebra_says(frozen):
    data = pairs()
    fit = linear("y ~ x", data)
    found = simex(fit, "x", dilution(data["x"], data["repeat"]), replicates=20)
    steps = found.steps.query("term == 'x'").set_index("added")["estimate"]
    # Adding k times the error's 0.25 of variance divides the slope by 1 + 0.25 k.
    for added in (0.5, 1.0, 1.5, 2.0):
        assert steps[added] == pytest.approx(fit.coef[1] / (1 + 0.25 * added), rel=0.01)
    reach = dict(zip(frozen["reach"]["ratio"], frozen["reach"]["estimate"], strict=True))[0.75]
    assert reach == pytest.approx(0.949, abs=0.001)
    assert found.fit.coef[1] == steps[-1.0] == pytest.approx(reach * fit.coef[1] / 0.75, rel=0.015)


def test_draws_of_both_signs_leave_little_to_chance(pbc):
    fit = cox(MODEL, pbc)
    ratio = dilution_in(fit, "albumin", pbc["repeated"])
    spread = np.std([simex(fit, "albumin", ratio, replicates=10, seed=seed).fit.coef[0] for seed in range(5)])
    assert spread < 0.1 * fit.se[0]  # without the opposite draws: 0.6 of it


def test_data_simulated_from_the_same_seed_do_not_meet_their_own_draws_again():
    random = np.random.default_rng(1)
    covariate, x = random.standard_normal((2, 5_000))
    y = covariate + 0.5 * x + random.standard_normal(5_000)
    frame = pd.DataFrame({"y": y, "covariate": covariate, "x": x, "repeat": x + 0.5 * random.standard_normal(5_000)})
    ratio = replace(dilution(frame["x"], frame["repeat"]), ratio=0.8, se=0.0, within_sd=np.sqrt(0.2))
    fit = linear("y ~ x + covariate", frame)
    same, other = (simex(fit, "x", ratio, seed=seed).fit.coef[1] for seed in (1, 2))
    assert same == pytest.approx(other, abs=0.005)  # errors that are the covariate again move it by 0.03


def test_a_logistic_model_comes_near_to_the_one_without_error():
    data = pairs()
    fit = logistic("ill ~ x", data)
    found = simex(fit, "x", dilution(data["x"], data["repeat"]), replicates=20).fit
    assert fit.coef[1] < found.coef[1] < fit.coef[1] / 0.75
    assert found.coef[1] == pytest.approx(0.95 * fit.coef[1] / 0.75, rel=0.03)
    assert found.se[1] > fit.se[1]


def test_a_spline_keeps_its_knots_and_serves_curves(pbc):
    fit = cox("Surv(time, died) ~ rcs(albumin, 3) + age + logbili", pbc)
    found = simex(fit, "albumin", dilution_in(fit, "albumin", pbc["repeated"]), replicates=60).fit
    assert found.recipe == fit.recipe
    assert found.design is None
    assert "SIMEX (60 replicates, seed 1, quadratic extrapolation)" in found.notes[-1]
    ends = curve(found, "albumin", grid=[2.8, 4.0])
    measured = curve(fit, "albumin", grid=[2.8, 4.0])
    assert (np.abs(ends["estimate"]) > np.abs(measured["estimate"])).all()


def test_the_seed_decides(pbc):
    fit = cox(MODEL, pbc)
    ratio = dilution_in(fit, "albumin", pbc["repeated"])
    one, same, other = (simex(fit, "albumin", ratio, replicates=10, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.fit.coef, same.fit.coef)
    assert one.fit.coef[0] != other.fit.coef[0]


def test_bad_arguments_are_refused(pbc):
    fit = cox(MODEL, pbc)
    ratio = dilution_in(fit, "albumin", pbc["repeated"])
    for replicates in (8, 11):
        with pytest.raises(SpecError, match=f"even number of replicates, 10 or more; got {replicates}"):
            simex(fit, "albumin", ratio, replicates=replicates)
    with pytest.raises(DataError, match="no error to take away"):
        simex(fit, "albumin", replace(ratio, within_sd=0.0))
    with pytest.raises(SpecError, match="light"):
        simex(fit.light(), "albumin", ratio)
    with pytest.raises(SpecError, match="5 levels"):
        simex(cox("Surv(time, died) ~ fifths(albumin)", pbc), "albumin", ratio)
