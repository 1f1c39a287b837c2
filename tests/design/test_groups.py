"""Cut points from everyone, from non-cases and by sex; units of a standard deviation and of a doubling."""

import numpy as np
import pandas as pd
import pytest

from riskkit.design.design import build
from riskkit.errors import DataError, SpecError
from riskkit.fit.logistic import logistic
from riskkit.infer.contrast import contrast

RANDOM = np.random.default_rng(3)
N = 600
DATA = pd.DataFrame(
    {
        "x": RANDOM.gamma(8, 20, N),
        "sex": RANDOM.choice(["Men", "Women"], N),
        "case": RANDOM.binomial(1, 0.3, N),
        "t": RANDOM.uniform(1, 9, N),
    }
)
DATA.loc[DATA["sex"] == "Men", "x"] += 60


def cuts(values: pd.Series, k: int) -> np.ndarray:
    return np.percentile(values, 100 * np.arange(1, k) / k)


@pytest.mark.parametrize("outcome", ["case", "Surv(t, case)"])
def test_cut_points_from_non_cases(outcome):
    basis = build(f'{outcome} ~ fifths(x, cuts="noncases")', DATA).recipe.terms[0].bases[0]
    np.testing.assert_allclose(basis.cuts, cuts(DATA.loc[DATA["case"] == 0, "x"], 5))


def test_cut_points_by_sex_put_equal_shares_of_each_sex_in_each_group():
    design = build("case ~ groups(x, 4, by=sex, ref=2)", DATA)
    assert design.recipe.names == ("x=Q1", "x=Q3", "x=Q4")
    for sex in ("Men", "Women"):
        chosen = (DATA["sex"] == sex).to_numpy()
        expected = pd.qcut(DATA.loc[chosen, "x"], 4, labels=False).to_numpy()
        np.testing.assert_array_equal(design.x[chosen], expected[:, None] == [0, 2, 3])


def test_cut_points_by_sex_from_non_cases():
    groups = build('case ~ fifths(x, by=sex, cuts="noncases")', DATA).recipe.terms[0].bases[0].groups
    for basis, (_, people) in zip(groups, DATA[DATA["case"] == 0].groupby("sex"), strict=True):
        np.testing.assert_allclose(basis.cuts, cuts(people["x"], 5))


def test_new_rows_are_coded_with_the_cut_points_of_their_own_sex():
    recipe = build("case ~ fifths(x, by=sex)", DATA).recipe
    assert recipe.variables == ("x",)
    assert recipe.inputs == ("x", "sex")
    men = cuts(DATA.loc[DATA["sex"] == "Men", "x"], 5)
    women = cuts(DATA.loc[DATA["sex"] == "Women", "x"], 5)
    between = (men[0] + women[0]) / 2  # the first fifth for men, a higher one for women
    coded = recipe.matrix(pd.DataFrame({"x": [between, between], "sex": ["Men", "Women"]}))
    assert coded[0].sum() == 0
    assert coded[1].sum() == 1


def test_rows_without_the_column_that_cut_points_depend_on_are_left_out_or_refused():
    gaps = DATA.assign(sex=DATA["sex"].where(DATA.index > 9))
    assert build("case ~ fifths(x, by=sex)", gaps).n_missing == 10
    with pytest.raises(SpecError, match="the cut points depend on 'sex'"):
        build("case ~ fifths(x, by=sex)", DATA).recipe.matrix(DATA[["x"]])


def test_groups_by_sex_keep_all_levels_in_an_interaction_without_their_margin():
    names = build("case ~ sex + sex:groups(x, 3, by=sex)", DATA).recipe.names
    assert names == ("sex=Women", *(f"sex={s}:x=Q{g}" for g in (2, 3) for s in ("Men", "Women")))


def test_per_standard_deviation_and_per_doubling():
    design = build('case ~ per(x, "sd")', DATA)
    assert design.x.std(ddof=1) == pytest.approx(1)
    assert design.summaries["x"].mean == pytest.approx(DATA["x"].mean())
    half = design.recipe.matrix(pd.DataFrame({"x": [100.0]}))
    assert half[0, 0] == pytest.approx(100 / DATA["x"].std())
    np.testing.assert_allclose(build('case ~ per(x, "doubling")', DATA).x[:, 0], np.log2(DATA["x"]))


@pytest.mark.parametrize(
    ("term", "error", "said"),
    [
        ('groups(x, 5, cuts="controls")', SpecError, "cuts='controls' is not one of everyone, noncases"),
        ("groups(x, [100, 200], by=sex)", SpecError, "cut points are given"),
        ('groups(x, 5, by="sex")', SpecError, "must be the name of a column"),
        ("groups(x, 5, by=gender)", SpecError, "no column 'gender'"),
        ('groups(x, 5, ref="Q1")', SpecError, "ref is the number of a group"),
        ('groups(x, "five")', SpecError, "a number of groups"),
        ('per(x, "s.d.")', SpecError, 'per\\(x, "sd"\\)'),
        ("per(x)", SpecError, "say per how much"),
        ('per(zero, "doubling")', DataError, "zero or negative"),
        ('per(zero, "sd")', DataError, "has no standard deviation"),
    ],
)
def test_faults_are_named(term, error, said):
    with pytest.raises(error, match=said):
        build(f"case ~ {term}", DATA.assign(zero=0.0))


def test_non_cases_need_an_outcome_that_tells_them():
    with pytest.raises(SpecError, match="takes an outcome of 0"):
        build('t ~ fifths(x, cuts="noncases")', DATA)


def test_contrasts_of_groups_by_sex_say_whose_cut_points_they_mean():
    fit = logistic("case ~ fifths(x, by=sex)", DATA)
    lowest, highest = {"x": 1.0}, {"x": 1e4}
    for sex in ("Men", "Women"):
        found = contrast(fit, highest, lowest, at={"sex": sex})
        assert found["estimate"].iloc[0] == pytest.approx(fit.params["x=Q5"])
    with pytest.raises(SpecError, match=r"depends on 'sex'.*at=\{'sex': \.\.\.\}"):
        contrast(fit, highest, lowest)
