"""Frames that describe who was studied."""

from __future__ import annotations

from riskkit.describe.age_and_sex import PERCENTILES
from riskkit.disclosure import models, people
from riskkit.frames import Frame, frame

FRAMES: tuple[Frame, ...] = (
    frame(
        "histograms",
        "One bin of the distribution of an exposure in the cohort.",
        "exposure left right n",
        "exposure left",
        people.histograms,
        {"left": ("number", "lower end of the bin"), "right": ("number", "upper end of the bin")},
    ),
    frame(
        "characteristics",
        "One statistic of one variable in one group of the first exposure.",
        "variable label unit kind level group statistic value",
        "variable level group statistic",
        people.characteristics,
        {
            "variable": ("text", "name of the variable; empty for people and person-years"),
            "label": ("text", "what a reader calls it"),
            "unit": ("text", "its unit, if it has one"),
            "kind": ("text", '"people", "number", "category" or "flag"'),
            "level": ("text", "level of a category; empty for what is of the variable as a whole"),
            "group": ("text", '"All", or a group of the exposure'),
            "statistic": ("text", "n, missing, mean, sd, median, q1, q3, count, percent, standardised difference"),
            "value": ("number", "its value"),
        },
    ),
    frame(
        "by_age_and_sex",
        "One five-year band of age of one sex.",
        f"exposure sex age_low age_high age n {' '.join(f'p{percent}' for percent in PERCENTILES)}",
        "exposure sex age_low",
        people.by_age_and_sex,
        {
            "sex": ("text", "the sex"),
            "age_low": ("number", "from this age"),
            "age_high": ("number", "up to, and not including, this age"),
            "age": ("number", "mean age of the band"),
            **{f"p{percent}": ("number", f"percentile {percent} of the exposure") for percent in PERCENTILES},
        },
    ),
    frame(
        "missing",
        "One variable of the main model.",
        "exposure variable n n_missing",
        "exposure variable",
        models.counted,
        {
            "variable": ("text", "the variable; empty: any covariate; or an outcome that is not known of some"),
            "n": ("whole", "people who could have it"),
            "n_missing": ("whole", "people of these who lack it"),
        },
    ),
)
