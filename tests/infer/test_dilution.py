from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.fit.cox import cox
from riskkit.fit.logistic import logistic
from riskkit.infer.dilution import dilution, dilution_in

REFERENCE = Path(__file__).resolve().parent.parent / "reference"


@pytest.fixture(scope="module")
def frozen():
    return json.loads((REFERENCE / "infer_dilution.json").read_text())


@pytest.fixture(scope="module")
def pbc():
    return pd.read_csv(REFERENCE / "infer_dilution.csv")


def shown(found) -> list[float]:
    return [found.ratio, found.se, found.low, found.high, found.n]


@pytest.mark.parametrize(
    ("name", "covariates", "by"),
    [("alone", None, None), ("by", None, "female"), ("given", ["age", "logbili"], "female")],
)
def test_rosner_is_the_slope_of_lm(pbc, frozen, name, covariates, by):
    found = dilution(
        pbc["albumin"], pbc["repeated"], covariates=pbc[covariates] if covariates else None, by=pbc[by] if by else None
    )
    np.testing.assert_allclose(shown(found), frozen["rosner"][name], rtol=1e-9)
    assert found.within_sd == pytest.approx(frozen["within_sd"][name], rel=1e-9)
    assert found.mean == pytest.approx(pbc["albumin"].mean())
    assert found.given == (*(covariates or ()), *([by] if by else ()))


def test_in_a_model_it_is_given_the_other_columns_and_the_strata(pbc, frozen):
    fit = cox("Surv(time, died) ~ rcs(albumin, 4) + age + logbili + strata(female)", pbc)
    found = dilution_in(fit, "albumin", pbc["repeated"].sample(frac=1, random_state=1))
    np.testing.assert_allclose(shown(found), frozen["rosner"]["given"], rtol=1e-9)
    assert found.given == ("age", "logbili", "female")


def test_in_a_model_with_an_intercept_it_is_no_other(pbc, frozen):
    fit = logistic("died ~ per(albumin, 0.5) + age + logbili + C(female)", pbc)
    found = dilution_in(fit, "albumin", pbc["repeated"])
    np.testing.assert_allclose(shown(found), frozen["rosner"]["given"], rtol=1e-9)


def test_macmahon_peto_is_the_ratio_of_the_ranges_of_tapply(pbc, frozen):
    found = dilution(pbc["albumin"], pbc["repeated"], method="macmahon-peto")
    theirs = frozen["macmahon_peto"]
    assert (found.ratio, found.se) == pytest.approx((theirs["ratio"], theirs["se"]), rel=1e-9)
    assert found.high == pytest.approx(theirs["ratio"] + 1.959964 * theirs["se"], rel=1e-6)


def test_macmahon_peto_by_sex_cuts_and_compares_within_it():
    # Women's levels lie 100 higher and one man in two is measured again: cut together, groups would be sexes.
    x = np.arange(100.0)
    first = pd.Series(np.concatenate([x, x + 100]))
    second = pd.Series(np.concatenate([0.5 * x, 0.8 * x + 7]))
    second[np.arange(1, 100, 2)] = np.nan
    women = pd.Series(np.repeat(["no", "yes"], 100))
    found = dilution(first, second, method="macmahon-peto", by=women)
    # Ranges of the means of fifths: 80 at first in either sex; a third of the pairs are men.
    assert found.ratio == pytest.approx((0.5 + 2 * 0.8) / 3, abs=1e-12)


