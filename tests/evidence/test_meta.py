"""Meta-analysis: what must hold whatever the numbers, statsmodels' opinion, and tables that cannot be right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

import riskkit as rk
from riskkit.errors import DataError, FitError, SpecError
from riskkit.evidence.effects import misfit
from riskkit.evidence.heterogeneity import log_likelihood

rng = np.random.default_rng(5)
SE = rng.uniform(0.05, 0.4, 12)
Y = 0.3 + 0.4 * rng.standard_normal(12) + SE * rng.standard_normal(12)
LOGS = pd.DataFrame(
    {"study": [f"s{i}" for i in range(12)], "estimate": Y, "se": SE, "year": rng.permutation(12) + 2000}
)
Z = stats.norm.ppf(0.975)
RATIOS = LOGS[["study", "year"]].assign(ratio=np.exp(Y), low=np.exp(Y - Z * SE), high=np.exp(Y + Z * SE))


def test_ratios_with_limits_are_logs_with_standard_errors():
    one, other = rk.meta(RATIOS), rk.meta(LOGS)
    assert one.coef == pytest.approx(other.coef, rel=1e-9)
    assert one.vcov == pytest.approx(other.vcov, rel=1e-9)
    assert not one.notes


def test_statsmodels_agrees_where_it_has_the_method():
    """It has no REML, no moderators and no prediction interval, and is no more than a second opinion here."""
    for ours, theirs in (("DL", "chi2"), ("PM", "iterated")):
        second = combine_effects(Y, SE**2, method_re=theirs, atol=1e-12)
        fit = rk.meta(LOGS, method=ours)
        assert fit.tau2 == pytest.approx(second.tau2, rel=1e-6)
        assert fit.coef[0] == pytest.approx(second.mean_effect_re, rel=1e-6)
        assert fit.se[0] == pytest.approx(second.sd_eff_w_re, rel=1e-6)
    adjusted = rk.meta(LOGS, method="DL", test="knapp-hartung")
    theirs = combine_effects(Y, SE**2, method_re="chi2")
    assert adjusted.se[0] == pytest.approx(theirs.sd_eff_w_re_hksj, rel=1e-6)


def test_the_likelihood_is_at_its_maximum():
    for method, restricted in (("REML", True), ("ML", False)):
        fit = rk.meta(LOGS, "year", method=method)
        x = np.column_stack([np.ones(12), LOGS["year"]])
        grid = fit.tau2 * np.array([0.99, 1.01])
        assert all(log_likelihood(Y, SE**2, x, t, restricted=restricted) < fit.loglik for t in grid)


def test_without_differences_between_studies_all_methods_are_one():
    alike = LOGS.assign(estimate=0.2 + 0.01 * SE)
    fits = [rk.meta(alike, method=method) for method in ("common", "DL", "PM", "REML", "ML")]
    assert all(fit.tau2 == 0 for fit in fits)
    assert len({round(float(fit.coef[0]), 12) for fit in fits}) == 1
    spread = rk.heterogeneity(fits[3])
    assert (spread.i2, spread.tau2_low) == (0, 0)


def test_it_is_a_fit_like_every_other():
    fit = rk.meta(RATIOS, "rcs(year, 3)", ratio="odds ratio", method="ML")
    assert list(rk.anova(fit)["part"]) == ["overall", "nonlinear", "nonlinear", "overall"]
    assert rk.curve(fit, "year", reference=2005, grid=[2005])["ratio"][0] == 1
    found = rk.contrast(fit, {"year": 2008}, {"year": 2003})
    rows = fit.recipe.matrix(pd.DataFrame({"year": [2008.0, 2003.0]}))
    assert found["estimate"][0] == pytest.approx(float((rows[0] - rows[1]) @ fit.coef))
    assert "12 studies" in fit.summary()
    assert fit.light() is fit
    with pytest.raises(SpecError, match='use "wald"'):
        rk.anova(fit, test="lr")


def test_one_study_is_its_own_estimate():
    fit = rk.meta(RATIOS.head(1))
    assert fit.coef[0] == pytest.approx(Y[0])
    assert fit.se[0] == pytest.approx(SE[0])
    assert "one study" in fit.notes[-1]
    assert np.isnan(rk.heterogeneity(fit).i2)
    with pytest.raises(FitError, match="no degree of freedom"):
        rk.meta(RATIOS.head(1), test="knapp-hartung")
    with pytest.raises(SpecError, match="three studies"):
        rk.prediction_interval(rk.meta(RATIOS.head(2)))
    with pytest.raises(FitError, match="two studies"):
        rk.meta_leave_one_out(fit)


def test_rows_without_what_is_needed_are_counted():
    holed = RATIOS.assign(low=RATIOS["low"].where(RATIOS.index != 3), high=RATIOS["high"].where(RATIOS.index != 3))
    holed = holed.assign(year=holed["year"].where(holed.index != 5).astype(float))
    fit = rk.meta(holed, "year")
    assert (fit.n, fit.n_missing) == (10, 2)
    assert fit.coef == pytest.approx(rk.meta(RATIOS.drop(index=[3, 5]), "year").coef)


def test_the_same_people_twice():
    cohorts = RATIOS.assign(cohort=["UK Biobank", "uk-biobank", *[f"c{i}" for i in range(10)]])
    assert rk.meta(cohorts, cohort="cohort").notes == (
        "'s0' and 's1' seem to be of the same people (uk-biobank); they are counted twice.",
    )
    apart = cohorts.assign(year_from=[1990, 2000] + [1990] * 10, year_to=[1999, 2009] + [1999] * 10)
    assert not rk.meta(apart, cohort="cohort").notes
    overlapping = apart.assign(year_to=2005)
    assert "1990 to 2005 and 2000 to 2005" in rk.meta(overlapping, cohort="cohort").notes[0]
    assert "two rows of 's0'" in rk.meta(RATIOS.assign(study="s0").head(2)).notes[0]


def test_every_fault_of_a_table_is_told_at_once():
    bad = RATIOS.copy()
    bad.loc[0, ["low", "high"]] = [2.0, 3.0]
    bad.loc[0, "ratio"] = 1.2
    bad.loc[1, ["ratio", "low", "high"]] = [-0.2, -0.5, 0.1]
    bad.loc[2, "high"] = np.nan
    with pytest.raises(DataError) as caught:
        rk.meta(bad)
    told = str(caught.value)
    assert "s0: limits 2 to 3 do not enclose the estimate, 1.2." in told
    assert 's1: -0.5 is no ratio, which is above 0; of logarithms, write scale="log ratio".' in told
    assert "s2: one limit without the other" in told
    zero = bad.head(1).assign(ratio=0.0, low=0.0, high=1.2)  # of a cell with nobody in it
    with pytest.raises(DataError, match="s0: 0 is no ratio, which is above 0"):
        rk.meta(zero)
    with pytest.raises(DataError, match="a standard error of 0"):
        rk.meta(LOGS.assign(se=0.0))


@pytest.mark.parametrize(
    ("estimate", "low", "high", "right"),
    [
        ("1.18", "1.01", "1.37", True),
        ("1.10", "1.00", "1.20", True),
        ("9.2", "4.2", "19.9", True),
        ("1.65", "1.26", "2.08", False),
        (1.1, 1.07, 1.14, True),
        ("0.20", "0.10", "0.30", False),
        ("1.2", "", "", True),
    ],
)
def test_limits_fit_their_estimate_as_printed(estimate, low, high, right):
    assert (misfit(estimate, low, high) is None) == right


def test_limits_that_do_not_fit_are_told_and_logs_recognised():
    table = pd.DataFrame({"study": ["a", "b"], "ratio": [0.21, 1.2], "low": [0.11, 1.0], "high": [0.31, 1.44]})
    (note,) = rk.meta(table).notes
    assert note.startswith("a: its limits, 0.11 to 0.31, are those of an estimate of 0.185, but it is 0.21")
    assert "logarithms" in note
    (note,) = rk.meta(LOGS.assign(low=Y - 1, high=Y + 1).head(1)).notes[:1]
    assert "the one given" in note


def test_arguments_that_make_no_sense():
    with pytest.raises(SpecError, match="DL"):
        rk.meta(RATIOS, method="dersimonian")
    with pytest.raises(SpecError, match="'study'"):
        rk.meta(RATIOS.drop(columns="study"))
    with pytest.raises(SpecError, match="'se', or 'low' and 'high'"):
        rk.meta(RATIOS[["study", "ratio"]])
    with pytest.raises(FitError, match="same in all of them"):
        rk.meta(RATIOS.assign(same=1.0), "same")
    with pytest.raises(SpecError, match="covariates"):
        rk.meta(RATIOS, "strata(year)")
    with pytest.raises(SpecError, match="without moderators"):
        rk.egger(rk.meta(RATIOS, "year"))
    with pytest.raises(SpecError, match="no column"):
        rk.meta_cumulative(rk.meta(RATIOS), by="decade")
    with pytest.raises(FitError, match="same standard error"):
        rk.egger(rk.meta(LOGS.assign(se=0.1)))


def test_bias_that_would_explain_a_pooled_estimate():
    """Mathur and VanderWeele: with the bias found, just the spared share of true effects stays beyond the threshold."""
    fit = rk.meta(RATIOS)
    found = rk.meta_bias(fit, 1.1, spare=0.1)
    assert rk.meta_bias(fit, 1.1, bias=found["bias"])["share"] == pytest.approx(0.1)
    assert found["confounding"] == pytest.approx(rk.evalue(found["bias"]).estimate)
    inverted = rk.meta(RATIOS.assign(ratio=1 / RATIOS["ratio"], low=1 / RATIOS["high"], high=1 / RATIOS["low"]))
    assert rk.meta_bias(inverted, 1 / 1.1) == pytest.approx(rk.meta_bias(fit, 1.1))
    with pytest.raises(SpecError, match="other than 1"):
        rk.meta_bias(fit, 1.0)
    with pytest.raises(SpecError, match="tau2 is 0"):
        rk.meta_bias(rk.meta(RATIOS, method="common"), 1.1)


def test_contours_of_a_funnel():
    found = rk.funnel_contours(rk.meta(RATIOS), levels=(0.95,), points=3)
    assert found["high"].tolist() == pytest.approx([0, Z * SE.max() / 2, Z * SE.max()])
