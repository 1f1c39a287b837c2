"""An analysis with missing covariates imputed: against fits made by hand, and what it does where it cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_cohort import made_analysis, made_cohort, made_project

from riskkit.errors import SpecError
from riskkit.infer.verdict import ANSWERS
from riskkit.runner import run

COHORT = made_cohort(
    "bmi",
    variables={
        "dead": 'label = "Dead", kind = "flag", codes = { 1 = "yes", 0 = "no" }',
        "waist": 'label = "Waist", kind = "number", unit = "cm"',
        "smoking": 'label = "Smoking", kind = "category", codes = { 1 = "No", 2 = "Ex", 3 = "Now" }',
    },
    outcomes="""
death = { label = "Death", event = "dead == 1" }
rare = { label = "Rare death", event = "dead == 1 and age > 69.6" }
""",
)
ANALYSIS = made_analysis("""
outcomes = ["death", "rare"]
[exposures.marker]
groups = 3
[[models]]
name = "full"
label = "BMI and smoking"
covariates = ["rcs(bmi, 3)", "smoking"]
""")
IMPUTATION = '[imputation]\nm = 3\niterations = 4\nseed = 5\nauxiliary = ["waist"]\nordered = ["smoking"]\n'
N = 900


def people() -> pd.DataFrame:
    random = np.random.default_rng(8)
    marker, age = random.normal(20, 4, N), random.uniform(40, 70, N)
    bmi = random.normal(27, 4, N) + 0.4 * (marker - 20)
    time = random.exponential(9 * np.exp(-0.06 * (age - 55) - 0.1 * (bmi - 27)))
    return pd.DataFrame(
        {
            "id": np.arange(N), "age": age.round(2),
            "marker": np.where(random.random(N) < 0.1, np.nan, marker.round(2)),
            "bmi": np.where(random.random(N) < 0.3, np.nan, bmi.round(1)),
            "waist": np.where(random.random(N) < 0.1, np.nan, (3 * bmi + random.normal(0, 3, N)).round()),
            "smoking": np.where(random.random(N) < 0.1, np.nan, random.integers(1, 4, N)),
            "years": np.minimum(time, 10).round(3) + 0.001, "dead": (time < 10).astype(int),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return run(made_project(tmp_path_factory.mktemp("imputed"), people(), COHORT, ANALYSIS + IMPUTATION))


def test_what_is_missing_is_counted(results):
    frame = people()
    measured = frame["marker"].notna()
    missing = results.missing.set_index("variable")["n_missing"]
    assert missing["marker"] == (~measured).sum()
    assert missing["bmi"] == frame.loc[measured, "bmi"].isna().sum()
    assert missing[""] == frame.loc[measured, ["bmi", "smoking"]].isna().any(axis=1).sum()
    assert (results.missing["n"] == [N, *[measured.sum()] * 3]).all()


def test_everyone_with_the_exposure_takes_part(results):
    measured = people()["marker"].notna()
    linear = results.imputed[results.imputed["coding"] == "linear"].set_index("outcome").loc["death"]
    complete = results.estimates[results.estimates["coding"] == "linear"].set_index("outcome").loc["death"]
    assert linear["n"] == measured.sum() > complete["n"]
    assert linear["m"] == 3
    assert linear["events"] == people().loc[measured, "dead"].sum()
    assert linear["estimate"] == pytest.approx(complete["estimate"], abs=2.5 * complete["se"])
    assert 0 <= linear["fmi"] < 0.6
    groups = results.imputed[(results.imputed["coding"] == "groups") & (results.imputed["outcome"] == "death")]
    assert groups["n"].sum() == measured.sum()
    assert list(groups["level"]) == ["Q1", "Q2", "Q3"]
    assert groups["float_se"].gt(0).all()


def test_every_answer_of_the_main_model_is_there(results):
    assert set(zip(results.imputed_tests["coding"], results.imputed_tests["part"], strict=True)) == {
        ("spline", "overall"), ("spline", "nonlinear"), ("groups", "overall"), ("groups", "trend"),
        ("linear", "overall"),
    }  # fmt: skip
    assert len(results.imputed_curves) == 202  # the low and the high level of the report among them
    assert results.imputed_shapes["verdict_answer"].isin(ANSWERS).all()
    about = results.imputations.set_index("variable")
    assert dict(about["kind"]) == {"bmi": "number", "smoking": "ordered", "waist": "number"}
    assert results.imputation_trace.groupby("variable").size().eq(12).all()
    shares = results.imputation_values.groupby("variable")[["observed", "imputed"]].sum()
    np.testing.assert_allclose(shares, 1)


def test_what_could_not_be_fitted_is_listed(results):
    failures = results.failures[results.failures["variant"] == "Missing covariates imputed"]
    assert set(failures["outcome"]) == {"rare"}
    assert failures["reason"].str.contains("fewer than the 20 asked for").all()


def test_nothing_is_imputed_unless_asked(tmp_path):
    path = made_project(tmp_path, people(), COHORT, ANALYSIS)
    plain = run(path)
    assert plain.imputed.empty
    assert plain.manifest.analysis.imputation is None
    with pytest.raises(SpecError, match="two sets or more are needed"):
        run(path, imputations=1)


def test_a_covariate_that_nobody_with_the_exposure_has_is_a_failure_with_its_reason(tmp_path):
    frame = people()
    frame["bmi"] = frame["bmi"].where(frame["marker"].isna())
    lost = run(made_project(tmp_path, frame, COHORT, ANALYSIS + IMPUTATION))
    reasons = lost.failures.loc[lost.failures["variant"] == "Missing covariates imputed", "reason"]
    assert reasons.str.contains("'bmi' has 0 values among").all()
    assert len(reasons) == 6


def test_nothing_missing_leaves_nothing_to_impute(tmp_path):
    whole = people().dropna()
    plain = run(made_project(tmp_path, whole, COHORT, ANALYSIS + IMPUTATION))
    assert plain.imputed.empty
    assert plain.failures["variant"].ne("Missing covariates imputed").all()


def test_faults_of_the_file_are_said_by_their_place(tmp_path):
    wrong = '[imputation]\nm = 1\nvariables = ["waist", "bmu"]\nauxiliary = ["death"]\n'
    with pytest.raises(SpecError, match=r"imputation\.m"):
        run(made_project(tmp_path / "a", people(), COHORT, ANALYSIS + wrong))
    with pytest.raises(SpecError) as raised:
        run(made_project(tmp_path / "b", people(), COHORT, ANALYSIS + wrong.replace("m = 1", "m = 2")))
    for said in ("'waist' is no covariate of the main model", "no variable 'bmu'", "imputation.auxiliary[1]"):
        assert said in str(raised.value)
