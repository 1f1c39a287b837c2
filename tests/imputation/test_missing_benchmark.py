"""The simulation behind the table of missing data in docs/calibration.md: its truths are what it says they are."""

from __future__ import annotations

import numpy as np
import pytest

import riskkit as rk
from benchmarks.missing import BEGIN, CODED, END, FORMULAS, MODELS, PAGE, Scenario, replicate


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("shape", list(CODED))
def test_with_nothing_missing_the_model_finds_the_truth(model, shape):
    scenario = Scenario(model, shape, "MCAR")
    people = scenario.people(np.random.default_rng(1), 40_000)
    fit = MODELS[model](FORMULAS[model].format(c=CODED[shape]), people)
    for variable, high in (("x", 1.0), ("c", 1.5)):
        found = rk.contrast(fit, {variable: high}, {variable: 0.0}).iloc[0]
        assert found["estimate"] == pytest.approx(scenario.truth(variable), abs=4 * found["se"])


def test_a_third_is_missing_and_depends_on_the_outcome_only_where_it_should():
    for mechanism, depends in (("MCAR", False), ("MAR", True)):
        scenario, random = Scenario("logistic", "straight", mechanism), np.random.default_rng(2)
        people = scenario.people(random, 20_000)
        missing = scenario.lost(people, random)["c"].isna()
        by_event = missing.groupby(people["event"]).mean()
        assert missing.mean() == pytest.approx(0.35, abs=0.05)
        assert (by_event[1.0] - by_event[0.0] > 0.1) == depends


def test_a_replicate_repeats_with_its_seed():
    scenario = Scenario("logistic", "straight", "MAR")
    assert replicate(scenario, 3) == replicate(scenario, 3)


def test_the_page_has_a_place_for_the_table():
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert page.index(BEGIN) < page.index(END)
