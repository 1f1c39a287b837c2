"""Landmark data: by hand, and against the bias they are for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.errors import DataError, SpecError

PERIODS = pd.DataFrame(
    {"id": [1, 1, 2, 3, 3], "entry": [0.0, 3, 0, 2, 4], "exit": [3.0, 9, 2.5, 4, 6], "ill": [0, 1, 1, 0, 0],
     "level": [10, 20, 30, 40, 50]}
)  # fmt: skip


def test_who_is_there_with_what_holds_then_is_followed_to_the_end() -> None:
    found = rk.landmark(PERIODS, [2, 5], follow_up="Surv(entry, exit, ill)", id="id")
    assert found[["landmark", "id", "entry", "exit", "ill", "level"]].values.tolist() == [
        [2, 1, 2, 9, 1, 10],
        [2, 2, 2, 2.5, 1, 30],
        [2, 3, 2, 6, 0, 40],
        [5, 1, 5, 9, 1, 20],
        [5, 3, 5, 6, 0, 50],
    ]
    near = rk.landmark(PERIODS, 2, follow_up="Surv(entry, exit, ill)", id="id", horizon=4)
    assert near[["exit", "ill"]].values.tolist() == [[6, 0], [2.5, 1], [6, 0]]
    one = rk.landmark(pd.DataFrame({"time": [3.0, 8], "died": [True, False]}), 4, follow_up="Surv(time, died)")
    assert one[["time_start", "time", "died"]].values.tolist() == [[4, 8, False]]


def test_of_one_row_a_person_it_is_the_rows_that_are_left() -> None:
    random = np.random.default_rng(1)
    data = pd.DataFrame({"time": random.exponential(5, 300), "died": 1, "x": random.normal(size=300)})
    found = rk.landmark(data, 2, follow_up="Surv(time, died)")
    left = data[data["time"] > 2]
    ours = rk.cox("Surv(time_start, time, died) ~ x", found)
    assert ours.coef[0] == pytest.approx(rk.cox("Surv(time, died) ~ x", left).coef[0], rel=1e-12)


def test_immortal_time_makes_no_effect_at_a_landmark() -> None:
    random = np.random.default_rng(7)
    n = 4000
    data = pd.DataFrame({"time": random.exponential(5, n), "died": 1, "answer": random.uniform(0, 8, n)})
    data["answered"] = (data["answer"] < data["time"]).astype(int)  # whoever lives long has time to answer
    ever = rk.cox("Surv(time, died) ~ answered", data)
    assert ever.coef[0] < -10 * ever.se[0]
    at = rk.landmark(data, 3, follow_up="Surv(time, died)")
    at["answered"] = (at["answer"] <= 3).astype(int)
    fair = rk.cox("Surv(time_start, time, died) ~ answered", at)
    assert abs(fair.coef[0]) < 3 * fair.se[0]


@pytest.mark.parametrize(
    ("data", "at", "options", "error", "said"),
    [
        (PERIODS, [5, 2], {}, SpecError, "finite, increasing numbers"),
        (PERIODS, [20], {}, DataError, "nobody is at risk at 20"),
        (PERIODS, [2], {"horizon": 0}, SpecError, "a positive length of time"),
        (PERIODS.assign(entry=[0, 2, 0, 2, 4]), [2], {}, DataError, "landmark: 1 rows start before"),
        (PERIODS.assign(ill=[1, 1, 1, 0, 0]), [2], {}, DataError, "1 rows have an event and are followed by another"),
        (PERIODS.assign(landmark=1), [2], {}, SpecError, "a column 'landmark' already"),
        (PERIODS.assign(exit=np.nan), [2], {}, DataError, "landmark: 'exit' is missing in 5 rows"),
    ],
)
def test_faults_are_named(data, at, options, error, said) -> None:
    with pytest.raises(error, match=said):
        rk.landmark(data, at, follow_up="Surv(entry, exit, ill)", id="id", **options)
