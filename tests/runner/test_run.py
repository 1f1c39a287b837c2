"""Running an analysis: rows against fits made by hand, variants, failures, interruption and reproducibility."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.design.splines import rcs
from riskkit.fit.cox import cox
from riskkit.infer.dilution import dilution
from riskkit.results import Results
from riskkit.runner import fits, grid, run
from riskkit.runner.scale import learn_scale
from riskkit.spec.analysis import load_analysis
from riskkit.spec.plan import batches, is_main, plan

COHORT = """
title = "Made for tests"
id = "id"
base = "people"
[files.people]
path = "people.csv"
format = "csv"
[variables]
age = { source = "people.age", label = "Age", kind = "number", unit = "years" }
marker = { source = "people.marker", label = "Marker", kind = "number", unit = "nmol/L" }
again = { source = "people.again", label = "Marker at the second visit", kind = "number", unit = "nmol/L" }
bmi = { source = "people.bmi", label = "BMI", kind = "number", unit = "kg/m2" }
sex = { source = "people.sex", label = "Sex", kind = "category", codes = { 1 = "Men", 2 = "Women" } }
years = { source = "people.years", label = "Follow-up", kind = "number", unit = "years" }
cause = { source = "people.cause", label = "Cause", kind = "category", codes = { 0 = "no", 1 = "a", 2 = "b", 3 = "c" } }
[follow_up]
time = "years"
age = "age"
unit = "years"
start = "visit"
end = "death"
[outcomes]
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
c = { label = "Death from c", event = "cause == 'c'" }
"""

ANALYSIS = """
title = "Marker and death"
question = "Do they go together?"
cohort = "made"
outcomes = ["death", "a", "c"]
characteristics = ["age", "sex"]
min_events = 10
[exposures.marker]
per = "5 nmol/L"
repeat = "again"
simex = ["death"]
[[models]]
name = "sex"
label = "Sex"
covariates = ["age", "sex"]
[[models]]
name = "full"
label = "+ BMI"
add = ["bmi"]
[[subgroups]]
name = "men"
label = "Men"
by = "Sex"
when = "sex == 'Men'"
without = ["sex"]
[[sensitivity]]
name = "late"
label = "First 2 years left out"
lag = 2.0
[[sensitivity]]
name = "trimmed"
label = "Extremes left out"
trim = [5.0, 95.0]
"""


@pytest.fixture(scope="module")
def analysis(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("made")
    for folder in ("cohorts", "analyses", "build/raw/made"):
        (root / folder).mkdir(parents=True)
    (root / "cohorts/made.toml").write_text(COHORT)
    (root / "analyses/marker.toml").write_text(ANALYSIS)
    random = np.random.default_rng(8)
    n = 1500
    usual = random.normal(20, 4, n)
    marker = usual + random.normal(0, 2.5, n)
    age = random.uniform(40, 70, n)
    time = random.exponential(12 * np.exp(-0.06 * (age - 55) - 0.05 * (usual - 20)))
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "age": age.round(2),
            "marker": marker.round(2),
            "again": np.where(random.random(n) < 0.3, (usual + random.normal(0, 2.5, n)).round(2), np.nan),
            "bmi": np.where(random.random(n) < 0.05, np.nan, random.normal(27, 4, n).round(1)),
            "sex": random.integers(1, 3, n),
            "years": np.minimum(time, 10).round(3) + 0.001,
            "cause": np.where(time < 10, random.choice([1, 2, 3], n, p=[0.5, 0.495, 0.005]), 0),
        }
    )
    frame.to_csv(root / "build/raw/made/people.csv", index=False)
    return root / "analyses/marker.toml"


@pytest.fixture(scope="module")
def cohort(analysis) -> Cohort:
    return load_cohort(analysis.parent.parent / "cohorts/made.toml")


@pytest.fixture(scope="module")
def results(analysis, cohort) -> Results:
    return run(analysis, cohort)


def one(frame: pd.DataFrame, **key: str) -> pd.Series:
    found = frame[np.logical_and.reduce([frame[name] == value for name, value in key.items()])]
    assert len(found) == 1, found
    return found.iloc[0]


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
    assert rows["reference"].tolist() == [True, False, False, False, False]
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
    assert found.manifest["exposures"]["marker"]["reference_group"] == 3


def test_a_curve_can_be_drawn_again_from_what_is_kept_of_its_spline(results, cohort):
    key = {"outcome": "a", "model": "full", "coding": "spline"}
    about = results.manifest["exposures"]["marker"]

    def rows(name: str) -> pd.DataFrame:
        frame = getattr(results, name)
        return frame[np.logical_and.reduce([frame[column] == value for column, value in key.items()])]

    curve, covariance = rows("curves"), rows("covariances")
    terms = covariance["term"].unique()
    own = rows("coefficients").set_index("term").loc[terms, "estimate"]
    half = covariance.pivot(index="term", columns="other", values="covariance").loc[terms, terms].fillna(0.0).to_numpy()
    matrix = half + np.tril(half, -1).T
    basis = rcs(curve["x"], about["knots"]) - rcs([about["reference"]], about["knots"])
    np.testing.assert_allclose(basis @ own, curve["estimate"], atol=1e-12)
    np.testing.assert_allclose(
        np.sqrt(np.einsum("ij,jk,ik->i", basis, matrix, basis)), curve["se"], rtol=1e-9, atol=1e-9
    )
    spline = one(results.splines, **key)
    used = cohort.data.dropna(subset=["bmi"])["marker"]
    assert spline["p90"] == pytest.approx(np.percentile(used, 90), rel=1e-12)
    assert spline["nadir_low"] <= spline["nadir"] <= spline["nadir_high"]
    main = one(results.shapes, outcome="a")
    assert main["nadir"] == one(results.splines, **{**key, "model": main["model"]})["nadir"]
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


def test_correction_for_regression_dilution_divides_by_the_slope_of_the_repeat(results, cohort):
    twice = cohort.data.dropna(subset=["again", "bmi"])
    design = np.column_stack([np.ones(len(twice)), twice["marker"], twice["sex"] == "Women", twice["bmi"]]).astype(
        float
    )
    slope = np.linalg.lstsq(design, twice["again"].to_numpy(), rcond=None)[0][1]
    plain = one(results.estimates, outcome="death", model="full", coding="linear")
    corrected = one(results.corrected, outcome="death", model="full", variant="", correction="rosner")
    np.testing.assert_allclose(corrected["dilution_ratio"], slope, rtol=1e-9)
    np.testing.assert_allclose(corrected["estimate"], plain["estimate"] / slope, rtol=1e-9)
    assert corrected["se"] > plain["se"] / slope  # the ratio's own uncertainty is carried in


def test_macmahon_and_peto_divide_by_the_ratio_of_the_ranges_of_fifths(results, cohort):
    twice = cohort.data.dropna(subset=["again"])
    ranges = []
    for column in ("again", "marker"):
        ends = 0.0
        for sex, share in twice["sex"].value_counts(normalize=True).items():
            cuts = np.quantile(cohort.data.loc[cohort.data["sex"] == sex, "marker"], [0.2, 0.8])
            of_sex = twice[twice["sex"] == sex]
            high, low = of_sex[of_sex["marker"] > cuts[1]], of_sex[of_sex["marker"] <= cuts[0]]
            ends += share * (high[column].mean() - low[column].mean())
        ranges.append(ends)
    plain = one(results.estimates, outcome="a", model="full", coding="linear")
    corrected = one(results.corrected, outcome="a", model="full", correction="macmahon-peto")
    np.testing.assert_allclose(corrected["estimate"], plain["estimate"] * ranges[1] / ranges[0], rtol=1e-9)
    assert corrected["dilution_low"] < corrected["dilution_ratio"] < corrected["dilution_high"]


def test_simex_is_asked_of_the_named_outcomes_in_the_main_model(results, cohort):
    rows = results.corrected[results.corrected["correction"] == "simex"]
    assert rows[["outcome", "model", "time_scale", "variant"]].values.tolist() == [["death", "full", "age", ""]]
    simex = rows.iloc[0]
    plain = one(results.estimates, outcome="death", model="full", coding="linear")
    # A parabola reaches so far towards no error (docs/dilution.md).
    added = np.array([0, 0.5, 1, 1.5, 2])
    share = 1 - simex["dilution_ratio"]
    reach = np.polyval(np.polyfit(added, 1 / (1 + share * added), 2), -1)
    assert simex["estimate"] == pytest.approx(reach * plain["estimate"], rel=0.03)
    assert (simex["events"], simex["p"]) == (plain["events"], plain["p"])
    assert results.manifest["analysis"]["simex"]["replicates"] == 10


def test_the_main_curve_is_moved_to_the_usual_level(results, cohort):
    ratio = dilution(cohort.data["marker"], cohort.data["again"], by=cohort.data["sex"])
    assert set(results.usual["outcome"]) == {"death", "a"}
    assert set(results.usual["model"]) == {"full"}
    usual = results.usual.query("outcome == 'death'")
    assert usual["dilution_ratio"].iloc[0] == pytest.approx(ratio.ratio)
    np.testing.assert_allclose(usual["x"], ratio.mean + ratio.ratio * (usual["x_measured"] - ratio.mean))
    reference = results.manifest["exposures"]["marker"]["reference"]
    assert usual.loc[usual["se"] == 0, "x"].tolist() == pytest.approx([reference])
    # Between two usual levels the log ratio is the measured curve's between the levels that stand for them.
    measured = results.curves.query("outcome == 'death' and model == 'full'")
    at = np.interp(usual["x_measured"], measured["x"], measured["estimate"])
    np.testing.assert_allclose(usual["estimate"] - usual["estimate"].iloc[0], at - at[0], atol=2e-3)


def test_a_correction_that_cannot_be_had_is_a_row_with_its_reason(analysis, cohort):
    few = cohort.data["again"].where(cohort.data["again"].notna().cumsum() <= 4)
    sparse = replace(cohort, data=cohort.data.assign(again=few))
    spec, _ = load_analysis(analysis)
    scale = learn_scale("marker", spec.exposures["marker"], sparse)
    main = [batch for batch in batches(plan(spec, "age")) if is_main(batch[0], spec) and batch[0].coding != "groups"]
    for batch in main:
        found = fits.fit_batch(batch, scale, spec, sparse)
        assert set(found["fits"]["outcome"]) == {"death", "a"}
        failed = found["failures"].query("outcome != 'c'")
        assert failed["reason"].str.startswith("not corrected for regression dilution: ").all()
        assert failed["outcome"].value_counts().to_dict() == (
            {"death": 3, "a": 2} if batch[0].coding == "linear" else {"death": 1, "a": 1}
        )
        assert "corrected" not in found


def test_families_of_p_values_are_the_outcomes(results):
    rows = results.estimates.query("model == 'full' and coding == 'linear'")
    p = rows["p"].to_numpy()
    np.testing.assert_allclose(rows["p_holm"].min(), min(1, 2 * p.min()))
    assert (rows["family_size"] == 2).all()


def test_the_same_input_gives_the_same_bits(results, analysis, cohort):
    again = run(analysis, cohort)
    for name, frame in results.frames().items():
        pd.testing.assert_frame_equal(frame, getattr(again, name), check_exact=True, obj=name)


def test_an_interrupted_run_goes_on_where_it_was(results, analysis, cohort, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    def stop(done: int, total: int, what: str) -> None:
        if done > total / 2:
            raise Stop

    with pytest.raises(Stop):
        run(analysis, cohort, stop, keep=tmp_path / "kept")
    kept = len(list((tmp_path / "kept").iterdir()))
    assert kept > 3
    calls = []
    monkeypatch.setattr(grid, "fit_batch", lambda *a: calls.append(a[0]) or fits.fit_batch(*a))
    resumed = run(analysis, cohort, keep=tmp_path / "kept")
    assert len(calls) == 9 - kept
    for name, frame in results.frames().items():
        pd.testing.assert_frame_equal(frame, getattr(resumed, name), check_exact=True, obj=name)
    assert not (tmp_path / "kept").exists()


def test_what_was_kept_for_another_analysis_is_not_taken(analysis, cohort, tmp_path, monkeypatch):
    calls, known = [], {}

    def fit_once(*arguments):
        """Fit each batch a single time: only how often it is asked for matters here."""
        calls.append(arguments[0])
        if arguments[0] not in known:
            known[arguments[0]] = fits.fit_batch(*arguments)
        return known[arguments[0]]

    monkeypatch.setattr(grid, "fit_batch", fit_once)
    monkeypatch.setattr(grid.Bench, "clear", lambda self: None)
    run(analysis, cohort, keep=tmp_path / "kept")
    assert len(calls) == 9
    run(analysis, cohort, keep=tmp_path / "kept")
    assert len(calls) == 9
    text = analysis.read_text()
    try:
        analysis.write_text(text.replace("min_events = 10", "min_events = 11"))
        run(analysis, cohort, keep=tmp_path / "kept")
    finally:
        analysis.write_text(text)
    assert len(calls) == 18


def test_results_can_be_written_and_read(results, tmp_path):
    results.write(tmp_path / "there")
    back = Results.read(tmp_path / "there")
    for name, frame in results.frames().items():
        read = getattr(back, name)
        assert list(read) == list(frame)
        for column in frame:
            present = frame[column].notna()
            assert present.equals(read[column].notna()), (name, column)
            assert frame.loc[present, column].tolist() == read.loc[present, column].tolist(), (name, column)
    assert back.manifest["analysis"]["name"] == "marker"
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


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
    assert one(found.fits, outcome="a", model="full", coding="linear")["n_silent"] == 40
    # The limit of the likelihood as the rare category's coefficient goes to minus infinity, all people kept.
    offset = data.assign(far=np.where(kinds == "rare", -40.0, 0.0))
    limit = cox("Surv(age_entry, age_exit, a) ~ per(marker, 5) + bmi + offset(far)", offset)
    np.testing.assert_allclose(row["estimate"], limit.coef[0], rtol=1e-9)


def test_a_dask_cluster_gives_the_same_bits(results, analysis, cohort):
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        elsewhere = run(analysis, cohort, scheduler=cluster.scheduler_address)
    for name, frame in results.frames().items():
        pd.testing.assert_frame_equal(frame, getattr(elsewhere, name), check_exact=True, obj=name)
