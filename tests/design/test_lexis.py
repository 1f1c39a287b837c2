"""Lexis splitting against Epi and popEpi, by hand, and by what splitting must keep."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, SpecError

R = json.loads((Path(__file__).parent.parent / "reference" / "rates.json").read_text())
ONE = pd.DataFrame({"id": [7], "age_in": [43.0], "age_out": [56.0], "mi": [1], "year": [2008.5]}, index=["p"])
AGES = {"follow_up": "Surv(age_in, age_out, mi)", "scale": "age"}


def cohort(n: int = 400) -> pd.DataFrame:
    random = np.random.default_rng(4)
    age = random.uniform(40, 60, n)
    time = random.exponential(8, n)
    return pd.DataFrame(
        {"id": range(n), "age_in": age, "age_out": age + time, "mi": random.binomial(1, 0.4, n),
         "year": random.uniform(2000, 2005, n), "x": random.normal(size=n)}
    )  # fmt: skip


def test_one_person_by_hand() -> None:
    pieces = rk.split(ONE, [45, 50, 55], **AGES)
    assert pieces[["age_in", "age_out", "mi", "age_from"]].values.tolist() == [
        [43, 45, 0, -np.inf],
        [45, 50, 0, 45],
        [50, 55, 0, 50],
        [55, 56, 1, 55],
    ]
    assert pieces.index.tolist() == ["p"] * 4
    both = rk.split(ONE, {"age": [45, 55], "calendar": [2010]}, scales={"calendar": "year"}, **AGES)
    assert both["age_in"].tolist() == [43, 44.5, 45, 55]
    assert both["year"].tolist() == [2008.5, 2010, 2010.5, 2020.5]
    assert both["calendar_from"].tolist() == [-np.inf, 2010, 2010, 2010]


def test_cells_of_the_nickel_workers_are_those_of_epi() -> None:
    workers = pd.DataFrame(R["workers"])
    pieces = rk.split(
        workers,
        {"age": range(10, 85, 5), "period": range(1931, 1981, 5)},
        follow_up="Surv(agein, ageout, lung)",
        scale="age",
        scales={"period": "year_in"},
    )
    pieces["years"] = pieces["ageout"] - pieces["agein"]
    cells = pieces.groupby(["period_from", "age_from"])[["years", "lung"]].sum()
    want = pd.DataFrame(R["cells"])
    assert_allclose(cells.index.get_level_values("age_from"), want["age_from"])
    assert_allclose(cells["years"], want["lex.dur"], rtol=1e-8)
    assert cells["lung"].tolist() == want["lex.Xst"].tolist()


def test_splitting_keeps_time_events_and_the_partial_likelihood() -> None:
    data = cohort()
    pieces = rk.split(
        data, {"age": range(40, 90, 5), "calendar": range(2000, 2040, 2)}, scales={"calendar": "year"}, **AGES
    )
    assert (pieces["age_out"] - pieces["age_in"]).sum() == pytest.approx((data["age_out"] - data["age_in"]).sum())
    assert pieces["mi"].sum() == data["mi"].sum()
    ends = pieces.groupby("id").agg(first=("age_in", "first"), last=("age_out", "last"))
    assert (ends["first"].to_numpy() == data["age_in"].to_numpy()).all()
    assert (ends["last"].to_numpy() == data["age_out"].to_numpy()).all()
    whole = rk.cox("Surv(age_in, age_out, mi) ~ x", data, cluster="id")
    cut = rk.cox("Surv(age_in, age_out, mi) ~ x", pieces, cluster="id")
    assert_allclose([cut.loglik, cut.coef[0], cut.se[0]], [whole.loglik, whole.coef[0], whole.se[0]], rtol=1e-10)


def test_the_order_of_scales_does_not_matter_and_split_again_changes_nothing() -> None:
    data, ages, years = cohort(), range(40, 90, 5), range(2000, 2040, 3)
    one = rk.split(data, {"age": ages, "calendar": years}, scales={"calendar": "year"}, **AGES)
    two = rk.split(data, {"calendar": years, "age": ages}, scales={"calendar": "year"}, **AGES)
    pd.testing.assert_frame_equal(one.sort_index(axis=1), two.sort_index(axis=1), rtol=1e-12)
    again = rk.split(one.drop(columns=["age_from", "calendar_from"]), ages, id="id", **AGES)
    assert len(again) == len(one)


def test_cuts_at_an_end_or_within_rounding_of_it_make_no_empty_piece() -> None:
    data = pd.DataFrame({"age_in": [40.0, 0.1 + 0.2], "age_out": [50.0, 0.9], "mi": [1, 1]})
    assert len(rk.split(data, [0.3, 40, 50], **AGES)) == 2
    assert rk.split(data, [0.3, 40, 50], **AGES)["age_from"].tolist() == [40, 0.3]


def test_follow_up_from_zero_gets_a_start() -> None:
    data = pd.DataFrame({"time": [5.0, 1.0], "died": [True, False], "age": [60.0, 70.0]})
    pieces = rk.split(data, {"time": [2, 4], "age": [62]}, follow_up="Surv(time, died)", scales={"age": "age"})
    assert pieces["time_start"].tolist() == [0, 2, 4, 0]
    assert pieces["died"].tolist() == [False, False, True, False]
    assert pieces["age_from"].tolist() == [-np.inf, 62, 62, 62]


@pytest.mark.parametrize(
    ("change", "options", "error", "said"),
    [
        ({}, {"at": {"calender": [2010]}}, SpecError, "no scale 'calender'"),
        ({}, {"at": [50, 45]}, SpecError, "must be finite, increasing"),
        ({}, {"at": {"age": [45]}, "scales": {"age": "year"}}, SpecError, "leave it out of `scales`"),
        ({"age_from": 1}, {"at": [45]}, SpecError, "a column 'age_from' already"),
        ({"age_out": [np.nan]}, {"at": [45]}, DataError, "'age_out' is missing in 1 rows"),
        ({"age_out": [40.0]}, {"at": [45]}, DataError, "must be later than 'age_in'"),
        ({"year": [np.nan]}, {"at": [45], "scales": {"calendar": "year"}}, DataError, "'year' is missing in 1"),
        ({"year": pd.Timestamp("2008-07-01")}, {"at": [45], "scales": {"calendar": "year"}}, DataError, "give times"),
    ],
)
def test_faults_are_named(change, options, error, said) -> None:
    with pytest.raises(error, match=said):
        rk.split(ONE.assign(**change), options.pop("at"), **AGES, **options)


def test_rows_of_a_person_must_not_overlap() -> None:
    two = pd.concat([ONE, ONE.assign(age_in=55.0, age_out=60.0)])
    with pytest.raises(
        DataError, match="1 rows start before the row before them of the same 'id' has ended, first '7'"
    ):
        rk.split(two, [45], id="id", **AGES)
    assert len(rk.split(two.assign(id=[1, 2]), [45], id="id", **AGES)) == 3
