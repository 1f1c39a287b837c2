"""Formulas from a grammar on awkward frames: what is fitted is what the formula says, on the people it says."""

from __future__ import annotations

import numpy as np
import pandas as pd

import riskkit as rk
from benchmarks.fuzz.words import NONSENSE
from riskkit import formula as language

NAMES = ("x", "z", "age", "sex", "smk", "IGF-1 (nmol/L)", "µg", "same", "far", "few", "lambda", "id", "blank")
FUNCTIONS = (
    "rcs({x}, 4)",
    "rcs({x}, [0, 1, 2])",
    "ns({x}, 3)",
    "bs({x}, df=5)",
    "ps({x}, 4)",
    "fp({x}, [1, 2])",
    "per({x}, 5)",
    'per({x}, "sd")',
    "log({x} + 10)",
    "sqrt({x})",
    "C({x})",
    "C({x}, ref=1)",
    "groups({x}, 3)",
    "fifths({x})",
    "fifths({x}, by=sex)",
    "rcs(log({x} + 10), 3)",
    "strata({x})",
    "offset({x})",
    "cluster({x})",
)
CLOSE = 1e-6  # relative, of what rounding may do to a fit of shuffled rows


def frame(rng: np.random.Generator) -> pd.DataFrame:
    """People with every kind of column that has made trouble."""
    n = int(rng.choice([3, 20, 60, 150, 300], p=[0.05, 0.1, 0.25, 0.3, 0.3]))
    x = rng.normal(size=n)
    data = pd.DataFrame(
        {
            "entry": rng.uniform(0, 1, n),
            "x": x,
            "z": rng.normal(size=n) * 10.0 ** rng.integers(-6, 7),
            "age": rng.uniform(40, 70, n),
            "sex": rng.choice(["Men", "Women"], n),
            "smk": pd.Categorical(rng.choice(["never", "former", "now"], n, p=[0.6, 0.38, 0.02])),
            "IGF-1 (nmol/L)": rng.lognormal(3, 0.3, n),
            "µg": rng.integers(0, 4, n),
            "same": 7.0,
            "far": x + 10.0 ** rng.integers(0, 8),
            "few": (rng.random(n) < 0.03).astype(float),
            "lambda": rng.integers(0, 2, n).astype(bool),
            "id": np.arange(n),
            "blank": np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
        }
    )
    data["t"] = data["entry"] + rng.exponential(np.exp(-0.3 * x)) + 1e-3
    data["ill"] = (rng.random(n) < rng.choice([0.02, 0.3, 0.7])).astype(int)
    if rng.random() < 0.3:
        data["t"] = data["t"].round(1) + 1.1  # ties
    for name in rng.choice(["x", "age", "ill", "t", "sex"], int(rng.integers(0, 3)), replace=False):
        data.loc[rng.random(n) < 0.1, name] = np.nan
    if rng.random() < 0.1:
        data.loc[int(rng.integers(n)), "x"] = 10.0 ** rng.integers(2, 8)
    if rng.random() < 0.05:
        data.loc[int(rng.integers(n)), "age"] = np.inf
    return data


def term(rng: np.random.Generator, depth: int = 0) -> str:
    """A term: a column, a function of one, or terms crossed."""
    kind = rng.random()
    column = language.quoted(str(rng.choice(NAMES)))
    if kind < 0.45 or depth > 2:
        return column
    if kind < 0.8:
        return str(rng.choice(FUNCTIONS)).format(x=column)
    if kind < 0.9:
        crossing = str(rng.choice([" * ", ":", " + ", "/", " - "]))
        return f"({term(rng, depth + 1)}{crossing}{term(rng, depth + 1)})"
    if kind < 0.96:
        return f"({term(rng, depth + 1)} + {term(rng, depth + 1)})**{rng.choice([1, 2, 3, 12, 10**6])}"
    return str(rng.choice(NONSENSE))


def formula(rng: np.random.Generator) -> tuple[str, str]:
    """A model, and the formula for it."""
    model = str(rng.choice(["cox", "logistic", "poisson", "linear"], p=[0.5, 0.25, 0.15, 0.1]))
    left = {"cox": ["Surv(t, ill)", "Surv(entry, t, ill)"], "linear": ["age"]}.get(model, ["ill"])
    terms = " + ".join(term(rng) for _ in range(int(rng.integers(1, 4))))
    return model, f"{rng.choice(left)} ~ {terms}"


def case(rng: np.random.Generator) -> str:
    """Fit one formula twice, to the rows as they are and shuffled; return what it was."""
    data, (model, text) = frame(rng), formula(rng)
    fit = getattr(rk, model)(text, data)
    asked = language.parse(text)
    complete = data[list(asked.columns)].notna().all(axis=1)
    used = data[complete]
    assert fit.n == len(used), f"{model} {text!r}: {fit.n} rows are used, {len(used)} are complete"
    if model != "linear":
        events = int(used["ill"].sum())
        assert fit.events == events, f"{model} {text!r}: {fit.events} events, the rows have {events}"
    told = language.parse(fit.recipe.formula.text)
    assert (told.terms, told.strata, told.offset, told.cluster) == (
        asked.terms, asked.strata, asked.offset, asked.cluster,
    ), f"{model} {text!r}: another formula was fitted"  # fmt: skip
    told_infinite = np.zeros(len(fit.params)) if fit.infinite is None else fit.infinite
    finite = np.isfinite(fit.params.to_numpy()) | (told_infinite != 0)
    assert finite.all(), f"{model} {text!r}: a coefficient is not finite"
    assert (np.diag(fit.cov) >= 0).all(), f"{model} {text!r}: a variance is negative"
    again = getattr(rk, model)(text, data.sample(frac=1, random_state=int(rng.integers(2**31))))
    assert abs(again.loglik - fit.loglik) <= CLOSE * (1 + abs(fit.loglik)), f"{model} {text!r}: order of rows matters"
    return f"{model} {text!r}"
