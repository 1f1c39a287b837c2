"""Where the zero of a column lies, and how far out one row is, changes neither what a model says nor whether it can."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.errors import FitError
from riskkit.fit.fit import Fit


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    x, z = rng.normal(size=(2, 500))
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "t": rng.exponential(np.exp(-0.4 * x)),
            "y": (rng.random(500) < 0.6).astype(int),
            "ill": (rng.random(500) < 1 / (1 + np.exp(-x))).astype(int),
            "centre": rng.integers(0, 40, 500),
        }
    )


MODELS: dict[str, Callable[[pd.DataFrame], Fit]] = {
    "cox": lambda data: rk.cox("Surv(t, y) ~ x + z", data),
    "logistic": lambda data: rk.logistic("ill ~ x + z", data),
    "logistic, robust": lambda data: rk.logistic("ill ~ x + z", data, cluster="centre"),
    "logistic, Firth": lambda data: rk.logistic("ill ~ x + z", data, penalty="firth"),
    "poisson": lambda data: rk.poisson("ill ~ x + z", data, time="t"),
    "linear": lambda data: rk.linear("t ~ x + z", data),
}


@pytest.mark.parametrize("shift", [1e4, 1e6, 1e8, -1e6])
@pytest.mark.parametrize("model", MODELS)
def test_a_column_far_from_zero_is_fitted_as_if_it_were_near(data: pd.DataFrame, model: str, shift: float) -> None:
    fit = MODELS[model]
    here, there = fit(data), fit(data.assign(x=data["x"] + shift))
    tolerance = 1e-14 * abs(shift) + 1e-9  # what the shift itself rounds off the column
    for name in ("x", "z"):
        assert there.params[name] == pytest.approx(here.params[name], rel=100 * tolerance)
        assert there.cov.loc[name, name] == pytest.approx(here.cov.loc[name, name], rel=100 * tolerance)
    assert there.loglik == pytest.approx(here.loglik, rel=1e-9)
    if "Intercept" in here.params:
        assert there.params["Intercept"] == pytest.approx(
            here.params["Intercept"] - shift * there.params["x"], rel=1e-6, abs=1e-6
        )


@pytest.mark.parametrize("model", ["logistic", "poisson", "cox"])
def test_a_column_of_one_value_is_still_refused(data: pd.DataFrame, model: str) -> None:
    for value in (0.0, 0.1, 1e6 + 0.1, 1e8):
        with pytest.raises(FitError, match="the same value"):
            MODELS[model](data.assign(x=value))


def test_two_columns_far_from_zero_that_add_up_are_still_refused(data: pd.DataFrame) -> None:
    spoilt = data.assign(x=data["x"] + 1e6, z=2 * data["x"] - 1e6)
    for model in ("logistic", "poisson", "linear"):
        with pytest.raises(FitError, match=r"linear combination|redundant"):
            MODELS[model](spoilt)


@pytest.mark.parametrize("out", [1e3, 1e4, 1e5, 1e6, 1e8])
@pytest.mark.parametrize("ill", [0, 1])
def test_one_row_far_out_is_no_separation(data: pd.DataFrame, out: float, ill: int) -> None:
    """At the maximum the far row is certain if it agrees with the others, whose slope then is that without it."""
    spoilt = data.copy()
    spoilt.loc[3, ["x", "ill", "y"]] = out, ill, ill
    fit = rk.logistic("ill ~ x", spoilt)
    score = spoilt["ill"] - 1 / (1 + np.exp(-(fit.params["Intercept"] + fit.params["x"] * spoilt["x"])))
    assert abs(score.sum()) < 1e-6
    assert abs((score * spoilt["x"]).sum()) < 1e-9 * out * len(spoilt) + 1e-6
    if ill:
        without = rk.logistic("ill ~ x", spoilt.drop(index=3))
        assert fit.params["x"] == pytest.approx(without.params["x"], rel=1e-8)
    assert np.isfinite(rk.cox("Surv(t, y) ~ x", spoilt).params["x"])


@pytest.mark.parametrize("carriers", [1, 3, 10, 200])
def test_separation_is_still_told(data: pd.DataFrame, carriers: int) -> None:
    rare = np.arange(500) < carriers
    for spoilt in (data.assign(rare=rare * 1.0), data.assign(rare=rare * 1.0 + data["z"] * rare * 0.1)):
        spoilt.loc[rare, ["ill", "y"]] = 0
        for fit in (
            lambda spoilt: rk.logistic("ill ~ x + z + rare", spoilt),
            lambda spoilt: rk.cox("Surv(t, y) ~ x + z + rare", spoilt),
        ):
            with pytest.raises(FitError, match="separation"):
                fit(spoilt)


def test_an_offset_that_no_exponential_holds_is_refused(data: pd.DataFrame) -> None:
    far = data.assign(far=np.where(np.arange(500) < 250, 1e6, -1e6) * (1 + data["z"]))
    with pytest.raises(FitError):
        rk.cox("Surv(t, y) ~ x + offset(far)", far)
