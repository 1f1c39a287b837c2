"""Where a curve is bent, subgroups and sensitivity analyses compare both ends of it, not its average slope."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from results_example import example_results, ratio_of, with_frames
from scipy.stats import chi2
from variants_example import with_variants

from riskkit.infer.ends import cochran
from riskkit.questions.variants.table import heterogeneity_of_ends
from riskkit.questions.variants.tell import sensitivity_figure, sensitivity_told, subgroups_figure, subgroups_told
from riskkit.telling.associations import associations
from riskkit.telling.exposure_text import exposure_text

SE = 0.05
SHIFTS = {"women": (0.2, -0.2), "men": (-0.2, 0.2), "lag": (0.0, 0.0), "healthy": (0.9, 0.0)}
PLAIN = with_variants(example_results(1, 2))
FIRST = associations(PLAIN)[0]


def made_ends() -> pd.DataFrame:
    """Ends of the first outcome, whose curve is bent: those of women and men lie to either side of the main ones."""
    key = {"exposure": "igf1", "outcome": "all_causes", "time_scale": "age", "model": "lifestyle", "coding": "spline"}
    rows = [
        {
            **key, "variant": name, "end": end, "x": at.x, "reference": 150.0, "n": 2900, "events": 1200,
            **ratio_of(math.log(at.value) + shift, SE), "covariance": 0.4 * SE**2,
        }
        for name, shifts in SHIFTS.items()
        for end, at, shift in zip(("low", "high"), FIRST.ends, shifts, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


RESULTS = with_frames(PLAIN, variant_ends=made_ends())
FOUND = associations(RESULTS)
TEXT = exposure_text(RESULTS.manifest, "igf1")


def test_both_ends_are_tested_at_once() -> None:
    women_and_men = made_ends().query("variant in ['women', 'men']")
    test = heterogeneity_of_ends(women_and_men)
    away = np.array([0.2, -0.2])
    covariance = SE**2 * np.array([[1, 0.4], [0.4, 1]])
    assert test.q == pytest.approx(2 * away @ np.linalg.solve(covariance, away))
    assert (test.df, test.p) == (2, pytest.approx(chi2.sf(test.q, 2)))
    assert test.q == pytest.approx(cochran(np.array([away, -away]), np.array([covariance, covariance])))
    assert math.isnan(heterogeneity_of_ends(women_and_men.iloc[:3]).p)  # one end of the men is not known


def test_subgroups_show_both_ends_of_the_bent_curve_and_the_line_of_the_other() -> None:
    figure = subgroups_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    headings = [row.cells[0].replace("\u00a0", " ") for row in figure.table.rows if row.kind == "heading"]
    assert headings == [
        "Death from any cause, 60 against 150 ng/mL: Sex",
        "Death from any cause, 252 against 150 ng/mL: Sex",
        "Death from cardiovascular disease: Sex",
    ]
    shown = figure.table.rows[1].cells
    low = math.log(FIRST.ends[0].value) + 0.2
    assert shown[3].startswith(f"{math.exp(low):.2f}")
    assert shown[5].endswith("2 df")
    assert figure.table.rows[4].cells[5] == shown[5]  # the other end has the same test
    assert "or, where the curve is bent, at 60 and 252" in figure.caption.replace("\u00a0", " ")
    told = subgroups_told(RESULTS, "igf1", FOUND).replace("\u00a0", " ")
    assert "was tested 2 times" in told
    assert "death from any cause by sex (p < 0.001)" in told


def test_a_sensitivity_analysis_moves_an_end() -> None:
    figure = sensitivity_figure(RESULTS, "igf1", TEXT, FOUND)
    assert figure
    moved = [row.cells[0] for row in figure.table.rows if row.cells[-1] == "no"]
    assert moved == ["Healthy at entry"]  # at the low end: the high end did not move, and the line is of no bent curve
    told = sensitivity_told(RESULTS, "igf1", FOUND).replace("\u00a0", " ")
    assert "1 lay outside the main analysis's confidence interval: death from any cause, 60 against 150 ng/mL" in told


def test_an_outcome_whose_curve_is_straight_keeps_its_line() -> None:
    figure = subgroups_figure(RESULTS, "igf1", TEXT, FOUND[1:])
    assert figure
    assert figure.caption.startswith("Hazard ratios per SD (60 ng/mL) higher serum IGF-I in subgroups")
