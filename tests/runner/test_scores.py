"""An exposure that is a standard deviation score: learnt from the analysis's people, in models and report, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

import riskkit as rk
from riskkit.errors import DataError, SpecError
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis

OUTCOMES = 'death = { label = "Death", event = "cause != \'no\'" }\n'
SCORE = '[exposures.marker_sds]\nsds_of = "marker"\nsds_for = ["age", "sex"]\n'


def people() -> pd.DataFrame:
    """Made people whose marker falls with age and is lower in the second sex."""
    frame = made_people()
    shift = 60 - 0.4 * frame["age"] - 5 * (frame["sex"] == 2)
    frame["marker"] = (frame["marker"] + shift).round(2)
    frame.loc[:30, "marker"] = np.nan
    return frame


def project(tmp_path: Path, score: str = SCORE, more: str = "", frame: pd.DataFrame | None = None) -> Path:
    asks = f"""
outcomes = ["death"]
time_scales = ["follow_up"]
{more}
{score}
[[models]]
name = "main"
label = "Age and sex"
covariates = ["age", "sex"]
"""
    cohort = made_cohort("sex", "cause", "again", "bmi", outcomes=OUTCOMES)
    return made_project(tmp_path, people() if frame is None else frame, cohort, made_analysis(asks))


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("scores"))


@pytest.fixture(scope="module")
def results(analysis: Path) -> Results:
    return run(analysis, cohort_of(analysis))


def test_the_line_is_that_of_a_score_made_by_hand(analysis: Path, results: Results) -> None:
    data = cohort_of(analysis).data.astype({"sex": object})
    data["score"] = rk.centiles("marker ~ age", data, by="sex").sds(data)
    fit = rk.cox("Surv(follow_up, death) ~ score + age + sex", data)
    row = results.estimates[results.estimates["coding"] == "linear"].iloc[0]
    sd = data["score"].std(ddof=1)
    assert row["exposure"] == "marker_sds"
    assert row["estimate"] == pytest.approx(fit.params["score"] * sd, rel=1e-6)
    assert row["se"] == pytest.approx(np.sqrt(fit.cov.loc["score", "score"]) * sd, rel=1e-6)
    assert (row["n"], row["n_missing"]) == (len(data) - 31, 31)


def test_a_score_is_free_of_age_and_sex(analysis: Path) -> None:
    from riskkit.study.study import make_study

    spec, _ = load_analysis(analysis)
    study = make_study(spec, cohort_of(analysis), "age")
    data = study.cohort.data.dropna(subset="marker_sds")
    assert abs(data["marker_sds"].mean()) < 0.02
    assert data["marker_sds"].std() == pytest.approx(1, abs=0.01)
    assert abs(data["marker_sds"].corr(data["age"])) < 0.03
    assert data.groupby("sex", observed=True)["marker_sds"].mean().abs().max() < 0.03
    assert study.cohort.variables["marker_sds"].missing == {"not derivable": 31}


def test_the_report_says_what_a_score_is(results: Results) -> None:
    page = page_html(results)
    assert (
        "A standard deviation score (SDS) of marker says where a person stands among people of the same age and sex"
        in page
    )
    assert "Cole TJ, Green PJ. Smoothing reference centile curves" in page
    assert "Marker SDS" in page


def test_scores_are_learnt_from_whom_the_analysis_keeps(tmp_path: Path) -> None:
    more = "exclusions = [{ label = 'Over 60', when = 'age > 60' }]"
    path = project(tmp_path, more=more)
    found = run(path, cohort_of(path)).estimates
    data = cohort_of(path).data.astype({"sex": object})
    data = data[data["age"] <= 60].copy()
    data["score"] = rk.centiles("marker ~ age", data, by="sex").sds(data)
    fit = rk.cox("Surv(follow_up, death) ~ score + age + sex", data)
    row = found[found["coding"] == "linear"].iloc[0]
    assert row["estimate"] == pytest.approx(fit.params["score"] * data["score"].std(ddof=1), rel=1e-6)


def test_of_a_survey_ranges_are_those_of_its_population(tmp_path: Path) -> None:
    frame = people()
    frame["w"] = np.where(frame["marker"] > frame["marker"].median(), 9.0, 1.0)
    frame["psu"] = frame["id"] % 40
    path = project(tmp_path, frame=frame)
    cohort = path.parent.parent / "cohorts/made.toml"
    variables = '[variables.w]\nsource = "people.w"\nlabel = "W"\nkind = "number"\n'
    variables += '[variables.psu]\nsource = "people.psu"\nlabel = "PSU"\nkind = "number"\n'
    design = '[design]\nweights = "w"\npsu = "psu"\npopulation = "the town"\n'
    cohort.write_text(cohort.read_text() + f"\n{variables}{design}", encoding="utf-8")
    from riskkit.study.study import make_study

    built = cohort_of(path)
    study = make_study(load_analysis(path)[0], built, "age")
    data = built.data.astype({"sex": object})
    by_hand = rk.centiles("marker ~ age", data, by="sex", weights="w").sds(data)
    np.testing.assert_allclose(study.cohort.data["marker_sds"], by_hand)
    assert study.cohort.data["marker_sds"].mean() < -0.3, "most of the population has high levels"
    assert "weighted to represent the town" in page_html(run(path, built))


@pytest.mark.parametrize(
    ("score", "says"),
    [
        ('[exposures.marker]\nsds_for = ["age"]', "sds_of = 'marker'"),
        ('[exposures.marker]\nsds_of = "marker"\nsds_for = ["age"]', "a score has one of its own: marker_sds"),
        ('[exposures.s]\nsds_of = "markr"\nsds_for = ["age"]', "no variable 'markr'. Did you mean 'marker'?"),
        ('[exposures.s]\nsds_of = "sex"\nsds_for = ["age"]', "'sex' is a category; a score is of a number"),
        ('[exposures.s]\nsds_of = "marker"', "got 0 variables"),
        ('[exposures.s]\nsds_of = "marker"\nsds_for = ["age", "sex", "bmi"]', "got 3 variables"),
        ('[exposures.s]\nsds_of = "marker"\nsds_for = ["sex", "age"]', "the first is a number, such as age"),
        ('[exposures.s]\nsds_of = "marker"\nsds_for = ["age", "bmi"]', "the second is a category, such as sex"),
        ('[exposures.s]\nsds_of = "marker"\nsds_for = ["age", "sexx"]', "no variable 'sexx'"),
        ('[exposures.s]\nsds_of = "marker"\nsds_for = ["marker"]', "is what the score is of"),
        ('[exposures."a b"]\nsds_of = "marker"\nsds_for = ["age"]', "'a b' cannot be the name of a score"),
        (
            '[exposures.s]\nsds_of = "marker"\nsds_for = ["age"]\nrepeat = "again"',
            "corrects 'marker' as it was measured",
        ),
        ('[exposures.s]\nsds_of = "marker"\nsds_for = ["age"]\nunit = "nmol/L"', "which is 'SDS'"),
    ],
)
def test_what_cannot_be_a_score_is_refused(tmp_path: Path, score: str, says: str) -> None:
    with pytest.raises(SpecError) as told:
        load_analysis(project(tmp_path, score))
    assert says in str(told.value)


def test_levels_of_zero_have_no_score(tmp_path: Path) -> None:
    frame = people().assign(marker=lambda f: f["marker"].where(f["id"] != 50, 0.0))
    path = project(tmp_path, frame=frame)
    with pytest.raises(DataError, match=r"exposures\.marker_sds: 'marker' must be positive"):
        run(path, cohort_of(path))
