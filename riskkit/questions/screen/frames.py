"""The frame of a screen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.disclosure import precision
from riskkit.disclosure.small_cells import Small
from riskkit.frames import Frame, frame

TESTS = ("p_score", "p_ph", "p_nonlinear")
CORRECTED = ("p_holm", "p_fdr")
ESTIMATE = ("estimate", "se", "ratio", "low", "high", "chi2", "p", *CORRECTED, *TESTS, "rank")


def rule(rows: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Pairs that rest on few are withheld, all for one reason; the others have as many digits as their events carry.

    What a pair rests on are its events, the people without one and, of exposures with a value that most people have,
    the people with another, and the events among them.
    """
    policy = small.policy
    few = policy.is_few(rows["events"]) | policy.is_few(rows["n"] - rows["events"])
    few |= policy.is_few(rows["n_other"]) | policy.is_few(rows["events_other"])
    others = policy.is_few(rows["n"] - rows["n_other"]) | policy.is_few(rows["events"] - rows["events_other"])
    few |= rows["binary"].to_numpy(dtype=bool) & (others | (rows["events_other"] == 0))
    fewest = np.fmax(policy.counts(np.fmin(rows["events"], rows["n"] - rows["events"])), 1.0)
    n = policy.counts(rows["n"])
    se = precision.standard_errors(rows["se"], fewest, policy)
    estimate = precision.estimates(rows["estimate"], se, fewest)
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = (np.log(rows["high"]) - np.log(rows["low"])) / (2 * rows["se"]) * se
    chi2, p = precision.statistics(rows["chi2"], np.ones(len(rows)), fewest)
    tests = {name: precision.p_values(rows[name], fewest) for name in TESTS}
    tests |= {name: np.fmax(precision.p_values(rows[name], fewest), p) for name in CORRECTED}
    shown = rows.assign(
        n=n,
        events=np.where(few, np.nan, policy.counts(rows["events"])),
        n_missing=policy.counts(rows["n_missing"]),
        person_years=precision.amounts(rows["person_years"], np.fmax(n, 1.0), policy),
        estimate=estimate, se=se, ratio=np.exp(estimate), low=np.exp(estimate - wide), high=np.exp(estimate + wide),
        chi2=chi2, p=np.where(rows["p"].isna(), np.nan, p), **tests, n_other=np.nan, events_other=np.nan,
    )  # fmt: skip
    shown.loc[few, [*ESTIMATE, "person_years"]] = np.nan
    limit = policy.min_count
    withheld = f"Not shown or not fitted: fewer than {limit} people or events, or a model without a maximum."
    reason = rows["reason"].where(rows["reason"] == "", withheld)
    return shown.assign(reason=reason.mask(few, withheld))


FRAMES: tuple[Frame, ...] = (
    frame(
        "screen",
        "One exposure of a screen with one outcome, in the main model.",
        "exposure outcome time_scale model family rank n events person_years n_missing unit estimate se ratio low high "
        "chi2 p p_holm p_fdr family_size family_missing p_score p_ph p_nonlinear n_other events_other binary reason",
        "exposure outcome",
        rule,
        {
            "family": (
                "text",
                "the pairs that p was corrected over: all of them, or the outcome or exposure they share",
            ),
            "rank": ("number", "place among the pairs by the test's p value; missing where there is none"),
            "n": ("number", "people in this pair's model"),
            "events": ("number", "events among them"),
            "n_missing": ("number", "people at risk who were excluded for a missing value"),
            "unit": ("number", "what the estimate is per, in the unit of the exposure"),
            "chi2": ("number", "likelihood-ratio statistic of the exposure, 1 degree of freedom"),
            "p": ("number", "its p value"),
            "p_holm": ("number", "p corrected over the family by Holm's method"),
            "p_fdr": ("number", "p corrected over the family by Benjamini and Hochberg's method"),
            "p_score": ("number", "p value of the score test"),
            "p_ph": ("number", "p value of the test of proportional hazards of the exposure"),
            "p_nonlinear": ("number", "p value of the score test of the bent part of a restricted cubic spline"),
            "n_other": (
                "number",
                "people in the model whose exposure is not the commonest value; never in reports with a "
                "rule on small numbers",
            ),
            "events_other": ("number", "events among them"),
            "binary": ("flag", "whether the exposure has two values at most"),
            "reason": ("text", "why there is no estimate, or empty"),
        },
    ),
)
