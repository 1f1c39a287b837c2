"""Another covariance for a fit: the coefficients stay, what is known of their precision changes."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit.design.bases import Array
from riskkit.design.columns import check_columns
from riskkit.design.design import Design
from riskkit.errors import DataError, SpecError
from riskkit.fit import clusters
from riskkit.fit.clusters import Cr2Fit
from riskkit.fit.few_clusters import cluster_notes, count, residual_df
from riskkit.fit.fit import Fit, check_choice
from riskkit.fit.glm import sandwich
from riskkit.formula import unquoted

KINDS = ("model", "robust", "cluster", "cr2")


def with_covariance(fit: Fit, kind: str, by: Any = None) -> Fit:
    """The same model with another covariance; see `riskkit.fit.fit.Fit.with_covariance`.

    Raises
    ------
    SpecError, DataError, FitError
        As it does.
    """
    check_choice("covariance", kind, KINDS)
    design = fit.design
    if design is None or fit.refit is None:
        raise SpecError(
            "with_covariance takes the data of the fit, which this fit has not (light, or pooled: give the sets' fits "
            "the covariance, and pool them)."
        )
    if design.sample is not None:
        raise SpecError("a survey's covariance is that of its design; or fit with weights=... and cluster=...")
    if (kind in ("cluster", "cr2")) != (by is not None):
        raise SpecError(f'with_covariance("{kind}"): by=... names the clusters, for "cluster" and "cr2" alone.')
    if kind == "model" and design.weight_kind == "sampling":
        raise SpecError("sampling weights have no model-based covariance; fit without them.")
    codes = None if by is None else _codes(design, by)
    anew = replace(design, cluster=codes)
    if kind == "cr2":
        return _cr2(fit, anew)
    if fit.model == "linear":
        return _linear(fit, anew, kind)
    again = fit.refit
    if isinstance(again, partial) and "robust" in again.keywords:
        again = partial(again.func, *again.args, **(again.keywords | {"robust": kind == "robust"}))
    else:
        raise SpecError(f"the covariance of this {fit.model} fit cannot be changed; fit again.")
    return again(anew)


def _codes(design: Design, by: Any) -> NDArray[np.int64]:
    """Cluster of each row of the design, from a column of the data or a value for each row of them."""
    source = design.source
    if source is None:
        raise SpecError("with_covariance: this fit does not know its data; fit again with cluster=...")
    if isinstance(by, str):
        by = unquoted(by)
        check_columns(source, [by], "with_covariance")
        values = source[by]
    else:
        values = pd.Series(np.asarray(by), index=source.index) if len(by) == len(source) else pd.Series(dtype=float)
        if not len(values):
            raise SpecError(f"with_covariance: by has {len(by)} values for {len(source)} rows; give one for each.")
    used = values if design.rows is None else values.iloc[design.rows]
    if len(used) != len(design.x) or not used.index.equals(design.index):
        raise DataError("with_covariance: the data were reordered or cut since the fit; fit again with cluster=...")
    if used.isna().any():
        raise DataError(f"with_covariance: {int(used.isna().sum())} rows used have no cluster; fit with cluster=...")
    return np.asarray(pd.factorize(used, sort=True)[0], dtype=np.int64)


def _linear(fit: Fit, design: Design, kind: str) -> Fit:
    """A linear fit, whose own covariance is HC3, with the model-based or a cluster-robust one."""
    assert fit.refit is not None
    if kind == "robust":
        return fit.refit(design)
    if kind == "model":
        return replace(fit, vcov=fit.vcov_model, covariance="model-based")
    found = count(design)
    assert isinstance(design.response, np.ndarray)
    residual = design.response - design.x @ fit.coef
    inverse = np.asarray(np.linalg.inv(design.x.T @ design.x), dtype=float)
    return replace(
        fit,
        vcov=sandwich(design.x, residual, inverse, design.cluster),
        covariance="cluster-robust",
        df_resid=min(float(len(design.x) - fit.coef.size), residual_df(found)),
        clusters=found,
        notes=(*fit.notes, *cluster_notes(found, fit.coef.size)),
        design=design,
    )


def _cr2(fit: Fit, design: Design) -> Fit:
    if fit.model not in ("linear", "logistic", "poisson") or fit.penalty or fit.edf is not None:
        raise SpecError(
            f'"cr2" is of linear, logistic and Poisson models without a penalty; for this {fit.model} fit write '
            '"cluster", whose tests count the clusters too.'
        )
    found = count(design)
    x, residual, variance, weight = _working(fit, design)
    each = np.repeat(np.arange(len(x)), design.people.astype(np.int64))
    assert design.cluster is not None
    parts = clusters.cr2(x[each], residual[each], variance[each], weight[each], design.cluster[each])
    own = {each.name: getattr(fit, each.name) for each in fields(Fit)}
    changed = own | {
        "vcov": parts.vcov,
        "covariance": "cluster-robust (CR2)",
        "design": design,
        "clusters": found,
        "notes": (*fit.notes, f"{found} clusters: CR2 covariance, with Satterthwaite's degrees of freedom."),
    }
    out = Cr2Fit(**changed, cr2=parts)
    return replace(out, df_resid=float(out.t_df(np.eye(fit.coef.size)).min()))


def _working(fit: Fit, design: Design) -> tuple[Array, Array, Array, Array]:
    """Derivative of the means, residuals, working variances and their inverse as the fit used it; of each row."""
    from riskkit.fit import logistic, poisson

    if fit.model == "linear":
        assert isinstance(design.response, np.ndarray)
        ones = np.ones(len(design.x))
        return design.x, design.response - design.x @ fit.coef, ones, ones
    likelihood = (logistic if fit.model == "logistic" else poisson).likelihood(design)
    mean = likelihood.family.mean(likelihood.linear_predictor(fit.coef))
    variance = likelihood.family.variance(mean)
    x = likelihood.x * variance[:, None]
    if design.weights is None or design.weight_kind == "frequency":
        return x, likelihood.y - mean, variance, 1 / variance
    variance = variance / design.weights
    return x, likelihood.y - mean, variance, 1 / variance
