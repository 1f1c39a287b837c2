"""A screen asked for in an analysis file: against fits one at a time, in the report, with few events, and refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.disclosure import protect
from riskkit.errors import RiskkitError, SpecError
from riskkit.manifest import Manifest
from riskkit.questions.screen import run as screening
from riskkit.report import scripts
from riskkit.report.content import report_content
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis

OUTCOMES = """
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
b = { label = "Death from b", event = "cause == 'b'" }
of_women = { label = "Death of women", event = "cause != 'no'", only = "sex == 'Women'" }
rare = { label = "Death from c", event = "cause == 'c'" }
"""
PROTEINS = tuple(f"olink_{k}" for k in range(8))
VARIABLES = {
    name: f'label = "Protein {k}", kind = "number", unit = "NPX", empty = "missing"' for k, name in enumerate(PROTEINS)
}
ASKS = """
outcomes = ["death", "a", "b", "of_women", "rare"]
time_scales = ["age"]
[exposures."olink_*"]
screen = true
spline = 4
groups = false
[screen]
top = 2
[[models]]
name = "crude"
label = "Age"
covariates = []
[[models]]
name = "main"
label = "Sex and BMI"
covariates = ["sex", "bmi", "olink_7"]
"""
SMALL = "\n[disclosure]\nmin_count = 10\nround_to = 5\n"


def people() -> pd.DataFrame:
    """The made people, with eight proteins: 0 and 1 go with the marker, 2 is missing in some, 3 the same in all."""
    frame, random = made_people(), np.random.default_rng(5)
    n = len(frame)
    drawn = {name: random.normal(size=n).round(3) for name in PROTEINS}
    drawn["olink_0"] = (drawn["olink_0"] + (frame["marker"] - 20) / 3).round(3)
    drawn["olink_1"] = (2 * drawn["olink_1"] - (frame["marker"] - 20) / 3).round(3)
    drawn["olink_2"] = np.where(random.random(n) < 0.1, np.nan, drawn["olink_2"])
    drawn["olink_3"] = np.full(n, 1.5)
    drawn["olink_4"] = np.where(random.random(n) < 0.5, 1.0, 0.0)
    drawn["olink_5"] = np.full(n, np.nan)
    return frame.assign(**drawn)


def project(root: Path, asks: str = ASKS, more: str = "") -> Path:
    cohort = made_cohort("sex", "bmi", "cause", outcomes=OUTCOMES, variables=VARIABLES) + more
    return made_project(root, people(), cohort, made_analysis(asks))


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("screen"))


@pytest.fixture(scope="module")
def results(analysis: Path) -> Results:
    return run(analysis, cohort_of(analysis))


def test_every_pair_is_the_main_model_with_the_line_alone(analysis: Path, results: Results) -> None:
    cohort = cohort_of(analysis)
    pairs = results.screen.set_index(["exposure", "outcome"])
    assert list(results.screen["exposure"].drop_duplicates()) == list(PROTEINS[:7])  # olink_7 is a covariate
    assert len(pairs) == 7 * 5
    for exposure in ("olink_0", "olink_2", "olink_4"):
        unit = float(cohort.data[exposure].std(ddof=1))
        for outcome in ("death", "a", "b", "of_women"):
            pair, about = pairs.loc[(exposure, outcome)], cohort.outcomes[outcome]
            data = cohort.data[cohort.data[about.at_risk]]
            sex = "" if outcome == "of_women" else "sex + "
            fit = rk.cox(
                f"Surv(age_entry, {about.age_exit}, {outcome}) ~ {sex}bmi + olink_7 + per({exposure}, {unit!r})", data,
                time_unit="years",
            )  # fmt: skip
            line = fit.tidy().iloc[-1]
            assert (pair["n"], pair["events"], pair["n_missing"]) == (fit.n, fit.events, len(data) - fit.n)
            assert_allclose(pair["unit"], unit)
            assert abs(pair["estimate"] - line["estimate"]) < 1e-10 * line["se"]
            assert_allclose(
                pair[["se", "low", "high"]].astype(float), line[["se", "low", "high"]].astype(float), rtol=1e-8
            )
            assert_allclose(pair["person_years"], fit.person_years, rtol=1e-10)


def test_what_has_no_estimate_says_why(results: Results) -> None:
    reasons = results.screen.set_index(["exposure", "outcome"])["reason"]
    assert "fewer than 20" in reasons["olink_0", "rare"]
    assert "the same value" in reasons["olink_3", "death"]
    assert reasons["olink_5", "death"].startswith("0 events, fewer than 20")
    assert (reasons[results.screen.set_index(["exposure", "outcome"])["p"].notna()] == "").all()


def test_p_values_are_corrected_over_the_declared_family(results: Results, tmp_path: Path) -> None:
    tested = results.screen[results.screen["p"].notna()]
    again = rk.adjust(tested, method=["holm", "fdr_bh"])
    assert_allclose(tested["p_holm"], again["p_holm"])
    assert_allclose(tested["p_fdr"], again["p_fdr"])
    assert set(tested["family_size"]) == {len(tested)}
    assert tested.sort_values("rank")["p"].is_monotonic_increasing
    analysis = project(tmp_path, ASKS.replace("top = 2", 'top = 2\nfamily = "outcome"'))
    by_outcome = run(analysis, cohort_of(analysis)).screen
    again = rk.adjust(by_outcome, ["outcome"], ["holm"])
    assert_allclose(by_outcome["p_holm"], again["p_holm"])
    assert set(by_outcome["family"]) == {"death", "a", "b", "of_women", "rare"}


def test_the_clearest_pairs_are_studied_as_any_exposure_is(results: Results) -> None:
    best = results.screen.sort_values("rank").head(2)
    chosen = list(best["exposure"].unique())
    assert list(results.manifest.exposures) == chosen
    assert set(chosen) <= {"olink_0", "olink_1"}
    assert set(results.curves["exposure"]) == set(chosen)
    lines = results.estimates[(results.estimates["coding"] == "linear") & (results.estimates["model"] == "main")]
    for pair in best.itertuples():
        line = lines[(lines["exposure"] == pair.exposure) & (lines["outcome"] == pair.outcome)].iloc[0]
        assert abs(line["estimate"] - pair.estimate) < 1e-9 * pair.se
        assert (line["n"], line["events"], line["n_missing"]) == (pair.n, pair.events, pair.n_missing)
    assert Manifest.from_json(results.manifest.to_json()) == results.manifest


def test_the_report_tells_what_stands_out_and_that_it_was_chosen(results: Results) -> None:
    content = report_content(results)
    tested = results.screen["p"].notna().sum()
    assert content.answer[0].startswith(f"Of 35 pairs of 7 exposures with 5 outcomes ({35 - tested} pairs could not")
    page = page_html(results)
    for told in ("The screen", "Chosen by the screen", "likely to lie farther from 1", "data/screen.csv", "olink_*"):
        assert told in page, told
    names = [figure.name for figure in content.figures]
    assert {"screen-volcano", "screen-heatmap"} <= set(names)
    for figure in content.figures:
        if figure.name.startswith("screen"):
            assert figure.figure.wide.axes
            assert figure.figure.narrow.axes


def test_few_events_are_withheld(tmp_path: Path) -> None:
    analysis = project(tmp_path, ASKS.replace('"main"\nlabel', '"main"\nlabel').replace("[screen]", "[screen]"), SMALL)
    raw = run(analysis, cohort_of(analysis))
    shown = protect(raw).screen
    assert len(shown) == len(raw.screen)
    assert not shown["reason"].str.contains(r"\b[1-9]\b events|0 events", regex=True).any()
    assert shown[["n_other", "events_other"]].isna().all(axis=None)
    few = raw.screen["events"].between(1, 9)
    assert few.any()
    assert shown.loc[few.to_numpy(), ["events", "estimate", "p", "chi2", "rank"]].isna().all(axis=None)
    kept = shown[shown["estimate"].notna()]
    assert (kept["events"] % 5 == 0).all()
    assert (kept["n"] % 5 == 0).all()
    exact = raw.screen.loc[kept.index]
    assert (kept["estimate"] != exact["estimate"]).mean() > 0.9
    assert (abs(kept["estimate"] - exact["estimate"]) < 0.2 * exact["se"]).all()
    assert not re.search(r"\b0 events", page_html(protect(raw)))


def test_an_interrupted_screen_goes_on(analysis: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "LANES_A_BLOCK", 3)
    seen: list[str] = []

    def stop(done: int, total: int, what: str) -> None:
        seen.append(what)
        if what.startswith("screen, olink_3") and done > 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(analysis, cohort_of(analysis), stop, keep=tmp_path / "kept")
    calls = []
    fitted = screening.screen
    monkeypatch.setattr(screening, "screen", lambda *a, **k: calls.append(a[1]) or fitted(*a, **k))
    again = run(analysis, cohort_of(analysis), keep=tmp_path / "kept")
    assert all("olink_0" not in names for names in calls)
    assert len(again.screen) == 35


def test_named_and_screened_exposures_stand_side_by_side(tmp_path: Path) -> None:
    named = ASKS.replace('[exposures."olink_*"]', '[exposures.marker]\nspline = false\n[exposures."olink_?"]')
    analysis = project(tmp_path, named)
    found = run(analysis, cohort_of(analysis))
    assert next(iter(found.manifest.exposures)) == "marker"
    assert "marker" not in set(found.screen["exposure"])
    assert len(report_content(found).answer) >= 3


@pytest.mark.parametrize(
    ("asks", "message"),
    [
        (ASKS.replace("olink_*", "elink_*"), "no number that fits 'elink_\\*'"),
        (ASKS.replace("screen = true", ""), "a pattern is for a screen"),
        (ASKS.replace('"olink_*"', "bmi"), "'bmi' is in the main model"),
        (ASKS.replace('"olink_*"', "sex").replace('"sex", ', ""), "'sex' is a category; a screen is of numbers"),
        (ASKS.replace("spline = 4", "spline = [1.0, 2.0, 3.0]"), "differ in their values"),
        (ASKS.replace("spline = 4", "per = false"), "straight lines"),
        (ASKS.replace("spline = 4", 'per = "5 mmol/L"'), "is in NPX"),
        (ASKS.replace("spline = 4", 'repeat = "marker"'), "is of one exposure"),
        (ASKS.replace("spline = 4", 'sds_of = "bmi"\nsds_for = ["age"]'), "is of one exposure"),
        (ASKS.replace("top = 2", "top = 0"), "at least 1"),
        (ASKS.replace("screen = true", "").replace('"olink_*"', "marker"), "no exposure is screened"),
    ],
)
def test_what_cannot_be_screened_is_refused(tmp_path: Path, asks: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        load_analysis(project(tmp_path, asks))


def test_a_sample_of_a_cohort_is_not_screened(tmp_path: Path) -> None:
    sampling = """
