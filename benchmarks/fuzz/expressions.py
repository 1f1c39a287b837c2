"""Conditions and derived variables: an answer for each row, or a sentence."""

from __future__ import annotations

import numpy as np

from benchmarks.fuzz.formulas import frame
from benchmarks.fuzz.words import NONSENSE
from riskkit.spec.expression import parse

ATOMS = (
    "x",
    "age",
    "sex",
    "smk",
    "few",
    "blank",
    "same",
    "1",
    "0",
    "2.5",
    "-3",
    "'Men'",
    "'never'",
    "1e308",
    "no_such",
)
BETWEEN = (
    " + ",
    " - ",
    " * ",
    " / ",
    " ** ",
    " == ",
    " != ",
    " < ",
    " >= ",
    " and ",
    " or ",
    " & ",
    " in ",
    " not in ",
)
AROUND = (
    "not {}",
    "missing({})",
    "log({})",
    "exp({})",
    "sqrt({})",
    "abs({})",
    "round({}, 2)",
    "min({}, 3)",
    "({})",
    "-{}",
)


def expression(rng: np.random.Generator, depth: int = 0) -> str:
    """An expression of any sense or none."""
    kind = rng.random()
    if kind < 0.35 or depth > 4:
        return str(rng.choice(ATOMS))
    if kind < 0.7:
        return f"{expression(rng, depth + 1)}{rng.choice(BETWEEN)}{expression(rng, depth + 1)}"
    if kind < 0.93:
        return str(rng.choice(AROUND)).format(expression(rng, depth + 1))
    return str(rng.choice([*NONSENSE, "['Men', 'Women']", "[1, 2]"]))


def case(rng: np.random.Generator) -> str:
    """Evaluate one expression; return it."""
    text, data = expression(rng), frame(rng)
    parsed = parse(text)
    values = parsed.truth(data) if rng.random() < 0.5 else parsed.evaluate(data)
    assert len(values) == len(data), f"{text!r}: {len(values)} values for {len(data)} rows"
    assert set(parsed.names) <= set(data.columns), f"{text!r}: a name that is no column was answered"
    return repr(text)
