from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from riskkit.design.design import build
from riskkit.design.splines import rcs_slope
from riskkit.errors import SpecError
from riskkit.infer.band import critical_value
from riskkit.infer.curve import curve, curve_difference, slope

AT = {"pbc": {"sex": "m"}, "pbc_surface": {"protime": 11}, "lung": None, "birthwt": {"smoke": "yes"}}
VARIABLE = {"pbc": "age", "pbc_surface": "albumin", "lung": "age", "birthwt": "lwt"}


@pytest.mark.parametrize("name", AT)
def test_ten_points_agree_with_rms(rms, name):
    fit, frozen = rms[name]
    theirs = frozen["curve"]
    ours = curve(fit.light(), VARIABLE[name], AT[name], reference=theirs["reference"], grid=theirs["x"])
    np.testing.assert_allclose(ours["estimate"], theirs["estimate"], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(ours["se"], theirs["se"], rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(np.log(ours["low"]), theirs["low"], rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(np.log(ours["high"]), theirs["high"], rtol=1e-7, atol=1e-10)


def test_default_grid_holds_the_reference_exactly(rms):
    fit, _ = rms["lung"]
    age = fit.design.x[:, 0]
    frame = curve(fit, "age", reference=61.7)
    assert len(frame) == 200
    assert frame["x"].iloc[[0, -1]].tolist() == pytest.approx(np.quantile(age, [0.01, 0.99]))
    at_reference = frame[frame["x"] == 61.7]
    assert at_reference[["estimate", "se", "ratio", "low", "high"]].to_numpy().tolist() == [[0, 0, 1, 1, 1]]
    assert (frame["reference"] == 61.7).all()


@pytest.mark.parametrize(
    ("reference", "expected"), [("median", np.median), ("mean", np.mean), ("p10", lambda v: np.quantile(v, 0.1))]
)
def test_references_by_name(rms, reference, expected):
    fit, _ = rms["lung"]
    assert curve(fit, "age", reference=reference)["reference"].iloc[0] == pytest.approx(expected(fit.design.x[:, 0]))


def test_slope_agrees_with_the_analytic_derivative(rms):
    fit, _ = rms["lung"]
    x = np.linspace(40, 80, 50)
    derivative = rcs_slope(x, fit.recipe.terms[0].bases[0].knots)
    frame = slope(fit, "age", per=10, grid=x)
    v = fit.vcov[:3, :3]
    np.testing.assert_allclose(frame["estimate"], 10 * derivative @ fit.coef[:3], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        frame["se"], 10 * np.sqrt(np.einsum("ij,jk,ik->i", derivative, v, derivative)), rtol=1e-6
    )


def test_slope_of_a_logarithm_near_zero(by_hand):
    x = np.geomspace(1e-4, 1e4, 400)
    design = build("y ~ log(x)", pd.DataFrame({"x": x, "y": 0.0}))
    frame = slope(by_hand("cox", design, [0.5], [[0.01]]), "x", grid=[1e-4, 1.0, 1e4])
    np.testing.assert_allclose(frame["estimate"], [0.5e4, 0.5, 0.5e-4], rtol=1e-7)
    np.testing.assert_allclose(frame["se"], [0.1e4, 0.1, 0.1e-4], rtol=1e-7)


def test_difference_of_groups_is_their_interaction(rms):
    fit, _ = rms["pbc"]
    frame = curve_difference(fit, "age", {"sex": "m"}, {"sex": "f"}, reference=50)
    men, women = (curve(fit, "age", {"sex": s}, reference=50) for s in "mf")
    np.testing.assert_allclose(frame["estimate"], men["estimate"] - women["estimate"], atol=1e-12)
    columns = [i for i, name in enumerate(fit.recipe.names) if ":" in name]
    x = fit.recipe.terms[1].bases[0].columns(np.append(frame["x"], 50.0))
    rows = x[:-1] - x[-1]
    v = fit.vcov[np.ix_(columns, columns)]
    np.testing.assert_allclose(frame["se"], np.sqrt(np.einsum("ij,jk,ik->i", rows, v, rows)), atol=1e-10)
    assert (frame.loc[frame["x"] == 50, "high"] == 1).all()


def test_simultaneous_critical_value_meets_its_closed_forms(rms):
    fit, _ = rms["lung"]
    # Rows that share one direction: one |z|, so the pointwise value. Independent rows: Sidak's.
    p = fit.coef.size
    one = np.zeros((5, p))
    one[:, 3] = np.arange(1, 6)
    assert critical_value(fit, one, 0.95, "simultaneous") == pytest.approx(1.96, abs=0.03)
    whitened = np.linalg.inv(np.linalg.cholesky(fit.vcov))
    sidak = stats.norm.ppf((1 + 0.95 ** (1 / p)) / 2)
    assert critical_value(fit, whitened, 0.95, "simultaneous") == pytest.approx(sidak, abs=0.03)
    # Every direction of q dimensions: Scheffe's.
    directions = np.random.default_rng(3).standard_normal((4000, 2))
    rows = directions @ whitened[:2]
    scheffe = np.sqrt(stats.chi2.ppf(0.95, 2))
    assert critical_value(fit, rows, 0.95, "simultaneous") == pytest.approx(scheffe, abs=0.03)


def test_simultaneous_band_is_wider_and_repeats_with_its_seed(rms):
    fit, _ = rms["lung"]
    pointwise = curve(fit, "age")
    band, again = (curve(fit, "age", band="simultaneous", seed=7) for _ in range(2))
    away = pointwise["se"] > 0
    assert (band["high"] > pointwise["high"])[away].all()
    assert band.equals(again)
    assert band.loc[~away, ["low", "high"]].to_numpy().tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variable": "sex"}, "rk.floating"),
        ({"variable": "agee"}, "Did you mean 'age'"),
        ({"variable": "age", "reference": "centre"}, "'centre' is not a place"),
        ({"variable": "age", "reference": float("inf")}, "finite"),
        ({"variable": "age", "reference": "p101"}, "p101"),
        ({"variable": "age", "grid": []}, "grid"),
        ({"variable": "age", "band": "wide"}, "simultaneous"),
        ({"variable": "age", "level": 95}, "between 0 and 1"),
    ],
)
def test_bad_input_is_explained(rms, arguments, message):
    with pytest.raises(SpecError, match=message):
        curve(rms["lung"][0], **arguments)