[sampling]
design = "case-cohort"
subcohort = "drawn"
size = 1500
outcomes = ["death", "a", "b", "of_women", "rare"]
[derived.drawn]
label = "Drawn"
kind = "flag"
cases = [{ when = "marker > 20", then = true }, { when = "marker <= 20", then = false }]
"""
    with pytest.raises(SpecError, match="a screen is not offered for a case-cohort sample"):
        load_analysis(project(tmp_path, more=sampling))


def test_a_screen_without_any_estimate_is_refused(tmp_path: Path) -> None:
    analysis = project(tmp_path, ASKS.replace('"olink_*"', "olink_3"))
    with pytest.raises(RiskkitError, match="no pair of the screen could be fitted"):
        run(analysis, cohort_of(analysis))


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "screens.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"<!-- analysis -->\n```toml\n(.*?)```", page, re.DOTALL)
    analysis = project(tmp_path)
    analysis.write_text(example, encoding="utf-8")
    found = run(analysis, cohort_of(analysis))
    assert len(found.screen) == 8 * 3
    assert (found.screen["rank"] <= 5).sum() == 5


def test_a_long_table_can_be_searched(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Search this table" not in page_html(results)
    monkeypatch.setattr(scripts, "LONG", 20)
    page = page_html(results)
    assert "Search this table" in page
    assert page.count("sha256-") == page.count("<script>")
