"""rk.impute: what is filled in, what is kept, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.errors import DataError, SpecError

N = 600


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    random = np.random.default_rng(3)
    age, bmi = random.uniform(40, 70, N), random.normal(27, 4, N)
    smoking = np.array(["never", "former", "current"])[random.integers(3, size=N)]
    ability = 0.1 * (age - 55) + random.logistic(size=N)
    time = random.exponential(20 / np.exp(0.08 * (bmi - 27)))
    frame = pd.DataFrame(
        {
            "age": age,
            "bmi": np.round(bmi, 1),
            "smoking": pd.Categorical(smoking, categories=["never", "former", "current", "pipe"]),
            "education": np.digitize(ability, [-1, 1]).astype(float),
            "diabetes": (random.random(N) < 0.2).astype(float),
            "exit": age + np.minimum(time, 10),
            "death": (time < 10).astype(float),
        },
        index=np.arange(N) % 300,  # labels that repeat are no obstacle
    )
    for name in ("bmi", "smoking", "education", "diabetes"):
        frame.loc[random.random(N) < 0.25, name] = np.nan
    return frame


VARIABLES = ("age", "bmi", "smoking", "education", "diabetes")
DEATH = "Surv(age, exit, death)"


@pytest.fixture(scope="module")
def imputed(data):
    return rk.impute(data, VARIABLES, outcomes=[DEATH], m=3, iterations=4, seed=5, ordered=["education"], jobs=1)


def test_only_what_is_missing_is_filled_in(data, imputed):
    for one in imputed.sets:
        assert not one.isna().to_numpy().any()
        pd.testing.assert_frame_equal(one.where(data.notna()), data.astype(one.dtypes.to_dict()), check_dtype=False)
        assert (one.dtypes == data.dtypes).all()
        assert set(one["bmi"]) <= set(data["bmi"].dropna())
        assert "pipe" not in set(one["smoking"])  # never observed, never drawn
    assert not imputed.sets[0]["bmi"].equals(imputed.sets[1]["bmi"])


def test_it_says_what_it_did(data, imputed):
    variables = imputed.variables.set_index("name")
    assert dict(variables["kind"]) == {
        "bmi": "number", "smoking": "unordered", "education": "ordered", "diabetes": "binary",
    }  # fmt: skip
    assert (variables["n_missing"] == data[variables.index].isna().sum()).all()
    assert set(imputed.trace["set"]) == {1, 2, 3}
    assert (imputed.trace.groupby(["set", "variable"]).size() == 4).all()
    assert imputed.log.empty


def test_the_seed_decides_and_the_number_of_processes_does_not(data, imputed):
    seen = []
    again = rk.impute(
        data, VARIABLES, outcomes=[DEATH], m=3, iterations=4, seed=5, ordered=["education"], jobs=2,
        on_progress=lambda done, of: seen.append((done, of)),
    )  # fmt: skip
    for ours, theirs in zip(imputed.sets, again.sets, strict=True):
        pd.testing.assert_frame_equal(ours, theirs)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    other = rk.impute(data, VARIABLES, outcomes=[DEATH], m=2, iterations=1, seed=6, jobs=1)
    assert not other.sets[0]["bmi"].equals(imputed.sets[0]["bmi"])


def test_fits_share_knots_and_make_splines_and_interactions_from_imputed_values(imputed):
    fit = imputed.fit(rk.cox, f"{DEATH} ~ rcs(bmi, 4) * diabetes + C(smoking)")
    assert fit.n == N
    assert fit.n_missing == 0
    basis = fit.recipe.terms_with("bmi")[0].bases[0]
    together = pd.concat(imputed.sets)["bmi"].to_numpy()
    np.testing.assert_allclose(basis.knots, rk.knots(together, 4))
    for one, own in zip(imputed.sets, fit.fits, strict=True):
        np.testing.assert_array_equal(own.design.x[:, 0], one["bmi"])
        np.testing.assert_array_equal(own.design.x[:, 6], one["bmi"] * one["diabetes"])
    assert rk.curve(fit, "bmi", at={"diabetes": 0})["ratio"].notna().all()


def test_bounds_and_the_normal_method(data):
    low = data["bmi"].min()
    found = rk.impute(
        data, ["bmi"], outcomes=[DEATH], m=2, seed=1, methods={"bmi": "normal"}, bounds={"bmi": (low, 40.0)}, jobs=1
    )
    drawn = found.sets[0]["bmi"][data["bmi"].isna()]
    assert drawn.between(low, 40).all()
    assert not set(drawn) <= set(data["bmi"])


def test_what_is_known_of_the_outcome_is_used():
    """Without the outcome in the model the association with an imputed variable is diluted; with it, it is not."""
    random = np.random.default_rng(11)
    x = random.standard_normal(3000)
    y = (random.random(3000) < 1 / (1 + np.exp(-x))).astype(float)
    z = x + random.standard_normal(3000)
    frame = pd.DataFrame({"x": np.where(random.random(3000) < 0.5, np.nan, x), "z": z, "y": y})
    slopes = {
        outcomes: rk.impute(frame, ["x"], outcomes=outcomes, predictors="z", m=5, iterations=1, seed=2, jobs=1)
        .fit(rk.logistic, "y ~ x")
        .coef[1]
        for outcomes in ((), ("y",))
    }
    full = rk.logistic("y ~ x", pd.DataFrame({"x": x, "y": y}))
    assert slopes[("y",)] == pytest.approx(full.coef[1], abs=3 * full.se[1])
    assert slopes[()] < full.coef[1] - 3 * full.se[1]


def test_fallbacks_are_in_the_log(data):
    lost = data.assign(bmi=data["bmi"].where(data["death"] == 0), diabetes=data["diabetes"].where(data["age"] > 41))
    lost["diabetes"] = (lost["age"] > 55).astype(float).where(lost["diabetes"].notna())
    found = rk.impute(lost, ["bmi", "diabetes"], predictors="age", outcomes=[DEATH], m=2, iterations=2, seed=1, jobs=1)
    log = found.log.set_index("variable")
    assert "predicted perfectly" in log.loc["diabetes", "problem"]
    assert any("missing in everyone with death" in problem for problem in log.loc["bmi", "problem"])
    assert any("not predicted from death" in problem for problem in log.loc["bmi", "problem"])
    assert (log["sets"] == 2).all()


@pytest.mark.parametrize(
    ("change", "arguments", "error", "message"),
    [
        ({}, {"m": 1}, SpecError, "2 or more .* got 1"),
        ({}, {"m": 10**9}, SpecError, "would take for ever"),
        ({}, {"iterations": 10**9}, SpecError, "would take for ever"),
        ({}, {"iterations": 0}, SpecError, "iterations must be 1"),
        ({}, {"variables": ["bmu"]}, SpecError, "no column 'bmu'.* Did you mean 'bmi'"),
        ({}, {"variables": ["age"]}, SpecError, "nothing is missing in age"),
        ({}, {"ordered": ["education"], "variables": ["bmi"]}, SpecError, "'education' is not among the variables"),
        ({}, {"bounds": {"bmi": (40, 20)}}, SpecError, "must increase"),
        ({}, {"bounds": {"bmi": (25, 40)}}, DataError, "outside its bounds 25 to 40"),
        ({}, {"bounds": {"smoking": (0, 1)}}, SpecError, "'smoking' is a category"),
        ({}, {"methods": {"bmi": "forest"}}, SpecError, '"pmm" or "normal"; got \'forest\''),
        ({}, {"outcomes": ["Surv(age, exit, dead)"]}, SpecError, "no column 'dead'"),
        ({"bmi": np.nan}, {}, DataError, "'bmi' has 0 values among 600"),
        ({"education": [2.0, np.nan] * 300}, {}, DataError, "'education' is 2.0 wherever it is known"),
        ({}, {"variables": ["bmi"], "predictors": "diabetes"}, DataError, "predictor 'diabetes' is missing in"),
        ({"death": np.nan}, {}, DataError, "is missing in every row"),
    ],
)
def test_what_cannot_be_imputed_is_said(data, change, arguments, error, message):
    taken = {"variables": VARIABLES, "outcomes": [DEATH], "m": 2, "iterations": 1, "seed": 1, "jobs": 1, **arguments}
    with pytest.raises(error, match=message):
        rk.impute(data.assign(**change), **taken)


def test_an_imputed_outcome_is_refused(imputed):
    with pytest.raises(SpecError, match="'diabetes' is imputed"):
        imputed.fit(rk.logistic, "diabetes ~ bmi")
