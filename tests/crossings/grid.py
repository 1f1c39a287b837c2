"""The grid: every model with every way to fit it, and every question; each cell answers alike or refuses in words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

import riskkit as rk
from riskkit.errors import RiskkitError

MODELS = ("cox", "logistic", "poisson", "clogit", "linear")
PENALTIES = ("none", "ps", "firth")
WEIGHTS = ("unweighted", "frequency", "sampling", "survey")
COVARIANCES = ("model", "robust", "cluster")
STRATA = ("strata", "no strata")
OFFSETS = ("offset", "no offset")
SETS = ("complete", "pooled")

RESPONSE = {"cox": "Surv(entry, exit, e)", "logistic": "y", "poisson": "count", "clogit": "case", "linear": "z2"}
SCALE = 1000.0  # the unit of x and of time may be a thousandth


@dataclass(frozen=True)
class Row:
    """One way to fit one model."""

    model: str
    penalty: str
    weights: str
    covariance: str
    strata: str
    offset: str
    sets: str

    def __str__(self) -> str:
        return ", ".join((self.model, self.penalty, self.weights, self.covariance, self.strata, self.offset, self.sets))


def rows() -> Iterator[Row]:
    for values in itertools.product(MODELS, PENALTIES, WEIGHTS, COVARIANCES, STRATA, OFFSETS, SETS):
        yield Row(*values)


def fitted(row: Row, data: pd.DataFrame, *, expanded: bool = False) -> Any:
    """Fit a row of the grid to the data; `expanded` data have a row for each of the people a frequency counts."""
    x = "ps(x, 3)" if row.penalty == "ps" else "rcs(x, 4)"
    formula = f"{RESPONSE[row.model]} ~ {x} + smk + z * sex"
    if row.model == "clogit":
        formula += " + strata(set)" if row.strata == "strata" else ""
    elif row.strata == "strata":
        formula += " + strata(block)"
    if row.offset == "offset":
        formula += " + offset(off)"
    options: dict[str, Any] = {}
    if row.penalty == "firth":
        options["penalty"] = "firth"
    if row.weights == "survey":
        options["survey"] = rk.SurveyDesign("sw", psu="psu")
    elif row.weights != "unweighted" and not expanded:
        options |= {"weights": "f" if row.weights == "frequency" else "sw", "weight_kind": row.weights}
    if row.covariance == "robust":
        options["robust"] = True
    if row.covariance == "cluster":
        options["cluster"] = "set"
    model = getattr(rk, row.model)
    if row.sets == "complete":
        return model(formula, data, **options)
    return rk.pool([model(formula, data.assign(z=data["z"] + data[jitter]), **options) for jitter in ("j1", "j2")])


def frequencies_expanded(data: pd.DataFrame) -> pd.DataFrame:
    return data.loc[data.index.repeat(data["f"])].reset_index(drop=True)


def told_otherwise(data: pd.DataFrame) -> pd.DataFrame:
    """The same people: rows in another order, labels that repeat, x and times in another unit, levels renamed."""
    out = data.sample(frac=1.0, random_state=3)
    out = out.assign(
        x=out["x"] * SCALE,
        entry=out["entry"] * SCALE,
        exit=out["exit"] * SCALE,
        smk=out["smk"].map({"a": "1st", "b": "2nd", "c": "3rd"}),
    )
    return out.set_index(pd.Index(np.arange(len(out)) // 2))


def questions(scale: float, levels: tuple[str, str], data: pd.DataFrame) -> dict[str, Callable[[Any], Any]]:
    """Every question, as numbers that do not depend on how people were told."""
    grid = np.array([5.0, 9.0, 14.0]) * scale
    low, high = levels
    exposed, unexposed = {"z": 1.0, "sex": "M"}, {"z": 0.0, "sex": "F"}
    columns = ["estimate", "se", "low", "high"]

    def tidy(fit: Any) -> Any:
        return fit.tidy()[["ratio", "p"]].to_numpy()[-4:]

    def predict(fit: Any) -> Any:
        two = pd.DataFrame({"x": grid[:2], "smk": [low, high], "z": [0.5, -0.5], "sex": ["F", "M"], "off": [0.1, 0.2]})
        found = fit.predict(two.assign(block=1, set=0))["estimate"]
        return found.iloc[1] - found.iloc[0]

    def baseline(fit: Any) -> Any:
        one = pd.DataFrame({"x": grid[:1], "smk": [low], "z": [0.5], "sex": ["F"], "off": [0.1], "block": [1]})
        return rk.baseline(fit, one)[["cumhaz", "se", "n_risk"]].iloc[[0, -1]]

    def interaction(fit: Any) -> Any:
        return rk.additive_interaction(fit, exposed, unexposed).measures[["estimate", "low", "high"]]

    def floating(fit: Any) -> Any:
        return rk.floating(fit, "smk")[[*columns, "n", "events"]].apply(pd.to_numeric, errors="coerce")

    def ushape(fit: Any) -> Any:
        found = rk.ushape(fit, "x")
        return [found.p, found.lower.x / scale]

    return {
        "tidy": tidy,
        "predict": predict,
        "anova wald": lambda fit: rk.anova(fit)[["chi2", "df"]],
        "anova lr": lambda fit: rk.anova(fit, "lr")[["chi2", "df"]],
        "contrast": lambda fit: rk.contrast(fit, {"smk": high}, {"smk": low})[columns],
        "curve": lambda fit: rk.curve(fit, "x", grid=grid, reference=grid[1])[columns],
        "nadir": lambda fit: rk.nadir(fit, "x").x / scale,
        "ushape": ushape,
        "floating": floating,
        "trend": lambda fit: rk.trend(fit, "smk")[["chi2", "df"]],
        "ph_test": lambda fit: rk.ph_test(fit)[["chi2", "df"]],
        "residuals": lambda fit: np.square(rk.residuals(fit)).to_numpy() @ fit.design.people,
        "baseline": baseline,
        "concordance": lambda fit: [rk.concordance(fit).estimate, rk.concordance(fit).se],
        "select": lambda fit: rk.select(fit, "x", knots=(3, 4)).table[["aic", "p"]],
        "additive_interaction": interaction,
        "evalue": lambda fit: rk.evalue(rk.contrast(fit, {"smk": high}, {"smk": low})["ratio"].iloc[0]).estimate,
        "incidence": lambda fit: rk.incidence(data["exit"], data["e"], entry=data["entry"])["estimate"].iloc[-1],
    }


def answers(row: Row, data: pd.DataFrame, scale: float, levels: tuple[str, str], **how: Any) -> dict[str, Any]:
    """The answer to each question, or the sentence that refuses it."""
    asked = questions(scale, levels, data)
    try:
        fit = fitted(row, data, **how)
    except (RiskkitError, TypeError) as error:
        if isinstance(error, TypeError) and "unexpected keyword" not in str(error):
            raise
        return dict.fromkeys(asked, f"fit: {error}")
    found: dict[str, Any] = {}
    for name, question in asked.items():
        try:
            found[name] = np.asarray(question(fit), dtype=float)
        except RiskkitError as error:
            found[name] = str(error)
    return found


def agree(ours: Any, theirs: Any) -> bool:
    return ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=2e-5, atol=1e-7, equal_nan=True)


def matches(sentence: str, allowed: tuple[str, ...]) -> bool:
    return any(re.search(pattern, sentence) for pattern in allowed)
