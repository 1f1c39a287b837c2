"""Fractional polynomials: powers, mfp's shift and scale, names that say what a column is."""

import numpy as np
import pandas as pd
import pytest

from riskkit.design.design import build
from riskkit.design.fractional import POWERS, powers_of
from riskkit.errors import DataError, SpecError

DATA = pd.DataFrame({"y": np.tile([0, 1], 20), "x": np.linspace(40, 235, 40), "small": np.arange(40) / 8 - 1})


def test_powers_in_closed_form():
    x = np.array([1.0, np.e, 4.0])
    np.testing.assert_allclose(powers_of(x, [-0.5, 0, 3]), np.column_stack([1 / np.sqrt(x), np.log(x), x**3]))
    np.testing.assert_allclose(powers_of(x, [2, 2]), np.column_stack([x**2, x**2 * np.log(x)]))
    np.testing.assert_allclose(powers_of(x, [0, 0, 0]), np.log(x)[:, None] ** [1, 2, 3])
    np.testing.assert_allclose(powers_of(x, [-1, -1, -1]), np.log(x)[:, None] ** [0, 1, 2] / x[:, None])


def test_shift_and_scale_are_mfp_s():
    # Positive with mean 137.5: no shift, scale 100. From -1 in steps of 1/8: shift 1 + 1/8 rounded up to 1.2.
    design = build("y ~ fp(x, [2, -1]) + fp(small, 0)", DATA)
    assert design.recipe.names == ("(x/100)^-1", "(x/100)^2", "log(small+1.2)")
    expected = np.column_stack([100 / DATA["x"], (DATA["x"] / 100) ** 2, np.log(DATA["small"] + 1.2)])
    np.testing.assert_allclose(design.x, expected)
    given = build("y ~ fp(x, [0.5, 0.5], shift=5, scale=10)", DATA)
    assert given.recipe.names == ("((x+5)/10)^0.5", "((x+5)/10)^0.5*log((x+5)/10)")


def test_new_rows_take_the_shift_and_scale_of_the_fit():
    design = build("y ~ fp(x, [-2, 0]) + fp(small, [1, 2])", DATA)
    np.testing.assert_array_equal(design.recipe.matrix(DATA[:3]), design.x[:3])
    with pytest.raises(DataError, match=r"1 values of 'small' are not above -1.2 \(smallest -1.5\)"):
        design.recipe.matrix(pd.DataFrame({"x": [90.0, 90], "small": [-1.5, 0]}))


@pytest.mark.parametrize("power", POWERS)
def test_the_variable_is_recovered_from_its_columns(power):
    design = build(f"y ~ fp(x, [{power:g}]) + fp(small, [{power:g}, 3])", DATA)
    for name in ("x", "small"):
        np.testing.assert_allclose(
            design.summaries[name].percentiles, np.percentile(DATA[name], np.arange(101)), rtol=1e-9, atol=1e-9
        )


def test_only_a_curve_with_the_power_one_has_columns_that_bend_a_line():
    terms = build("y ~ fp(x, [1, 2]) + fp(small, [-1, 2])", DATA).recipe.terms
    assert terms[0].nonlinear == (False, True)
    assert terms[1].nonlinear == (False, False)
    assert build("y ~ fp(x, [1, 1])", DATA).recipe.terms[0].nonlinear == (False, True)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("fp(x)", r"give the powers, as in fp\(x, \[-1, 2\]\), or let riskkit.select_fp choose"),
        ("fp(x, [4])", "out of -2, -1, -0.5, 0, 0.5, 1, 2, 3"),
        ("fp(x, [])", "one to three powers"),
        ("fp(x, [1, 1, 1, 1])", "one to three powers"),
        ("fp(x, 1, scale=0)", "scale a positive one"),
        ('fp(x, "a")', "give the powers"),
    ],
)
def test_faults_are_named(term, said):
    with pytest.raises(SpecError, match=said):
        build(f"y ~ {term}", DATA)
