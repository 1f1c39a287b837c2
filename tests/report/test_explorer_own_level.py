"""The explorer asked of one's own level, in headless Chromium: ratio, percentile and risk against the fits."""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from browser import Opened, opened_at, probed
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

import riskkit as rk
from riskkit.disclosure import protect
from riskkit.numbers import measure, ratio
from riskkit.questions.absolute.words import risk_interval
from riskkit.report.explorer import explorer
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.runner import run

OUTCOMES = """
death = { label = "Death", event = "cause != 'no'" }
a = { label = "Death from a", event = "cause == 'a'" }
"""
ASKS = """
outcomes = ["a", "death"]
competing = "death"
main_model = "main"
[exposures.marker]
spline = 4
groups = false
[[models]]
name = "main"
label = "Sex and BMI"
covariates = ["sex", "bmi"]
[[models]]
name = "plain"
label = "Sex"
covariates = ["sex"]
[absolute]
horizon = 8
ages = [50, 60]
"""
ADDRESSES = {
    "none": "",
    "own": "#explorer?mine=24.5&sex=Women&age=55",
    "strict": "#explorer?outcome=death&mine=15&sex=Men&age=60&level=0.99&reference=18",
    "beyond": "#explorer?mine=900&sex=Men&age=57&reference=1",
    "compared": "#explorer?mine=24.5&sex=Women&age=55&compare=outcome:death",
    "young": "#explorer?mine=22&sex=Men&age=40",
    "models": "#explorer?model=plain&compare=model:main&mine=24.5&sex=Women&age=55",
    "hostile": "#explorer?mine=NaN&sex=constructor&age=x&outcome=__proto__",
}


def analysis_of(root: Path, more: str = "") -> Path:
    people = made_people()
    cohort = made_cohort("sex", "cause", "bmi", outcomes=OUTCOMES) + more
    return made_project(root, people, cohort, made_analysis(ASKS))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    path = analysis_of(tmp_path_factory.mktemp("own"))
    return run(path, cohort_of(path))


