from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.design.design import build
from riskkit.errors import SpecError
from riskkit.fit.cox import cox
from riskkit.infer.floating import floating, floating_variances, quasi_variances
from riskkit.infer.trend import trend

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
FORMULAS = {
    "pbc": ("cox", "Surv(time, died) ~ fifths(albumin) + age + sex + edema", "albumin"),
    "birthwt": ("logistic", "low ~ race + lwt + smoke", "race"),
}


@pytest.fixture(scope="module")
def grouped(by_hand):
    frozen = json.loads((REFERENCE / "infer_groups.json").read_text())
    out = {}
    for name, (model, formula, variable) in FORMULAS.items():
        design = build(formula, pd.read_csv(REFERENCE / f"infer_{name}.csv"), intercept=model == "logistic")
        out[name] = by_hand(model, design, frozen[name]["coef"], frozen[name]["vcov"]), variable, frozen[name]
    return out


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize(("method", "theirs"), [("plummer", "float_var"), ("quasi", "quasi_var")])
def test_variances_agree_with_epi_and_qvcalc(grouped, name, method, theirs):
    fit, variable, frozen = grouped[name]
    ours = floating(fit, variable, method=method)
    assert ours["level"].tolist() == frozen["level"]
    np.testing.assert_allclose(ours["se"] ** 2, frozen[theirs], rtol=1e-6)


def test_counts_agree_with_r_and_are_missing_from_a_light_fit(grouped):
    fit, variable, frozen = grouped["pbc"]
    frame = floating(fit, variable)
    for count in ("n", "events"):
        assert frame[count].tolist() == frozen[count]
    in_days = cox(FORMULAS["pbc"][1], pd.read_csv(REFERENCE / "infer_pbc.csv"), time_unit="days")
    years = np.array(frozen["person_time"]) / 365.25
    np.testing.assert_allclose(floating(in_days, variable)["person_years"], years, rtol=1e-12)
    np.testing.assert_allclose(in_days.coef, frozen["coef"], rtol=1e-6)
    light = floating(fit.light(), variable)
    assert light[["n", "events"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(light[["estimate", "se"]], frame[["estimate", "se"]])


def independent(variances: list[float]) -> np.ndarray:
    """Covariance of the differences from the first of k independent estimates."""
    v = np.array(variances)
    out = np.zeros((v.size, v.size))
    out[1:, 1:] = np.diag(v[1:]) + v[0]
    return out


@pytest.mark.parametrize("method", [floating_variances, quasi_variances])
def test_independent_groups_get_their_own_variances_back(method):
    variances = [0.5, 0.01, 0.2, 0.07]
    np.testing.assert_allclose(method(independent(variances)), variances, rtol=1e-6)


@pytest.mark.parametrize("method", ["plummer", "quasi"])
def test_the_reference_group_makes_no_difference(by_hand, grouped, method):
    fit, variable, _ = grouped["pbc"]
    data = pd.read_csv(REFERENCE / "infer_pbc.csv")
    design = build("Surv(time, died) ~ groups(albumin, 5, ref=3) + age + sex + edema", data)
    # The same fit with the third group as reference: a linear map of its coefficients.
    change = np.eye(7)
    change[:4, :4] = [[0, -1, 0, 0], [1, -1, 0, 0], [0, -1, 1, 0], [0, -1, 0, 1]]
    other = by_hand("cox", design, change @ fit.coef, change @ fit.vcov @ change.T)
    first, third = floating(fit, variable, method=method), floating(other, variable, method=method)
    np.testing.assert_allclose(third["se"], first["se"], rtol=1e-6)
    np.testing.assert_allclose(np.diff(third["estimate"]), np.diff(first["estimate"]), rtol=1e-10)


def test_trend_is_the_regression_on_scores(by_hand):
    # Least squares on group indicators holds all there is to know of the regression on any score of the groups.
    random = np.random.default_rng(5)
    group = random.integers(0, 4, 400)
    scores = np.array([1.0, 2.5, 3.0, 7.0])
    y = 0.3 * scores[group] + random.standard_normal(400)
    frame = pd.DataFrame({"y": y, "g": pd.Categorical.from_codes(group, list("abcd"))})
    design = build("y ~ g", frame, intercept=True)
    v = np.linalg.inv(design.x.T @ design.x)
    out = trend(by_hand("logistic", design, v @ design.x.T @ y, v), "g", scores).set_index("part")
    line = np.polynomial.Polynomial.fit(scores[group], y, 1).convert().coef
    assert out.loc["trend", "estimate"] == pytest.approx(line[1], rel=1e-9)
    assert out.loc["trend", "se"] == pytest.approx(
        1 / np.sqrt(((scores[group] - scores[group].mean()) ** 2).sum()), rel=1e-9
    )
    means = pd.Series(y).groupby(group).mean().to_numpy()[group]
    fitted = line[0] + line[1] * scores[group]
    assert out.loc["departure", "chi2"] == pytest.approx(((means - fitted) ** 2).sum(), rel=1e-8)
    assert out.loc["heterogeneity", "chi2"] == pytest.approx(((means - y.mean()) ** 2).sum(), rel=1e-8)
    assert out["df"].tolist() == [1, 2, 3]


def test_trend_by_median_is_trend_by_those_scores(grouped):
    fit, variable, _ = grouped["pbc"]
    data = pd.read_csv(REFERENCE / "infer_pbc.csv")
    medians = data["albumin"].groupby(pd.qcut(data["albumin"], 5), observed=True).median().tolist()
    for chosen in (fit, fit.light()):
        pd.testing.assert_frame_equal(trend(chosen, variable, "median", data=data), trend(chosen, variable, medians))
    pd.testing.assert_frame_equal(trend(fit, variable), trend(fit, variable, [1, 2, 3, 4, 5]))
    with pytest.raises(SpecError, match="data="):
        trend(fit, variable, "median")


def test_bad_input_is_explained(grouped, rms):
    fit, variable, _ = grouped["pbc"]
    for function in (floating, trend):
        with pytest.raises(SpecError, match="not in groups"):
            function(fit, "age")
        with pytest.raises(SpecError, match="interacts"):
            function(rms["pbc"][0], "sex")
    with pytest.raises(SpecError, match=r"rk\.contrast"):
        floating(fit, "sex")
    with pytest.raises(SpecError, match="plummer"):
        floating(fit, variable, method="firth")
    with pytest.raises(SpecError, match="got 'mean'"):
        trend(fit, variable, "mean")
    for scores in ([1, 2, 3], [1, 1, 1, 1, 1]):
        with pytest.raises(SpecError, match="a score to each of the 5 levels"):
            trend(fit, variable, scores)
