"""The metabolic analysis on real data against R's glm; R makes the outcomes again from the measurements.

Frozen numbers: tests/reference/igf1_metabolic.json, made by igf1_metabolic.R beside it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from riskkit.cohort.cohort import Cohort
from riskkit.results import Results
from riskkit.runner.run import run

KEY = ["exposure", "outcome", "coding", "model"]
ROOT = Path(__file__).parent.parent
R = json.loads((ROOT / "tests" / "reference" / "igf1_metabolic.json").read_text())


@pytest.fixture(scope="module")
def results(nhanes3: Cohort, tmp_path_factory) -> Results:
    """The analysis as it is, without the outcomes, exposures, models and subgroups that R was not asked for."""
    text = (ROOT / "analyses" / "igf1-metabolic.toml").read_text()
    outcomes = text.index("outcomes = ["), text.index("]\n", text.index("outcomes = [")) + 2
    text = text[: outcomes[0]] + 'outcomes = ["atp3", "insulin_resistance"]\n' + text[outcomes[1] :]
    text = text.replace("[exposures.igfbp3]\nspline = 5\n", "")
    text = text[: text.index('[[models]]\nname = "bmi"')]
    root = tmp_path_factory.mktemp("project")
    for folder in ("cohorts", "analyses"):
        (root / folder).mkdir()
    (root / "cohorts" / "nhanes3.toml").write_bytes((ROOT / "cohorts" / "nhanes3.toml").read_bytes())
    (root / "analyses" / "igf1-metabolic.toml").write_text(text)
    return run(root / "analyses" / "igf1-metabolic.toml", nhanes3)


def test_the_definitions_give_the_cases_that_r_counts(nhanes3: Cohort) -> None:
    for name, cases in R["cases"].items():
        assert (name, nhanes3.data[name].sum(), nhanes3.data[name].count()) == (name, cases, R["known"][name])


def test_every_model_is_that_of_glm(results: Results) -> None:
    assert results.failures.empty
    fits, coefficients = results.fits.set_index(KEY), dict(iter(results.coefficients.groupby(KEY)))
    tests = results.tests.query("part == 'overall'").set_index(KEY)["chi2"]
    assert len(fits) == len(R["fits"])
    for expected in R["fits"]:
        key = tuple(expected[name] for name in KEY)
        fit, terms = fits.loc[key], coefficients[key]
        assert (fit["n"], fit["events"]) == (expected["n"], expected["events"])
        np.testing.assert_allclose(fit["loglik"], expected["loglik"], rtol=1e-10)
        np.testing.assert_allclose(terms["estimate"], expected["estimate"], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(terms["se"], expected["se"], rtol=1e-6)
        np.testing.assert_allclose(tests[key], expected["overall"], rtol=1e-6)
