"""A second opinion from lifelines and statsmodels, where they are right.

Not asked: lifelines' robust errors and baseline with entry, which it ignores there; statsmodels with entry, which it
takes for at risk when entry <= t.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from numpy.testing import assert_allclose
from statsmodels.duration.hazard_regression import PHReg

import riskkit as rk
from riskkit.fit.baseline import baseline
from riskkit.fit.concordance import concordance
from riskkit.fit.residuals import residuals

DATA = json.loads((Path(__file__).parent.parent / "reference" / "cox_grid.json").read_text())["data"]


@pytest.fixture(params=["lung", "veteran", "aged"])
def data(request: pytest.FixtureRequest) -> pd.DataFrame:
    return pd.DataFrame(DATA[request.param])


def test_lifelines_with_entry_and_strata(data: pd.DataFrame) -> None:
    fit = rk.cox("Surv(entry, exit, event) ~ x1 + x2 + strata(s)", data)
    peer = CoxPHFitter().fit(
        data[["entry", "exit", "event", "x1", "x2", "s"]],
        "exit",
        "event",
        entry_col="entry",
        strata="s",
        fit_options={"precision": 1e-12},
    )
    assert_allclose(fit.coef, peer.params_, rtol=1e-5, atol=1e-7)
    assert_allclose(fit.se, peer.standard_errors_, rtol=1e-5)
    assert_allclose(fit.loglik, peer.log_likelihood_, rtol=1e-9)


def test_lifelines_right_censored_without_ties(data: pd.DataFrame) -> None:
    """Ties are broken, since lifelines' residuals and concordance treat them in ways of their own."""
    frame = data[["exit", "event", "x1", "x2"]].assign(exit=lambda d: d["exit"] + np.arange(len(d)) * 1e-4)
    fit = rk.cox("Surv(exit, event) ~ x1 + x2", frame, robust=True)
    peer = CoxPHFitter().fit(frame, "exit", "event", robust=True, fit_options={"precision": 1e-12})
    assert_allclose(fit.coef, peer.params_, rtol=1e-5, atol=1e-7)
    assert_allclose(fit.se, peer.standard_errors_, rtol=1e-5)
    assert_allclose(concordance(fit).estimate, peer.concordance_index_, rtol=1e-9)
    martingale = peer.compute_residuals(frame, "martingale")["martingale"].sort_index()
    assert_allclose(residuals(fit, "martingale"), martingale, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_statsmodels_right_censored_with_strata(data: pd.DataFrame, ties: str) -> None:
    fit = rk.cox("Surv(exit, event) ~ x1 + x2 + strata(s)", data, ties=ties)
    peer = PHReg(data["exit"], data[["x1", "x2"]], status=data["event"], strata=data["s"], ties=ties).fit(tol=1e-12)
    assert_allclose(fit.coef, peer.params, rtol=1e-5, atol=1e-7)
    assert_allclose(fit.se, peer.bse, rtol=1e-5)
    assert_allclose(fit.loglik, peer.llf, rtol=1e-9)


def test_statsmodels_baseline_is_breslows(data: pd.DataFrame) -> None:
    fit = rk.cox("Surv(exit, event) ~ x1 + x2", data, ties="breslow")
    peer = PHReg(data["exit"], data[["x1", "x2"]], status=data["event"], ties="breslow").fit(tol=1e-12)
    curve = baseline(fit, pd.DataFrame({"x1": [0.0], "x2": [0.0]}))
    times, before, _ = peer.baseline_cumulative_hazard[0]  # theirs leaves out the time's own events
    just_before = np.append(0.0, curve["cumhaz"])[:-1]
    assert_allclose(just_before, before[np.searchsorted(times, curve["time"])], rtol=1e-4)
