"""Reference ranges against R, published values, closed forms, and what must hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import REFERENCE
from numpy.testing import assert_allclose
from scipy import stats

import riskkit as rk
from riskkit.errors import DataError, SpecError
from riskkit.fit.lms import SplineBasis, fit_lms, place_knots, terms, z_scores
from riskkit.fit.quantiles import _together, check_loss, fit_quantiles, one_quantile
from riskkit.infer.worm import _points

R = json.loads((REFERENCE / "centiles.json").read_text())
DATA = pd.read_csv(REFERENCE / "centiles.csv")
X, Y, W = (DATA[name].to_numpy(float) for name in ("x", "y", "w"))
BASIS = SplineBasis(tuple(map(float, R["knots"])), (X.min(), X.max()))
ROWS = np.array(R["rows"]) - 1
PEOPLE = DATA.assign(sex=np.where(np.arange(len(DATA)) % 2, "M", "F"))


@pytest.mark.parametrize("kind", ["plain", "weighted"])
def test_lms_curves_are_at_the_maximum_that_r_finds(kind) -> None:
    fit = fit_lms(X, Y, BASIS, W / W.mean() if kind == "weighted" else None, smoothing=np.zeros(3))
    assert fit.loglik == pytest.approx(R["exact"][kind]["loglik"], abs=1e-8)
    assert_allclose(fit.coef @ BASIS.columns(X[ROWS]).T, np.transpose(R["exact"][kind]["fitted"]), atol=2e-6)
    assert_allclose(fit.edf, BASIS.size)


def test_gradient_and_hessian_are_derivatives_also_where_l_is_zero() -> None:
    random = np.random.default_rng(1)
    eta = np.stack(
        [np.append(random.normal(0, 0.6, 6), [0.0, 1e-9]), random.normal(5, 0.2, 8), random.normal(-1.2, 0.2, 8)]
    )
    log_y = random.normal(5, 0.4, 8)
    _, gradient, hessian = terms(eta, log_y)
    for j in range(3):
        step = np.zeros((3, 1))
        step[j] = 1e-6
        ahead, behind = terms(eta + step, log_y), terms(eta - step, log_y)
        assert_allclose((ahead[0] - behind[0]) / 2e-6, gradient[j], atol=1e-7)
        assert_allclose((ahead[1] - behind[1]) / 2e-6, hessian[j], atol=1e-6)


def test_lines_have_no_penalty_and_heavy_smoothing_gives_lines() -> None:
    basis = place_knots(X)
    assert np.linalg.matrix_rank(basis.penalty) == basis.size - 2
    line = np.linalg.lstsq(basis.columns(X), X, rcond=None)[0]
    assert_allclose(basis.columns(X) @ line, X)
    assert line @ basis.penalty @ line == pytest.approx(0, abs=1e-10)
    fit = fit_lms(X, Y, basis, smoothing=np.full(3, 1e9))
    bends = np.diff(fit.coef @ basis.columns(np.linspace(X.min(), X.max(), 50)).T, 2, axis=1)
    assert np.abs(bends).max() < 1e-4
    assert_allclose(fit.edf, 2, atol=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_straight_curves_are_fitted_however_heavily_they_are_smoothed(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.uniform(40, 70, 700)
    y = 100 * np.exp(-0.01 * (x - 40)) * np.exp(0.2 * random.normal(size=x.size))
    fit = fit_lms(x, y, place_knots(x))
    slope, level = np.polyfit(x, np.log(y), 1)
    assert (fit.edf < 4.5).all()
    np.testing.assert_allclose(np.log(fit.parameters(x)[1]), level + slope * x, atol=0.03)


def test_smoothing_is_near_the_maximum_of_the_restricted_likelihood() -> None:
    basis = place_knots(X)
    chosen = fit_lms(X, Y, basis)
    penalties = np.array([chosen.penalty[j * basis.size, j * basis.size] / basis.penalty[0, 0] for j in range(3)])

    def restricted(amounts) -> float:
        fit = fit_lms(X, Y, basis, smoothing=amounts)
        flat = fit.coef.ravel()
        determinant = np.linalg.slogdet(fit.inverse)[1] + (basis.size - 2) * np.log(amounts).sum()
        return fit.loglik - flat @ fit.penalty @ flat / 2 + determinant / 2

    best = restricted(penalties)
    for j in range(3):
        for factor in (1 / 20, 20):
            other = penalties.copy()
            other[j] *= factor
            assert restricted(other) < best + 0.05


def test_scores_have_mean_0_and_sd_1_and_undo_centiles() -> None:
    ranges = rk.centiles("y ~ x", PEOPLE, by="sex")
    sds = ranges.sds(PEOPLE)
    assert sds.mean() == pytest.approx(0, abs=0.01)
    assert sds.std(ddof=0) == pytest.approx(1, abs=1e-3)
    curves = ranges.curves(at=[5, 20, 50], centiles=[3, 50, 97]).rename(columns={"value": "y"})
    assert_allclose(ranges.sds(curves), stats.norm.ppf(curves["centile"] / 100), atol=1e-9)
    lms = ranges.parameters(at=[20])
    assert_allclose(lms["M"], curves.query("x == 20 and centile == 50")["y"])
    assert ((curves["low"] < curves["y"]) & (curves["y"] < curves["high"])).all()
    holes = PEOPLE.assign(y=PEOPLE["y"].where(PEOPLE.index > 2))
    assert ranges.sds(holes).isna().sum() == 3
    assert rk.centiles("y ~ x", holes).notes == ("3 rows left out for missing values.",)


def test_a_centile_and_its_limits_do_not_jump_where_l_passes_zero() -> None:
    ranges = rk.centiles("y ~ x", PEOPLE)
    group = ranges.groups[None]
    found = []
    for power in (0.0, 1e-9, 2e-5):
        group.fit.coef[0] = power
        found.append(ranges.curves(at=[20], centiles=[5]).iloc[0][["value", "low", "high"]].to_numpy(float))
    assert_allclose(found[1], found[0], rtol=1e-8)
    assert_allclose(found[2], found[0], rtol=1e-4)


def test_intervals_follow_the_delta_method() -> None:
    ranges = rk.centiles("y ~ x", PEOPLE)
    group, b = ranges.groups[None], ranges.groups[None].fit.basis.columns(np.array([20.0]))
    flat = group.fit.coef.ravel()

    def log_centile(flat) -> float:
        power, log_m, log_s = flat.reshape(3, -1) @ b[0]
        return float(log_m + np.log1p(power * np.exp(log_s) * stats.norm.ppf(0.05)) / power)

    steps = np.eye(flat.size) * 1e-6
    slope = np.array([(log_centile(flat + s) - log_centile(flat - s)) / 2e-6 for s in steps])
    row = ranges.curves(at=[20], centiles=[5]).iloc[0]
    half = (np.log(row["high"]) - np.log(row["low"])) / 2
    assert half / 1.959963984540054 == pytest.approx(np.sqrt(slope @ group.covariance @ slope), rel=1e-6)


def test_quantile_regression_is_quantreg_s() -> None:
    fit, b = fit_quantiles(X, Y, R["taus"], BASIS), BASIS.columns(X)
    for k, (tau, want) in enumerate(zip(R["taus"], R["quantiles"], strict=True)):
        assert_allclose(fit.coef[k], want["coef"], rtol=1e-8)
        assert check_loss(b, Y, fit.coef[k], tau, np.ones(Y.size)) == pytest.approx(want["rho"])
        assert_allclose(one_quantile(b, Y, tau, W), want["weighted"], rtol=1e-8)


def test_limits_of_a_quantile_are_the_quantiles_of_its_share_and_error() -> None:
    fit = rk.centiles("y ~ x", PEOPLE, method="quantile", centiles=[25, 50, 90])
    group = fit.groups[None]
    basis, at = group.fit.basis, np.array([15.0, 30.0])
    b, shares = basis.columns(group.x), group.fit.all_shares
    for share in (0.25, 0.5, 0.9):
        found = fit.curves(at, [100 * share])
        for i, row in enumerate(basis.columns(at)):
            half = 1.959964 * np.sqrt(share * (1 - share) * row @ np.linalg.inv(b.T @ b) @ row)
            curves = np.sort(group.fit.all_coef @ row)
            for end, side in (("low", -1), ("high", 1)):
                after = shares.searchsorted(share + side * half)
                assert curves[after - 1] <= found[end][i] <= curves[after]


def test_a_centile_beyond_which_there_are_too_few_people_has_no_outer_limit() -> None:
    some = rk.centiles("y ~ x", PEOPLE[:300], method="quantile", centiles=[1, 50, 99]).curves(at=[30])
    assert some["low"].tolist()[0] == -np.inf
    assert some["high"].tolist()[2] == np.inf
    assert np.isfinite(some.iloc[1][["low", "high"]].astype(float)).all()
    assert (some["low"] <= some["value"]).all()
    assert (some["value"] <= some["high"]).all()


def test_quantiles_that_would_cross_are_fitted_together_at_little_cost() -> None:
    some = DATA[:80]
    x, y = some["x"].to_numpy(), some["y"].to_numpy()
    basis, shares = place_knots(x, 8), [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
    b, ones = basis.columns(x), np.ones(80)
    apart = np.stack([one_quantile(b, y, share, ones) for share in shares])
    fit = fit_quantiles(x, y, shares, basis)
    assert fit.crossed
    assert (np.diff(fit.coef, axis=0) >= -1e-9).all()
    loss = [sum(check_loss(b, y, c[k], s, ones) for k, s in enumerate(shares)) for c in (apart, fit.coef)]
    assert loss[0] <= loss[1] <= 1.1 * loss[0]
    far = np.array([0.25, 0.5, 0.75])  # where nothing crosses, together is apart
    few = SplineBasis((), BASIS.boundary)
    together = _together(few.columns(X), Y, far, np.ones(Y.size))
    assert_allclose(together, [one_quantile(few.columns(X), Y, s, np.ones(Y.size)) for s in far], rtol=1e-7)


def test_a_quantile_model_has_its_centiles_and_no_scores() -> None:
    ranges = rk.centiles("y ~ x", PEOPLE, method="quantile", centiles=[10, 50, 90])
    curves = ranges.curves()
    by = curves.pivot(index="x", columns="centile", values="value")
    assert (by[10] < by[50]).all()
    assert (by[50] < by[90]).all()
    ten = np.interp(PEOPLE["x"], by.index, by[10])
    assert (PEOPLE["y"] < ten).mean() == pytest.approx(0.1, abs=0.02)
    with pytest.raises(SpecError, match=r"centile 3 was not fitted; this model has 10, 50, 90"):
        ranges.curves(centiles=[3])
    for ask in (lambda: ranges.sds(PEOPLE), ranges.parameters, lambda: rk.worm(ranges)):
        with pytest.raises(SpecError, match='method="lms"'):
            ask()


def test_the_cubic_of_a_worm_is_that_of_a_plot_of_quantiles() -> None:
    z = np.array(R["worm"]["z"]).ravel()
    points = _points(z[::-1], np.ones(z.size), 1.96)
    cubic = np.polynomial.polynomial.polyfit(points["normal"], points["deviation"], 3)
    assert_allclose(cubic, R["worm"]["coef"], rtol=1e-9)
    assert_allclose(points["band_high"].iloc[75], 1.96 * np.sqrt(0.25 / 150) * np.sqrt(2 * np.pi), rtol=1e-3)


def test_a_worm_shows_a_model_that_fits_and_one_that_does_not() -> None:
    ranges = rk.centiles("y ~ x", PEOPLE)
    good = rk.worm(ranges, bands=3)
    assert good.bands["n"].sum() == len(good.points) == len(PEOPLE)
    assert good.bands["outside"].max() < 0.1
    ranges.groups[None].fit.coef[2] += 0.4  # standard deviations half as large again
    wrong = rk.worm(ranges, bands=[2, 30, 60])
    assert (wrong.bands["slope"] < -0.1).all()
    assert wrong.bands[["low", "high"]].to_numpy().tolist() == [[2, 30], [30, 60]]
    with pytest.raises(SpecError, match="a band needs 10"):
        rk.worm(ranges, bands=100)


def test_equal_weights_change_nothing_and_people_as_psus_are_weights() -> None:
    equal = rk.centiles("y ~ x", PEOPLE.assign(w=3.0), weights="w")
    plain = rk.centiles("y ~ x", PEOPLE)
    assert_allclose(equal.curves()["value"], plain.curves()["value"], rtol=1e-8)
    weighted = rk.centiles("y ~ x", PEOPLE, weights="w").groups[None]
    survey = rk.centiles("y ~ x", PEOPLE, survey=rk.SurveyDesign(weights="w")).groups[None]
    assert_allclose(weighted.fit.coef, survey.fit.coef)
    smoothed = survey.fit.inverse @ survey.fit.penalty @ survey.fit.inverse
    n = len(PEOPLE)
    centred = survey.covariance - smoothed
    assert_allclose(np.diag(centred), n / (n - 1) * np.diag(weighted.covariance - smoothed), rtol=0.02)
    assert survey.df == n - 1


@pytest.mark.parametrize("method", ["lms", "quantile"])
def test_curves_of_a_cluster_sample_know_the_clusters(method) -> None:
    doubled = pd.concat(
        [PEOPLE.assign(psu=range(len(PEOPLE))), PEOPLE.assign(psu=range(len(PEOPLE)))], ignore_index=True
    )
    design = rk.SurveyDesign(weights="one", psu="psu")
    asked = [25, 50, 75]
    only = {"method": method, **({"centiles": asked} if method == "quantile" else {})}
    twice = rk.centiles("y ~ x", doubled.assign(one=1.0), survey=design, **only)
    once = rk.centiles("y ~ x", PEOPLE.assign(one=1.0), survey=rk.SurveyDesign(weights="one"), **only)
    twice, once = (each.curves([20], asked) for each in (twice, once))
    ratio = (twice["high"] - twice["low"]) / (once["high"] - once["low"])
    assert ratio.mean() == pytest.approx(1, abs=0.15)  # as many clusters as there were people, not twice as many


@pytest.mark.parametrize(
    ("formula", "options", "error", "said"),
    [
        ("y ~ x + sex", {}, SpecError, "a measurement and one number"),
        ("y ~ rcs(x, 4)", {}, SpecError, "a measurement and one number"),
        ("y ~ x", {"method": "gamlss"}, SpecError, "not one of lms, quantile"),
        ("y ~ x", {"centiles": [3]}, SpecError, "an LMS model has every centile"),
        ("y ~ x", {"method": "quantile", "centiles": [50, 3]}, SpecError, "increasing numbers between 0 and 100"),
        ("y ~ x", {"by": "w"}, DataError, "are too few for curves"),
        ("y ~ x", {"weights": "w", "survey": rk.SurveyDesign(weights="w")}, SpecError, "leave out weights"),
        ("z ~ x", {}, SpecError, "no column 'z'"),
        ("minus ~ x", {}, DataError, "must be positive for LMS curves: 600 values"),
        ("y ~ x", {"weights": "minus"}, DataError, "weights 'minus' must be positive"),
    ],
)
def test_faults_are_named(formula, options, error, said) -> None:
    with pytest.raises(error, match=said):
        rk.centiles(formula, PEOPLE.assign(minus=-1.0), **options)


def test_ages_outside_the_model_are_refused() -> None:
    ranges = rk.centiles("y ~ age", PEOPLE.rename(columns={"x": "age"}), by="sex")
    old = pd.DataFrame({"y": [100.0], "age": [95.0], "sex": ["M"]})
    with pytest.raises(DataError, match=r"'age' is outside the ages of sex=M .* for 1 values, first 95"):
        ranges.sds(old)
    with pytest.raises(DataError, match="outside the ages"):
        ranges.curves(at=[1.0])
    with pytest.raises(DataError, match="no curves for sex=X; there are F, M"):
        ranges.sds(old.assign(age=20.0, sex="X"))


@pytest.fixture(scope="module")
def juul(mirror: Path) -> pd.DataFrame:
    file = mirror / "juul" / "juul.csv"
    if not file.exists():
        pytest.skip("the mirror has no juul.csv")
    return pd.read_csv(file).assign(sex=lambda d: d["sex"].map({1: "boys", 2: "girls"}))


def test_girls_levels_rise_before_those_of_boys_and_the_curves_fit(juul) -> None:
    ranges = rk.centiles("igf1 ~ age", juul, by="sex")
    ages = np.arange(1, 70.1, 0.1)
    median = ranges.parameters(ages).pivot(index="age", columns="sex", values="M")
    rise = (median > 400).idxmax()
    assert 1 < rise["boys"] - rise["girls"] < 3
    assert median.idxmax().between(13, 17).all()
    sds = ranges.sds(juul).dropna()
    for centile in (3, 10, 50, 90, 97):
        below = (sds < stats.norm.ppf(centile / 100)).mean()
        assert below == pytest.approx(centile / 100, abs=3 * np.sqrt(0.25 / len(sds)))
    assert rk.worm(ranges).bands["outside"].mean() < 0.05
    quantiles = rk.centiles("igf1 ~ age", juul, by="sex", method="quantile", centiles=[10, 50, 90])
    lms, free = (r.curves(at=[8, 15, 25], centiles=[10, 50, 90]) for r in (ranges, quantiles))
    middle = lms["centile"] == 50
    assert_allclose(lms.loc[middle, "value"], free.loc[middle, "value"], rtol=0.1)
    assert lms["value"].between(free["low"], free["high"]).all()  # at 25 they rest on a dozen people


BERRIGAN = {  # GH IGF Res 2009;19:146, survey means (standard errors) of NHANES III
    ("Female", "Non-Hispanic white"): (256, 4.9),
    ("Female", "Mexican American"): (249, 6.6),
    ("Female", "Non-Hispanic black"): (281, 4.9),
    ("Male", "Non-Hispanic white"): (287, 3.6),
    ("Male", "Non-Hispanic black"): (284, 4.3),
    ("Male", "Mexican American"): (265, 3.4),
}


def test_ranges_of_nhanes_have_the_means_that_berrigan_published(nhanes3) -> None:
    data = nhanes3.data
    design = rk.SurveyDesign(weights="survey_weight", strata="survey_stratum", psu="survey_psu", nested=True)
    ranges = rk.centiles("igf1 ~ age", data, by="sex", survey=design)
    ages = np.sort(data["age"].unique())
    fine = ranges.curves(at=ages, centiles=(np.arange(200) + 0.5) / 2)
    model_mean = fine.groupby(["sex", "age"])["value"].mean()
    weighted = data.groupby(["sex", "age"], observed=True)["survey_weight"].sum()
    for sex in ("Female", "Male"):
        mean = np.average(model_mean[sex], weights=weighted[sex].reindex(model_mean[sex].index, fill_value=0))
        of = data["sex"] == sex
        assert mean == pytest.approx(np.average(data["igf1"][of], weights=data["survey_weight"][of]), rel=0.01)
    for (sex, race), (mean, se) in BERRIGAN.items():
        of = (data["sex"] == sex) & (data["race_ethnicity"] == race)
        ours = np.average(data["igf1"][of], weights=data["survey_weight"][of])
        assert ours == pytest.approx(mean, abs=0.5 * se)
    assert z_scores(ranges.groups["Male"].fit.parameters(np.array([40.0])), np.array([283.0]))[0] == pytest.approx(
        0, abs=0.2
    )