def repeats(seed: int, n: int = 2000, ratio: float = 0.7) -> tuple[pd.Series, pd.Series]:
    random = np.random.default_rng(seed)
    usual = 20 + 5 * np.sqrt(ratio) * random.standard_normal(n)
    first, second = usual + 5 * np.sqrt(1 - ratio) * random.standard_normal((2, n))
    return pd.Series(first, name="first"), pd.Series(np.where(np.arange(n) < n // 4, second, np.nan), name="second")


@pytest.mark.parametrize("method", ["rosner", "macmahon-peto"])
def test_intervals_cover_the_ratio(method):
    found = [dilution(*repeats(seed), method=method) for seed in range(400)]
    ratio = np.array([one.ratio for one in found])
    assert ratio.mean() == pytest.approx(0.7, abs=4 * ratio.std() / 20)
    assert np.mean([one.se for one in found]) == pytest.approx(ratio.std(), rel=0.12)
    # 400 intervals of 95%: the binomial's 0.1% and 99.9% points.
    assert 0.913 <= np.mean([one.low < 0.7 < one.high for one in found]) <= 0.980
    assert np.mean([one.within_sd for one in found]) == pytest.approx(5 * np.sqrt(0.3), rel=0.01)


def test_choosing_whom_to_measure_again_by_the_first_measurement_does_no_harm():
    first, _ = repeats(1, 200_000)
    random = np.random.default_rng(2)
    second = 20 + 0.7 * (first - 20) + 5 * np.sqrt(1 - 0.49) * random.standard_normal(first.size)
    second[(first > 15) & (first < 25)] = np.nan
    for method in ("rosner", "macmahon-peto"):
        assert dilution(first, second, method=method).ratio == pytest.approx(0.7, abs=0.01)
        assert dilution(first, second, method=method).within_sd == pytest.approx(5 * np.sqrt(0.3), rel=0.02)


def test_covariates_that_explain_the_level_lower_the_ratio():
    # Var(usual) = 4 + 9, error 3: 13/16 for everybody, 9/12 among people of one z.
    random = np.random.default_rng(3)
    z, usual = random.standard_normal((2, 400_000))
    usual = 2 * z + 3 * usual
    first, second = (pd.Series(usual + np.sqrt(3) * random.standard_normal(z.size)) for _ in range(2))
    assert dilution(first, second).ratio == pytest.approx(13 / 16, abs=0.005)
    given = dilution(first, second, covariates=pd.DataFrame({"z": z}))
    assert given.ratio == pytest.approx(9 / 12, abs=0.005)
    assert given.within_sd == pytest.approx(dilution(first, second).within_sd, rel=0.01)


def test_people_without_a_group_or_covariate_are_left_out(pbc):
    gaps = pbc["female"].astype(float).where(np.arange(len(pbc)) % 3 > 0)
    kept = gaps.notna()
    for given in ({"by": gaps}, {"covariates": gaps.to_frame()}):
        found = dilution(pbc["albumin"], pbc["repeated"], **given)
        assert found.n == (kept & pbc["repeated"].notna()).sum()
        assert found.mean == pytest.approx(pbc.loc[kept, "albumin"].mean())


def test_a_covariate_that_does_not_vary_among_the_pairs_changes_nothing(pbc, frozen):
    constant = np.where(pbc["repeated"].notna(), 0.1, pbc["age"])
    found = dilution(pbc["albumin"], pbc["repeated"], covariates=pd.DataFrame({"constant": constant}))
    np.testing.assert_allclose(shown(found), frozen["rosner"]["alone"], rtol=1e-9)


def test_no_dilution_leaves_no_error():
    x = pd.Series(np.random.default_rng(1).standard_normal(100))
    found = dilution(x, 1.1 * x)
    assert (found.ratio, found.within_sd) == (pytest.approx(1.1), 0.0)


def test_bad_arguments_are_refused(pbc):
    first, second = pbc["albumin"], pbc["repeated"]
    with pytest.raises(SpecError, match="Did you mean 'rosner'"):
        dilution(first, second, method="rossner")
    with pytest.raises(SpecError, match="takes no covariates"):
        dilution(first, second, method="macmahon-peto", covariates=pbc[["age"]])
    with pytest.raises(SpecError, match="confidence level"):
        dilution(first, second, level=95)
    with pytest.raises(DataError, match="'repeated' and 'albumin' are not of the same people"):
        dilution(first, second.iloc[::-1])
    with pytest.raises(DataError, match="not numbers"):
        dilution(first, second.astype(str))
    with pytest.raises(DataError, match="0 people were measured twice"):
        dilution(first, second.where(second > 100))
    with pytest.raises(DataError, match="were measured twice: too few"):
        dilution(first, second, covariates=pd.DataFrame({"same": 2 * first + 1}))
    with pytest.raises(DataError, match=r"is -0.5.*same people"):
        dilution(first, 3 - 0.5 * first)
    with pytest.raises(DataError, match="1 people in group 1 of 5"):
        dilution(first, second.where(first > 3.2).where(first > 1.97, 3.0), method="macmahon-peto")
    with pytest.raises(DataError, match="heavily tied"):
        dilution(first.round(), second, method="macmahon-peto")


def test_bad_models_are_refused(pbc):
    fit = cox("Surv(time, died) ~ albumin * age", pbc)
    with pytest.raises(SpecError, match="more than one term"):
        dilution_in(fit, "albumin", pbc["repeated"])
    fit = cox("Surv(time, died) ~ albumin", pbc)
    with pytest.raises(SpecError, match="light"):
        dilution_in(fit.light(), "albumin", pbc["repeated"])
    with pytest.raises(DataError, match="every row that the fit used"):
        dilution_in(fit, "albumin", pbc["repeated"].dropna())
    weighted = cox("Surv(time, died) ~ albumin", pbc.assign(w=1.0), weights="w")
    with pytest.raises(SpecError, match="weighted"):
        dilution_in(weighted, "albumin", pbc["repeated"])
