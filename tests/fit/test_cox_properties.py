"""What must hold of any Cox model, whatever the data."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import riskkit as rk
from riskkit.design.design import build
from riskkit.design.surv import Surv
from riskkit.fit import partial, riskset, stable_sums
from riskkit.fit.concordance import concordance
from riskkit.fit.partial import PartialLikelihood, partial_likelihood
from riskkit.fit.residuals import residuals

FORMULA = "Surv(entry, exit, event) ~ x + y + strata(s)"
MODEST = settings(max_examples=12, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)
both_ties = pytest.mark.parametrize("ties", ["efron", "breslow"])


def people(seed: int, n: int = 80) -> pd.DataFrame:
    """Whole years of age, so that events tie with each other and with entries."""
    generator = np.random.default_rng(seed)
    entry = generator.integers(40, 60, n)
    frame = pd.DataFrame({"entry": entry, "exit": entry + generator.integers(1, 15, n)}).astype(float)
    return frame.assign(
        event=generator.random(n) < 0.5,
        x=generator.normal(size=n),
        y=generator.integers(0, 2, n),
        s=generator.integers(0, 3, n),
        w=generator.integers(1, 4, n) / 2,
        id=np.arange(n),
    )


def likelihood(data: pd.DataFrame, ties: str = "efron") -> PartialLikelihood:
    return partial_likelihood(build(FORMULA, data, weights="w"), ties)


@both_ties
@MODEST
@given(seed=seeds)
def test_splitting_a_persons_time_changes_nothing(ties: str, seed: int) -> None:
    whole = people(seed)
    cut = np.floor((whole["entry"] + whole["exit"]) / 2)
    split = whole[cut > whole["entry"]].index
    early = whole.loc[split].assign(exit=cut[split], event=False)
    late = whole.copy()
    late.loc[split, "entry"] = cut[split]
    options = {"ties": ties, "weights": "w", "cluster": "id"}
    fit, again = rk.cox(FORMULA, whole, **options), rk.cox(FORMULA, pd.concat([early, late]), **options)
    assert_allclose(again.coef, fit.coef, rtol=1e-9)
    assert_allclose(again.loglik, fit.loglik, rtol=1e-12)
    assert_allclose(again.vcov, fit.vcov, rtol=1e-8)
    assert_allclose(again.person_years, fit.person_years, rtol=1e-12)
    assert_allclose(concordance(again).estimate, concordance(fit).estimate, rtol=1e-12)
    summed = residuals(again, "martingale").groupby(level=0).sum()
    assert_allclose(summed, residuals(fit, "martingale"), atol=1e-9)


@MODEST
@given(seed=seeds)
def test_any_increasing_change_of_the_time_scale_leaves_all_but_the_times(seed: int) -> None:
    data = people(seed)
    curved = data.assign(entry=np.exp(data["entry"] / 20), exit=np.exp(data["exit"] / 20))
    fit, again = rk.cox(FORMULA, data), rk.cox(FORMULA, curved)
    assert_allclose(again.coef, fit.coef, rtol=1e-10)
    assert_allclose(again.vcov, fit.vcov, rtol=1e-10)
    for transform in ("km", "rank"):
        assert_allclose(rk.ph_test(again, transform)["chi2"], rk.ph_test(fit, transform)["chi2"], rtol=1e-7, atol=1e-9)


@MODEST
@given(seed=seeds)
def test_float_years_split_no_ties(seed: int) -> None:
    """Whole days, added up as years in two different orders, differ in their last digits only."""
    data = people(seed)
    years = data.assign(
        entry=data["entry"] / 365.25, exit=data["entry"] / 365.25 + (data["exit"] - data["entry"]) / 365.25
    )
    assert_allclose(rk.cox(FORMULA, years).loglik, rk.cox(FORMULA, data).loglik, rtol=1e-12)


@both_ties
@MODEST
@given(seed=seeds)
def test_the_order_of_rows_does_not_matter(ties: str, seed: int) -> None:
    data = people(seed)
    shuffled = data.sample(frac=1, random_state=seed)
    fit, again = (rk.cox(FORMULA, frame, ties=ties, weights="w", robust=True) for frame in (data, shuffled))
    assert_allclose(again.coef, fit.coef, rtol=1e-9)
    assert_allclose(again.vcov, fit.vcov, rtol=1e-8)
    assert_allclose(residuals(again, "dfbeta").loc[data.index], residuals(fit, "dfbeta"), atol=1e-10)


@MODEST
@given(seed=seeds)
def test_two_rows_of_half_weight_are_one(seed: int) -> None:
    """With Breslow's ties; Efron's see two tied events where there was one."""
    data = people(seed)
    twice = pd.concat([data, data]).assign(w=lambda d: d["w"] / 2)
    fit = rk.cox(FORMULA, data, ties="breslow", weights="w", cluster="id")
    again = rk.cox(FORMULA, twice, ties="breslow", weights="w", cluster="id")
    assert_allclose(again.coef, fit.coef, rtol=1e-9)
    assert_allclose(again.vcov_model, fit.vcov_model, rtol=1e-8)
    assert_allclose(again.vcov, fit.vcov, rtol=1e-8)
    assert_allclose(again.loglik, fit.loglik, rtol=1e-12)


@both_ties
@MODEST
@given(seed=seeds)
def test_weights_may_be_shares_of_one(ties: str, seed: int) -> None:
    data = people(seed)
    total = data["w"].sum()
    fit = rk.cox(FORMULA, data, ties=ties, weights="w")
    again = rk.cox(FORMULA, data.assign(w=data["w"] / total), ties=ties, weights="w")
    assert_allclose(again.coef, fit.coef, rtol=1e-9)
    assert_allclose(again.vcov, fit.vcov * total, rtol=1e-9)


@MODEST
@given(seed=seeds, scale=st.floats(1e-6, 1e6), move=st.floats(-1e6, 1e6))
def test_units_of_a_covariate_are_only_units(seed: int, scale: float, move: float) -> None:
    data = people(seed)
    fit = rk.cox(FORMULA, data)
    again = rk.cox(FORMULA, data.assign(x=data["x"] * scale + move * scale))
    assert_allclose(again.coef * [scale, 1], fit.coef, rtol=1e-6)
    assert_allclose(again.se * [scale, 1], fit.se, rtol=1e-6)
    assert_allclose(again.loglik, fit.loglik, rtol=1e-9)


@both_ties
@MODEST
@given(seed=seeds, a=st.floats(-2, 2), b=st.floats(-2, 2))
def test_gradient_and_information_are_derivatives(ties: str, seed: int, a: float, b: float) -> None:
    model, at, step = likelihood(people(seed), ties), np.array([a, b]), 1e-5
    here = model.evaluate(at)
    ahead = [model.evaluate(at + step * unit) for unit in np.eye(2)]
    behind = [model.evaluate(at - step * unit) for unit in np.eye(2)]
    slope = [(f.loglik - g.loglik) / (2 * step) for f, g in zip(ahead, behind, strict=True)]
    curvature = [(g.gradient - f.gradient) / (2 * step) for f, g in zip(ahead, behind, strict=True)]
    assert_allclose(here.gradient, slope, rtol=1e-6, atol=1e-5)
    assert_allclose(model.information(here), curvature, rtol=1e-6, atol=1e-5)


def test_events_alone_show_the_way_from_afar_and_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(6)
    x = generator.normal(size=(30_000, 2))
    ill = generator.exponential(size=len(x)) / np.exp(x @ [1.5, -1.0] - 5.5)
    data = pd.DataFrame({"time": np.ceil(np.minimum(ill, 1) * 365), "event": ill <= 1, "x": x[:, 0], "y": x[:, 1]})
    model = partial_likelihood(build("Surv(time, event) ~ x + y", data), "efron")
    at = model.evaluate(np.array([1.5, -1.0]))
    shares = np.linalg.eigvals(np.linalg.solve(model.information(at), model.information(at, far=True)))
    assert_allclose(shares, 1.0, atol=5 * np.sqrt(2 / data["event"].sum()))
    asked, information = [], PartialLikelihood.information

    def spy(self: PartialLikelihood, at: partial.Evaluation, *, far: bool = False) -> np.ndarray:
        asked.append(far)
        return information(self, at, far=far)

    monkeypatch.setattr(PartialLikelihood, "information", spy)
    fit = rk.cox("Surv(time, event) ~ x + y", data)
    assert asked[0]
    assert not asked[-1]
    monkeypatch.setattr(partial, "EVENTS_ENOUGH", np.inf)
    exact = rk.cox("Surv(time, event) ~ x + y", data)
    assert_allclose(fit.coef, exact.coef, rtol=1e-12)
    assert_allclose(fit.vcov, exact.vcov, rtol=1e-8)

    def hopeless(self: PartialLikelihood, at: partial.Evaluation, *, far: bool = False) -> np.ndarray:
        return 1e30 * np.eye(2) if far else information(self, at)

    monkeypatch.setattr(PartialLikelihood, "information", hopeless)
    assert_allclose(rk.cox("Surv(time, event) ~ x + y", data).vcov, exact.vcov, rtol=1e-8)


@both_ties
@MODEST
@given(seed=seeds)
def test_score_residuals_add_up_to_nothing_and_martingales_to_nothing(ties: str, seed: int) -> None:
    data = people(seed)
    fit = rk.cox(FORMULA, data, ties=ties, weights="w")
    assert_allclose(data["w"] @ residuals(fit, "score"), 0, atol=1e-8)
    assert_allclose(data["w"] @ residuals(fit, "martingale"), 0, atol=1e-8)


@both_ties
@MODEST
@given(seed=seeds)
def test_sums_that_only_add_agree_with_running_sums(ties: str, seed: int) -> None:
    model, coef = likelihood(people(seed), ties), np.array([0.5, -0.3])
    at = model.evaluate(coef)
    at_risk, spare = np.split(stable_sums.at_risk(model.x, at.theta, model.sets), [-1])
    assert_allclose(at_risk, at.sums[:-1], atol=1e-12 * at.sums.max())
    assert_array_equal(spare, 0)
    added = replace(at, additive=True)
    assert_allclose(model.expected(added), model.expected(at), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("extreme", [20.0, 40.0, 300.0])
def test_one_extreme_person_does_not_cost_the_others_their_digits(extreme: float) -> None:
    """Beside exp(40), running sums lose every digit of the rest when that person leaves."""
    data = people(3).assign(w=1.0)
    data.loc[0, ["entry", "exit", "event", "x"]] = [45.0, 55.0, False, extreme]
    model = likelihood(data)
    at = model.evaluate(np.array([1.0, 0.0]))
    naive = 0.0
    for _, ill in data[data["event"]].iterrows():
        at_risk = data[(data["s"] == ill["s"]) & (data["entry"] < ill["exit"]) & (data["exit"] >= ill["exit"])]
        tied = data[(data["s"] == ill["s"]) & data["event"] & (data["exit"] == ill["exit"])]
        rank = tied.index.get_loc(ill.name)
        total = np.exp(at_risk["x"]).sum() - rank / len(tied) * np.exp(tied["x"]).sum()
        naive += ill["x"] - np.log(total)
    assert_allclose(at.loglik, naive, rtol=1e-12)
    assert at.additive


def test_threads_do_not_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(riskset, "ROWS_PER_PART", 20)
    monkeypatch.setattr(partial, "CHUNK", 7)
    model, coef = likelihood(people(8, 200)), np.array([0.4, 0.1])
    alone = model.evaluate(coef)
    with ThreadPoolExecutor(4) as pool:
        threaded = replace(model, pool=pool)
        together = threaded.evaluate(coef)
        assert together.loglik == alone.loglik
        assert_array_equal(together.gradient, alone.gradient)
        assert_array_equal(threaded.information(together), model.information(alone))
    monkeypatch.setattr(riskset, "ROWS_PER_PART", 10**6)
    assert_allclose(model.evaluate(coef).gradient, alone.gradient, rtol=1e-10)


@MODEST
@given(seed=seeds, spread=st.floats(0.1, 30))
def test_keys_are_found_however_unevenly_they_lie(seed: int, spread: float) -> None:
    generator = np.random.default_rng(seed)
    follow = pd.DataFrame(np.exp(spread * generator.normal(size=(200, 2)))).pipe(lambda f: f[f[0] < f[1]])
    strata, event = generator.integers(0, 3, len(follow)), generator.random(len(follow)) < 0.5
    sets = riskset.risk_sets(Surv(follow[0].to_numpy(), follow[1].to_numpy(), event), strata)
    for row, (entry, exit_) in enumerate(follow.to_numpy()):
        keys = np.flatnonzero((sets.strata == strata[row]) & (sets.times > entry) & (sets.times <= exit_))
        if keys.size:
            assert sets.last[row] == keys[-1]
            assert (sets.before[row] if sets.before[row] >= 0 else sets.bounds[strata[row]] - 1) == keys[0] - 1
        else:
            assert (sets.last[row], sets.before[row]) == (-1, -1)


def test_concordance_is_the_share_of_pairs_in_order() -> None:
    data = people(4, 60).assign(w=1.0)
    fit = rk.cox(FORMULA, data)
    risk = data[["x", "y"]].to_numpy() @ fit.coef
    counts = np.zeros(3)
    for i in np.flatnonzero(data["event"]):
        t, s = data.loc[i, "exit"], data.loc[i, "s"]
        other = (data["s"] == s) & (data["entry"] < t) & ((data["exit"] > t) | ((data["exit"] == t) & ~data["event"]))
        counts += [(risk[i] > risk[other]).sum(), (risk[i] < risk[other]).sum(), (risk[i] == risk[other]).sum()]
    got = concordance(fit)
    assert_allclose([got.concordant, got.discordant, got.tied_risk], counts)
    assert_allclose(got.estimate, (counts[0] + counts[2] / 2) / counts.sum())
