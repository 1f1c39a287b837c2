"""Levels over visits: by hand, against a count a person and piece at a time, as hazards see them, and bad visits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, SpecError

LEVELS = ("baseline", "current", "lag2", "mean", "area", "change", "since")
ONE = pd.DataFrame({"id": [7], "entry": [0.0], "exit": [6.5], "ill": [1], "sex": ["F"]}, index=["x"])
SEEN = pd.DataFrame({"id": 7, "time": [0.0, 1.5, 4.0], "igf1": [20.0, 26.0, 14.0]})
ASKED = {"value": "igf1", "follow_up": "Surv(entry, exit, ill)"}


def test_one_person_by_hand() -> None:
    rows = rk.over_visits(ONE, SEEN, ["current", "lag2", "mean", "area", "change"], **ASKED)
    assert rows.index.tolist() == ["x"] * 6
    assert_allclose(rows["entry"], [0, 1.5, 2, 3.5, 4, 6])
    assert_allclose(rows["exit"], [1.5, 2, 3.5, 4, 6, 6.5])
    assert rows["ill"].tolist() == [0, 0, 0, 0, 0, 1]
    assert rows["sex"].tolist() == ["F"] * 6
    assert_allclose(rows["igf1_current"], [20, 26, 26, 26, 14, 14])
    assert_allclose(rows["igf1_lag2"], [np.nan, np.nan, 20, 26, 26, 14])
    assert_allclose(rows["igf1_mean"], [20, 23, 23, 23, 20, 20])
    assert_allclose(rows["igf1_area"], [0, 34.5, 34.5, 34.5, 34.5 + 50, 34.5 + 50])
    assert_allclose(rows["igf1_change"], [0, 6, 6, 6, -6, -6])


def test_whole_years_since_the_last_visit() -> None:
    rows = rk.over_visits(ONE, SEEN, "since", **ASKED)
    assert_allclose(rows["entry"], [0, 1, 1.5, 2.5, 3.5, 4, 5, 6])
    assert_allclose(rows["igf1_since"], [0, 1, 0, 1, 2, 0, 1, 2])


def made(n: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """People on the age scale with visits from before they entered on; some have none."""
    random = np.random.default_rng(seed)
    age = random.uniform(40, 60, n)
    people = pd.DataFrame({"id": random.permutation(n), "age_in": age, "age_out": age + random.uniform(0.5, 12, n)})
    people["ill"] = random.binomial(1, 0.4, n)
    rows = []
    for person in people.itertuples():
        times = np.sort(random.uniform(person.age_in - 3, person.age_out, random.integers(0, 6)))
        rows += [(person.id, t, v) for t, v in zip(times, random.normal(20, 5, times.size), strict=True)]
    visits = pd.DataFrame(rows, columns=["id", "when", "igf1"])
    visits.loc[random.random(len(visits)) < 0.1, "igf1"] = np.nan
    return people, visits


def known(level: str, times: np.ndarray, values: np.ndarray, at: float, entry: float) -> float:
    """What is known of one person at one time, straight from the words."""
    lag = {"lag2": 2.0, "lag0.5": 0.5}.get(level, 0.0)
    here = times <= at - lag
    first = times <= entry
    if level == "baseline":
        return float(values[first][-1]) if first.any() else np.nan
    if not here.any():
        return np.nan
    if level == "mean":
        return float(values[here].mean())
    if level == "area":
        return float(np.trapezoid(values[here], times[here]))
    if level == "change":
        return float(values[here][-1] - values[first][-1]) if first.any() else np.nan
    if level == "since":
        return float(np.floor(at - times[here][-1]))
    return float(values[here][-1])


@pytest.mark.parametrize("levels", [(*LEVELS, "lag0.5"), ("lag0.5",), ("area", "mean")])
def test_every_level_is_that_of_a_count_at_the_middle_of_each_piece(levels) -> None:
    people, visits = made(120, 2)
    rows = rk.over_visits(people, visits, levels, value="igf1", follow_up="Surv(age_in, age_out, ill)", time="when")
    assert rows.groupby("id").agg(a=("age_in", "min"), b=("age_out", "max"))["a"].reindex(people["id"]).tolist() == (
        people["age_in"].tolist()
    )
    whole = (rows["age_out"] - rows["age_in"]).groupby(rows["id"]).sum().reindex(people["id"])
    assert_allclose(whole, people["age_out"] - people["age_in"])
    assert rows["ill"].sum() == people["ill"].sum()
    entry = people.set_index("id")["age_in"]
    for id, own in rows.groupby("id"):
        seen = visits[(visits["id"] == id) & visits["igf1"].notna()]
        for row in own.to_dict("records"):
            middle = (row["age_in"] + row["age_out"]) / 2
            for level in levels:
                expected = known(level, seen["when"].to_numpy(), seen["igf1"].to_numpy(), middle, entry[id])
                column = f"igf1_{level.replace('.', '_')}"
                assert row[column] == pytest.approx(expected, nan_ok=True, abs=1e-9), (id, level, row["age_in"])


def test_days_are_cut_at_the_years_that_a_lag_is_given_in() -> None:
    people = pd.DataFrame({"id": [1], "days": [4000.0], "ill": [0]})
    visits = pd.DataFrame({"id": [1, 1], "day": [0.0, 730.5], "igf1": [20.0, 30.0]})
    rows = rk.over_visits(
        people, visits, ["lag2"], value="igf1", follow_up="Surv(days, ill)", time="day", time_unit="days"
    )
    assert_allclose(rows["days_start"], [0, 730.5, 1461])
    assert_allclose(rows["igf1_lag2"], [np.nan, 20, 30])


def test_nothing_is_known_before_it_was_measured_nor_after_it_was_cut_off() -> None:
    people, visits = made(200, 3)
    options = {"value": "igf1", "follow_up": "Surv(age_in, age_out, ill)", "time": "when"}
    rows = rk.over_visits(people, visits, ["current"], **options)
    later = visits.assign(igf1=visits["igf1"].where(visits["when"] < 50, 999.0))
    again = rk.over_visits(people, later, ["current"], **options)
    early = rows["age_out"] <= 50
    pd.testing.assert_frame_equal(again[again["age_out"] <= 50].dropna(), rows[early].dropna())


def test_the_model_is_that_of_values_looked_up_at_every_event() -> None:
    people, visits = made(400, 4)
    rows = rk.over_visits(
        people, visits, ["current"], value="igf1", follow_up="Surv(age_in, age_out, ill)", time="when"
    ).dropna()
    fit = rk.cox("Surv(age_in, age_out, ill) ~ igf1_current", rows)
    score, information = 0.0, 0.0
    for case in people[people["ill"] == 1].itertuples():
        risk = people[(people["age_in"] < case.age_out) & (people["age_out"] >= case.age_out)]
        values, own = [], np.nan
        for person in risk.itertuples():
            seen = visits[(visits["id"] == person.id) & visits["igf1"].notna() & (visits["when"] < case.age_out)]
            value = seen["igf1"].iloc[-1] if len(seen) else np.nan
            values.append(value)
            own = value if person.id == case.id else own
        values = np.array(values)[~np.isnan(values)]
        if np.isnan(own):
            continue
        weight = np.exp(fit.coef[0] * (values - 20))
        mean = np.average(values, weights=weight)
        score += own - mean
        information += np.average((values - mean) ** 2, weights=weight)
    assert score == pytest.approx(0, abs=1e-6 * information)
    assert fit.se[0] == pytest.approx(information**-0.5, rel=1e-6)


def test_people_without_a_visit_keep_their_time_and_nobody_needs_visits() -> None:
    rows = rk.over_visits(ONE, SEEN.iloc[:0], ["current", "area"], **ASKED)
    assert len(rows) == 1
    assert rows[["igf1_current", "igf1_area"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("visits", "options", "error", "said"),
    [
        (SEEN.assign(time=[0, 4.0, 1.5]), {}, DataError, r"1 visits are not after .* first 'id' 7 at 1.5 below 4"),
        (SEEN.assign(time=[0, 4.0, 4.0]), {}, DataError, "1 visits are not after the visit above them"),
        (SEEN.assign(time=[0, 4.0, 9.0]), {}, DataError, "first 'id' 7 at 9, followed until 6.5. Nobody is measured"),
        (SEEN.assign(id=[7, 7, 8]), {}, DataError, "1 visits are of nobody among the people, first 'id' 8"),
        (SEEN.assign(time=[0, 4.0, np.nan]), {}, DataError, "'time' is missing in 1 visits"),
        (SEEN, {"levels": ["lag"]}, SpecError, "'lag' is none of baseline, current"),
        (SEEN, {"levels": ["lag0"]}, SpecError, "write 'current'"),
        (SEEN, {"levels": []}, SpecError, "name at least one level"),
        (SEEN, {"people": pd.concat([ONE, ONE])}, DataError, "1 people have more than one row, first 'id' 7"),
        (SEEN, {"people": ONE.assign(igf1_current=1)}, SpecError, "a column 'igf1_current' already"),
        (SEEN, {"people": ONE.assign(exit=-1.0)}, DataError, "must be later than 'entry'"),
        (SEEN, {"time_unit": "weeks"}, SpecError, "one of days, months, years; got 'weeks'"),
        (SEEN, {"after": "ignore"}, SpecError, "'error' or 'leave out'"),
        (SEEN.drop(columns="igf1"), {}, SpecError, "no column 'igf1'"),
    ],
)
def test_visits_that_cannot_be_are_refused(visits, options, error, said) -> None:
    given = {"people": ONE, "levels": ["current"], **ASKED, **options}
    with pytest.raises(error, match=said):
        rk.over_visits(visits=visits, **given)


def test_visits_after_the_end_are_left_out_where_that_is_the_rule() -> None:
    late = pd.concat([SEEN, pd.DataFrame({"id": [7], "time": [9.0], "igf1": [99.0]})])
    rows = rk.over_visits(ONE, late, LEVELS, **ASKED, after="leave out")
    pd.testing.assert_frame_equal(rows, rk.over_visits(ONE, SEEN, LEVELS, **ASKED))
