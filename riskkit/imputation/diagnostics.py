"""Is an imputation to be trusted: imputed values beside observed ones, and whether the chains have settled."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.imputation.impute import Imputed

BINS = 20
SHOWN = (0.005, 0.995)  # quantiles of a number's observed values between which it is binned


def convergence(trace: pd.DataFrame) -> pd.DataFrame:
    """R-hat of the means and the standard deviations drawn, over the second half of the iterations.

    A value near 1 says that chains differ from one another no more than from themselves; NaN with fewer than four
    iterations.

    Parameters
    ----------
    trace : DataFrame
        set variable iteration mean sd, as `Imputed.trace`.

    Returns
    -------
    DataFrame
        variable rhat_mean rhat_sd.

    References
    ----------
    Gelman A, Rubin DB (1992) Stat Sci 7:457-472.
    """
    late = trace[trace["iteration"] > trace["iteration"].max() / 2]
    rows = []
    for variable, own in late.groupby("variable", sort=False):
        chains = {what: own.pivot(index="iteration", columns="set", values=what).to_numpy() for what in ("mean", "sd")}
        rows.append({"variable": variable, **{f"rhat_{what}": _rhat(values) for what, values in chains.items()}})
    return pd.DataFrame(rows, columns=["variable", "rhat_mean", "rhat_sd"])


def _rhat(values: np.ndarray) -> float:
    """R-hat of chains, shape (iterations, chains)."""
    n = len(values)
    within = values.var(axis=0, ddof=1).mean() if n > 1 else np.nan
    if not within > 0:
        return float("nan")
    return float(np.sqrt((n - 1) / n + values.mean(axis=0).var(ddof=1) / within))


def distributions(data: pd.DataFrame, imputed: Imputed) -> pd.DataFrame:
    """Share of the observed and of the imputed values in each bin of a number or level of a category.

    Parameters
    ----------
    data : DataFrame
        That was imputed.
    imputed : Imputed

    Returns
    -------
    DataFrame
        variable level (empty for numbers) left right (NaN for categories) observed imputed, shares that sum to 1 within
        a variable; the outermost bins of a number hold what lies beyond them.
    """
    rows = []
    for name in imputed.variables["name"]:
        missing = data[name].isna().to_numpy()
        drawn = pd.concat([one.loc[missing, name] for one in imputed.sets], ignore_index=True)
        observed = data.loc[~missing, name]
        if imputed.variables.set_index("name").loc[name, "kind"] == "number":
            low, high = np.quantile(observed.astype(float), SHOWN)
            edges = np.linspace(low, high, BINS + 1)
            frame = pd.DataFrame({"level": "", "left": edges[:-1], "right": edges[1:]})
            shares = [
                np.histogram(np.clip(each.astype(float), edges[0], edges[-1]), edges)[0] for each in (observed, drawn)
            ]
        else:
            levels = sorted(observed.unique()) if observed.dtype != "category" else list(observed.cat.categories)
            frame = pd.DataFrame({"level": [str(level) for level in levels], "left": np.nan, "right": np.nan})
            shares = [np.array([(each == level).sum() for level in levels]) for each in (observed, drawn)]
        rows.append(
            frame.assign(variable=name, observed=shares[0] / shares[0].sum(), imputed=shares[1] / shares[1].sum())
        )
    return pd.concat(rows, ignore_index=True)
