"""The models that values are drawn from, against statsmodels, closed forms and the distributions they draw from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.miscmodels.ordinal_model import OrderedModel

import riskkit as rk
from riskkit.design.surv import Surv
from riskkit.imputation import draws
from riskkit.imputation.hazard import hazard_lived
from riskkit.imputation.logits import maximised


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


def predictors(random: np.random.Generator, n: int) -> np.ndarray:
    return np.column_stack([np.ones(n), random.standard_normal((n, 2))])


def test_directions_that_say_nothing_are_left_out_and_predictions_stay(random):
    x = predictors(random, 300)
    twice = np.column_stack([x, x[:, 1], x[:, 1] + x[:, 2], np.zeros(300)])
    known, other = draws.oriented(twice[:200], twice[200:])
    assert known.shape == (200, 3)
    np.testing.assert_allclose(np.cov(known[:, 1:].T, ddof=0), np.eye(2), atol=1e-10)
    y = x @ [1.0, 2.0, -1.0]
    np.testing.assert_allclose(other @ draws.line(random, known, y[:200]).coef, y[200:], atol=1e-8)


def test_unordered_logit_is_that_of_statsmodels(random):
    x = predictors(random, 800)
    codes = np.array([random.choice(3, p=p) for p in np.exp(x @ [[0, 0.3, -0.5], [0, 1, -1], [0, 0, 0.5]]) / np.exp(
        x @ [[0, 0.3, -0.5], [0, 1, -1], [0, 0, 0.5]]).sum(axis=1, keepdims=True)])  # fmt: skip
    ours = maximised(x, codes, np.ones(800), 3, False)
    theirs = sm.MNLogit(codes, x).fit(disp=0, method="newton")
    np.testing.assert_allclose(ours.coef.reshape(2, 3), theirs.params.T, atol=1e-6)
    np.testing.assert_allclose(np.linalg.inv(ours.information), theirs.cov_params(), rtol=1e-3)
    np.testing.assert_allclose(ours.probabilities(x), theirs.predict(x), atol=1e-6)


def test_ordered_logit_is_that_of_statsmodels(random):
    x = predictors(random, 800)
    codes = np.digitize(x[:, 1] - 0.5 * x[:, 2] + random.logistic(size=800), [-1, 0.5, 2])
    ours = maximised(x, codes, np.ones(800), 4, True)
    theirs = OrderedModel(codes, x[:, 1:], distr="logit").fit(disp=0, method="newton", tol=1e-10)
    slopes, first, *rest = ours.coef[3:], ours.coef[0], *np.log(np.diff(ours.coef[:3]))
    np.testing.assert_allclose([*slopes, first, *rest], theirs.params, atol=1e-5)
    np.testing.assert_allclose(ours.probabilities(x), theirs.predict(x[:, 1:]), atol=1e-6)


def test_draws_of_a_line_have_the_posterior_of_its_coefficients(random):
    x = predictors(random, 200)
    y = x @ [1.0, 2.0, 0.0] + 3 * random.standard_normal(200)
    models = [draws.line(random, x, y) for _ in range(4000)]
    drawn = np.array([model.drawn for model in models])
    ols = sm.OLS(y, x).fit()
    np.testing.assert_allclose(models[0].coef, ols.params, rtol=1e-4)
    np.testing.assert_allclose(drawn.mean(axis=0), ols.params, atol=4 * ols.bse.max() / np.sqrt(4000))
    np.testing.assert_allclose(np.cov(drawn.T), ols.cov_params(), atol=0.06 * ols.bse.max() ** 2)


def test_matching_takes_values_of_those_predicted_alike(random):
    x = np.column_stack([np.ones(1000), np.linspace(-3, 3, 1000)])
    y = np.round(5 * x[:, 1] + 0.1 * random.standard_normal(1000), 1)
    model = draws.line(random, x, y)
    wanted = np.column_stack([np.ones(7), [-2.0, -1, 0, 1, 2, 50, -50]])
    drawn = draws.matched(random, model, x, y, wanted)
    assert set(drawn) <= set(y)
    np.testing.assert_allclose(drawn[:5], [-10, -5, 0, 5, 10], atol=0.6)
    assert drawn[5] > 14  # far beyond everyone: the nearest there are
    assert drawn[6] < -14


def test_those_predicted_alike_are_all_donors(random):
    x = np.ones((100, 1))
    y = np.arange(100.0)
    model = draws.Line(np.ones(1), np.ones(1), 1.0)
    assert len({draws.matched(random, model, x, y, x[:1])[0] for _ in range(500)}) > 90
    one, two = (draws.matched(np.random.default_rng(1), model, x, y, x) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_matching_with_few_donors(random):
    x = np.column_stack([np.ones(4), np.arange(4.0)])
    drawn = draws.matched(random, draws.line(random, x, np.arange(4.0)), x, np.arange(4.0), x[[0, 3]])
    assert set(drawn) <= {0.0, 1.0, 2.0, 3.0}


def test_normal_values_stay_between_their_bounds_with_the_mean_of_a_truncated_normal(random):
    drawn = draws.normal_between(random, np.zeros(50_000), 1.0, 0.0, np.inf)
    assert drawn.min() >= 0
    assert drawn.mean() == pytest.approx(np.sqrt(2 / np.pi), abs=0.01)
    assert set(draws.normal_between(random, np.full(3, 100.0), 1.0, 0.0, 5.0)) == {5.0}


def test_perfect_prediction_is_seen_and_gives_probabilities_that_are_not_certain(random):
    x = predictors(random, 300)
    codes = (x[:, 1] > 0).astype(int)
    probability, added = draws.probabilities(random, x, codes, 2, False, x)
    assert added
    assert np.isfinite(probability).all()
    assert (probability[x[:, 1] > 1, 1] > 0.9).all()
    flipped, added = draws.probabilities(random, x, random.permutation(codes), 2, False, x)
    assert not added
    assert abs(flipped[:, 1].mean() - codes.mean()) < 0.15


def test_levels_are_drawn_with_their_probabilities(random):
    drawn = draws.chosen(random, np.tile([0.2, 0.5, 0.3], (20_000, 1)))
    np.testing.assert_allclose(np.bincount(drawn.astype(int)) / 20_000, [0.2, 0.5, 0.3], atol=0.015)


def test_hazard_by_hand_with_delayed_entry():
    # At risk: times 2 {a b c}, 4 {b c d} (a left, d entered at 3), 5 {c d}.
    surv = Surv(np.array([0.0, 0, 1, 3]), np.array([2.0, 4, 5, 6]), np.array([True, True, True, False]))
    np.testing.assert_allclose(hazard_lived(surv), [1 / 3, 2 / 3, 1 / 3 + 1 / 3 + 1 / 2, 1 / 3 + 1 / 2])


def test_hazard_with_relative_risks_is_breslows_baseline(random):
    n = 300
    data = pd.DataFrame(
        {"x": random.standard_normal(n), "entry": random.uniform(0, 1, n), "s": random.integers(2, size=n)}
    )
    data["exit"] = data["entry"] + random.exponential(1, n)
    data["event"] = random.integers(2, size=n)
    fit = rk.cox("Surv(entry, exit, event) ~ x + strata(s)", data, ties="breslow")
    surv = Surv(*(data[name].to_numpy() for name in ("entry", "exit")), data["event"].to_numpy() == 1)
    lived = hazard_lived(surv, np.exp(fit.coef[0] * data["x"].to_numpy()), data["s"].to_numpy())
    martingale = rk.residuals(fit, "martingale")
    np.testing.assert_allclose(data["event"] - lived * np.exp(fit.coef[0] * data["x"]), martingale, atol=1e-8)
