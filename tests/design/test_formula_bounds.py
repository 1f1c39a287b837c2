"""Formulas that would run for ever, or bring Python down, are refused in a sentence at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.errors import DataError, SpecError
from riskkit.formula import LONGEST, parse

MANY = [f"x{i}" for i in range(20)]

BOMBS = {
    "a power": ("y ~ (x + z)**20", "stands for more than 20,000 terms"),
    "a power of one column": ("y ~ x**10000000", "stands for more than 20,000 terms"),
    "a power as a hat": ("y ~ (x + z)^30", "stands for more than 20,000 terms"),
    "a power of a power": ("y ~ ((x + z)**5)**5", "stands for more than 20,000 terms"),
    "powers of great powers": ("y ~ (a/(x + (z + a)**1000000)**1000000)**1000000", "stands for more than 20,000 terms"),
    "stars": (f"y ~ {'*'.join(MANY)}", "stands for more than 20,000 terms"),
    "a power that Python cannot read": ("y ~ 01*(x + z)**30", "cannot be read"),
    "a power beside another word for a cross": ("y ~ x %in% z + (x + z)**30", "stands for more than 20,000 terms"),
    "nothing to nest": ("y ~ (x - x)/z", "has no terms left"),
    "signs": (f"y ~ rcs(x, {'-' * 5000}5)", "too deeply"),
    "signs before a column": (f"y ~ {'-' * 200000}x", "the most is 100,000"),
    "brackets": (f"y ~ log(x, {'[' * 5000}1{']' * 5000})", "too deeply|cannot (be )?read"),
    "a long formula": ("y ~ " + " + ".join(f"x{i}" for i in range(200_000)), f"the most is {LONGEST:,}"),
    "a long list of knots": (f"y ~ rcs(x, {list(range(100_000))})", f"the most is {LONGEST:,}"),
}


@pytest.mark.parametrize(("formula", "said"), BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused(formula: str, said: str) -> None:
    with pytest.raises(SpecError, match=said) as error:
        parse(formula)
    assert len(str(error.value)) < 3000


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("y ~ (a + b + c + d + e + f)**3", 41),
        ("y ~ a*b*c*d*e*f", 63),
        (f"y ~ ({' + '.join(MANY)})**2", 210),
        ("y ~ a**2 + b", 2),
        ("y ~ a/b", 2),
        ("y ~ C(s, ref='a*b:c**9') * b", 3),
        ("y ~ lambda_ * b - 1", 3),
        ("y ~ `if *` * b", 3),
    ],
)
def test_what_can_be_multiplied_out_still_is(formula: str, terms: int) -> None:
    assert len(parse(formula).terms) == terms


@pytest.mark.parametrize(
    ("formula", "column"),
    [
        ("Surv(t, y) ~ t", "t"),
        ("Surv(t, y) ~ x + rcs(t, 3)", "t"),
        ("Surv(t, y) ~ x * y", "y"),
        ("Surv(e, t, y) ~ log(t)", "t"),
        ("Surv(t, y) ~ x + strata(y)", "y"),
        ("Surv(t, y) ~ x + offset(t)", "t"),
        ("y ~ y", "y"),
        ("y ~ fifths(x, by=y)", "y"),
        ("ÿ ~ ÿ", "ÿ"),
    ],
)
def test_an_outcome_does_not_explain_itself(formula: str, column: str) -> None:
    with pytest.raises(SpecError, match=f"'{column}' is of the outcome and cannot explain it"):
        parse(formula)


def test_the_start_of_follow_up_may_be_a_covariate() -> None:
    assert parse("Surv(age_in, age_out, y) ~ rcs(age_in, 3) + x").columns == ("age_in", "age_out", "y", "x")


def test_boundary_knots_beyond_all_data_are_refused() -> None:
    data = pd.DataFrame({"y": [0, 1] * 30, "x": np.linspace(0, 1, 60)})
    for formula in ("y ~ bs(x, 6, boundary=[100, 200])", "y ~ ns(x, 3, boundary=[-2, -1])"):
        with pytest.raises(DataError, match="no value lies between the boundary knots"):
            rk.logistic(formula, data)


def test_a_factor_of_thousands_of_levels_is_refused_before_it_costs_anything() -> None:
    n = 20_000
    data = pd.DataFrame({"y": np.arange(n) % 2, "id": np.arange(n), "x": np.linspace(0, 1, n)})
    for formula in ("y ~ x + C(id)", "y ~ x * C(id)"):
        with pytest.raises(SpecError, match=r"columns; the most is .* strata\(id\)"):
            rk.logistic(formula, data)
