"""The simulation of meta-analyses behind docs/calibration.md: its truths and tables are what it says they are."""

from __future__ import annotations

import numpy as np
import pytest

import riskkit as rk
from benchmarks.evidence import (
    BEGIN,
    END,
    KNOTS,
    LEVELS,
    PAGE,
    POINTS,
    REFERENCE,
    TERMS,
    TRUTHS,
    jobs,
    published,
    without_correction,
)


def test_a_replicate_repeats_with_its_seed():
    one, other = (published("deep U", np.random.default_rng([1, 2])) for _ in range(2))
    assert one.equals(other)
    assert one.groupby("study").size().tolist() == list(LEVELS)
    assert one["low"].isna().sum() == len(LEVELS)


@pytest.mark.parametrize("truth", ["shallow U", "deep U"])
def test_the_model_can_represent_its_u(truth):
    x = np.linspace(80, 240, 50)
    columns = rk.rcs(x, KNOTS)
    values = TRUTHS[truth](x)
    coef, *_ = np.linalg.lstsq(columns - columns[0], values - values[0], rcond=None)
    assert (columns - columns[0]) @ coef == pytest.approx(values - values[0], abs=1e-9)
    assert 110 < x[values.argmin()] < 190


def test_many_meta_analyses_find_the_truth_on_average():
    found = []
    for seed in range(12):
        fit = rk.dose_response(published("deep U", np.random.default_rng([9, seed])), TERMS, design="incidence-rate")
        found.append(rk.curve(fit, "dose", reference=REFERENCE, grid=POINTS)["estimate"].to_numpy())
    truth = TRUTHS["deep U"](POINTS) - TRUTHS["deep U"](np.array([REFERENCE]))
    assert np.mean(found, axis=0) == pytest.approx(truth, abs=0.12)


def test_normal_limits_are_those_of_a_fit_without_the_correction():
    table = published("shallow U", np.random.default_rng([3, 1]))
    corrected, normal = (
        rk.dose_response(table, TERMS, design="incidence-rate", test=test) for test in ("knapp-hartung", "normal")
    )
    for each in ("low", "high"):
        ours, theirs = (rk.curve(fit, "dose", grid=POINTS)[each] for fit in (without_correction(corrected), normal))
        assert ours.to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-12)
        assert (rk.curve(corrected, "dose", grid=POINTS)[each] != theirs).any()


def test_truths_have_their_parts_of_the_replicates():
    planned = jobs(8, 5)
    counts = {truth: sum(one == truth for one, _ in planned) for truth in TRUTHS}
    assert counts == {"flat": 6, "linear": 6, "saturating": 2, "shallow U": 8, "deep U": 8}
    assert len({tuple(seed) for _, seed in planned}) == len(planned)


def test_the_page_has_a_place_for_the_table():
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert page.index(BEGIN) < page.index(END)
