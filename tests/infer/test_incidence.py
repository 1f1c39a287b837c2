from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE
from lifelines import KaplanMeierFitter
from numpy.testing import assert_allclose

from riskkit.errors import DataError, SpecError
from riskkit.infer.incidence import incidence

R = json.loads((REFERENCE / "incidence.json").read_text())["curves"]
DATA = pd.read_csv(REFERENCE / "incidence.csv")


@pytest.mark.parametrize("kind", ["competing", "alone"])
def test_it_is_r_s_survfit_with_delayed_entry_ties_and_a_start(kind: str) -> None:
    competing = DATA["competing"] if kind == "competing" else None
    found = incidence(DATA["exit"], DATA["event"], entry=DATA["entry"], competing=competing, at=R[kind]["at"], start=50)
    for column in ("estimate", "se", "low", "high"):
        assert_allclose(found[column].iloc[1:], R[kind][column][1:], rtol=1e-10)
    assert found["estimate"].iloc[0] == R[kind]["estimate"][0] == 0


def test_without_competition_it_is_one_minus_kaplan_and_meier() -> None:
    found = incidence(DATA["exit"], DATA["event"], entry=DATA["entry"])
    curve = KaplanMeierFitter().fit(DATA["exit"], DATA["event"], entry=DATA["entry"])
    assert_allclose(found["estimate"], 1 - curve.predict(found["time"]).to_numpy(), rtol=1e-12)
    times = DATA.loc[DATA["event"] == 1, "exit"]
    assert found["n_event"].tolist() == times.value_counts().sort_index().cumsum().tolist()


def test_who_is_at_risk_and_what_is_known_before_the_first_event() -> None:
    found = incidence([2, 3, 4, 5], [1, 0, 1, 0], entry=[0, 2.5, 1, 1], at=[1, 2, 2.7, 4, 9])
    assert found["n_at_risk"].tolist() == [1, 3, 3, 2, 0]
    assert found["n_event"].tolist() == [0, 1, 1, 2, 2]
    assert_allclose(found["estimate"], [0, 1 / 3, 1 / 3, 1 - 2 / 3 / 2, 1 - 2 / 3 / 2])
    assert found[["low", "high"]].iloc[0].isna().all()


def test_all_who_are_left_have_the_event() -> None:
    found = incidence([1, 2, 3], [1, 1, 1])
    assert_allclose(found["estimate"], [1 / 3, 2 / 3, 1])
    assert found["high"].isna().tolist() == [False, False, True]


def test_intervals_hold_the_truth() -> None:
    """Exponential hazards 0.1 and 0.2 from birth, entry up to 3, seen to 6: F(4 | free at 1) = (1 - exp(-0.9)) / 3."""
    truth, held = (1 - np.exp(-0.9)) / 3, 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        entry, end = random.uniform(0, 3, 400), random.exponential(1 / 0.3, 400)
        seen = end > entry
        entry, end = entry[seen], end[seen]
        own = random.uniform(size=end.size) < 1 / 3
        cut = np.minimum(end, 6)
        found = incidence(cut, own & (end < 6), entry=entry, competing=~own & (end < 6), at=[4.0], start=1.0)
        held += int(found["low"].iloc[0] < truth < found["high"].iloc[0])
    assert abs(held / 400 - 0.95) < 3.5 * np.sqrt(0.95 * 0.05 / 400)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"entry": [1, 1]}, "1 people leave when or before they enter"),
        ({"competing": [1, 0]}, "1 people have the event and the competing one"),
        ({"exit": [1, np.nan]}, "every time must be a number"),
    ],
)
def test_what_cannot_be(change: dict[str, list[float]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        incidence(**{"exit": [1, 2], "event": [1, 0], **change})
    with pytest.raises(SpecError, match="between 0 and 1"):
        incidence([1], [1], level=95)


@pytest.mark.parametrize(
    ("exit", "event", "message"),
    [
        ([1, 2, 3], [1, 2, 1], "'event' must be 0 or 1; it also holds 2"),
        ([1, 2, 3], [1, np.nan, 0], "'event' must be 0 or 1; it also holds nan"),
        ([1, 2, 3], pd.array([True, None, False], dtype="boolean"), "'event' must be 0 or 1; it also holds nan"),
        ([1, 2, 3], ["no", "yes", "no"], "'event' is object, not numbers"),
        (pd.to_datetime(["2001", "2002", "2003"]), [1, 0, 1], r"'exit' is datetime64.*dt\.days"),
        (pd.array([1, None, 3], dtype="Int64"), [1, 0, 1], "every time must be a number"),
        ([1, 2, 3], [1, 0], "3 exits, 3 entries, 2 events"),
    ],
)
def test_incidence_takes_nothing_for_an_event_or_a_time_that_is_none(exit, event, message: str) -> None:
    with pytest.raises(DataError, match=message):
        incidence(exit, event)
