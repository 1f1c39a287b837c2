"""Running an analysis: rows against fits made by hand, variants and failures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rows import one

from riskkit.design.splines import rcs
from riskkit.fit.cox import cox
from riskkit.runner import run


def test_a_linear_estimate_is_the_fit_s(results, cohort):
    fit = cox("Surv(age_entry, age_exit, a) ~ per(marker, 5) + sex + bmi", cohort.data)
    row = one(results.estimates, outcome="a", model="full", coding="linear")
    np.testing.assert_allclose([row["estimate"], row["se"]], [fit.coef[0], fit.se[0]], rtol=1e-10)
    assert (row["n"], row["events"], row["n_missing"]) == (fit.n, fit.events, fit.n_missing)
    np.testing.assert_allclose(row["person_years"], fit.person_years)


def test_groups_count_people_and_events(results, cohort):
    rows = results.estimates.query("outcome == 'death' and model == 'full' and coding == 'groups'")
    used = cohort.data.dropna(subset=["bmi"])
    cuts = np.quantile(cohort.data["marker"], [0.2, 0.4, 0.6, 0.8])
    group = np.searchsorted(cuts, used["marker"])
    assert rows["n"].tolist() == np.bincount(group).tolist()
    assert rows["events"].tolist() == np.bincount(group, used["death"]).astype(int).tolist()
    np.testing.assert_allclose(rows["person_years"], np.bincount(group, used["follow_up"]))
    assert rows["reference"].tolist() == [False, False, True, False, False]  # the one with the median
    assert (rows["float_low"] < rows["ratio"]).all()


def test_groups_are_compared_with_the_one_that_is_asked_for(results, analysis, cohort):
    text = analysis.read_text()
    path = analysis.with_name("middle.toml")
    middle = text[: text.index("[[subgroups]]")].replace('per = "5 nmol/L"', "per = false\nspline = false")
    middle = middle.replace('outcomes = ["death", "a", "c"]', 'outcomes = ["death"]')
    path.write_text(middle.replace('repeat = "again"\nsimex = ["death"]', "reference_group = 3"))
    found = run(path, cohort)
    key = "outcome == 'death' and model == 'full' and coding == 'groups'"
    rows, lowest = found.estimates.query(key), results.estimates.query(key)
    fifth = pd.qcut(cohort.data["marker"], 5, labels=["Q1", "Q2", "Q3", "Q4", "Q5"])
    releveled = fifth.cat.reorder_categories(["Q3", "Q1", "Q2", "Q4", "Q5"])
    fit = cox("Surv(age_entry, age_exit, death) ~ fifth + sex + bmi", cohort.data.assign(fifth=releveled))
    expected = fit.tidy().set_index("term").iloc[:4][["estimate", "se", "low", "high", "p"]]
    assert expected.index.tolist() == ["fifth=Q1", "fifth=Q2", "fifth=Q4", "fifth=Q5"]
    np.testing.assert_allclose(rows[~rows["reference"].astype(bool)][expected.columns], expected, rtol=1e-9)
    assert rows["level"].tolist() == ["Q1", "Q2", "Q3", "Q4", "Q5"]
    assert rows["reference"].tolist() == [False, False, True, False, False]
    assert rows["ratio"].iloc[2] == 1
    for column in ("n", "events", "person_years", "x", "x_low", "x_high", "float_se"):  # whatever the reference
        np.testing.assert_allclose(rows[column], lowest[column], rtol=1e-6, err_msg=column)
    tests, before = (each.tests.query(key).set_index("part") for each in (found, results))
    assert tests.index.tolist() == ["overall", "trend"]
    np.testing.assert_allclose(tests[["chi2", "df", "p"]], before.loc[tests.index, ["chi2", "df", "p"]], rtol=1e-7)
    assert found.manifest.exposures["marker"].reference_group == 3


def test_a_curve_can_be_drawn_again_from_what_is_kept_of_its_spline(results, cohort):
    key = {"outcome": "a", "model": "full", "coding": "spline"}
    about = results.manifest.exposures["marker"]

    def rows(name: str) -> pd.DataFrame:
        frame = getattr(results, name)
        return frame[np.logical_and.reduce([frame[column] == value for column, value in key.items()])]

    curve, covariance = rows("curves"), rows("covariances")
    terms = covariance["term"].unique()
    own = rows("coefficients").set_index("term").loc[terms, "estimate"]
    half = covariance.pivot(index="term", columns="other", values="covariance").loc[terms, terms].fillna(0.0).to_numpy()
    matrix = half + np.tril(half, -1).T
    basis = rcs(curve["x"], about.knots) - rcs([about.reference], about.knots)
    np.testing.assert_allclose(basis @ own, curve["estimate"], atol=1e-12)
    np.testing.assert_allclose(
        np.sqrt(np.einsum("ij,jk,ik->i", basis, matrix, basis)), curve["se"], rtol=1e-9, atol=1e-9
    )
    spline = one(results.splines, **key)
    used = cohort.data.dropna(subset=["bmi"])["marker"]
    assert spline["p90"] == pytest.approx(np.percentile(used, 90), rel=1e-12)
    assert spline["nadir_low"] <= spline["nadir"] <= spline["nadir_high"]
    main = one(results.shapes, outcome="a")
    assert main["verdict_x"] == one(results.splines, **{**key, "model": main["model"]})["nadir"]
    assert len(results.splines) == 4  # 2 models of 2 outcomes, and none of the variants


def test_too_few_events_are_a_row_with_its_reason(results):
    failed = results.failures
    assert set(failed["outcome"]) == {"c"}
    assert failed["reason"].str.fullmatch(r"\d events, fewer than the 10 asked for\.").all()
    assert len(failed) == 2 * 3 + 3  # models x codings, and the variants


def test_a_subgroup_is_a_fit_to_its_people(results, cohort):
    fit = cox("Surv(age_entry, age_exit, death) ~ per(marker, 5) + bmi", cohort.data[cohort.data["sex"] == "Men"])
    row = one(results.variants, outcome="death", variant="men")
    np.testing.assert_allclose([row["estimate"], row["se"]], [fit.coef[0], fit.se[0]], rtol=1e-10)
    assert (row["n"], row["events"]) == (fit.n, fit.events)


def test_a_lag_takes_the_first_years_off(results, cohort):
    data = cohort.data[cohort.data["follow_up"] > 2].assign(age_entry=lambda d: d["age_entry"] + 2)
    fit = cox("Surv(age_entry, age_exit, death) ~ per(marker, 5) + sex + bmi", data)
    row = one(results.variants, outcome="death", variant="late")
    np.testing.assert_allclose([row["estimate"], row["se"]], [fit.coef[0], fit.se[0]], rtol=1e-9)
    assert row["events"] == fit.events


def test_trimming_leaves_the_extremes_out(results, cohort):
    low, high = np.percentile(cohort.data["marker"], [5, 95])
    fit = cox(
        "Surv(age_entry, age_exit, death) ~ per(marker, 5) + sex + bmi",
        cohort.data[cohort.data["marker"].between(low, high)],
    )
    row = one(results.variants, outcome="death", variant="trimmed")
    np.testing.assert_allclose(row["estimate"], fit.coef[0], rtol=1e-10)
    assert row["n"] == fit.n


def test_families_of_p_values_are_the_outcomes(results):
    rows = results.estimates.query("model == 'full' and coding == 'linear'")
    p = rows["p"].to_numpy()
    np.testing.assert_allclose(rows["p_holm"].min(), min(1, 2 * p.min()))
    assert (rows["family_size"] == 2).all()


def test_a_category_without_an_event_does_not_cost_the_model(analysis, cohort):
    data = cohort.data.copy()
    rare = data.index[(data["a"] == 0) & (data["sex"] == "Women")][:40]
    kinds = pd.Series("common", index=data.index)
    kinds[rare] = "rare"
    data["bmi"] = np.where(data["bmi"].isna(), 27.0, data["bmi"])
    data["sex"] = pd.Categorical(kinds)
    changed = replace(cohort, data=data)
    text = analysis.read_text()
    path = analysis.with_name("silent.toml")
    path.write_text(text[: text.index("[[subgroups]]")])
    found = run(path, changed)
    row = one(found.estimates, outcome="a", model="full", coding="linear")
    fit = cox("Surv(age_entry, age_exit, a) ~ per(marker, 5) + bmi", data.drop(rare))
    np.testing.assert_allclose([row["estimate"], row["se"]], [fit.coef[0], fit.se[0]], rtol=1e-9)
    assert one(found.fits, outcome="a", model="full", coding="linear")["n_without_events"] == 40
    # The limit of the likelihood as the rare category's coefficient goes to minus infinity, all people kept.
    offset = data.assign(far=np.where(kinds == "rare", -40.0, 0.0))
    limit = cox("Surv(age_entry, age_exit, a) ~ per(marker, 5) + bmi + offset(far)", offset)
    np.testing.assert_allclose(row["estimate"], limit.coef[0], rtol=1e-9)
