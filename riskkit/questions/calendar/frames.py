"""The frame of rates by calendar period."""

from __future__ import annotations

import pandas as pd

from riskkit.disclosure.models import counted
from riskkit.disclosure.small_cells import Small
from riskkit.frames import Frame, frame

STANDARDISED = ("rate", "se", "low", "high")


def rule(rows: pd.DataFrame, small: Small) -> pd.DataFrame:
    """Rates go with their counts, and are no more exact than these: events follow from a rate and person-years.

    The crude rate is made of the counts that are shown; a standardised rate, which lies near it, has two digits.
    """
    shown = counted(rows, small)
    by_time = shown["events"] / shown["person_years"]
    per = (rows["crude"] * rows["person_years"] / rows["events"]).max()
    coarse = {name: _two_digits(rows[name]).where(shown["events"].notna()) for name in STANDARDISED}
    return shown.assign(crude=by_time * per, person_years=shown["person_years"].where(by_time.notna()), **coarse)


def _two_digits(values: pd.Series) -> pd.Series:
    return values.map(lambda value: float(f"{value:.2g}"))


FRAMES: tuple[Frame, ...] = (
    frame(
        "calendar",
        "The incidence rate of one outcome in one calendar period, at the ages that every period has.",
        "outcome period from_year to_year age_low age_high n events person_years crude rate se low high",
        "outcome period",
        rule,
        {
            "period": ("text", "the calendar year, or years"),
            "from_year": ("number", "its first calendar year"),
            "to_year": ("number", "its last calendar year"),
            "age_low": ("number", "from this age"),
            "age_high": ("number", "up to, and not including, this age"),
            "n": ("whole", "people at risk in the period"),
            "events": ("whole", "events in the period"),
            "person_years": ("number", "time at risk in the period, in years"),
            "crude": ("number", "events by person-years, for as many person-years as the analysis says"),
            "rate": ("number", "the same, standardised for age to the person-years of all periods together"),
            "se": ("number", "standard error of `rate`"),
            "low": ("number", "lower confidence limit of `rate` (Fay and Feuer)"),
            "high": ("number", "upper confidence limit of `rate`"),
        },
    ),
)
