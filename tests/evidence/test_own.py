"""A cohort of one's own in the pool."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.errors import SpecError

rng = np.random.default_rng(8)
X = rng.normal(150, 40, 4000)
DATA = pd.DataFrame({"x": X, "event": rng.binomial(1, 1 / (1 + np.exp(2.2 - 0.0003 * (X - 150) ** 2)))})
FIT = rk.logistic("event ~ fifths(x, ref=3)", DATA)
FIFTH = pd.qcut(DATA["x"], 5, labels=[f"Q{k}" for k in range(1, 6)])
DOSES = DATA.groupby(FIFTH, observed=True)["x"].mean().to_dict()


def test_levels_and_covariance_are_those_of_the_fit():
    table, covariance = rk.own_levels(FIT.light(), "x", DOSES, study="ours")
    assert table["dose"].tolist() == pytest.approx([DOSES[level] for level in ("Q3", "Q1", "Q2", "Q4", "Q5")])
    assert table["estimate"].tolist() == pytest.approx([0, *FIT.coef[1:]])
    assert covariance == pytest.approx(FIT.vcov[1:, 1:])
    alone = rk.dose_response(table, "dose", covariances={"ours": covariance}, method="common")
    x = table["dose"].to_numpy()[1:] - table["dose"][0]
    w = np.linalg.inv(covariance)
    assert alone.coef[0] == pytest.approx((x @ w @ FIT.coef[1:]) / (x @ w @ x))


def test_it_stands_beside_published_studies():
    """The unadjusted groups of the same people, from their counts or from the fit, are the same study."""
    counts = DATA.groupby(FIFTH, observed=True)["event"].agg(["sum", "size"])
    odds = counts["sum"] / (counts["size"] - counts["sum"])
    part = 1 / counts["sum"] + 1 / (counts["size"] - counts["sum"])
    printed = pd.DataFrame(
        {"study": "theirs", "dose": list(DOSES.values()), "cases": counts["sum"], "n": counts["size"]}
    )
    printed["estimate"] = np.log(odds / odds["Q3"]).where(counts.index != "Q3", 0.0)
    printed["se"] = np.sqrt(part + part["Q3"]).where(counts.index != "Q3")
    table, covariance = rk.own_levels(FIT, "x", DOSES, study="ours")
    both = pd.concat([printed.assign(design="case-control"), table], ignore_index=True)
    fit = rk.dose_response(both, "rcs(dose, [110, 150, 190])", covariances={"ours": covariance}, method="common")
    one = rk.dose_response(table, "rcs(dose, [110, 150, 190])", covariances={"ours": covariance}, method="common")
    assert fit.coef == pytest.approx(one.coef, rel=1e-5)
    assert fit.se == pytest.approx(one.se / np.sqrt(2), rel=1e-5)


def test_a_contrast_is_a_row():
    line = rk.logistic("event ~ x", DATA)
    ours = rk.contrast(line, {"x": 190}, {"x": 150}).assign(study="ours")
    others = pd.DataFrame({"study": ["A", "B"], "ratio": [1.2, 1.1], "low": [1.0, 0.9], "high": [1.44, 1.344]})
    fit = rk.meta(pd.concat([others, ours]))
    assert fit.estimate[2] == pytest.approx(ours["estimate"][0])
    assert np.sqrt(fit.variance[2]) == pytest.approx(ours["se"][0])


def test_what_has_no_levels_is_refused():
    with pytest.raises(SpecError, match="not in groups"):
        rk.own_levels(rk.logistic("event ~ x", DATA), "x", DOSES, study="ours")
    with pytest.raises(SpecError, match="'Q5' has no dose"):
        rk.own_levels(FIT, "x", {k: v for k, v in DOSES.items() if k != "Q5"}, study="ours")
    with pytest.raises(SpecError, match="no level 'Q6'"):
        rk.own_levels(FIT, "x", {**DOSES, "Q6": 1.0}, study="ours")
