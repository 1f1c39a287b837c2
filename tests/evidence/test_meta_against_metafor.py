"""Meta-analysis: metafor's numbers on six of its data sets (reference/meta.R), to 1e-6."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.evidence.meta import Meta

REFERENCE = json.loads((Path(__file__).resolve().parent.parent / "reference" / "meta.json").read_text())
SETS = [name for name in REFERENCE if name != "versions"]


def close(ours, theirs, tolerance=1e-6):
    theirs = np.atleast_1d(np.array(theirs, dtype=float))
    assert np.atleast_1d(np.asarray(ours, dtype=float)) == pytest.approx(theirs, rel=tolerance, abs=tolerance * 1e-2)


def table(name: str) -> pd.DataFrame:
    r = REFERENCE[name]
    columns = {"estimate": r["yi"], "se": np.sqrt(r["vi"]), "m": r["moderator"]}
    return pd.DataFrame({"study": [f"study {i}" for i in range(len(r["yi"]))], **columns})


def agrees(fit: Meta, r: dict, likelihood: bool = True) -> None:
    tidy = fit.tidy()
    close(tidy["estimate"], r["coef"])
    close(tidy["se"], r["se"])
    close(np.log(tidy["low"]), r["low"])
    close(np.log(tidy["high"]), r["high"])
    close(tidy["p"], r["p"], 1e-5)
    close(fit.tau2, r["tau2"])
    spread = rk.heterogeneity(fit)
    close([spread.i2, spread.h2, spread.q, spread.p], [r["I2"], r["H2"], r["Q"], r["Qp"]])
    if likelihood:
        close(fit.loglik, r["loglik"])


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    ("method", "theirs"), [("common", "EE"), ("DL", "DL"), ("PM", "PM"), ("REML", "REML"), ("ML", "ML")]
)
def test_pooled(name, method, theirs):
    fit = rk.meta(table(name), scale="difference", method=method)
    agrees(fit, REFERENCE[name]["fits"][theirs], likelihood=method in ("common", "REML", "ML"))


@pytest.mark.parametrize("name", SETS)
def test_knapp_hartung_and_prediction(name):
    r, data = REFERENCE[name], table(name)
    fit, adjusted = rk.meta(data, scale="difference"), rk.meta(data, scale="difference", test="knapp-hartung")
    agrees(adjusted, r["knha"])
    for each, df, limits in ((fit, np.inf, r["prediction"]), (adjusted, fit.n - 1, r["prediction_knha"])):
        found = rk.prediction_interval(each, df=df)
        close(np.log(found[["low", "high"]].to_numpy()[0]), limits)
    higgins = rk.prediction_interval(fit)
    assert higgins["high"][0] > rk.prediction_interval(fit, df=np.inf)["high"][0]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("test", ["normal", "knapp-hartung"])
def test_meta_regression(name, test):
    r = REFERENCE[name]["regression" if test == "normal" else "regression_knha"]
    fit = rk.meta(table(name), "m", scale="difference", test=test)
    agrees(fit, r)
    close(fit.wald_test.chi2, r["QM"])
    close(fit.wald_test.p, r["QMp"], 1e-5)
    assert rk.anova(fit)["p"][0] == pytest.approx(r["QMp"], rel=1e-5)


@pytest.mark.parametrize("name", SETS)
def test_variance_between_studies(name):
    r, data = REFERENCE[name], table(name)
    spread = rk.heterogeneity(rk.meta(data))
    close(spread.tau2_se, r["se_tau2"])
    close([spread.tau2_low, spread.tau2_high], r["profile"])
    mixed = rk.heterogeneity(rk.meta(data, "m"))
    close([mixed.tau2_low, mixed.tau2_high], r["profile_regression"])


@pytest.mark.parametrize("name", SETS)
def test_studies_left_out_and_added(name):
    r, data = REFERENCE[name], table(name)
    fit = rk.meta(data)
    left = rk.meta_leave_one_out(fit)
    for ours, theirs in (("estimate", "coef"), ("se", "se"), ("tau2", "tau2"), ("q", "Q")):
        close(left[ours], r["leave"][theirs])
    added = rk.meta_cumulative(rk.meta(data.assign(place=r["order"])), by="place")
    for ours, theirs in (("estimate", "coef"), ("se", "se"), ("tau2", "tau2")):
        close(added[ours], r["cumulative"][theirs])
    moved = rk.meta_influence(fit)
    for ours, theirs in r["influence"].items():
        close(moved[{"Q": "q"}.get(ours, ours)], theirs)
    assert fit.studies()["weight"].sum() == pytest.approx(100)


@pytest.mark.parametrize("name", SETS)
def test_small_study_effects(name):
    r, fit = REFERENCE[name], rk.meta(table(name), scale="difference")
    linear, mixed = rk.egger(fit), rk.egger(fit, model="mixed")
    close([linear.slope / linear.se, linear.df], [r["egger"]["z"], r["egger"]["df"]])
    close(linear.p, r["egger"]["p"], 1e-5)
    close(
        [linear.limit, linear.limit_low, linear.limit_high],
        [r["egger"][k] for k in ("limit", "limit_low", "limit_high")],
    )
    close([mixed.slope / mixed.se, mixed.limit], [r["egger_mixed"]["z"], r["egger_mixed"]["limit"]])
    close(mixed.p, r["egger_mixed"]["p"], 1e-5)
    common = rk.meta(table(name), scale="difference", method="common")
    for ours, theirs in (
        (rk.trim_and_fill(fit), r["fill"]),
        (rk.trim_and_fill(fit, estimator="R0"), r["fill_r0"]),
        (rk.trim_and_fill(common), r["fill_fixed"]),
    ):
        assert (ours.filled, ours.side) == (theirs["k0"], theirs["side"])
        close([ours.estimate, ours.se, ours.tau2], [theirs["coef"], theirs["se"], theirs["tau2"]])


def test_the_numbers_every_textbook_has():
    """dat.bcg by REML: -0.7145 (0.1798), tau2 0.3132, I2 92.22."""
    fit = rk.meta(table("bcg"), ratio="risk ratio")
    spread = rk.heterogeneity(fit)
    assert [round(float(v), 4) for v in (fit.coef[0], fit.se[0], fit.tau2)] == [-0.7145, 0.1798, 0.3132]
    assert round(spread.i2, 2) == 92.22
    assert fit.ratio_name == "risk ratio"


def test_subgroups():
    r = REFERENCE["bcg"]
    data = table("bcg").assign(alloc=r["alloc"])
    agrees(rk.meta(data, "alloc", scale="difference"), r["subgroups"])
    found = rk.meta_subgroups(data, "alloc", scale="difference")
    for key, theirs in r["subsets"].items():
        agrees(found.fits[key], theirs)
    w = 1 / found.frame["se"] ** 2
    apart = found.frame["estimate"] - (w * found.frame["estimate"]).sum() / w.sum()
    assert found.test.chi2 == pytest.approx(float((w * apart**2).sum()))
    assert found.test.df == 2
