"""The c-statistic against survival::concordance and brute force; calibration against R's counts and known truths."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special

from riskkit.errors import DataError, SpecError
from riskkit.fit.logistic import logistic
from riskkit.fit.poisson import poisson
from riskkit.fit.validation import c_statistic, calibration

REFERENCE = Path(__file__).parent.parent / "reference"
R = json.loads((REFERENCE / "glm.json").read_text())
INFERT = pd.read_csv(REFERENCE / "glm_infert.csv")
FIT = logistic("case ~ age + parity + education + spontaneous + induced", INFERT)


def simulated(seed: int, n: int, slope: float = 1.0, intercept: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    return pd.DataFrame({"x": x, "y": random.random(n) < special.expit(intercept + slope * (x - 1))})


def test_c_statistic_and_its_error_are_survival_s():
    found = c_statistic(FIT)
    assert found.estimate == pytest.approx(R["auc"]["estimate"], rel=1e-10)
    assert found.se == pytest.approx(R["auc"]["se"], rel=1e-8)
    assert found.low < found.estimate < found.high


def test_c_statistic_counts_pairs_and_half_of_ties():
    data = simulated(1, 300).round(1)
    found = c_statistic(logistic("y ~ x", data)).estimate
    cases, others = data.loc[data["y"], "x"].to_numpy(), data.loc[~data["y"], "x"].to_numpy()
    pairs = cases[:, None] - others
    assert found == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())


def test_intervals_of_the_c_statistic_hold_their_coverage():
    # two normal populations a distance d apart: the true statistic is Phi(d / sqrt 2) = 0.7602 for d = 1
    random = np.random.default_rng(6)
    fit = logistic("y ~ x", simulated(2, 500))
    held = 0
    for _ in range(400):
        y = np.repeat([0, 1], 60)
        found = c_statistic(fit, pd.DataFrame({"y": y, "x": random.normal(size=120) + y}))
        held += found.low < 0.76025 < found.high
    assert 0.92 < held / 400 < 0.98


def test_groups_of_risk_are_r_s():
    groups = calibration(FIT, groups=5).groups
    assert groups["n"].tolist() == R["deciles"]["n"]
    assert groups["events"].tolist() == R["deciles"]["observed"]
    np.testing.assert_allclose(groups["predicted"] * groups["n"], R["deciles"]["expected"], rtol=1e-9)
    n, o, e = (np.array(R["deciles"][name]) for name in ("n", "observed", "expected"))
    test = calibration(FIT, groups=5).test
    assert test.chi2 == pytest.approx(((o - e) ** 2 / (e * (1 - e / n))).sum())
    assert test.df == 3


def test_a_model_is_calibrated_where_it_was_fitted():
    found = calibration(FIT).measures.set_index("measure")["estimate"]
    np.testing.assert_allclose(found, [1, 0, 1], atol=1e-8)


def test_calibration_of_new_data_is_a_logistic_model_of_the_prediction():
    fit, new = logistic("y ~ x", simulated(3, 4000)), simulated(4, 3000, slope=0.6, intercept=0.5)
    measures = calibration(fit, new).measures.set_index("measure")
    predicted = fit.predict(new)["estimate"].to_numpy()
    slope = sm.Logit(new["y"].astype(float), sm.add_constant(predicted)).fit(disp=0)
    offset = sm.GLM(new["y"].astype(float), np.ones(3000), sm.families.Binomial(), offset=predicted).fit()
    assert measures.loc["slope", "estimate"] == pytest.approx(slope.params.iloc[1])
    assert measures.loc["slope", "se"] == pytest.approx(slope.bse.iloc[1])
    assert measures.loc["intercept", "estimate"] == pytest.approx(offset.params.iloc[0])
    assert measures.loc["slope", "high"] < 1  # the effect in the new data is weaker
    ratio = new["y"].sum() / special.expit(predicted).sum()
    assert measures.loc["observed/expected", "estimate"] == pytest.approx(ratio)
    assert calibration(fit, new).test.p < 1e-4
    assert calibration(fit, simulated(5, 3000)).test.p > 0.01


def test_rows_with_missing_values_are_left_out():
    gaps = INFERT.assign(age=INFERT["age"].where(INFERT.index > 20))
    assert calibration(FIT, gaps).groups["n"].sum() == len(INFERT) - 21


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda: c_statistic(poisson("case ~ age", INFERT)), SpecError, "needs a logistic model, not a poisson"),
        (lambda: c_statistic(FIT.light()), SpecError, "a light fit has let go of its data"),
        (lambda: c_statistic(logistic("case ~ age", INFERT, weights="w")), SpecError, "the fit was weighted"),
        (lambda: c_statistic(FIT, INFERT.drop(columns="case")), SpecError, "needs the columns case"),
        (lambda: c_statistic(FIT, INFERT[INFERT["case"] == 0]), DataError, "0 of 165 people are cases"),
        (lambda: calibration(FIT, groups=1), SpecError, "groups must be"),
    ],
)
def test_faults_are_named(ask, error, said):
    with pytest.raises(error, match=said):
        ask()
