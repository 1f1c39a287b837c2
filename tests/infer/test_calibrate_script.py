"""The simulation behind docs/calibration.md: its truths are what it calls them, and its tables add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import verdicts
from benchmarks.calibrate import BATCH, BEGIN, END, PAGE, jobs, tables, write
from benchmarks.calibration import GRID, LIMITS, TRUTHS, cohort, judge


@pytest.mark.parametrize("name", ["flat", "linear", "saturating", "steep fall", "J: flat, then rising"])
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
        | dict.fromkeys(["slopes", "two_lines", "reported", "adjusted"], 0.2)
        | dict.fromkeys(["bootstrap", "bootstrap_width"], 0.5)
        for job in planned
    )
    made = dict(tables(rows))
    assert made["Coverage of 95% bands (%)"]["truth"].tolist() == list(TRUTHS)
    assert (made["U found by slopes and by two lines (%), five knots"]["slopes, 500"] == "0.0").all()


def test_tables_go_between_the_markers(tmp_path):
    assert BEGIN in PAGE.read_text(encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write(page, "new")
    assert page.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnew\n{END}\nafter\n"


def test_the_verdict_is_judged_by_its_truth():
    random = np.random.default_rng(5)
    fit = verdicts.cox_sample(TRUTHS["deep U"], 20_000, random)("rcs(x, 5)")
    found = verdicts.judge(fit, TRUTHS["deep U"])
    assert found["answer"] == "U-shaped"
    assert found["u"]
    assert not found["wrong"]
    assert np.isnan(found["low_false"])
    # Of the same fit, a truth that falls makes the answer wrong, and the high end falsely clear.
    found = verdicts.judge(fit, TRUTHS["saturating"])
    assert found["wrong"]
    assert found["high_false"] == 1
    assert verdicts.common_p(fit, ("p5", "p95")) < 0.001


@pytest.mark.parametrize("model", list(verdicts.SAMPLES))
def test_every_model_is_judged_and_repeats_with_its_seed(model):
    def once():
        fit = verdicts.SAMPLES[model](TRUTHS["steep fall"], 400, np.random.default_rng(2))("rcs(x, 4)")
        return verdicts.judge(fit, TRUTHS["steep fall"])

    assert once() == once()


def test_a_round_of_verdicts_fills_the_tables():
    jobs = [job for part in verdicts.rounds(verdicts.ROUND, 1) for job in part]
    assert len(set(jobs)) == len(jobs)
    answer = {"answer": "undecided", "wrong": False, "u": True, "one_sided": True, "common": np.nan, "slopes": False}
    parts = {"low": True, "high": True, "low_false": np.nan, "high_false": 0.0, "lowest": True, "located": False}
    rows = pd.DataFrame(
        {"model": job.model, "truth": job.truth, "n": job.n, "knots": knots, "limits": limits} | answer | parts
        for job in jobs
        for knots in job.knots
        for limits in job.ranges
    )
    made = dict(verdicts.tables(rows))
    assert made["Answered U-shaped (%): Cox, by knots"]["2,000 people, 7 knots"].tolist() == ["100.0"] * len(TRUTHS)
    assert made["Steep fall, 20,000 people: answered U-shaped (%), by range"]["truth"].tolist() == [
        "p5 to p95", "p2.5 to p97.5", "p10 to p90",
    ]  # fmt: skip
    assert verdicts.BEGIN in PAGE.read_text(encoding="utf-8")
