"""The simulation behind docs/calibration.md: its truths are what it calls them, and its tables add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibrate import BATCH, BEGIN, END, PAGE, jobs, tables, write
from benchmarks.calibration import GRID, LIMITS, TRUTHS, cohort, judge


@pytest.mark.parametrize("name", ["flat", "linear", "saturating", "J: flat, then rising"])
def test_truths_that_are_no_u_never_turn(name):
    steps = np.diff(TRUTHS[name].curve(np.linspace(20, 900, 5000)))
    assert (steps >= 0).all() or (steps <= 0).all()


@pytest.mark.parametrize("name", [name for name in TRUTHS if "U" in name or "parabola" in name])
def test_truths_that_are_a_u_are_lowest_where_they_say(name):
    truth = TRUTHS[name]
    assert LIMITS[0] < truth.lowest < LIMITS[1]
    assert truth.curve(np.array([truth.lowest])).item() <= truth.curve(GRID).min() + 1e-9
    assert (truth.curve(np.array(LIMITS)) > truth.curve(np.array([truth.lowest])) + 0.05).all()


def test_cohorts_follow_their_truth():
    # Of people with the same follow-up, the log ratio of event rates between two levels is the truth's difference.
    data = cohort(TRUTHS["linear"], 400_000, np.random.default_rng(1))
    assert data["event"].mean() == pytest.approx(0.2, abs=1e-3)
    rate = data.groupby(pd.cut(data["x"], [118, 122, 178, 182]), observed=True)[["event", "time"]].sum()
    found = np.log(rate["event"] / rate["time"])
    expected = np.diff(TRUTHS["linear"].curve(np.array([120.0, 180.0]))).item()
    assert found.iloc[2] - found.iloc[0] == pytest.approx(expected, abs=0.08)


def test_replicates_repeat_with_their_seed_and_fill_the_tables():
    assert judge(TRUTHS["deep U"], 500, [1, 2]) == judge(TRUTHS["deep U"], 500, [1, 2])
    planned = list(jobs(BATCH, 1))
    assert len(set(planned)) == len(planned)
    rows = pd.DataFrame(
        {"part": job.part, "truth": job.truth, "n": job.n, "knots": job.knots, "pointwise": 0.9, "simultaneous": 1.0}
        | dict.fromkeys(["nadir", "nadir_width", "nadir_open", "simulation", "simulation_width"], 0.5)
        | dict.fromkeys(["u", "two_lines", "reported", "adjusted"], 0.2)
        | dict.fromkeys(["bootstrap", "bootstrap_width"], 0.5)
        for job in planned
    )
    made = dict(tables(rows))
    assert made["Coverage of 95% bands (%)"]["truth"].tolist() == list(TRUTHS)
    assert (made["U found at p < 0.05 (%), five knots"]["u, 500"] == "0.0").all()


def test_tables_go_between_the_markers(tmp_path):
    assert BEGIN in PAGE.read_text(encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write(page, "new")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnew\n{END}\nafter\n"
