from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.fit.cox import cox
from riskkit.infer.curve import curve
from riskkit.infer.dilution import Dilution, dilution
from riskkit.infer.floating import floating
from riskkit.infer.usual import correct, group_means, relocate, usual_curve

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
HALF = Dilution("rosner", ratio=0.5, se=0.1, low=0.3, high=0.7, level=0.95, n=100, mean=40.0, within_sd=1.0)


@pytest.fixture(scope="module")
def pbc():
    return pd.read_csv(REFERENCE / "infer_dilution.csv")


def slope(estimate: float, se: float) -> pd.DataFrame:
    z = 1.959963984540054
    limits = {"low": [np.exp(estimate - z * se)], "high": [np.exp(estimate + z * se)]}
    return pd.DataFrame({"estimate": [estimate], "se": [se], "ratio": [np.exp(estimate)], **limits, "p": [0.03]})


def test_a_slope_is_divided_and_its_variance_widened():
    found = correct(slope(0.2, 0.09), HALF)
    assert found["correction"].tolist() == ["none", "rosner"]
    before, after = (row for _, row in found.iterrows())
    pd.testing.assert_frame_equal(found.iloc[:1][["estimate", "se", "ratio", "low", "high", "p"]], slope(0.2, 0.09))
    # By hand: 0.2 / 0.5; sqrt(0.09^2 / 0.5^2 + 0.2^2 0.1^2 / 0.5^4) = sqrt(0.0324 + 0.0064).
    assert (after["estimate"], after["se"]) == pytest.approx((0.4, np.sqrt(0.0388)))
    assert after["ratio"] == pytest.approx(np.exp(0.4))
    assert np.log(after["high"]) == pytest.approx(0.4 + 1.959964 * np.sqrt(0.0388), rel=1e-6)
    assert np.log(after["low"]) == pytest.approx(0.4 - 1.959964 * np.sqrt(0.0388), rel=1e-6)
    assert (after["p"], after["dilution_ratio"], after["dilution_se"]) == (0.03, 0.5, 0.1)
    assert np.isnan(before["dilution_ratio"])


def test_limits_keep_the_level_and_distribution_of_the_fit(pbc):
    fit = cox("Surv(time, died) ~ albumin + age", pbc)
    for level in (0.8, 0.99):
        one = correct(fit.tidy(level).iloc[:1], HALF).iloc[1]
        assert np.log(one["high"]) - one["estimate"] == pytest.approx(fit.critical(level) * one["se"])


def test_other_columns_stay_and_missing_estimates_stay_missing():
    frame = pd.concat([slope(0.2, 0.09), slope(np.nan, np.nan)]).assign(outcome=["a", "b"], x=np.nan, level=None)
    found = correct(frame, HALF)
    assert found["outcome"].tolist() == ["a", "a", "b", "b"]
    assert found.loc[2:, ["estimate", "se", "ratio", "low", "high"]].isna().all(axis=None)


def test_only_slopes_are_divided(pbc):
    with pytest.raises(SpecError, match=r"'level' are no slopes.*use relocate"):
        correct(slope(0.2, 0.1).assign(level="Q1"), HALF)
    with pytest.raises(SpecError, match=r"'x' are no slopes.*use usual_curve"):
        correct(curve(cox("Surv(time, died) ~ rcs(albumin, 4)", pbc), "albumin"), HALF)
    with pytest.raises(SpecError, match="no column se"):
        correct(slope(0.2, 0.1).drop(columns="se"), HALF)


def test_group_means_are_those_of_tapply(pbc):
    frozen = json.loads((REFERENCE / "infer_dilution.json").read_text())["macmahon_peto"]
    found = group_means(pbc["albumin"], pbc["repeated"])
    assert found["level"].tolist() == ["Q1", "Q2", "Q3", "Q4", "Q5"]
    for column in ("n", "measured", "n_repeat", "usual", "usual_se"):
        np.testing.assert_allclose(found[column], frozen[column], rtol=1e-12)
    ends = found.iloc[-1] - found.drop(columns="level").iloc[0]
    assert frozen["ratio"] != pytest.approx(ends["usual"] / ends["measured"], rel=1e-6)  # measured is of everybody
    with pytest.raises(DataError, match="not of the same people"):
        group_means(pbc["albumin"], pbc["repeated"].dropna())


