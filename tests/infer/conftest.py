"""Fits rebuilt by hand from R's coefficients and covariance: inference is tested apart from the engines."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from riskkit.design.design import Design, Recipe, Term, build
from riskkit.design.fractional import FractionalPolynomial
from riskkit.fit.fit import Fit

REFERENCE = Path(__file__).resolve().parent.parent / "reference"

RMS = {
    "pbc": ("cox", "pbc", "Surv(time, died) ~ rcs(albumin, 5) + rcs(age, 4) * sex + edema"),
    "pbc_surface": ("cox", "pbc", "Surv(time, died) ~ rcs(albumin, 3) * rcs(protime, 4) + sex"),
    "lung": ("cox", "lung", "Surv(time, died) ~ rcs(age, 4) + sex + rcs(karno, [60, 75, 95]) + loss"),
    "birthwt": ("logistic", "birthwt", "low ~ rcs(lwt, 4) * smoke + rcs(age, 3) + race + ht"),
}


def make_fit(model: str, design: Design, coef: Any, vcov: Any, **others: Any) -> Fit:
    """A fit with these coefficients and this covariance, and no more than that."""
    nothing = {"loglik": np.nan, "loglik_null": np.nan, "events": 0, "person_years": np.nan, "n_missing": 0}
    values = {**nothing, "n": len(design.index), "iterations": 0, "method": "by hand", "design": design, **others}
    coef, vcov = np.asarray(coef, dtype=float), np.asarray(vcov, dtype=float)
    return Fit(model=model, recipe=design.recipe, coef=coef, vcov=vcov, vcov_model=vcov, **values)


@pytest.fixture(scope="session")
def by_hand() -> Callable[..., Fit]:
    """How tests make a fit without an engine."""
    return make_fit


@pytest.fixture(scope="session")
def rms() -> dict[str, tuple[Fit, dict[str, Any]]]:
    """Each fit of infer_rms.R, and its frozen numbers."""
    frozen = json.loads((REFERENCE / "infer_rms.json").read_text())
    fits = {}
    for name, (model, data, formula) in RMS.items():
        design = build(formula, pd.read_csv(REFERENCE / f"infer_{data}.csv"), intercept=model == "logistic")
        assert [n.replace(" * ", ":") for n in frozen[name]["names"]] == list(design.recipe.names)
        fits[name] = make_fit(model, design, frozen[name]["coef"], frozen[name]["vcov"]), frozen[name]
    return fits


@pytest.fixture
def quadratic() -> Fit:
    """A U with its lowest point at 50: log ratio 0.001 (x - 50)^2, coded by the spline's own least squares."""
    x = np.linspace(0, 100, 2001)
    design = build("y ~ rcs(x, 5)", pd.DataFrame({"x": x, "y": 0.0}))
    coef, *_ = np.linalg.lstsq(design.x - design.x.mean(axis=0), 0.001 * (x - 50) ** 2, rcond=None)
    return make_fit("cox", design, coef, np.linalg.inv(design.x.T @ design.x))


@pytest.fixture(scope="session")
def parabola() -> Callable[[float, float, Any], Fit]:
    """How to make a light fit that is exactly b1 x + b2 x^2, for x seen evenly from 1 to 100."""

    def make(linear: float, square: float, vcov: Any) -> Fit:
        design = build("y ~ x", pd.DataFrame({"x": np.linspace(1, 100, 1000), "y": 0.0}))
        recipe = Recipe(design.recipe.formula, (Term((FractionalPolynomial("x", (1.0, 2.0)),), slice(0, 2)),))
        fit = make_fit("cox", design, [0.0], [[1.0]]).light()
        return replace(fit, recipe=recipe, coef=np.array([linear, square]), vcov=np.asarray(vcov, dtype=float))

    return make
