"""Frames of interactions with declared modifiers."""

from __future__ import annotations

from riskkit.disclosure import checks
from riskkit.frames import Frame, Kind, frame
from riskkit.study.columns import RATIO

MODIFIER: dict[str, tuple[Kind, str]] = {"modifier": ("text", "name of the modifier in the cohort")}

FRAMES: tuple[Frame, ...] = (
    frame(
        "interactions",
        "One test that the association is the same at every level of a modifier.",
        "MODEL modifier test chi2 df p n events person_years n_missing formula",
        "MODEL modifier test",
        checks.interacting,
        {**MODIFIER, "test": ("text", '"likelihood ratio" or "Wald"')},
    ),
    frame(
        "interaction_curves",
        "One point of the curve at one level of a modifier, from the model with the interaction.",
        f"MODEL modifier level n events person_years x {RATIO} reference",
        "MODEL modifier level x",
        checks.interacting,
        {**MODIFIER, "level": ("text", "the level of the modifier")},
    ),
    frame(
        "additive",
        "One measure of interaction on the additive scale for a declared contrast.",
        "MODEL modifier measure interval value se low high p exposed reference exposed_level reference_level n events",
        "MODEL modifier measure interval",
        checks.interacting,
        {
            **MODIFIER,
            "measure": ("text", "one of three ratios, RERI, attributable proportion, synergy index"),
            "interval": ("text", "how the interval was made"),
            "value": ("number", "on the measure's own scale"),
            "se": ("number", "standard error, on the scale of the interval"),
            "low": ("number", "lower confidence limit of `value`"),
            "high": ("number", "upper confidence limit of `value`"),
            "exposed": ("number", "level of the exposure that counts as exposed"),
            "reference": ("number", "level of the exposure that it is compared with"),
            "exposed_level": ("text", "level of the modifier that counts as exposed"),
            "reference_level": ("text", "level of the modifier that it is compared with"),
        },
    ),
)