def test_groups_move_and_their_ratios_stay(pbc):
    fit = cox("Surv(time, died) ~ fifths(albumin) + age", pbc)
    groups, means = floating(fit, "albumin"), group_means(pbc["albumin"], pbc["repeated"])
    found = relocate(groups, means.set_index("level")["measured"], dilution(pbc["albumin"], pbc["repeated"]))
    pd.testing.assert_frame_equal(found[groups.columns], groups)
    by_hand = relocate(groups, pd.Series([30.0, 35, 40, 45, 50], index=means["level"]), HALF)
    assert by_hand["x"].tolist() == [35, 37.5, 40, 42.5, 45]
    assert by_hand["x_se"].tolist() == pytest.approx([1, 0.5, 0, 0.5, 1])
    with pytest.raises(SpecError, match="no mean was given for the group Q1"):
        relocate(groups, pd.Series({"first": 1.0}), HALF)
    with pytest.raises(SpecError, match="no column 'level'"):
        relocate(slope(1, 1), means["measured"], HALF)


def test_a_straight_curve_is_the_corrected_slope(pbc):
    fit = cox("Surv(time, died) ~ per(albumin, 0.5) + age", pbc)
    ratio = dilution(pbc["albumin"], pbc["repeated"])
    line = usual_curve(fit, "albumin", ratio, reference=3.4, grid=[3.9])
    corrected = correct(fit.tidy().iloc[:1], ratio).iloc[1]
    for column in ("estimate", "se", "ratio", "low", "high"):
        assert line[column].item() == pytest.approx(corrected[column], rel=1e-6)
    assert (line["x"].item(), line["reference"].item()) == pytest.approx((3.9, 3.4))


def test_a_parabola_is_stretched_about_the_mean(parabola):
    # b1 x + b2 x^2 at x = 40 + (u - 40) / 0.5 = 2 u - 40.
    vcov = np.array([[1e-4, -1e-6], [-1e-6, 2e-8]])
    fit = parabola(-0.1, 0.001, vcov)
    u, r = np.array([30.0, 50.0, 60.0]), 45.0
    found = usual_curve(fit, "x", HALF, reference=r, grid=u)

    def by_hand(ratio: float, b1: float = -0.1, b2: float = 0.001) -> np.ndarray:
        x, zero = (40 + (v - 40) / ratio for v in (u, r))
        return b1 * (x - zero) + b2 * (x**2 - zero**2)

    np.testing.assert_allclose(found["estimate"], by_hand(0.5), rtol=1e-9)
    np.testing.assert_allclose(found["x_measured"], [20, 60, 80])
    d = np.column_stack([by_hand(0.5, 1, 0), by_hand(0.5, 0, 1)])
    by_ratio = (by_hand(0.5 + 1e-6) - by_hand(0.5 - 1e-6)) / 2e-6
    variance = np.einsum("ij,jk,ik->i", d, vcov, d) + (by_ratio * HALF.se) ** 2
    np.testing.assert_allclose(found["se"], np.sqrt(variance), rtol=1e-6)
    assert usual_curve(fit, "x", HALF, reference=r, grid=[r])[["se", "estimate"]].eq(0).all(axis=None)


def test_the_grid_is_of_usual_levels(pbc):
    fit = cox("Surv(time, died) ~ rcs(albumin, 4)", pbc)
    ratio = dilution(pbc["albumin"], pbc["repeated"])
    found = usual_curve(fit, "albumin", ratio)
    ends = ratio.mean + ratio.ratio * (np.percentile(pbc["albumin"], [1, 50, 99]) - ratio.mean)
    assert (found["x"].iloc[0], found["reference"].iloc[0], found["x"].iloc[-1]) == pytest.approx(tuple(ends))
    assert found.loc[found["x"] == found["reference"], ["ratio", "low", "high"]].eq(1).all(axis=None)
    with pytest.raises(SpecError, match="finite usual levels"):
        usual_curve(fit, "albumin", ratio, grid=[np.nan])
