from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskkit.errors import DataError, SpecError
from riskkit.spec.expression import parse

NAN = math.nan


@pytest.fixture
def people() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "age": [30.0, 60.0, NAN],
            "crp": [0.5, 2.0, 4.0],
            "zero": [0.0, 1.0, NAN],
            "died": np.array([0, 1, 0], dtype=np.int8),
            "smoking": pd.Categorical(["Never", "Current", None], categories=["Never", "Former", "Current"]),
            "site": ["a", "b", None],
        },
        index=[11, 12, 13],
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age / 10 + 1", [4, 7, NAN]),
        ("-age ** 2", [-900, -3600, NAN]),
        ("log(crp)", [math.log(0.5), math.log(2), math.log(4)]),
        ("exp(0 * age)", [1, 1, NAN]),
        ("sqrt(crp * crp)", [0.5, 2, 4]),
        ("abs(crp - 2)", [1.5, 0, 2]),
        ("min(age, 40, crp * 25)", [12.5, 40, NAN]),
        ("max(age, 40)", [40, 60, NAN]),
        ("floor(crp)", [0, 2, 4]),
        ("round(age / 7, 1)", [4.3, 8.6, NAN]),
        ("3", [3, 3, 3]),
        ("(age > 40) + (crp > 1)", [0, 2, NAN]),
        ("died + 1", [1, 2, 1]),
    ],
)
def test_arithmetic_carries_missing_values_on(people: pd.DataFrame, text: str, expected: list[float]) -> None:
    values = parse(text).evaluate(people)
    assert values.dtype == np.float64
    assert list(values.index) == [11, 12, 13]
    np.testing.assert_allclose(values, expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("age > 40", [0, 1, NAN]),
        ("age != 30", [0, 1, NAN]),
        ("not age > 40", [1, 0, NAN]),
        ("20 <= age < 60", [1, 0, NAN]),
        ("missing(age)", [0, 0, 1]),
        ("missing(age + 1) or age > 40", [0, 1, 1]),
        ("age > 40 and crp > 100", [0, 0, 0]),
        ("age > 40 or crp > 0", [1, 1, 1]),
        ("age > 40 and crp > 0", [0, 1, NAN]),
        ("age > 40 or crp > 100", [0, 1, NAN]),
        ("smoking == 'Current'", [0, 1, NAN]),
        ("'Current' != smoking", [1, 0, NAN]),
        ("smoking in ['Current', 'Former']", [0, 1, NAN]),
        ("smoking not in ['Current', 'Former']", [1, 0, NAN]),
        ("age in [30, 31.5]", [1, 0, NAN]),
        ("missing(smoking)", [0, 0, 1]),
        ("site == 'b'", [0, 1, NAN]),
        ("smoking == site", [0, 0, NAN]),
        ("zero and crp > 1", [0, 1, NAN]),
        ("died or zero", [0, 1, NAN]),
        ("1", [1, 1, 1]),
    ],
)
def test_conditions_are_three_valued_and_unknown_never_holds(
    people: pd.DataFrame, text: str, truth: list[float]
) -> None:
    condition = parse(text)
    np.testing.assert_array_equal(condition.truth(people), truth)
    if condition.is_condition:
        holds = condition.evaluate(people)
        assert holds.dtype == bool
        assert list(holds) == [value == 1 for value in truth]


def test_names_stand_in_the_order_of_appearance() -> None:
    assert parse("b + log(a) > c and missing(b)").names == ("b", "a", "c")
    assert parse("\n  a >\n\t 3  ").names == ("a",)


