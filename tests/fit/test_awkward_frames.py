"""Frames as they come: odd labels and types give the answer of a clean frame, or an error that names the column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, FitError, RiskkitError, SpecError

MODEL = "Surv(start, stop, ill) ~ x + smoking"
OUTCOMES = {"ill": "Surv(start, stop, ill)"}


@pytest.fixture
def data() -> pd.DataFrame:
    generator = np.random.default_rng(1)
    n = 200
    frame = pd.DataFrame({"start": generator.integers(40, 60, n) + 0.0})
    frame["stop"] = frame["start"] + generator.integers(1, 15, n)
    frame["ill"] = (generator.random(n) < 0.4).astype(int)
    frame["x"] = generator.normal(size=n)
    frame["smoking"] = generator.choice(["current", "former", "never"], n)
    frame["sex"] = generator.integers(0, 2, n)
    frame["half"] = generator.integers(0, 2, n) + 0.5
    return frame


@pytest.mark.parametrize("dtype", ["Float64", "double[pyarrow]"])
@pytest.mark.parametrize("column", ["start", "stop", "ill", "x"])
def test_nullable_columns_under_repeated_labels(data: pd.DataFrame, column: str, dtype: str) -> None:
    clean = rk.cox(MODEL, data.drop([3, 9]))
    gaps = data.assign(**{column: data[column].astype(dtype).mask(data.index.isin([3, 9]))})
    gaps.index = pd.Index(["p"] * len(gaps))
    before = gaps.copy(deep=True)
    many = rk.cox_many("x + smoking", gaps, OUTCOMES)["ill"]
    assert not isinstance(many, RiskkitError)
    for fit in (rk.cox(MODEL, gaps), many):
        assert (fit.n, fit.n_missing, fit.events) == (clean.n, 2, clean.events)
        assert_allclose(fit.coef, clean.coef, rtol=1e-9)
        assert_allclose(fit.vcov, clean.vcov, rtol=1e-8)
    pd.testing.assert_frame_equal(gaps, before)


@pytest.mark.parametrize(
    ("column", "to", "message"),
    [
        (
            "stop",
            lambda c: pd.Timestamp("2000-01-01") + pd.to_timedelta(c, unit="D"),
            r"'stop' is datetime64.*dt\.days",
        ),
        ("start", lambda c: c.astype(str), "'start' is object, not numbers; give times as numbers"),
        ("ill", lambda c: c.map({0: "no", 1: "yes"}), "'ill' is object, not numbers; recode it to 0/1"),
        ("ill", lambda c: c + 1, "'ill' must be 0 or 1; it also holds 2"),
        ("x", lambda c: c.astype(object), r"'x' is object holding floating values.*pd\.to_numeric.*C\(x\)"),
        ("x", lambda c: pd.to_datetime("2000-01-01") + pd.to_timedelta(c, unit="D"), r"'x' is datetime64.*C\(x\)"),
        ("x", lambda c: c + 0j, "'x' is complex128"),
        ("x", lambda c: c.where(c > -2, -np.inf), "'x' holds .* infinite"),
    ],
)
def test_a_column_of_another_kind_is_named_with_what_to_do(data: pd.DataFrame, column: str, to, message: str) -> None:
    data[column] = to(data[column])
    with pytest.raises(DataError, match=message):
        rk.cox(MODEL, data)
    try:
        found = rk.cox_many("x + smoking", data, OUTCOMES)["ill"]
    except DataError as error:  # of a covariate: wrong for every outcome
        found = error
    with pytest.raises(DataError, match=message):
        raise found


@pytest.mark.parametrize("twice", ["stop", "ill", "x"])
def test_a_name_that_stands_for_two_columns(data: pd.DataFrame, twice: str) -> None:
    doubled = pd.concat([data, data[[twice]]], axis=1)
    for fit in (lambda: rk.cox(MODEL, doubled), lambda: rk.cox_many("x + smoking", doubled, OUTCOMES)):
        with pytest.raises(DataError, match=f"2 columns named '{twice}'"):
            fit()


def test_arguments_that_are_no_names_and_data_that_are_no_frame(data: pd.DataFrame) -> None:
    with pytest.raises(SpecError, match="weights takes the name of a column of the data; got a Series"):
        rk.cox(MODEL, data, weights=data["half"])
    with pytest.raises(SpecError, match="must be a pandas DataFrame; got a dict"):
        rk.cox(MODEL, data.to_dict("list"))
    with pytest.raises(DataError, match="the data have no rows"):
        rk.cox(MODEL, data.head(0))
    with pytest.raises(SpecError, match="ties='exact'"):
        rk.cox_many("x", data, OUTCOMES, ties="exact")
    for term in (".", "x | sex"):
        with pytest.raises(SpecError, match="not in the language"):
            rk.cox(f"Surv(start, stop, ill) ~ {term}", data)


def test_an_outcome_of_many_that_cannot_be_read_is_its_own_error(data: pd.DataFrame) -> None:
    mixed = data.assign(text=[1, "a"] * 100, never=None)
    outcomes = {"text": "Surv(text, ill)", "never": "Surv(never, ill)", **OUTCOMES}
    fits = rk.cox_many("x + smoking", mixed, outcomes)
    assert isinstance(fits["text"], DataError)
    assert "'text' is object" in str(fits["text"])
    assert isinstance(fits["never"], DataError)
    assert "of 200 rows complete in the covariates none has never, ill" in str(fits["never"])
    assert_allclose(fits["ill"].coef, rk.cox(MODEL, data).coef, rtol=1e-9)


@pytest.mark.parametrize("terms", ["x + leaves", "log(leaves)", "C(leaves)"])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_covariate_that_tells_who_leaves_first_is_separation(data: pd.DataFrame, terms: str, ties: str) -> None:
    """A hundred steps ahead exponentials are zero or infinite; that the likelihood rises must be seen all the same."""
    data = data.assign(leaves=data["stop"])
    with pytest.raises(FitError, match=r"separation.*leaves.*towards minus infinity"):
        rk.cox(f"Surv(start, stop, ill) ~ {terms}", data, ties=ties)
    assert isinstance(rk.cox_many(terms, data, OUTCOMES, ties=ties)["ill"], FitError)


def test_a_message_names_some_of_many_columns(data: pd.DataFrame) -> None:
    with pytest.raises(FitError, match=r"'x' is a linear combination of .* and 191 more for everyone"):
        rk.cox("Surv(start, stop, ill) ~ C(half_x) + x", data.assign(half_x=data["x"] / 2))


def test_baseline_of_people_with_odd_labels_and_strata(data: pd.DataFrame) -> None:
    fit = rk.cox("Surv(start, stop, ill) ~ x + strata(sex, half)", data)
    people = data.head(3)
    plain = rk.baseline(fit, people)
    assert plain.groupby("row")["stratum"].first().tolist() == [
        f"sex={sex}, half={half}" for sex, half in zip(people["sex"], people["half"], strict=True)
    ]
    nested = people.set_index(pd.MultiIndex.from_product([["a"], range(3)]))
    assert rk.baseline(fit, nested)["row"].unique().tolist() == nested.index.tolist()
    floats = rk.baseline(fit, people.astype({"sex": float}))  # as a gap in the column makes them
    pd.testing.assert_frame_equal(floats, plain)
    for newdata, error in ((people.head(0), "no rows"), (pd.concat([people, people[["x"]]], axis=1), "2 columns")):
        with pytest.raises(DataError, match=error):
            rk.baseline(fit, newdata)
    by_sex = rk.cox("Surv(start, stop, ill) ~ groups(x, 3, by=sex)", data)
    with pytest.raises(DataError, match="'sex' is missing in 1 rows"):
        rk.baseline(by_sex, pd.DataFrame({"x": [0.0], "sex": [np.nan]}))
