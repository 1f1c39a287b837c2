"""`ns` and `bs` against R's splines, `ps` bases against survival, and the properties that define them."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.design import bsplines
from riskkit.design.design import build
from riskkit.errors import DataError, SpecError

R = json.loads((Path(__file__).parent.parent / "reference" / "codings.json").read_text())
X = np.array(R["x"])
FRAME = pd.DataFrame({"x": X, "y": np.tile([0, 1], 75), "s": np.tile(["a", "b", "b"], 50)})

NS = {
    "df1": "ns(x, 1)",
    "df2": "ns(x, df=2)",
    "df4": "ns(x, 4)",
    "given": "ns(x, knots=[120, 150, 200])",
    "bounded": "ns(x, df=4, boundary=[90, 230])",
}
BS = {
    "df3": "bs(x, 3)",
    "df6": "bs(x, df=6)",
    "given": "bs(x, knots=[120, 150, 200])",
    "quadratic": "bs(x, 5, degree=2)",
    "lines": "bs(x, knots=150, degree=1)",
}


@pytest.mark.parametrize(("name", "term"), NS.items())
def test_ns_is_r_s_within_and_beyond_the_boundary(name, term):
    design = build(f"y ~ {term}", FRAME)
    basis = design.recipe.terms[0].bases[0]
    np.testing.assert_allclose(basis.knots, R["ns"][name]["knots"], rtol=1e-14)
    np.testing.assert_allclose(basis.boundary, R["ns"][name]["boundary"], rtol=1e-14)
    np.testing.assert_allclose(design.x[:12], R["ns"][name]["fitted"], rtol=1e-11, atol=1e-12)
    new = design.recipe.matrix(pd.DataFrame({"x": R["new"]}))
    np.testing.assert_allclose(new, R["ns"][name]["new"], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("name", "term"), BS.items())
def test_bs_is_r_s(name, term):
    design = build(f"y ~ {term}", FRAME)
    np.testing.assert_allclose(design.recipe.terms[0].bases[0].knots, R["bs"][name]["knots"], rtol=1e-14)
    np.testing.assert_allclose(design.x[:12], R["bs"][name]["fitted"], rtol=1e-11, atol=1e-12)
    new = design.recipe.matrix(pd.DataFrame({"x": R["inside"]}))
    np.testing.assert_allclose(new, R["bs"][name]["new"], rtol=1e-11, atol=1e-12)


def test_even_grid_is_survival_s_pspline():
    boundary = (X.min(), X.max())
    np.testing.assert_allclose(bsplines.on_even_grid(X[:12], boundary, 10), R["ps"]["fitted"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(bsplines.on_even_grid(R["new"], boundary, 10), R["ps"]["new"], rtol=1e-10, atol=1e-12)


def test_ns_is_linear_beyond_its_boundary_and_smooth_at_it():
    beyond = np.array([300.0, 320, 340, 360])
    np.testing.assert_allclose(np.diff(bsplines.natural(beyond, [150], (90, 230)), n=2, axis=0), 0, atol=1e-12)
    h = 1e-4
    near = bsplines.natural([230 - h, 230, 230 + h], [150], (90, 230))
    np.testing.assert_allclose(near[2] - near[1], near[1] - near[0], rtol=1e-6)


def test_the_columns_of_a_b_spline_add_up_to_one_with_the_first():
    inside = np.linspace(90, 230, 50)
    first = np.maximum(150 - inside, 0) ** 3 / 60**3  # the one column that is left out, in closed form
    np.testing.assert_allclose(bsplines.bspline(inside, [150], (90, 230)).sum(axis=1), 1 - first, atol=1e-13)


@pytest.mark.parametrize("term", [*NS.values(), "bs(x, 3)", "bs(x, 6)", "bs(x, knots=150, degree=1)"])
def test_percentiles_of_the_variable_are_recovered_from_its_columns(term):
    found = build(f"y ~ {term}", FRAME).summaries["x"]
    np.testing.assert_allclose(found.percentiles, np.percentile(X, np.arange(101)), rtol=1e-9)
    assert found.typical == pytest.approx(np.median(X))


def test_prediction_keeps_the_knots_of_the_fit():
    design = build("y ~ ns(x, 4) * s + bs(x, 5)", FRAME)
    np.testing.assert_array_equal(design.recipe.matrix(FRAME[40:45]), design.x[40:45])


def test_a_label_is_the_formula_of_the_same_basis():
    for term in ("ns(x, 4)", "bs(x, 5, degree=2)"):
        learnt = build(f"y ~ {term}", FRAME)
        again = build(f"y ~ {learnt.recipe.terms[0].bases[0].label}", FRAME)
        np.testing.assert_allclose(again.x, learnt.x, rtol=1e-4, atol=1e-5)  # a label has six digits


def test_b_splines_are_refused_beyond_their_boundary():
    recipe = build("y ~ bs(x, 5)", FRAME).recipe
    with pytest.raises(DataError, match=r"outside the boundary knots 53.2 to 330 \(the first is 900\).*use ns\(x"):
        recipe.matrix(pd.DataFrame({"x": [100.0, 900.0]}))


@pytest.mark.parametrize(
    ("term", "error", "said"),
    [
        ("ns(x)", SpecError, "give either df or knots, as in ns\\(x, df=4\\)"),
        ("ns(x, 4, knots=[1, 2])", SpecError, "give either df or knots"),
        ("ns(x, 0)", SpecError, "df must be a whole number from 1 to 50"),
        ("ns(x, 2.5)", SpecError, "df must be a whole number"),
        ("bs(x, 2)", SpecError, "df must be a whole number from 3 to 50"),
        ("bs(x, 4, degree=9)", SpecError, "degree must be 1"),
        ("bs(x, knots=[150, 120])", SpecError, "increasing order, between the boundary knots"),
        ("ns(x, knots=[5, 1000])", SpecError, "between the boundary knots"),
        ('ns(x, knots="a")', SpecError, "knots must be numbers"),
        ("ns(x, 3, boundary=[5])", SpecError, "boundary must be two numbers"),
        ("ns(tied, 5)", DataError, "too heavily tied for 4 distinct knots"),
        ("ns(s, 3)", DataError, "column 's' is object, not numbers"),
    ],
)
def test_faults_are_named(term, error, said):
    with pytest.raises(error, match=said):
        build(f"y ~ {term}", FRAME.assign(tied=np.repeat([1.0, 1, 1, 2, 3], 30)))
