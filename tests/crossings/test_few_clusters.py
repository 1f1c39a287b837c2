"""Few clusters: tests that cannot be had are missing, with their reason; others are of t and F. CR2 as clubSandwich."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import riskkit as rk
from riskkit.errors import DataError, FitError, SpecError

MODELS = {
    "cox": lambda data, **how: rk.cox("Surv(entry, exit, e) ~ rcs(x, 4) + smk + z + sex", data, **how),
    "logistic": lambda data, **how: rk.logistic("y ~ rcs(x, 4) + smk + z + sex", data, **how),
    "poisson": lambda data, **how: rk.poisson("count ~ rcs(x, 4) + smk + z + sex", data, **how),
    "clogit": lambda data, **how: rk.clogit("case ~ rcs(x, 4) + smk + z + sex + strata(set)", data, **how),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_joint_test_of_more_than_the_clusters_allow_is_missing(people: pd.DataFrame, name: str) -> None:
    four = people.assign(site=np.repeat(np.arange(4), 60))
    fit = MODELS[name](four, cluster="site")
    assert np.isnan(fit.wald_test.chi2)
    assert "4 clusters allow no joint test of 7" in fit.wald_test.text
    assert any("allow joint tests of 3 coefficients at most" in note for note in fit.notes)
    assert fit.df_resid == 3
    tests = rk.anova(fit)
    whole = tests[tests["term"] == "TOTAL"].iloc[-1]
    assert np.isnan(whole["chi2"])
    assert "4 clusters" in tests.attrs["missing"][("TOTAL", "overall")]
    assert np.isfinite(tests.loc[tests["term"] == "smk", "chi2"]).all()
    row = fit.tidy().iloc[-1]
    assert_allclose(np.log(row["high"] / row["low"]) / 2, stats.t.ppf(0.975, 3) * row["se"], rtol=1e-9)
    assert "missing: 4 clusters" in fit.summary()
    with pytest.raises(FitError, match="there is one cluster"):
        MODELS[name](four.assign(site=1), cluster="site")


def test_many_clusters_are_normal(people: pd.DataFrame) -> None:
    fit = MODELS["cox"](people, cluster="set")
    assert np.isinf(fit.df_resid)
    assert fit.clusters == 60
    assert not fit.notes


@pytest.mark.parametrize("name", ["linear", "logistic", "poisson", "few"])
def test_cr2_is_that_of_clubsandwich(people: pd.DataFrame, r: dict, name: str) -> None:
    data = people.assign(half=np.ceil(people["site"] / 2))
    fit = {
        "linear": lambda: rk.linear("z ~ x + smk", data),
        "logistic": lambda: rk.logistic("y ~ x + smk", data),
        "poisson": lambda: rk.poisson("count ~ x + smk", data, time="py"),
        "few": lambda: rk.logistic("y ~ x + smk + sex + z", data),
    }[name]().with_covariance("cr2", by="half" if name == "few" else "site")
    expected = r["cr2"][name]
    assert_allclose(fit.vcov, expected["vcov"], rtol=1e-8)
    assert_allclose(fit.t_df(np.eye(fit.coef.size)), expected["df"], rtol=1e-8)
    assert_allclose(fit.tidy()["p"], expected["p"], rtol=1e-7)
    found = rk.anova(fit).set_index(["term", "part"]).loc[("smk", "overall")]
    test = fit.wald(np.eye(fit.coef.size)[2:4])
    assert_allclose([test.chi2 / 2, test.df_resid], [expected["f"], expected["df_den"]], rtol=1e-7)
    assert found["p"] == test.p


def test_cr2_of_frequencies_is_that_of_the_people(people: pd.DataFrame) -> None:
    long = people.loc[people.index.repeat(people["f"])]
    fit = rk.logistic("y ~ x + smk", people, weights="f", weight_kind="frequency").with_covariance("cr2", by="site")
    every = rk.logistic("y ~ x + smk", long).with_covariance("cr2", by="site")
    assert_allclose(fit.vcov, every.vcov, rtol=1e-7)
    assert_allclose(fit.tidy()["p"], every.tidy()["p"], rtol=1e-7)


@pytest.mark.parametrize("name", MODELS)
def test_a_covariance_changed_after_the_fit_is_that_of_the_fit_made_so(people: pd.DataFrame, name: str) -> None:
    gaps = people.assign(z=people["z"].where(people["set"] % 7 > 0))
    clusters = {"cluster": "site"} if name != "clogit" else {"cluster": "set"}
    by = clusters["cluster"]
    fit = MODELS[name](gaps)
    for kind, how in (("robust", {"robust": True}), ("cluster", clusters), ("model", {})):
        changed = fit.with_covariance(kind, **({"by": by} if kind == "cluster" else {}))
        asked = MODELS[name](gaps, **how)
        assert_allclose(changed.vcov, asked.vcov, rtol=1e-10, atol=1e-14)
        assert (changed.covariance, changed.df_resid) == (asked.covariance, asked.df_resid)
        back = changed.with_covariance("model")
        assert_allclose(back.vcov, fit.vcov, rtol=1e-10, atol=1e-14)
    given = fit.with_covariance("cluster", by=people[by].to_numpy())
    assert_allclose(given.vcov, MODELS[name](gaps, **clusters).vcov, rtol=1e-10, atol=1e-14)


def test_of_a_linear_model(people: pd.DataFrame) -> None:
    fit = rk.linear("z ~ x + smk", people)
    assert_allclose(fit.with_covariance("model").vcov, fit.vcov_model)
    assert_allclose(fit.with_covariance("robust").vcov, fit.vcov)
    each = fit.with_covariance("cluster", by=np.arange(len(people)))
    e = people["z"] - fit.design.x @ fit.coef
    bread = np.linalg.inv(fit.design.x.T @ fit.design.x)
    assert_allclose(each.vcov, bread @ (fit.design.x.T * e.to_numpy() ** 2) @ fit.design.x @ bread, rtol=1e-9)
    assert rk.linear("z ~ x", people).with_covariance("cluster", by="site").df_resid == 7
    row = fit.tidy().iloc[1]
    assert_allclose(
        np.log(row[["low", "high"]].astype(float)), row[["difference_low", "difference_high"]].astype(float)
    )
    assert_allclose(fit.confint().iloc[1, 2:].astype(float), row[["difference_low", "difference_high"]].astype(float))
    assert fit.tidy().attrs["scale"]["difference_low"] == "difference"


def test_what_cannot_be_changed_is_said(people: pd.DataFrame) -> None:
    fit = MODELS["logistic"](people)
    refused = [
        (lambda: fit.with_covariance("clustr", by="site"), "did you mean|Did you mean 'cluster'"),
        (lambda: fit.with_covariance("cluster"), "by=... names the clusters"),
        (lambda: fit.with_covariance("robust", by="site"), "by=... names the clusters"),
        (lambda: fit.with_covariance("cluster", by="sit"), "no column 'sit'"),
        (lambda: fit.with_covariance("cluster", by=[1, 2]), "by has 2 values for 240 rows"),
        (lambda: fit.light().with_covariance("robust"), "takes the data of the fit"),
        (lambda: MODELS["cox"](people).with_covariance("cr2", by="site"), "linear, logistic and Poisson"),
        (lambda: rk.logistic("y ~ x", people, penalty="firth").with_covariance("cr2", by="site"), "without a penalty"),
        (lambda: rk.pool([fit, fit]).with_covariance("robust"), "pooled"),
    ]
    for ask, said in refused:
        with pytest.raises(SpecError, match=said):
            ask()
    with pytest.raises(DataError, match="have no cluster"):
        MODELS["logistic"](people.assign(site=people["site"].where(people["site"] > 1))).with_covariance(
            "cluster", by="site"
        )


def test_two_models_one_within_the_other(people: pd.DataFrame) -> None:
    small, large = (rk.logistic(f"y ~ {terms}", people) for terms in ("x", "rcs(x, 4) + smk"))
    for first, second in ((large, small), (small, large)):
        row = rk.anova(first, second).iloc[0]
        assert_allclose([row["chi2"], row["df"]], [2 * (large.loglik - small.loglik), 4], rtol=1e-7)
    wald = rk.anova(large, small, test="wald").iloc[0]
    joint = large.wald(np.eye(6)[2:])
    assert_allclose([wald["chi2"], wald["df"]], [joint.chi2, 4], rtol=1e-7)
    robust = [fit.with_covariance("robust") for fit in (large, small)]
    assert_allclose(rk.anova(*robust)["chi2"], robust[0].wald(np.eye(6)[2:]).chi2, rtol=1e-6)
    firth = [rk.logistic(f"y ~ {terms}", people, penalty="firth") for terms in ("x + smk", "x")]
    lr = rk.anova(firth[0], "lr").set_index("term")
    assert_allclose(rk.anova(*firth)["chi2"], lr.loc["smk", "chi2"], rtol=1e-6)
    for one, other, said in (
        (large, rk.logistic("y ~ z", people), "is not within"),
        (large, rk.logistic("y ~ x", people[:200]), "not of the same people"),
        (large, rk.poisson("y ~ x", people), "differ in model"),
        (large, large, "the same"),
        (rk.pool([large, large]), small, "no pooled fits"),
    ):
        with pytest.raises(SpecError, match=said):
            rk.anova(one, other)


def test_a_summary_leaves_out_what_does_not_hold(people: pd.DataFrame) -> None:
    plain, robust = (rk.logistic("y ~ x", people, robust=robust).summary() for robust in (False, True))
    assert "Likelihood ratio" in plain
    assert "Score" in plain
    assert "Likelihood ratio" not in robust
    assert "likelihood-ratio and score tests do not hold with a robust covariance" in robust


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert rk.__version__ == version("riskkit")
