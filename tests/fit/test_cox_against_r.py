"""The Cox engine against survival::coxph on 96 combinations of data, entry, strata, ties and weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.fit.baseline import baseline
from riskkit.fit.concordance import concordance
from riskkit.fit.residuals import residuals

REFERENCE = json.loads((Path(__file__).parent.parent / "reference" / "cox_grid.json").read_text())
CASES = REFERENCE["cases"]
DATA = {name: pd.DataFrame(columns) for name, columns in REFERENCE["data"].items()}


def label(case: dict) -> str:
    words = [case["data"], case["ties"]]
    return "-".join(words + [word for word in ("entry", "strata", "weighted") if case[word]])


def formula(case: dict) -> str:
    response = "Surv(entry, exit, event)" if case["entry"] else "Surv(exit, event)"
    return f"{response} ~ x1 + g + x2" + (" + strata(s)" if case["strata"] else "")


def fit(case: dict, **options: object):
    weights = "w" if case["weighted"] else None
    return rk.cox(formula(case), DATA[case["data"]], ties=case["ties"], weights=weights, **options)


def projected(values: object) -> np.ndarray:
    """Sum r_i sin(i) and sum r_i cos(i) over rows, as the R script has them."""
    r = np.asarray(values, dtype=float)
    r = r.reshape(len(r), -1)
    i = np.arange(1, len(r) + 1)
    return np.vstack([np.sin(i) @ r, np.cos(i) @ r])


def close(got: object, want: object, *, scale: float = 0.0) -> None:
    """Agree to 1e-8 of each number, or of the numbers that went into it where they may cancel."""
    want = np.asarray(want, dtype=float)
    assert_allclose(np.asarray(got, dtype=float).reshape(want.shape), want, rtol=1e-8, atol=1e-8 * scale)


@pytest.mark.parametrize("case", CASES, ids=label)
def test_as_survival_has_it(case: dict) -> None:
    model = fit(case)
    close(model.coef, case["coef"])
    close([model.loglik_null, model.loglik], case["loglik"])
    close(model.score_test.chi2, case["score"])
    close(model.vcov, case["model"], scale=np.abs(case["model"]).max())
    for name, options in (("robust", {"robust": True}), ("cluster", {"cluster": "id"})):
        close(fit(case, **options).vcov, case[name], scale=np.abs(case[name]).max())

    for kind in ("martingale", "deviance", "score", "dfbeta"):
        got = residuals(model, kind)
        key = "score_residual" if kind == "score" else kind
        close(projected(got), case[key], scale=np.abs(got.to_numpy()).sum())
    for kind in ("schoenfeld", "scaled_schoenfeld"):
        got = residuals(model, kind)
        values = got.iloc[:, 2:].to_numpy()
        summed = np.vstack([np.sin(got["time"]) @ values, (values**2).sum(axis=0)])
        close(summed, case[kind], scale=np.abs(values).sum())

    data = DATA[case["data"]]
    person = pd.DataFrame(
        {"x1": [data["x1"].mean()], "g": min(data["g"]), "x2": data["x2"].mean(), "s": min(data["s"])}
    )
    curve = baseline(model, person)
    assert len(curve) == case["curve_points"]
    columns = curve[["time", "n_risk", "n_event", "surv", "se", "low", "high"]]
    close(projected(columns), case["curve"], scale=np.abs(columns.to_numpy()).sum(axis=0).max())

    for transform, table in case["zph"].items():
        close(rk.ph_test(model, transform)[["chi2", "df", "p"]], table, scale=1.0)
    close(rk.ph_test(model, by="coefficient")[["chi2", "df", "p"]], case["zph_coefficient"], scale=1.0)

    ranked = concordance(model)
    close([ranked.estimate, ranked.se, concordance(fit(case, cluster="id")).se], case["concordance"])
    close([ranked.concordant, ranked.discordant, ranked.tied_risk, ranked.tied_time, ranked.tied_both], case["pairs"])
