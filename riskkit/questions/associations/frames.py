"""Frames of the models of the analysis."""

from __future__ import annotations

from riskkit.disclosure import models
from riskkit.frames import Frame, frame
from riskkit.study.columns import ESTIMATE, OF_ESTIMATE, OF_SHAPE, RATIO, SHAPE, Meanings

ADJUSTED = "p_holm p_fdr family_size family_missing"
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
LOWEST: Meanings = {
    "nadir": ("number", "level where the curve is lowest between the 5th and the 95th percentile"),
    "nadir_low": ("number", "lower confidence limit of `nadir`"),
    "nadir_high": ("number", "upper confidence limit of `nadir`"),
    "interior": ("number", "probability that the lowest point lies between the 5th and the 95th percentile"),
}

GROUP: Meanings = {
    "kind": ("text", '"weighted" by the survey\'s design, "variant" or "modifier" (a level of one)'),
    "by": ("text", "name of the variant or the modifier; empty for weighted curves"),
    "group": ("text", "level of the modifier; empty for others"),
}

FRAMES: tuple[Frame, ...] = (
    frame(
        "estimates",
        "One group, or the increment of a line, of the exposure in one model of the main analysis.",
        f"MODEL {ESTIMATE} {ADJUSTED}",
        "MODEL level",
        models.estimated,
        OF_ESTIMATE,
    ),
    frame("curves", "One point of a spline.", f"MODEL x {RATIO} reference", "MODEL x", models.curves),
    frame(
        "splines",
        "One spline: percentiles of the exposure among its people, and where the curve is lowest.",
        f"MODEL {' '.join(f'p{percent}' for percent in PERCENTILES)} {' '.join(LOWEST)} df_resid",
        "MODEL",
        models.splines,
        {
            **{f"p{percent}": ("number", f"percentile {percent} of the exposure") for percent in PERCENTILES},
            **LOWEST,
        },
    ),
    frame(
        "covariances",
        "One pair of a spline's coefficients, the lower triangle row by row. With `coefficients`, and the knots in the "
        "manifest, a curve can be drawn relative to any reference.",
        "MODEL term other covariance",
        "MODEL term other",
        models.covariances,
        {"other": ("text", "the other coefficient"), "covariance": ("number", "their covariance")},
    ),
    frame(
        "group_splines",
        "One more spline of the main model: by a survey's design, of a subgroup or sensitivity analysis, or at a level "
        "of a modifier. In no report of a cohort that has a rule on small numbers.",
        f"MODEL kind by group n events person_years {' '.join(f'p{percent}' for percent in PERCENTILES)} df_resid",
        "MODEL kind by group",
        models.of_groups,
        {**GROUP, **{f"p{percent}": ("number", f"percentile {percent} of the exposure") for percent in PERCENTILES}},
    ),
    frame(
        "group_covariances",
        "One pair of the coefficients of such a spline, the lower triangle row by row.",
        "MODEL kind by group term other estimate covariance",
        "MODEL kind by group term other",
        models.of_groups,
        {
            **GROUP,
            "other": ("text", "the other coefficient"),
            "estimate": ("number", "the coefficient, where both are the same; missing elsewhere"),
            "covariance": ("number", "their covariance"),
        },
    ),
    frame(
        "shapes",
        "One spline of the main model on the first time scale: the verdict on its shape, and its slopes.",
        f"MODEL {SHAPE}",
        "MODEL",
        models.shapes,
        OF_SHAPE,
    ),
    frame(
        "tests",
        "One test.",
        f"MODEL term part chi2 df p {ADJUSTED}",
        "MODEL term part",
        models.tests,
        {"part": ("text", 'what is tested: "overall", "nonlinear", "trend", "proportional hazards"')},
    ),
    frame(
        "fits",
        "One model.",
        "MODEL n events person_years n_missing loglik loglik_null aic df lr_chi2 lr_p wald_chi2 wald_p score_chi2 "
        "score_p iterations covariance method formula n_without_events",
        "MODEL",
        models.fits,
        {
            "loglik": ("number", "log-likelihood"),
            "loglik_null": ("number", "log-likelihood without any coefficient"),
            "aic": ("number", "Akaike's information criterion"),
            "lr_chi2": ("number", "likelihood-ratio statistic of the whole model"),
            "lr_p": ("number", "its p value"),
            "wald_chi2": ("number", "Wald statistic of the whole model"),
            "wald_p": ("number", "its p value"),
            "score_chi2": ("number", "score statistic of the whole model"),
            "score_p": ("number", "its p value"),
            "iterations": ("whole", "Newton steps"),
            "covariance": ("text", "which covariance standard errors are of"),
            "method": ("text", "how ties were handled, or how the model was fitted"),
            "n_without_events": (
                "whole",
                "people in covariate categories without events, who do not inform the estimate",
            ),
        },
    ),
    frame(
        "coefficients",
        "One coefficient of one model.",
        f"MODEL term {RATIO} p",
        "MODEL term",
        models.drawn_from,
    ),
    frame(
        "failures",
        "One model, or part of one, that was not fitted.",
        "MODEL variant reason formula",
        "MODEL variant reason",
        models.failures,
        {"variant": ("text", "the subgroup or sensitivity analysis, or the question, it is of; empty for neither")},
    ),
)
