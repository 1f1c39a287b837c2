"""Every figure of a report can be drawn from what a run leaves, where the main model is named by its place alone."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

from riskkit.report.content import report_content
from riskkit.runner import run

COHORT = made_cohort(
    "again", "bmi", "sex", "cause",
    outcomes="""
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
""",
)  # fmt: skip
ANALYSIS = made_analysis("""
outcomes = ["death", "a"]
time_scales = ["age", "follow_up"]
characteristics = ["age", "sex"]
min_events = 10
[exposures.marker]
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
label = "First 2 years excluded"
lag = 2.0
codings = ["linear", "spline"]
[[interactions]]
modifier = "sex"
[robustness]
influence = 3
[imputation]
m = 2
iterations = 4
""")


def test_every_figure_can_be_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = made_project(tmp_path, made_people(), COHORT, ANALYSIS)
    figures = report_content(run(analysis, cohort_of(analysis))).figures
    names = {figure.name.split("-")[0] for figure in figures}
    assert names >= {
        "flow", "curves", "groups", "linear", "usual", "incidence", "models", "subgroups", "sensitivity", "interaction",
        "robustness", "imputed", "over", "imputation",
    }  # fmt: skip
    for figure in figures:
        for drawn in (figure.figure.wide, figure.figure.narrow):
            assert drawn.axes, figure.name
            plt.close(drawn)
