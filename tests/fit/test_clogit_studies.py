"""Matched sets of several studies: what is asked of a shape, and studies pooled in one stage and in two."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk

KNOTS = [12, 18, 22, 30]
MODEL = f"case ~ rcs(igf1, {KNOTS}) + bmi + strata(set)"


def studies(sets: int = 500, seed: int = 5) -> pd.DataFrame:
    """Three studies of 1:2 matched sets, numbered apart; the log odds ratio is 0.06 (igf1 - 20)^2 / 10 + 0.05 bmi."""
    random = np.random.default_rng(seed)
    parts = []
    for study in "abc":
        igf1, bmi = random.normal(20, 5, (sets, 3)), random.normal(27, 4, (sets, 3))
        score = np.exp(0.006 * (igf1 - 20) ** 2 + 0.05 * bmi)
        chosen = (random.random((sets, 1)) * score.sum(axis=1, keepdims=True) > score.cumsum(axis=1)).sum(axis=1)
        names = np.repeat([f"{study}{i}" for i in range(sets)], 3)
        case = (np.arange(3) == chosen[:, None]).astype(int)
        parts.append(
            pd.DataFrame({"study": study, "set": names, "case": case.ravel(), "igf1": igf1.ravel(), "bmi": bmi.ravel()})
        )
    return pd.concat(parts, ignore_index=True)


DATA = studies()


def test_everything_is_asked_of_a_shape_in_matched_sets() -> None:
    fit = rk.clogit(MODEL, DATA)
    curve = rk.curve(fit, "igf1", grid=[10, 20, 30], reference=20)
    truth = 0.006 * (np.array([10, 20, 30]) - 20.0) ** 2
    assert (np.abs(curve["estimate"] - truth) <= 3 * np.maximum(curve["se"], 1e-12)).all()
    lowest = rk.nadir(fit, "igf1")
    assert lowest.low <= 20 <= lowest.high
    found = rk.ushape(fit, "igf1")
    assert found.heights.answer == "U-shaped"
    tests = rk.anova(fit)
    assert float(tests.query("term == 'igf1' and part == 'nonlinear'")["p"].iloc[0]) < 1e-6
    ratio = rk.contrast(fit, {"igf1": 30}, {"igf1": 20})
    assert ratio["estimate"].iloc[0] == pytest.approx(curve["estimate"].iloc[2], rel=1e-10)
    floats = rk.floating(rk.clogit("case ~ groups(igf1, [16, 20, 24]) + strata(set)", DATA), "igf1")
    assert len(floats) == 4
    assert (floats["se"] > 0).all()


def test_in_one_stage_a_study_with_terms_of_its_own_is_that_study_s_fit() -> None:
    alone = {study: rk.clogit(MODEL, own) for study, own in DATA.groupby("study")}
    together = rk.clogit(f"case ~ (rcs(igf1, {KNOTS}) + bmi) * C(study) + strata(set)", DATA)
    assert together.loglik == pytest.approx(sum(fit.loglik for fit in alone.values()), rel=1e-12)
    for study, fit in alone.items():
        own = rk.curve(fit, "igf1", grid=[12, 30], reference=20)
        same = rk.curve(together, "igf1", at={"study": study}, grid=[12, 30], reference=20)
        assert_allclose(same[["estimate", "se"]], own[["estimate", "se"]], rtol=1e-6)
    common = rk.clogit(MODEL, DATA)
    differ = rk.anova(common, together).iloc[-1]
    assert int(differ["df"]) == 2 * len(common.coef)
    assert differ["chi2"] == pytest.approx(
        2 * (together.loglik - common.loglik), rel=0.1
    )  # Wald's and the likelihood's


def test_in_two_stages_studies_are_weighed_by_their_information() -> None:
    alone = {study: rk.clogit("case ~ bmi + strata(set)", own) for study, own in DATA.groupby("study")}
    table = pd.DataFrame([{"study": study, "estimate": fit.coef[0], "se": fit.se[0]} for study, fit in alone.items()])
    two = rk.meta(table, method="common")
    weight = 1 / table["se"] ** 2
    assert two.coef[0] == pytest.approx(np.average(table["estimate"], weights=weight), rel=1e-12)
    one = rk.clogit("case ~ bmi + strata(set)", DATA)
    assert two.coef[0] == pytest.approx(
        one.coef[0], abs=0.05 * one.se[0]
    )  # the same but for the likelihood's curvature
    assert two.se[0] == pytest.approx(one.se[0], rel=0.01)


def test_sets_numbered_alike_in_two_studies_are_one_set_with_two_cases() -> None:
    alike = DATA.assign(set=DATA["set"].str[1:])
    mixed, apart = rk.clogit(MODEL, alike), rk.clogit(MODEL, DATA)
    assert mixed.loglik != pytest.approx(apart.loglik, rel=1e-3)
    again = rk.clogit(MODEL.replace("strata(set)", "strata(study, set)"), alike)
    assert_allclose(again.coef, apart.coef, rtol=1e-9)