@pytest.fixture(scope="module")
def page(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page_html(results), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def seen(page: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Opened]:
    return opened_at(page, ADDRESSES, tmp_path_factory.mktemp("seen"))


@pytest.fixture(scope="module")
def causes() -> dict[str, rk.Fit]:
    """Both hazards by hand: each person followed until the first of the two."""
    data = made_people().dropna(subset=["bmi"])
    data = data.assign(
        exit=data["age"] + data["years"], a=data["cause"] == 1, other=data["cause"] > 1,
        sex=data["sex"].map({1: "Men", 2: "Women"}),
    )  # fmt: skip
    knots = rk.knots(made_people()["marker"].to_numpy(), 4).tolist()
    return {n: rk.cox(f"Surv(age, exit, {n}) ~ rcs(marker, {knots}) + sex + bmi", data) for n in ("a", "other")}


def said(found: Opened) -> str:
    answer = re.search(r'<p id="explorer-answer"[^>]*>(.*?)</p>', found.html)
    assert answer
    return html.unescape(answer[1]).replace("\u00a0", " ")


def numbers(found: Opened) -> pd.DataFrame:
    offered = re.search(r'<a id="explorer-csv" href="data:text/csv;charset=utf-8,([^"]*)"', found.html)
    assert offered
    return pd.DataFrame(csv.DictReader(unquote(offered[1]).splitlines()))


def by_hand(causes: dict[str, rk.Fit], x: object, sex: str, age: float, level: float = 0.95) -> pd.DataFrame:
    bmi = made_people().dropna(subset=["bmi"])["bmi"].median()
    people = pd.DataFrame({"marker": np.atleast_1d(x), "sex": sex, "bmi": bmi})
    return rk.absolute_risk(causes, people, [age + 8], start=age, level=level).query("cause == 'a'")


def test_risks_in_the_page_are_those_of_absolute_risk(seen: dict[str, Opened], causes: dict[str, rk.Fit]) -> None:
    found = numbers(seen["own"]).query("outcome == 'a'")
    assert set(found["sex"] + found["age"]) == {"Women55"}
    expected = by_hand(causes, found["x"].astype(float).to_numpy(), "Women", 55)
    for name, column in {"risk": "estimate", "risk_low": "low", "risk_high": "high"}.items():
        np.testing.assert_allclose(found[name].astype(float), expected[column], rtol=5e-7)
    assert (found["x"].astype(float) == 24.5).any()


def test_risks_of_an_outcome_with_which_nothing_competes_at_another_level(seen: dict[str, Opened]) -> None:
    data = made_people().dropna(subset=["bmi"])
    data = data.assign(exit=data["age"] + data["years"], death=data["cause"] > 0)
    knots = rk.knots(made_people()["marker"].to_numpy(), 4).tolist()
    fit = rk.cox(f"Surv(age, exit, death) ~ rcs(marker, {knots}) + C(sex) + bmi", data)
    found = numbers(seen["strict"])
    people = pd.DataFrame({"marker": found["x"].astype(float), "sex": 1, "bmi": data["bmi"].median()})
    expected = rk.absolute_risk({"death": fit}, people, [68], start=60, level=0.99)
    for name, column in {"risk": "estimate", "risk_low": "low", "risk_high": "high"}.items():
        np.testing.assert_allclose(found[name].astype(float), expected[column], rtol=5e-7)


def test_the_answer_tells_ratio_percentile_and_risk_in_words(
    seen: dict[str, Opened], results: Results, causes: dict[str, rk.Fit]
) -> None:
    told = said(seen["own"])
    reference = results.manifest.exposures["marker"].reference
    fit = results.fits.query("outcome == 'a' and model == 'main' and coding == 'spline'").iloc[0]
    data = made_people().dropna(subset=["bmi"])
    data = data.assign(age_exit=data["age"] + data["years"], a=data["cause"] == 1)
    knots = rk.knots(made_people()["marker"].to_numpy(), 4).tolist()
    of_a = rk.cox(f"Surv(age, age_exit, a) ~ rcs(marker, {knots}) + C(sex) + bmi", data)
    assert of_a.events == fit["events"]
    at = rk.contrast(of_a, {"marker": 24.5}, {"marker": reference}).iloc[0]
    interval = f"{ratio(at['ratio'])} (95% CI {ratio(at['low'])} to {ratio(at['high'])})"
    assert (
        f"The hazard ratio of death from a at 24.5 nmol/L, relative to {reference:.1f} nmol/L, is {interval}." in told
    )
    own, other = (
        risk_interval(by_hand(causes, x, "Women", 55).iloc[0]).replace("(", "(95% CI ") for x in (24.5, reference)
    )
    assert f"Of 1,000 people (women, aged 55) with 24.5 nmol/L, {own} are expected to have the outcome" in told
    assert f"“death from a” within 8 years; with {reference:.1f} nmol/L, {other}." in told
    assert "allowing for death coming first" in told
    assert f"typical otherwise (BMI: {measure(data['bmi'].median())} kg/m2)" in told
    assert "no forecast for one person" in told


def test_the_percentile_is_that_of_people_of_the_same_age_and_sex(seen: dict[str, Opened]) -> None:
    people = made_people()
    own = people[(people["sex"] == 2) & people["age"].between(55, 60, inclusive="left")]["marker"]
    found = re.search(
        r"Marker of 24.5 nmol/L is at about the (\d+)\w\w percentile of the (\d+) people", said(seen["own"])
    )
    assert found
    assert "who are women and aged 55 to 59" in said(seen["own"])
    assert int(found[2]) == len(own)
    assert abs(int(found[1]) - 100 * (own <= 24.5).mean()) <= 6  # five percentiles, and as normal between them
    assert "above the 95th percentile of the" in said(seen["beyond"])


def test_what_is_beyond_the_data_is_moved_and_said(seen: dict[str, Opened], results: Results) -> None:
    spline = results.splines.query("outcome == 'a' and model == 'main'").iloc[0]
    low, high = (measure(spline[name]) for name in ("p1", "p99"))
    told = said(seen["beyond"])
    assert f"Too few people lie below {low} or above {high} for a curve: it is read at {high} nmol/L." in told
    assert f"A reference of 1 nmol/L is beyond the curve: it is {low} nmol/L here." in told
    assert "Of age 57 nothing is known: age is 55 here." in told or "age is 60 here" in told
    assert f"with {high} nmol/L" in told


def test_the_sentences_follow_the_comparison(seen: dict[str, Opened]) -> None:
    told = said(seen["compared"])
    assert "Death from a: the hazard ratio of death from a at 24.5" in told
    assert "Death: the hazard ratio of death at 24.5" in told
    assert told.count("Of 1,000 people (women, aged 55)") == 2
    summary = re.search(r'<p id="explorer-summary"[^>]*>(.*?)</p>', seen["compared"].html)
    assert summary
    assert "Compared: Marker and death: relative to" in html.unescape(summary[1])


def test_a_risk_beside_a_curve_without_one_says_whose_it_is(seen: dict[str, Opened]) -> None:
    told = said(seen["models"])
    assert told.count("Of 1,000 people (women, aged 55)") == 1
    assert told.index("Sex: the hazard ratio") < told.index("Sex and BMI (main model): the hazard ratio")
    assert "Risks are those of the main model, allowing for death coming first, of people of that sex" in told


def test_since_entry_age_is_a_covariate_like_others(tmp_path: Path) -> None:
    asks = ASKS.replace("ages = [50, 60]\n", "").replace('["sex", "bmi"]', '["sex", "age"]')
    cohort = made_cohort("sex", "cause", "bmi", outcomes=OUTCOMES)
    path = made_project(tmp_path, made_people(), cohort, made_analysis('time_scales = ["follow_up"]\n' + asks))
    page = tmp_path / "index.html"
    page.write_text(page_html(run(path, cohort_of(path))), encoding="utf-8")
    told = said(opened_at(page, {"own": "#explorer?mine=24.5&sex=Women&age=40"}, tmp_path)["own"])
    age = measure(made_people()["age"].median())
    assert "Of 1,000 people (women) with 24.5 nmol/L" in told
    assert f"of people of that sex who are typical otherwise (age: {age} years)." in told


def test_where_no_risk_is_known_the_page_says_from_which_ages(seen: dict[str, Opened]) -> None:
    assert "Risks are known from 50, 55 and 60 years of age." in said(seen["young"])
    assert "1,000" not in said(seen["young"])


def test_nothing_goes_wrong_whatever_is_asked(seen: dict[str, Opened]) -> None:
    assert [found.console for found in seen.values()] == [()] * len(ADDRESSES)
    assert said(seen["hostile"]) == said(seen["none"])
    assert said(seen["none"]).startswith("Give a level to have it read from the curve")


KEYBOARD = """
const view = page.getElementById("explorer-view");
const controls = [...view.querySelectorAll("select, input, button, summary, a[href]")];
const reached = controls.filter((control) => control.tabIndex === 0 && !control.disabled);
const named = controls.filter((control) =>
  control.closest("label") || control.getAttribute("aria-label") || control.textContent.trim());
const mine = page.getElementById("explorer-mine");
mine.focus();
const focused = page.activeElement.id;
mine.value = "20.5";
mine.dispatchEvent(new Event("change"));
page.getElementById("explorer-age").value = "50";
page.getElementById("explorer-age").dispatchEvent(new Event("change"));
const hash = Object.fromEntries(new URLSearchParams(frame.contentWindow.location.hash.split("?")[1]));
const first = view.querySelectorAll("details:not([open]) select").length;
return [controls.length, reached.length, named.length, focused, hash, first];
"""


def test_it_is_used_by_keyboard_and_the_address_holds_the_answer(page: Path, tmp_path: Path) -> None:
    controls, reached, named, focused, hash_, folded = probed(tmp_path, f'src="{page.as_uri()}"', KEYBOARD)
    assert controls == reached == named
    assert focused == "explorer-mine"
    assert hash_["mine"] == "20.5"
    assert (hash_["sex"], hash_["age"]) == ("Men", "50")
    assert folded == 5  # what is seldom asked for is behind one tab stop


def test_under_a_rule_risks_have_few_digits_and_no_age_in_between(tmp_path: Path) -> None:
    path = analysis_of(tmp_path, "\n[disclosure]\nmin_count = 10\nround_to = 5\n")
    shown = protect(run(path, cohort_of(path)))
    assert set(shown.absolute_patterns["age"]) == {50, 60}
    assert (shown.absolute_patterns["events"] % 5 == 0).all()
    made = explorer(shown)
    assert made
    (curve,) = [c for c in json.loads(made.data)["curves"] if c["outcome"] == "a" and c["model"] == "main"]
    assert not curve["risk"]["exact"]
    page = tmp_path / "index.html"
    page.write_text(page_html(shown), encoding="utf-8")
    found = opened_at(page, {"own": "#explorer?mine=24.5&sex=Women&age=60"}, tmp_path)["own"]
    assert found.console == ()
    assert "Of 1,000 people (women, aged 60)" in said(found)
    patterns = shown.absolute_patterns.query("outcome == 'a' and sex == 'Women' and age == 60")
    drawn = numbers(found)["risk"].astype(float)
    assert patterns["estimate"].min() <= drawn.min() <= drawn.max() <= patterns["estimate"].max()
