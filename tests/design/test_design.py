"""Designs against R's model.matrix, and what happens to rows, levels and missing values."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.design.design import build
from riskkit.errors import DataError, SpecError

R = json.loads((Path(__file__).parent.parent / "reference" / "design.json").read_text())
FRAME = pd.DataFrame(R["frame"]).assign(y=[0, 1, 0, 1, 0, 1], t=[1.0, 2, 3, 4, 5, 6], t0=[0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("main", "y ~ a + s + g"),
        ("interaction", "y ~ a * s + g"),
        ("factors", "y ~ s * g"),
        ("slopes", "y ~ a:s"),
        ("nested", "y ~ s + s:g"),
    ],
)
def test_coding_is_r_s(name, formula):
    design = build(formula, FRAME, intercept=True)
    expected = R["codings"][name]
    np.testing.assert_array_equal(design.x, expected["values"])
    assert [n.replace("=", "") for n in design.recipe.names] == [
        n.replace("(Intercept)", "Intercept") for n in expected["names"]
    ]


def test_prediction_codes_new_rows_with_the_knots_of_the_fit():
    data = pd.DataFrame({"y": np.tile([0, 1], 100), "x": np.linspace(1, 50, 200)})
    design = build("y ~ rcs(x, 4)", data)
    half = data.iloc[:100]
    np.testing.assert_array_equal(design.recipe.matrix(half), design.x[:100])
    assert design.recipe.terms[0].bases[0].knots == tuple(np.quantile(data["x"], [0.05, 0.35, 0.65, 0.95]))


def test_rows_with_missing_values_are_left_out_and_counted():
    data = FRAME.astype({"a": float}).copy()
    data.loc[1, "a"] = np.nan
    data.loc[[1, 4], "g"] = None
    design = build("Surv(t0, t, y) ~ a + g", data)
    assert design.n_missing == 2
    assert design.missing == {"a": 1, "g": 2}
    assert design.index.tolist() == [0, 2, 3, 5]
    assert design.response.entry.tolist() == [0, 1, 1, 2]


def test_strata_are_named_combinations():
    design = build("Surv(t, y) ~ a + strata(s, g)", FRAME)
    assert design.strata_labels[:2] == ("s=Men, g=x", "s=Men, g=y")
    assert design.strata.tolist() == [0, 4, 2, 3, 1, 5]


def test_groups_close_on_the_right_and_fifths_are_quantiles():
    data = pd.DataFrame({"y": np.tile([0, 1], 50), "x": np.arange(100.0)})
    design = build("y ~ groups(x, [10, 20], ref=2)", data)
    assert design.recipe.names == ("x=Q1", "x=Q3")
    assert design.x.sum(axis=0).tolist() == [11, 79]  # 0..10 and 21..99
    assert build("y ~ fifths(x)", data).x.sum(axis=0).tolist() == [20, 20, 20, 20]


def test_units_and_transformations():
    data = pd.DataFrame({"y": [0, 1, 0, 1], "x": [1.0, 2, 4, 8]})
    design = build("y ~ per(x, 2) + log2(x) + sqrt(x) + log(x)", data)
    np.testing.assert_allclose(design.x[3], [4, 3, np.sqrt(8), np.log(8)])
    assert design.recipe.names == ("per(x, 2)", "log2(x)", "sqrt(x)", "log(x)")
    assert design.summaries["x"].typical == 3


def test_ordered_categories_keep_their_order_and_ref_moves_one_to_the_front():
    data = pd.DataFrame({"y": [0, 1] * 3, "c": pd.Categorical(["lo", "mid", "hi"] * 2, ["lo", "mid", "hi"])})
    assert build("y ~ c", data).recipe.names == ("c=mid", "c=hi")
    assert build('y ~ C(c, ref="hi")', data).recipe.names == ("c=lo", "c=mid")


def test_an_unseen_level_is_an_error_not_the_reference():
    recipe = build("y ~ g", FRAME).recipe
    with pytest.raises(DataError, match="'w', not one of the levels of the fit: x, y, z"):
        recipe.matrix(pd.DataFrame({"g": ["x", "w"]}))


@pytest.mark.parametrize(
    ("formula", "error", "said"),
    [
        ("y ~ aa", SpecError, "no column 'aa' in the data. Did you mean 'a'"),
        ("y ~ rcs(s, 3)", DataError, "column 's' is object, not numbers; write C\\(s\\)"),
        ('y ~ C(s, ref="Man")', SpecError, "no such level; the levels are Men, Women"),
        ("y ~ log(t0)", DataError, "2 values of 't0' are zero or negative"),
        ("Surv(t, t0, y) ~ a", DataError, "'t0' must be later than 't'.*6 rows are not, first at index 0, 1, 2"),
        ("Surv(t, a) ~ s", DataError, "event column 'a' must be 0 or 1; it also holds 1.5, 2"),
        ("y ~ per(a, 0)", SpecError, "a positive number"),
        ("y ~ groups(a, 200)", SpecError, "must be 2 to 100"),
        ("y ~ groups(a, [3, 2])", SpecError, "increasing"),
        ("y ~ a + per(a, 1)", SpecError, "'a' would stand in the model twice"),
        ("y ~ C(one)", DataError, "factor 'one' has 1 level"),
    ],
)
def test_faults_are_named(formula, error, said):
    with pytest.raises(error, match=said):
        build(formula, FRAME.assign(one="x"))


def test_no_complete_row_names_the_emptiest_column():
    with pytest.raises(DataError, match="'a' alone is missing in 6 of 6"):
        build("y ~ a + s", FRAME.assign(a=np.nan))


def test_weights_must_not_be_negative():
    with pytest.raises(DataError, match="weights 'a' must be positive, or zero for nobody: 1 rows"):
        build("y ~ t0", FRAME.assign(a=[-1, 2, 3, 4, 5, 6]), weights="a")


def test_infinite_values_are_an_error():
    with pytest.raises(DataError, match="column 'a' holds 1 infinite"):
        build("y ~ a", FRAME.assign(a=[1, 2, 3, 4, 5, np.inf]))
