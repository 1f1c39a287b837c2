"""Separation is found exactly where a linear programme says there is some, and Firth's penalty always has an answer."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from riskkit.errors import FitError
from riskkit.fit.logistic import logistic
from riskkit.fit.poisson import poisson


def samples():
    """Small data sets of three kinds, a good number of them separated; two covariates and a 0/1 outcome."""
    for seed in range(60):
        random = np.random.default_rng(seed)
        n = int(random.integers(10, 40))
        kinds = [
            random.normal(size=(n, 2)),
            random.integers(0, 3, (n, 2)).astype(float),
            np.column_stack([random.normal(200, 50, n), random.integers(0, 2, n)]),
        ]
        x = kinds[seed % 3]
        centred = (x - x.mean(axis=0)) / x.std(axis=0).clip(1e-9)
        y = random.random(n) < 1 / (1 + np.exp(-centred @ random.normal(0, 2, 2)))
        if 0 < y.sum() < n and np.linalg.matrix_rank(np.column_stack([np.ones(n), centred])) == 3:
            yield pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y.astype(int)}), centred


def separated_logistic(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether some direction has every case on one side and every other person on the other (Konis 2007)."""
    signed = np.where(y == 1, 1, -1)[:, None] * x
    return linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(x)), bounds=(-1, 1)).fun < -1e-7


def separated_poisson(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether some direction lowers rates of people without events alone, and changes nobody else's."""
    none, some = x[y == 0], x[y > 0]
    found = linprog(
        none.sum(axis=0), A_ub=none, b_ub=np.zeros(len(none)), A_eq=some, b_eq=np.zeros(len(some)), bounds=(-1, 1)
    )
    return found.fun < -1e-7


@pytest.mark.parametrize(("model", "truth"), [(logistic, separated_logistic), (poisson, separated_poisson)])
def test_separation_is_found_where_it_is_and_nowhere_else(model, truth):
    seen = []
    for data, x in samples():
        expected = truth(np.column_stack([np.ones(len(x)), x]), data["y"].to_numpy())
        try:
            model("y ~ a + b", data)
            found = False
        except FitError as error:
            found = str(error).startswith("separation")
        assert found == expected, data
        assert np.isfinite(model("y ~ a + b", data, penalty="firth").se).all()
        seen.append(expected)
    assert len(seen) > 50
    assert sum(seen) >= (10 if model is logistic else 1), sum(seen)
