"""Body mass index and mortality in two rounds of NHANES, against R's survival on the same files read and stacked by R.

Frozen numbers: tests/reference/bmi_mortality.json, made by bmi_mortality.R beside it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.results import Results
from riskkit.runner.run import run

ROOT = Path(__file__).parent.parent
R = json.loads((ROOT / "tests" / "reference" / "bmi_mortality.json").read_text())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cohort and the analysis as they are, apart from the project's lock; fewer outcomes, and one time scale."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("cohorts", "analyses"):
        (root / folder).mkdir()
    (root / "cohorts" / "nhanes0306.toml").write_bytes((ROOT / "cohorts" / "nhanes0306.toml").read_bytes())
    text = (ROOT / "analyses" / "bmi-mortality.toml").read_text()
    for old, new in (('["all_causes", "heart", "cancer", "other_causes"]', '["all_causes", "cancer"]'),
                     ('time_scales = ["age", "follow_up"]', "")):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (root / "analyses" / "bmi-mortality.toml").write_text(text)
    return root


@pytest.fixture(scope="module")
def cohort(project: Path, mirror: Path) -> Cohort:
    return load_cohort(project / "cohorts" / "nhanes0306.toml", mirror / "nhanes_continuous")


@pytest.fixture(scope="module")
def results(project: Path, cohort: Cohort) -> Results:
    return run(project / "analyses" / "bmi-mortality.toml", cohort)


def test_both_rounds_are_in_the_cohort(cohort: Cohort) -> None:
    assert (len(cohort.data), cohort.data["all_causes"].sum()) == (R["people"], R["deaths"])
    assert cohort.flow[0].remaining == 10122 + 10348
    assert set(cohort.data["survey_round"]) == {"2003-2004", "2005-2006"}
    assert len(cohort.sources) == 10


def test_weights_stand_for_the_population_once(cohort: Cohort) -> None:
    adults = cohort.data["survey_weight"].sum()  # of the 205 million civilian adults, but those without a measurement
    assert 185e6 < adults < 205e6


@pytest.mark.parametrize("expected", R["fits"], ids=lambda e: f"{e['outcome']}-{e['coding']}-{e['model']}")
def test_models(results: Results, expected: dict) -> None:
    chosen = " and ".join(f"{name} == '{expected[name]}'" for name in ("outcome", "coding", "model"))
    fit, terms = results.fits.query(chosen).iloc[0], results.coefficients.query(chosen)
    own = terms[terms["term"].str.contains("bmi")]
    assert (fit["n"], fit["events"]) == (expected["n"], expected["events"])
    np.testing.assert_allclose(fit["loglik"], expected["loglik"], rtol=1e-9)
    np.testing.assert_allclose(own["estimate"], np.atleast_1d(expected["estimate"]), rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(own["se"], np.atleast_1d(expected["se"]), rtol=1e-6)


@pytest.mark.parametrize("expected", R["variants"], ids=lambda e: f"{e['outcome']}-{e['variant']}")
def test_never_smokers_and_a_lag(results: Results, expected: dict) -> None:
    row = results.variants.query(f"outcome == '{expected['outcome']}' and variant == '{expected['variant']}'").iloc[0]
    assert (row["n"], row["events"]) == (expected["n"], expected["events"])
    np.testing.assert_allclose([row["estimate"], row["se"]], [expected["estimate"], expected["se"]], rtol=1e-6)


def test_the_line_weighted_to_the_population_is_that_of_svycoxph(results: Results) -> None:
    row = results.weighted.query("outcome == 'all_causes' and coding == 'linear'").iloc[0]
    np.testing.assert_allclose(
        [row["estimate"], row["se"]], [R["weighted"]["estimate"], R["weighted"]["se"]], rtol=1e-6
    )
