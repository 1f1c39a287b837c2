"""Curves of groups are drawn from their coefficients as they were drawn from the models, relative to any reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browser import opened_at
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

import riskkit as rk
from riskkit.disclosure import protect
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.runner import run

COHORT = made_cohort(
    "sex",
    "cause",
    variables={name: f'label = "{name}", kind = "number"' for name in ("w", "stratum", "psu")},
    outcomes="""
death = { label = "Death", event = "cause != 'no'" }
[design]
weights = "w"
strata = "stratum"
psu = "psu"
nested = true
population = "everybody"
""",
)
ANALYSIS = made_analysis("""
outcomes = ["death"]
survey = true
[exposures.marker]
spline = 4
groups = false
[[models]]
name = "main"
label = "Sex"
covariates = ["sex"]
[[subgroups]]
name = "women"
label = "Women alone"
by = "Sex"
when = "sex == 'Women'"
without = ["sex"]
codings = ["linear", "spline"]
[[interactions]]
modifier = "sex"
""")


def people() -> pd.DataFrame:
    random = np.random.default_rng(3)
    frame = made_people()
    unit = np.arange(len(frame)) % 20
    return frame.assign(w=random.uniform(1, 5, len(frame)).round(2), stratum=unit // 2, psu=unit % 2)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    path = made_project(tmp_path_factory.mktemp("groups"), people(), COHORT, ANALYSIS)
    return run(path, cohort_of(path))


def redrawn(results: Results, at: np.ndarray, reference: float, **group: str) -> pd.DataFrame:
    """The curve of a group from its coefficients and their covariance alone."""
    rows = results.group_covariances
    for name, value in group.items():
        rows = rows[rows[name] == value]
    names = rows["term"].drop_duplicates().tolist()
    cov = rows.pivot(index="term", columns="other", values="covariance").loc[names, names].to_numpy()
    cov = np.where(np.isnan(cov), cov.T, cov)
    knots = results.manifest.exposures["marker"].knots
    d = rk.rcs(at, knots) - rk.rcs(np.array([reference]), knots)
    se = np.sqrt(np.einsum("ij,jk,ik->i", d, cov, d))
    return pd.DataFrame({"estimate": d @ rows["estimate"].dropna().to_numpy(), "se": se})


@pytest.mark.parametrize("sex", ["Men", "Women"])
def test_the_curve_at_a_level_of_a_modifier(results: Results, sex: str) -> None:
    drawn = results.interaction_curves.query("level == @sex")
    reference = results.manifest.exposures["marker"].reference
    found = redrawn(results, drawn["x"].to_numpy(), reference, kind="modifier", by="sex", group=sex)
    np.testing.assert_allclose(found, drawn[["estimate", "se"]], rtol=1e-8, atol=1e-10)
    about = results.group_splines.query("kind == 'modifier' and group == @sex").iloc[0]
    own = people().query("sex == @code", local_dict={"code": {"Men": 1, "Women": 2}[sex]})
    assert (about["n"], about["events"]) == (len(own), (own["cause"] > 0).sum())
    assert about["p5"] == pytest.approx(np.percentile(own["marker"], 5))


def test_the_weighted_curve(results: Results) -> None:
    drawn = results.weighted_curves
    reference = results.manifest.exposures["marker"].reference
    found = redrawn(results, drawn["x"].to_numpy(), reference, kind="weighted")
    np.testing.assert_allclose(found, drawn[["estimate", "se"]], rtol=1e-8, atol=1e-10)
    assert np.isfinite(results.group_splines.query("kind == 'weighted'")["df_resid"]).all()


def test_the_curve_of_a_subgroup_relative_to_another_reference(results: Results) -> None:
    own = people().query("sex == 2")
    own = own.assign(exit=own["age"] + own["years"], death=own["cause"] > 0)
    knots = list(results.manifest.exposures["marker"].knots)
    fit = rk.cox(f"Surv(age, exit, death) ~ rcs(marker, {knots})", own)
    at = np.linspace(14, 27, 9)
    expected = rk.contrast(fit, {"marker": at}, {"marker": 16.0})
    found = redrawn(results, at, 16.0, kind="variant", by="women")
    np.testing.assert_allclose(found, expected[["estimate", "se"]], rtol=1e-7)


def test_the_page_offers_them_and_one_can_be_laid_over_another(results: Results, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(page_html(results), encoding="utf-8")
    addresses = {
        "men": "#explorer?of=modifier:sex:Men&compare=of:modifier:sex:Women&mine=22",
        "weighted": "#explorer?of=weighted",
    }
    seen = opened_at(page, addresses, tmp_path)
    assert [each.console for each in seen.values()] == [(), ()]
    for label in ("Everyone", "Weighted to the population", "Women alone", "Sex: Men"):
        assert f">{label}</option>" in seen["men"].html
    told = seen["men"].html
    assert "Sex: Men: the hazard ratio" in told
    assert "Sex: Women: the hazard ratio" in told
    assert "no interval was made for this curve" in told
    assert "; weighted to the population." in seen["weighted"].html


def test_under_a_rule_no_coefficient_of_a_group_is_shown(tmp_path: Path) -> None:
    path = made_project(tmp_path, people(), COHORT + "\n[disclosure]\nmin_count = 10\nround_to = 5\n", ANALYSIS)
    shown = protect(run(path, cohort_of(path)))
    assert shown.group_splines.empty
    assert shown.group_covariances.empty
    assert "Sex: Men</option>" not in page_html(shown)
