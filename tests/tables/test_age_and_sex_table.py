from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskkit.describe.age_and_sex import by_age_and_sex
from riskkit.errors import DataError


def test_percentiles_of_a_known_distribution() -> None:
    # 101 values 0 to 100 have their p-th percentile at p
    people = pd.DataFrame({"x": range(101), "age": 52.0, "sex": "Women"})
    others = pd.DataFrame({"x": range(101), "age": 58.0, "sex": "Men"}).assign(x=lambda d: d["x"] + 1000)
    found = by_age_and_sex(pd.concat([people, others]), "x", "age", "sex").set_index("sex")
    assert found.loc["Women", ["age_low", "age_high", "age", "n"]].tolist() == [50, 55, 52, 101]
    assert found.loc["Women", ["p5", "p25", "p50", "p75", "p95"]].tolist() == pytest.approx([5, 25, 50, 75, 95])
    assert found.loc["Men", ["age_low", "p50"]].tolist() == pytest.approx([55, 1050])


def test_bands_start_at_multiples_of_five_and_leave_out_few_people_and_missing_values() -> None:
    age = np.repeat([49.9, 50.0, 54.99, 55.0], 20)
    people = pd.DataFrame({"x": 1.0, "age": age, "sex": "Men"})
    people.loc[60, "x"] = np.nan  # 19 people remain from 55 on
    found = by_age_and_sex(people, "x", "age", "sex")
    assert found[["age_low", "n"]].to_numpy().tolist() == [[45, 20], [50, 40]]


def test_an_absent_column_is_named() -> None:
    with pytest.raises(DataError, match="no column 'igf1'"):
        by_age_and_sex(pd.DataFrame({"igf": [1.0], "age": [50], "sex": ["Men"]}), "igf1", "age", "sex")