def test_text_is_a_value_too(people: pd.DataFrame) -> None:
    assert parse("smoking").evaluate(people).tolist()[:2] == ["Never", "Current"]
    assert parse("'x'").evaluate(people).tolist() == ["x", "x", "x"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the expression is empty"),
        ("age >", r"expression 'age >': cannot be read at position 6"),
        ("age = 3", r"expression 'age = 3': cannot be read at position 5\. Write == to compare"),
        ("age +* 3", r"cannot be read at position 6"),
        ("  __import__('os')", r"position 3: unknown function '__import__'"),
        ("lgo(age)", r"position 1: unknown function 'lgo'\. Did you mean 'log'\?"),
        ("age > 3 & crp > 2", r"position 7: Write 'and' for &"),
        ("~missing(age)", "Write 'not' for ~"),
        ("age is 3", "Write == to compare, missing"),
        ("age.mean()", "position 1: this is not understood. An expression may hold numbers"),
        ("age[0]", "this is not understood"),
        ("[x for x in age]", "this is not understood"),
        ("(lambda: 1)()", "this is not understood"),
        ("f'{age}'", "this is not understood"),
        ("log(*age)", "this is not understood"),
        ("log(x=age)", "this is not understood"),
        ("True", "write 1 for true"),
        ("1j", "this is not understood"),
        ("1e999 > age", "the number is too large"),
        ("9" * 400 + " > age", "the number is too large"),
        ("log(age, 2)", r"log takes 1 argument\(s\); got 2"),
        ("round(age, 1, 2)", r"round takes 1 to 2 argument\(s\); got 3"),
        ("smoking in 'Never'", r"after 'in' write a list"),
        ("smoking in ['Never', 3]", r"after 'in' write a list"),
        ("smoking in []", r"after 'in' write a list"),
        ("smoking in ['Never'] == age", r"'in' cannot be chained"),
        ("smoking == ['Never']", "this is not understood"),
        ("+".join(["age"] * 300), "position 1: nested too deeply"),
        ("(" * 900 + "age" + ")" * 900, "cannot be read"),
        ("not " * 400 + "age", "nested too deeply"),
        ("age" * 700, "an expression of 2100 characters; the most is 2000"),
    ],
)
def test_anything_else_is_refused_with_its_position(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("agee > 3", r"expression 'agee > 3': there is no variable 'agee'\. Did you mean 'age'\?"),
        ("smoking == 'Curent'", r"'smoking' has no level 'Curent'\. Did you mean 'Current'\?"),
        ("smoking in ['Never', 'Curent']", r"has no level 'Curent'"),
        ("smoking > 'Never'", "text has no order"),
        (
            "smoking == 1",
            r"compares smoking, which is text, with 1, which is a number\. The levels of a category stand",
        ),
        ("1 < site", r"compares site, which is text, with 1"),
        ("smoking + 1", "smoking is text where a number is needed"),
        ("not smoking", "smoking is text where a number is needed"),
    ],
)
def test_what_the_columns_cannot_do_is_refused(people: pd.DataFrame, text: str, message: str) -> None:
    for rows in (people, people.iloc[:0]):
        with pytest.raises(SpecError, match=message):
            parse(text).evaluate(rows)


@pytest.mark.parametrize(
    "text", ["log(crp - 0.5)", "1 / (crp - 2)", "sqrt(1 - crp)", "exp(crp * 1000)", "9.0 ** 9 ** 9"]
)
def test_leaving_the_numbers_is_an_error_never_an_infinity(people: pd.DataFrame, text: str) -> None:
    with pytest.raises(DataError, match=r"no finite result for \d row\(s\)"):
        parse(text).evaluate(people)


def test_a_number_is_no_condition(people: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="age is a number, not a condition"):
        parse("age and died").evaluate(people)


names = st.sampled_from(["a", "b", "c"])
numbers = st.floats(-5, 5).map(lambda x: f"({x:.3f})")
terms = st.recursive(
    names | numbers,
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=6,
)
conditions = st.recursive(
    st.tuples(terms, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), terms).map(" ".join),
    lambda inner: (
        inner.map(lambda c: f"not ({c})")
        | st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"(({t[0]}) {t[1]} ({t[2]}))")
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(conditions)
def test_agrees_with_python_where_nothing_is_missing(text: str) -> None:
    rows = pd.DataFrame(np.random.default_rng(1).integers(-3, 4, (7, 3)).astype(float), columns=["a", "b", "c"])
    expected = [eval(text, {}, row) for row in rows.to_dict("records")]
    assert parse(text).evaluate(rows).tolist() == expected


@settings(max_examples=60, deadline=None)
@given(conditions)
def test_unknown_means_that_the_missing_value_could_decide(text: str) -> None:
    """Where the truth is known, no value put in the place of the missing one changes it."""
    rows = pd.DataFrame({"a": [1.0], "b": [2.0], "c": [NAN]})
    truth = parse(text).truth(rows).iloc[0]
    if not math.isnan(truth):
        for c in (-1000.0, -2.0, 0.0, 1.0, 2.0, 1000.0):
            assert parse(text).truth(rows.assign(c=c)).iloc[0] == truth
