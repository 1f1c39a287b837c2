"""Proportional hazards of a penalised spline, as survival tests them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import SpecError


@pytest.fixture(scope="module")
def lung(r: dict) -> pd.DataFrame:
    data = pd.DataFrame(r["ps"]["data"])
    return data.assign(died=data["status"] - 1)


def test_as_r_does(lung: pd.DataFrame, r: dict) -> None:
    """R stops at 4.000006 df, and spreads the smoothing's cost over the unpenalised term too (0.996 df)."""
    fit = rk.cox("Surv(time, died) ~ ps(age, 4) + sex", lung)
    found, expected = rk.ph_test(fit), r["ps"]["km"]
    assert found["term"].tolist() == ["age", "sex", "GLOBAL"]
    assert_allclose(found["chi2"], expected["chi2"], rtol=1e-5)
    assert_allclose(found["df"], [4, 1, 5], rtol=1e-7)


def test_what_its_penalty_makes_no_test_is_refused(lung: pd.DataFrame) -> None:
    fit = rk.cox("Surv(time, died) ~ ps(age, 4) + sex", lung)
    for arguments in ({"transform": "rank"}, {"transform": "identity"}, {"by": "coefficient"}):
        with pytest.raises(SpecError, match='of terms, with transform="km"'):
            rk.ph_test(fit, **arguments)


def test_proportional_hazards_are_not_rejected_where_they_are() -> None:
    random = np.random.default_rng(6)
    rejected = 0
    for _ in range(40):
        x = random.normal(size=400)
        t = random.exponential(np.exp(-0.5 * x))
        data = pd.DataFrame({"x": x, "t": np.minimum(t, 2).round(3) + 0.001, "e": (t < 2).astype(int)})
        rejected += rk.ph_test(rk.cox("Surv(t, e) ~ ps(x, 4)", data))["p"].iloc[0] < 0.05
    assert rejected <= 6
