"""Columns that the frames of several questions share: estimates of an exposure, and the shape of a curve."""

from __future__ import annotations

from dataclasses import fields

from riskkit.frames import Kind
from riskkit.infer.heights import Height
from riskkit.infer.verdict import Change, ShapeVerdict

Meanings = dict[str, tuple[Kind, str]]


def _of_verdict() -> Meanings:
    """The columns that `ShapeVerdict.row` makes."""
    parts = {
        "lower": (Height, "the low end against the lowest point"),
        "upper": (Height, "the high end against the lowest point"),
        "opposite_lower": (Height, "the low end against the highest point"),
        "opposite_upper": (Height, "the high end against the highest point"),
        "first_half": (Change, "change of the log ratio from the low end to the middle of the range"),
        "second_half": (Change, "change of the log ratio from the middle of the range to the high end"),
    }
    found: Meanings = {
        "verdict_answer": ("text", "the answer on the shape: one of a closed set"),
        "verdict_p": ("number", "p value of the shape that was asked about"),
    }
    for part in fields(ShapeVerdict):
        kind, meaning = parts.get(part.name, (None, f"`ShapeVerdict.{part.name}`"))
        for inner in fields(kind) if kind else ():
            found[f"verdict_{part.name}_{inner.name}"] = ("number", f"{inner.name} of {meaning}")
        if kind is None:
            found[f"verdict_{part.name}"] = ("text" if part.name in ("shape", "ratio") else "number", meaning)
    return found


RATIO = "estimate se ratio low high"
ESTIMATE = (
    "term level n events person_years n_missing estimate se ratio low high p x x_low x_high reference "
    "float_se float_low float_high"
)
OF_ESTIMATE: Meanings = {
    "x": ("number", "median of the group, in the exposure's unit"),
    "x_low": ("number", "lowest level in the group"),
    "x_high": ("number", "highest level in the group"),
    "reference": ("flag", "whether the group is the one that others are compared with"),
    "float_se": ("number", "standard error of the floating log ratio"),
    "float_low": ("number", "lower limit of the floating interval"),
    "float_high": ("number", "upper limit of the floating interval"),
}
OF_SHAPE: Meanings = {
    "lower_x": ("number", "level of the lower slope"),
    "lower_slope": ("number", "slope there: log ratio per unit"),
    "lower_slope_low": ("number", "lower confidence limit of `lower_slope`"),
    "lower_slope_high": ("number", "upper confidence limit of `lower_slope`"),
    "lower_p": ("number", "one-sided p value that the curve falls there"),
    "upper_x": ("number", "level of the upper slope"),
    "upper_slope": ("number", "slope there: log ratio per unit"),
    "upper_slope_low": ("number", "lower confidence limit of `upper_slope`"),
    "upper_slope_high": ("number", "upper confidence limit of `upper_slope`"),
    "upper_p": ("number", "one-sided p value that the curve rises there"),
}
OF_SHAPE |= {"slopes_p": ("number", "p value of both slopes together"), **_of_verdict()}
SHAPE = " ".join(OF_SHAPE)
DILUTION: Meanings = {
    "correction": ("text", 'method: "rosner", "macmahon-peto" or "simex"'),
    "dilution_ratio": ("number", "what log ratios were divided by"),
    "dilution_se": ("number", "its standard error"),
    "dilution_low": ("number", "its lower confidence limit"),
    "dilution_high": ("number", "its upper confidence limit"),
    "dilution_n": ("number", "people measured twice"),
}
