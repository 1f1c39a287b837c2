"""Firth's penalised Cox likelihood against a maximum found by R's optim on coxph's likelihood and information."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import FitError

REFERENCE = Path(__file__).parent.parent / "reference"
CASES = json.loads((REFERENCE / "cox_firth.json").read_text())


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    people = pd.DataFrame(json.loads((REFERENCE / "cox_grid.json").read_text())["data"]["aged"]).head(CASES["rows"])
    return people.assign(event=people["event"].where(people["g"] != "former", 0))


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda c: f"{c['ties']}-{'entry' if c['entry'] else 'no entry'}")
def test_as_the_penalised_likelihood_has_it(data: pd.DataFrame, case: dict) -> None:
    """Tolerances are optim's: it finds a maximum to about 1e-6 with numerical gradients, and its height far better."""
    response = "Surv(entry, exit, event)" if case["entry"] else "Surv(exit, event)"
    formula = f"{response} ~ x1 + g + x2 + strata(s)"
    with pytest.raises(FitError, match="'g=former' towards minus infinity"):
        rk.cox(formula.replace("x1 + g", "g + x1"), data, ties=case["ties"], weights="w")
    fit = rk.cox(formula, data, ties=case["ties"], weights="w", penalty="firth")
    assert_allclose([fit.loglik_null, fit.loglik], case["loglik"], rtol=1e-10)
    assert fit.loglik >= case["loglik"][1] - 1e-11 * abs(fit.loglik)
    assert_allclose(fit.coef, case["coef"], rtol=1e-5, atol=1e-6)
    assert_allclose(fit.se, case["se"], rtol=1e-5)
