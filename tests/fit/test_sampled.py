"""Case-cohort samples against survival::cch, nested case-control samples against clogit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, FitError, SpecError

REFERENCE = Path(__file__).parent.parent / "reference"
R = json.loads((REFERENCE / "case_cohort.json").read_text())
NWTCO = pd.read_csv(REFERENCE / "case_cohort_nwtco.csv")
WILMS = "Surv(edrel, rel) ~ C(stage) + C(histol) + age"
BY = {int(stratum): size for stratum, size in R["by"].items()}
LATE = NWTCO[NWTCO["edrel"] > 400].assign(entry=lambda d: np.where(d["seqno"] % 2 == 0, 365, 0))
METHODS = [*R["unstratified"], *R["stratified"]]


def sampling(method: str, one=R["n"], two=BY) -> rk.CaseCohort:
    if method in R["stratified"]:
        return rk.CaseCohort("subcohort", method, size=two, strata="instit")
    return rk.CaseCohort("subcohort", method, size=one)


def wilms(method: str = "prentice", **options) -> object:
    return rk.cox(WILMS, NWTCO, sampling=sampling(method), time_unit="days", **options)


def test_prentice_s_estimates_are_those_published_with_cch() -> None:
    fit = wilms()
    assert fit.params.round(5).tolist() == [0.73457, 0.59708, 1.38413, 1.49806, 0.04327]
    assert fit.se[[0, 2, 3, 4]].round(5).tolist() == [0.16850, 0.20482, 0.15971, 0.02373]


@pytest.mark.parametrize("method", METHODS)
def test_every_estimator_is_cch_s(method) -> None:
    fit, want = wilms(method), (R["unstratified"] | R["stratified"])[method]
    assert_allclose(fit.coef, want["coef"], rtol=1e-7)
    assert_allclose(fit.vcov, want["var"], rtol=1e-6, atol=1e-10)
    assert fit.n == len(NWTCO)
    assert fit.events == NWTCO["rel"].sum()


@pytest.mark.parametrize("method", METHODS)
def test_delayed_entry_is_cch_s(method) -> None:
    fit = rk.cox(
        "Surv(entry, edrel, rel) ~ C(stage) + C(histol) + age", LATE, sampling=sampling(method, 3600, {1: 3200, 2: 400})
    )
    assert_allclose(fit.coef, R["late"][method]["coef"], rtol=1e-7)
    assert_allclose(fit.vcov, R["late"][method]["var"], rtol=1e-6, atol=1e-10)


def test_the_model_robust_covariance_is_lin_and_ying_s_alone() -> None:
    assert_allclose(wilms("lin-ying", robust=True).vcov, R["robust"]["var"], rtol=1e-6, atol=1e-10)
    with pytest.raises(SpecError, match="leave out robust"):
        wilms(robust=True)


@pytest.mark.parametrize("method", R["ex_cc"]["fits"])
def test_the_example_of_smcfcs(method) -> None:
    data = pd.DataFrame(R["ex_cc"]["data"]).assign(z2=lambda d: d["z"] ** 2)
    fit = rk.cox("Surv(t, d) ~ z + z2", data, sampling=rk.CaseCohort("sub", method, size=10_000))
    assert_allclose(fit.coef, R["ex_cc"]["fits"][method]["coef"], rtol=1e-7)
    assert_allclose(fit.vcov, R["ex_cc"]["fits"][method]["var"], rtol=1e-6)


def test_the_whole_cohort_may_be_given_and_is_counted() -> None:
    rest = R["n"] - len(NWTCO)
    others = pd.DataFrame({"subcohort": 0, "rel": 0, "edrel": 100, "instit": 1}, index=range(9000, 9000 + rest))
    both = pd.concat([NWTCO, others])
    fit = rk.cox(WILMS, both, sampling=rk.CaseCohort("subcohort"))
    assert_allclose(fit.coef, wilms().coef, rtol=1e-12)
    assert_allclose(fit.vcov, wilms().vcov, rtol=1e-12)
    assert (fit.n, fit.n_missing) == (len(NWTCO), 0)


@pytest.mark.parametrize("method", METHODS)
def test_with_everybody_in_the_subcohort_it_is_the_cohort_s_own_model(method) -> None:
    everyone = NWTCO.assign(subcohort=1)
    fit = rk.cox(
        WILMS, everyone, sampling=sampling(method, len(NWTCO), NWTCO["instit"].value_counts().to_dict()), ties="breslow"
    )
    whole = rk.cox(WILMS, everyone, ties="breslow")
    assert_allclose(fit.coef, whole.coef, rtol=1e-9)
    assert_allclose(fit.vcov, whole.vcov, rtol=1e-9)
    assert fit.loglik == pytest.approx(whole.loglik, rel=1e-10)


def test_strata_of_the_model_and_splines_are_those_of_any_cox_model() -> None:
    data = NWTCO.assign(age=NWTCO["age"] + NWTCO["seqno"] / 1e6)
    formula = "Surv(edrel, rel) ~ rcs(age, 4) + C(histol) + strata(stage)"
    weight = np.where(data["rel"] == 1, 1, (R["n"] - data["rel"].sum()) / (data["rel"] == 0).sum())
    weighted = rk.cox(formula, data.assign(w=weight), weights="w")
    fit = rk.cox(formula, data, sampling=sampling("lin-ying"))
    assert_allclose(fit.coef, weighted.coef, rtol=1e-9)
    assert (np.diag(fit.vcov) > np.diag(weighted.vcov)).all()
    curve = rk.curve(fit, "age", reference=3)
    assert curve["low"].lt(curve["high"]).any()
    assert rk.anova(fit)["p"].between(0, 1).all()


def test_missing_covariates_of_the_sample_are_counted_and_the_cohort_keeps_its_size() -> None:
    holes = NWTCO.assign(age=NWTCO["age"].where(NWTCO["seqno"] % 10 != 0))
    fit = rk.cox(WILMS, holes, sampling=sampling("prentice"))
    assert fit.n_missing == (NWTCO["seqno"] % 10 == 0).sum()
    complete = rk.cox(WILMS, holes.dropna(), sampling=sampling("prentice"))
    assert_allclose(fit.vcov, complete.vcov, rtol=1e-12)


def test_likelihoods_are_no_tests_and_what_takes_the_sample_for_the_cohort_is_refused() -> None:
    fit = wilms()
    assert np.isnan([fit.aic, fit.lr_test.chi2, fit.score_test.chi2]).all()
    assert "case-cohort sample of 4,028 people: a subcohort of 668" in fit.summary()
    for ask in (rk.baseline, rk.concordance, rk.residuals, rk.ph_test):
        with pytest.raises(FitError, match="not for a case-cohort sample"):
            ask(fit)
    with pytest.raises(SpecError, match="fitted again"):
        rk.bootstrap(fit)
    with pytest.raises(SpecError, match="not a case-cohort one"):
        rk.anova(fit, "lr")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"subcohort": "sub"}, SpecError, "no column 'sub'"),
        ({"size": 500}, DataError, "the cohort has 500 people by `size`, but the data have 1,154"),
        ({"size": None}, SpecError, "cannot be counted; give it"),
        ({"method": "prentis", "size": 1}, SpecError, "Did you mean 'prentice'"),
        ({"method": "borgan-2", "size": 1}, SpecError, 'needs strata="column"'),
        ({"strata": "instit", "size": 1}, SpecError, 'use "borgan-2"'),
        ({"method": "borgan-1", "strata": "instit", "size": 4028}, SpecError, "one for each"),
        ({"method": "borgan-1", "strata": "instit", "size": {1: 4000}}, DataError, "no number for instit=2"),
    ],
)
def test_faults_of_a_case_cohort_are_named(options, error, said) -> None:
    with pytest.raises(error, match=said):
        rk.cox(WILMS, NWTCO, sampling=rk.CaseCohort(**{"subcohort": "subcohort", "size": R["n"]} | options))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"weights": "age"}, "leave out weights"),
        ({"penalty": "firth"}, "pseudo-likelihood"),
        ({"ties": "exact"}, "not one of efron"),
    ],
)
def test_arguments_that_a_case_cohort_cannot_have_are_refused(arguments, said) -> None:
    with pytest.raises(SpecError, match=said):
        wilms(**arguments)
    with pytest.raises(SpecError, match="model-based covariance only"):
        rk.cox("Surv(edrel, rel) ~ ps(age)", NWTCO, sampling=sampling("prentice"))


NCC = pd.DataFrame(R["ex_ncc"]["data"])
SETS = rk.NestedCaseControl("setno", "case")


def test_sampled_risk_sets_are_clogit_s() -> None:
    fit = rk.cox("Surv(t, d) ~ z", NCC, sampling=SETS)
    assert_allclose(fit.coef, R["ex_ncc"]["coef"], rtol=1e-8)
    assert_allclose(fit.vcov, R["ex_ncc"]["var"], rtol=1e-7)
    assert_allclose([fit.loglik_null, fit.loglik], R["ex_ncc"]["loglik"], rtol=1e-10)
    assert fit.ratio_name == "hazard ratio"
    matched = rk.clogit("case ~ rcs(z, 4) + strata(setno)", NCC)
    assert_allclose(rk.cox("Surv(t, d) ~ rcs(z, 4)", NCC, sampling=SETS).coef, matched.coef, rtol=1e-8)


def test_counter_matching_weights_are_offsets() -> None:
    data = NCC.assign(w=1 + NCC["id"] % 3, log_w=lambda d: np.log(d["w"]))
    fit = rk.cox("Surv(t, d) ~ z", data, sampling=rk.NestedCaseControl("setno", "case", "w"))
    offset = rk.clogit("case ~ z + offset(log_w) + strata(setno)", data)
    assert_allclose([fit.coef[0], fit.se[0], fit.loglik], [offset.coef[0], offset.se[0], offset.loglik], rtol=1e-9)


def test_sets_are_drawn_whole_in_a_bootstrap_and_the_rest_works() -> None:
    fit = rk.cox("Surv(t, d) ~ rcs(z, 3)", NCC, sampling=SETS)
    boot = rk.bootstrap(fit, 40, progress=False, workers=1)
    matched = rk.bootstrap(rk.clogit("case ~ rcs(z, 3) + strata(setno)", NCC), 40, progress=False, workers=1)
    assert_allclose(boot.coef, matched.coef, rtol=1e-6)
    assert rk.anova(fit, "lr")["p"].between(0, 1).all()
    assert rk.ph_test(fit)["p"].between(0, 1).all()
    with pytest.raises(FitError, match="not for a nested case-control sample"):
        rk.baseline(fit)
    assert rk.cox("Surv(t, d) ~ ps(z)", NCC, sampling=SETS).edf is not None


def test_missing_values_that_empty_a_set_are_noted() -> None:
    holes = NCC.assign(z=NCC["z"].where(~NCC["setno"].isin([1, 2]) | (NCC["case"] == 1)))
    fit = rk.cox("Surv(t, d) ~ z", holes, sampling=SETS)
    assert "2 of them have lost their case or all controls" in " ".join(fit.notes)
    kept = rk.cox("Surv(t, d) ~ z", NCC[~NCC["setno"].isin([1, 2])], sampling=SETS)
    assert_allclose(fit.coef, kept.coef, rtol=1e-10)


FIRST = NCC["setno"] == NCC["setno"].iloc[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (NCC.assign(case=NCC["case"].where(~FIRST, 0)), "1 of 350 sets have no case"),
        (NCC.assign(case=NCC["case"].where(~FIRST, 1), d=NCC["d"].where(~FIRST, 1)), "more than one case"),
        (NCC[~FIRST | (NCC["case"] == 1)], "1 of 350 sets have no control"),
        (NCC.assign(t=NCC["t"].where(~FIRST | (NCC["case"] == 1), 0.01)), "1 controls were not at risk at the time"),
        (NCC.assign(d=0), "'d' is not 1 for some cases"),
        (NCC.assign(setno=NCC["setno"].where(~FIRST)), "'setno' is missing in 2 rows"),
    ],
)
def test_sets_that_are_no_sampled_risk_sets_are_refused(data, said) -> None:
    with pytest.raises(DataError, match=said):
        rk.cox("Surv(t, d) ~ z", data, sampling=SETS)


def test_a_control_who_enters_after_the_case_is_from_outside_the_risk_set() -> None:
    late = NCC.assign(entry=0.0)
    control = FIRST & (NCC["case"] == 0)
    late.loc[control, ["entry", "t"]] = [2.0, 3.0]
    with pytest.raises(DataError, match=r"not at risk at the time of their case \(entry < t <= exit\)"):
        rk.cox("Surv(entry, t, d) ~ z", late, sampling=SETS)


@pytest.mark.parametrize(
    ("formula", "options", "said"),
    [
        ("d ~ z", {}, "riskkit.clogit"),
        ("Surv(t, d) ~ z + strata(id)", {}, "leave out strata"),
        ("Surv(t, d) ~ z", {"robust": True}, "leave out robust"),
        ("Surv(t, d) ~ z", {"cluster": "id"}, "leave out weights, cluster"),
    ],
)
def test_what_sampled_risk_sets_cannot_have_is_refused(formula, options, said) -> None:
    with pytest.raises(SpecError, match=said):
        rk.cox(formula, NCC, sampling=SETS, **options)
