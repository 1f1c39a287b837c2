"""Random data frames with awkward corners, and the model to fit to each, in our words and in R's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import riskkit as rk

KINDS = (
    "cox", "cox", "cox_weighted", "cox_frequency", "cox_cluster", "logistic", "poisson", "clogit", "linear",
    "svy_logistic", "svy_cox",
)  # fmt: skip


def frame(random: np.random.Generator, n: int) -> pd.DataFrame:
    """Ties, delayed entry, skewed numbers, sparse levels, repeated labels, times below zero."""
    unit = float(random.choice([0.01, 1.0, 365.25]))
    x = np.round(random.gamma(2, 2, n), int(random.integers(0, 4))) * unit
    smk = random.choice(list("abcd"), n, p=[0.4, 0.3, 0.2, 0.1])
    sex = random.choice(["F", "M"], n)
    z = random.normal(size=n).round(2) + float(random.choice([0.0, 100.0]))
    lp = 0.15 * x / unit + 0.3 * (smk == "c") - 0.2 * (sex == "M") + 0.2 * (z - z.mean())
    start = random.uniform(0, 3, n).round(1) - float(random.choice([0.0, 50.0]))
    t = (start + np.maximum(random.exponential(np.exp(-lp) * 4), 0.05)).round(int(random.integers(1, 4)))
    end = np.minimum(t, start + random.uniform(1, 5, n).round(1))
    end = np.where(end <= start, start + 0.1, end).round(3)
    return pd.DataFrame(
        {
            "entry": start.round(3), "exit": end, "e": (t <= end).astype(int), "x": x, "z": z, "smk": smk, "sex": sex,
            "y": (random.random(n) < 1 / (1 + np.exp(1 - lp))).astype(int), "k": random.poisson(np.exp(0.3 * lp)),
            "py": random.uniform(0.5, 3, n).round(2), "off": random.normal(0, 0.3, n).round(3),
            "w": random.uniform(0.2, 4, n).round(2), "f": random.integers(0, 4, n), "g": random.integers(1, 13, n),
            "set": np.arange(n) // 4, "case": (np.arange(n) % 4 == 0).astype(int), "s": random.integers(1, 4, n),
        }
    )  # fmt: skip


def case(seed: int) -> dict[str, Any]:
    """A model and its data; the formula is read alike by both."""
    random = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    data = frame(random, int(random.integers(120, 400)))
    number = str(random.choice(["x", "log(x + 1)", "x + z"]))
    factor = str(random.choice(["smk", "sex", "smk * sex", "smk + sex"]))
    terms = ["x" if kind == "linear" else number, factor]
    survival = kind.startswith(("cox", "svy_cox"))
    if survival and kind != "svy_cox" and random.random() < 0.5:
        terms.append("strata(sex)" if factor == "smk * sex" else "strata(s)")
    if kind not in ("linear", "poisson") and not kind.startswith("svy") and random.random() < 0.4:
        terms.append("offset(off)")
    terms += {"poisson": ["offset(log(py))"], "clogit": ["strata(set)"]}.get(kind, [])
    if kind in ("logistic", "poisson", "linear") and random.random() < 0.3:
        terms.insert(0, "0")
    response = {"clogit": "case", "poisson": "k", "linear": "z"}.get(kind, "Surv(entry, exit, e)" if survival else "y")
    return {
        "seed": seed,
        "kind": kind,
        "formula": f"{response} ~ {' + '.join(terms)}",
        "ties": str(random.choice(["efron", "breslow"])),
        "data": data.to_dict("list"),
    }


def fitted(one: dict[str, Any]) -> Any:
    data, formula, kind = pd.DataFrame(one["data"]), one["formula"], one["kind"]
    cox = {"ties": one["ties"]}
    survey = rk.SurveyDesign("w", psu="g")
    fits = {
        "cox": lambda: rk.cox(formula, data, **cox),
        "cox_weighted": lambda: rk.cox(formula, data, weights="w", weight_kind="sampling", **cox),
        "cox_frequency": lambda: rk.cox(formula, data, weights="f", weight_kind="frequency", **cox),
        "cox_cluster": lambda: rk.cox(formula, data, cluster="g", **cox),
        "logistic": lambda: rk.logistic(formula, data),
        "poisson": lambda: rk.poisson(formula, data),
        "clogit": lambda: rk.clogit(formula, data),
        "linear": lambda: rk.linear(formula, data).with_covariance("model"),
        "svy_logistic": lambda: rk.logistic(formula, data, survey=survey),
        "svy_cox": lambda: rk.cox(formula, data, survey=survey),
    }
    return fits[kind]()


def answers(one: dict[str, Any]) -> dict[str, Any]:
    """What random_frames.R says of a case, as riskkit has it."""
    fit = fitted(one)
    out: dict[str, Any] = {"coef": fit.coef, "se": fit.se}
    if one["kind"] in ("cox", "cox_frequency", "logistic", "poisson", "clogit"):
        out["loglik"] = np.array([fit.loglik])
    if one["kind"] == "cox":
        out["zph"] = np.array([rk.ph_test(fit)["chi2"].iloc[-1]])
        out["concordance"] = np.array([rk.concordance(fit).estimate])
        predicted = fit.predict(pd.DataFrame(one["data"]).head(3))["estimate"].to_numpy()
        centre = 0.0 if fit.design.offset is None else fit.design.offset.mean()
        out["lp"] = predicted - centre  # R takes the mean of the offset off
    return out
