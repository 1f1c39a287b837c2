"""Additive interaction: published examples, R's own gradients, closed forms, and what the notes must say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import SpecError
from riskkit.fit.cox import cox
from riskkit.fit.logistic import logistic
from riskkit.infer.anova import anova
from riskkit.infer.bootstrap import Bootstrap, bootstrap
from riskkit.infer.interaction import AdditiveInteraction, additive_interaction

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
MOUTH = {"alcohol": 1, "tobacco": 1}
NEITHER = {"alcohol": 0, "tobacco": 0}


@pytest.fixture(scope="module")
def frozen():
    return json.loads((REFERENCE / "interaction.json").read_text())


@pytest.fixture(scope="module")
def mouth() -> pd.DataFrame:
    """Alcohol, tobacco and cancer of the mouth: Rothman and Keller (1972), as Hosmer and Lemeshow (1992) give it."""
    cells = [(1, 1, 1, 225), (1, 1, 0, 166), (1, 0, 1, 6), (1, 0, 0, 12), (0, 1, 1, 8), (0, 1, 0, 18), (0, 0, 1, 3)]
    counts = pd.DataFrame([*cells, (0, 0, 0, 20)], columns=["alcohol", "tobacco", "case", "people"])
    return counts.loc[counts.index.repeat(counts["people"])].reset_index(drop=True)


def row(found: AdditiveInteraction, measure: str, interval: str = "delta") -> pd.Series:
    table = found.measures
    return table[(table["measure"] == measure) & (table["interval"] == interval)].iloc[0]


def assert_agrees(found: AdditiveInteraction, theirs: dict) -> None:
    """All three delta intervals and MOVER's are R's."""
    delta = found.measures[found.measures["interval"] == "delta"]
    for column in ("estimate", "se", "low", "high"):
        np.testing.assert_allclose(delta[column], theirs[column], rtol=1e-6)
    np.testing.assert_allclose(row(found, "RERI", "MOVER")[["low", "high"]].astype(float), theirs["mover"], rtol=1e-6)


def test_published_intervals_of_alcohol_and_tobacco(mouth, frozen):
    found = additive_interaction(logistic("case ~ alcohol * tobacco", mouth), MOUTH, NEITHER)
    published = {"RERI": (3.74, -1.84, 9.32), "AP": (0.41, -0.07, 0.90), "S": (1.87, 0.65, 5.42)}
    for measure, numbers in published.items():
        np.testing.assert_allclose(row(found, measure)[["estimate", "low", "high"]].astype(float), numbers, atol=0.006)
    zou = row(found, "RERI", "MOVER")
    np.testing.assert_allclose([zou["low"], zou["high"]], [-11.43, 21.87], atol=0.005)
    assert_agrees(found, frozen["mouth"])
    np.testing.assert_allclose(found.ratios["ratio"], [6 * 20 / 36, 8 * 20 / 54, 225 * 20 / 498], rtol=1e-9)
    assert found.notes == (
        "53% have the outcome: odds ratios lie further from 1 than the risk ratios that these measures are about.",
    )


def test_the_coding_of_the_pair_does_not_matter(mouth):
    codings = ("alcohol * tobacco", "C(alcohol) * C(tobacco)", "tobacco * C(alcohol, ref=1)")
    tables = [additive_interaction(logistic(f"case ~ {c}", mouth), MOUTH, NEITHER).measures for c in codings]
    for other in tables[1:]:
        pd.testing.assert_frame_equal(tables[0], other, rtol=1e-7)


def test_a_spline_by_a_group_in_a_cox_model_agrees_with_r(frozen):
    pbc = pd.read_csv(REFERENCE / "infer_pbc.csv")
    fit = cox("Surv(time, died) ~ rcs(age, 4) * sex + edema", pbc)
    found = additive_interaction(fit, {"age": 70, "sex": "m"}, {"age": 45, "sex": "f"})
    assert_agrees(found, frozen["spline"])
    assert found.ratios["exposed"].tolist() == ["age", "sex", "both"]
    light = additive_interaction(fit.light(), {"age": 70, "sex": "m"}, {"age": 45, "sex": "f"})
    pd.testing.assert_frame_equal(light.measures, found.measures)


def test_both_tests_of_a_spline_by_a_group_agree_with_r(frozen):
    fit = cox("Surv(time, died) ~ rcs(age, 4) * sex + edema", pd.read_csv(REFERENCE / "infer_pbc.csv"))
    for test in ("lr", "wald"):
        table = anova(fit, test)
        asked = table[(table["term"] == "age") & (table["part"] == "interaction")].iloc[0]
        np.testing.assert_allclose(asked["chi2"], frozen["tests"][test], rtol=1e-6)
        assert asked["df"] == frozen["tests"]["df"]


def test_a_number_by_a_category_in_a_logistic_model_agrees_with_r(frozen):
    births = pd.read_csv(REFERENCE / "infer_birthwt.csv")
    fit = logistic('low ~ lwt * C(race, ref="black") + smoke', births)
    found = additive_interaction(fit, {"lwt": 100, "race": "other"}, {"lwt": 130, "race": "white"})
    assert_agrees(found, frozen["number"])


def test_effects_that_add_up_have_no_interaction(by_hand, mouth):
    """Ratios 2 and 3 alone and 4 together: RERI 0, AP 0, S 1, each with p = 1."""
    design = logistic("case ~ alcohol * tobacco", mouth).design
    fit = by_hand("logistic", design, [0, np.log(2), np.log(3), np.log(4 / 6)], 0.04 * np.eye(4))
    delta = additive_interaction(fit, MOUTH, NEITHER).measures.query("interval == 'delta'")
    np.testing.assert_allclose(delta["estimate"], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(delta["p"], 1)
    # By hand: RERI = e^(a + b + ab) - e^a - e^b + 1 has the gradient (4 - 2, 4 - 3, 4) in a, b and ab.
    np.testing.assert_allclose(delta["se"].iloc[0], np.sqrt(0.04 * (2**2 + 1**2 + 4**2)), rtol=1e-12)


def test_the_bootstrap_s_percentiles(mouth):
    fit = logistic("case ~ alcohol * tobacco", mouth)
    coef = np.column_stack([np.zeros(101), np.zeros(101), np.zeros(101), np.log(2 + np.arange(101) / 100)])
    found = additive_interaction(fit, MOUTH, NEITHER, resampled=Bootstrap(fit, coef, 0))
    # With ratios of 1 alone, RERI is the joint ratio less 1: its percentiles are those of 1, 1.01 ... 2.
    reri = row(found, "RERI", "bootstrap")
    np.testing.assert_allclose([reri["low"], reri["high"]], [1.025, 1.975], rtol=1e-9)
    assert np.isnan(row(found, "S", "bootstrap")["low"])
    assert "S is not defined in 101 of 101 bootstrap samples: no interval." in found.notes


def test_the_bootstrap_is_near_delta_where_there_are_many_people():
    random = np.random.default_rng(4)
    n = 6_000
    data = pd.DataFrame({"a": random.integers(0, 2, n), "b": random.integers(0, 2, n)})
    data["y"] = random.random(n) < 0.04 * (1 + data["a"] + data["b"] + 2 * data["a"] * data["b"])
    fit = logistic("y ~ a * b", data)
    found = additive_interaction(fit, {"a": 1, "b": 1}, {"a": 0, "b": 0}, resampled=bootstrap(fit, 120, progress=False))
    for measure in ("RERI", "AP", "S"):
        resampled, delta = row(found, measure, "bootstrap"), row(found, measure)
        assert resampled["se"] == pytest.approx(delta["se"], rel=0.25)
        assert resampled["low"] < delta["estimate"] < resampled["high"]


def test_s_is_not_made_up_where_it_is_not_defined(by_hand, mouth):
    design = logistic("case ~ alcohol * tobacco", mouth).design
    fit = by_hand("logistic", design, [0, np.log(0.5), np.log(0.8), 0.0], 0.04 * np.eye(4))
    found = additive_interaction(fit, MOUTH, NEITHER)
    assert np.isnan(row(found, "S")[["estimate", "se", "low", "high", "p"]].astype(float)).all()
    assert found.notes[0].startswith("The odds ratio with both is 0.40, below the reference's 1")
    assert found.notes[1].startswith("S is not defined")


@pytest.mark.parametrize(
    ("setting", "reference", "said"),
    [
        ({"alcohol": 1}, {"alcohol": 0}, "name the same two variables"),
        (MOUTH, {"alcohol": 0, "smoke": 0}, "name the same two variables"),
        (MOUTH, {"alcohol": 1, "tobacco": 0}, "do not differ"),
        ({"alcohol": 1, "tobaco": 1}, {"alcohol": 0, "tobaco": 0}, "Did you mean 'tobacco'"),
    ],
)
def test_what_cannot_be_answered_says_why(mouth, setting, reference, said):
    with pytest.raises(SpecError, match=said):
        additive_interaction(logistic("case ~ alcohol * tobacco", mouth), setting, reference)


def test_a_model_without_the_product_is_refused(mouth):
    with pytest.raises(SpecError, match=r"write alcohol \* tobacco in the formula"):
        additive_interaction(logistic("case ~ alcohol + tobacco", mouth), MOUTH, NEITHER)


def test_a_variable_that_stands_in_strata_or_in_the_product_only_is_refused(mouth):
    data = mouth.assign(time=1.0 + np.arange(len(mouth)) % 7)
    for formula, model in (
        ("Surv(time, case) ~ alcohol + alcohol:tobacco + strata(tobacco)", cox),
        ("case ~ alcohol + alcohol:tobacco", logistic),
    ):
        with pytest.raises(SpecError, match="no ratio of 'tobacco' alone"):
            additive_interaction(model(formula, data), MOUTH, NEITHER)
