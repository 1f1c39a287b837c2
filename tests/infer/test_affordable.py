"""What the events can carry, and a modifier that is the age at entry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskkit import affordable
from riskkit.errors import SpecError
from riskkit.infer.attained_age import refuse_age_at_entry


@pytest.mark.parametrize(
    ("events", "df", "expected"),
    [(40, 4, "spline"), (39, 4, "linear"), (10, 4, "linear"), (9, 4, "too few"), (20, 2, "spline"), (0, 1, "too few")],
)
def test_ten_events_for_each_degree_of_freedom(events, df, expected):
    assert affordable(events, df) == expected


def test_another_number_of_events_may_be_asked_for():
    assert affordable(60, 4, per_df=20) == "linear"
    with pytest.raises(SpecError, match="df 1 or more"):
        affordable(60, 0)


@pytest.fixture(scope="module")
def entry() -> np.ndarray:
    return np.random.default_rng(1).uniform(20, 80, 2000)


def test_age_at_entry_is_refused_as_a_modifier_on_the_scale_of_age(entry):
    groups = pd.cut(pd.Series(entry), [0, 40, 60, 90], labels=["under 40", "40 to 60", "over 60"])
    for modifier in (pd.Series(entry), pd.Series(np.floor(entry)), 2026 - pd.Series(entry), groups, groups.astype(str)):
        with pytest.raises(SpecError, match="'age' is the age at entry, and the time scale is age"):
            refuse_age_at_entry(entry, modifier, "age")
    # Groups of whole years, of entries in months: a few people stand on the wrong side of a cut point.
    with pytest.raises(SpecError, match="Make time since examination the scale"):
        refuse_age_at_entry(entry, pd.Series(entry + 0.1 > 50).astype(int), "older")


def test_what_only_goes_with_age_is_not_refused(entry):
    random = np.random.default_rng(2)
    refuse_age_at_entry(entry, pd.Series(entry + random.normal(0, 5, entry.size)), "blood pressure")
    refuse_age_at_entry(entry, pd.Series(random.choice(["Men", "Women"], entry.size)), "sex")
    refuse_age_at_entry(entry, pd.Series(random.random(entry.size) < entry / 100).astype(int), "diabetes")
    refuse_age_at_entry(np.zeros(entry.size), pd.Series(entry), "age")  # the scale is time since examination
    refuse_age_at_entry(entry, pd.Series(entry).where(entry < 0), "age")  # nothing is known
