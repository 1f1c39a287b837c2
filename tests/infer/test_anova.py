from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import FitError, SpecError
from riskkit.fit.cox import cox
from riskkit.infer.anova import anova

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
FULL = "(Factor+Higher Order Factors)"
PARTS = {"All Interactions": "interaction", "Nonlinear": "nonlinear", f"Nonlinear {FULL}": "nonlinear"}
TOTALS = {
    "TOTAL NONLINEAR": "nonlinear",
    "TOTAL INTERACTION": "interaction",
    "TOTAL NONLINEAR + INTERACTION": "nonlinear or interaction",
    "TOTAL": "overall",
}


def rows_of_rms(table: dict) -> pd.DataFrame:
    """rms's table in our words; its finer splits of a nonlinear interaction are left out."""
    term, rows = "", []
    for name, chi2, df, p in zip(table["row"], table["chi2"], table["df"], table["p"], strict=True):
        if name in TOTALS:
            term, part = "TOTAL", TOTALS[name]
        elif name in PARTS:
            part = PARTS[name]
        elif name.startswith(("Nonlinear Interaction", "f(A,B)")):
            continue
        else:
            term, part = name.removesuffix(FULL).strip().replace(" * ", ":"), "overall"
        rows.append((term, part, chi2, df, p))
    return pd.DataFrame(rows, columns=["term", "part", "chi2", "df", "p"])


@pytest.mark.parametrize("name", ["pbc", "pbc_surface", "lung", "birthwt"])
def test_agrees_with_rms(rms, name):
    fit, frozen = rms[name]
    keys = ["term", "part"]
    theirs = rows_of_rms(frozen["anova"]).set_index(keys)
    # rms prints no TOTAL INTERACTION when there is one interaction; ours must then be that interaction's own test.
    ours = anova(fit.light()).set_index(keys)
    extra = ours.index.difference(theirs.index)
    assert set(extra) <= {("TOTAL", "interaction")}
    pd.testing.assert_frame_equal(ours.drop(extra).sort_index(), theirs.sort_index(), rtol=1e-7, check_dtype=False)
    assert tuple(anova(fit).iloc[-1][keys]) == ("TOTAL", "overall")


def test_f_test_where_the_fit_has_residual_degrees_of_freedom(rms, by_hand):
    fit, _ = rms["lung"]
    with_df = by_hand("cox", fit.design, fit.coef, fit.vcov, df_resid=30.0)
    one_df = anova(with_df).set_index("term").loc["loss"]
    tidy = with_df.tidy().set_index("term").loc["loss"]
    assert one_df["p"] == pytest.approx(tidy["p"], rel=1e-10)  # F on 1 and 30 df is t squared


def test_singular_covariance_is_named(rms, by_hand):
    fit, _ = rms["lung"]
    with pytest.raises(FitError, match="zero variance"):
        anova(by_hand("cox", fit.design, fit.coef, np.zeros_like(fit.vcov)))


def test_likelihood_ratio_tests_agree_with_survival():
    frozen = json.loads((REFERENCE / "infer_groups.json").read_text())["lung"]
    formula = "Surv(time, died) ~ rcs(age, 4) * sex + rcs(karno, [60, 75, 95]) + loss"
    fit = cox(formula, pd.read_csv(REFERENCE / "infer_lung.csv"))
    table = anova(fit, test="lr").set_index(["term", "part"])
    for name, chi2 in frozen.items():
        assert table.loc[tuple(name.split("_")), "chi2"] == pytest.approx(chi2, rel=1e-6)
    assert table["df"].equals(anova(fit).set_index(["term", "part"])["df"])
    with pytest.raises(SpecError, match="light fit"):
        anova(fit.light(), test="lr")
    with pytest.raises(SpecError, match="cluster-robust"):
        anova(replace(fit, covariance="cluster-robust"), test="lr")
    with pytest.raises(SpecError, match="wald"):
        anova(fit, test="score")


@pytest.mark.parametrize("rest", ["+ age", "* sex + age"])
def test_nonlinearity_of_a_spline_without_a_linear_column_is_that_of_the_same_curve_as_rcs(rest):
    data = pd.read_csv(REFERENCE / "infer_pbc.csv")
    harrell = cox(f"Surv(time, died) ~ rcs(protime, [9.5, 10.5, 11.5, 13]) {rest}", data)
    natural = cox(f"Surv(time, died) ~ ns(protime, knots=[10.5, 11.5], boundary=[9.5, 13]) {rest}", data)
    assert natural.loglik == pytest.approx(harrell.loglik, rel=1e-9)
    for test in ("wald", "lr"):
        ours, theirs = (anova(fit, test=test) for fit in (natural, harrell))
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-6)
        assert ("protime", "nonlinear") in set(zip(ours["term"], ours["part"], strict=True))
    cubic = cox("Surv(time, died) ~ bs(protime, 5) + age", data)
    assert anova(cubic).set_index(["term", "part"]).loc[("protime", "nonlinear"), "df"] == 4
