"""The frames of reference ranges: their columns, and how they are made safe where a cohort has a rule on small numbers.

A centile is shown where enough people lie beyond it in its group; counts are rounded or withheld, and what rests on
few people is left out. Curves of L, M and S follow from everybody in a group.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from riskkit.disclosure.policy import Policy, significant
from riskkit.frames import Frame, Kind, frame

SAMPLE: dict[str, tuple[Kind, str]] = {
    "sample": ("text", "id of the sample"),
    "group": ("text", "level of the variable that has ranges of its own; empty where there is none"),
    "age": ("number", "age, or what else the ranges depend on"),
    "n_missing": ("whole", "people left out, who lack the measurement, the age or the group"),
    "centile": ("number", "per cent of people below"),
    "value": ("number", "the centile, in the unit of the measurement"),
    "low": ("number", "lower confidence limit"),
    "high": ("number", "upper confidence limit"),
}


def _people(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    return rows.assign(n=policy.counts(rows["n"]), n_missing=policy.counts(rows["n_missing"]))


def _centiles(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Centiles that few people of their group lie beyond are left out, the others given to three digits."""
    enough = np.array(
        [bool(policy.enough_beyond(n, c)) for n, c in zip(rows["n_group"], rows["centile"], strict=True)], dtype=bool
    )
    digits = {name: significant(rows[name]) for name in ("value", "low", "high")}
    return rows.assign(n_group=policy.counts(rows["n_group"]), **digits)[enough]


def _curves(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    return rows.assign(**{name: significant(rows[name]) for name in ("L", "M", "S")})


def _shares(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Shares are of few people at the ends: those are left out, and the others have no more digits than people."""
    beyond = rows["n"] * np.minimum(rows["share"], 1 - rows["share"])
    step = policy.round_to / rows["n"]
    return rows.assign(n=policy.counts(rows["n"]), share=(rows["share"] / step).round() * step)[
        (beyond >= policy.min_count).to_numpy()
    ]


def _worms(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    few = policy.is_few(rows["n"])
    return rows.assign(n=policy.counts(rows["n"]), outside=significant(rows["outside"]))[~few]


def _points(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The scores of the lowest and highest people of a band are theirs; they are left out, the others rounded."""
    enough = np.array(
        [bool(policy.enough_beyond(n, p)) for n, p in zip(rows["n"], 100 * rows["share"], strict=True)], dtype=bool
    )
    shown = rows.assign(n=policy.counts(rows["n"]), deviation=rows["deviation"].round(2))
    return shown[enough]


def _stages(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    few = policy.is_few(rows["n"])
    digits = {name: significant(rows[name]).astype(float) for name in ("age", "median", "sds", "se", "low", "high")}
    hidden = {name: np.where(few, np.nan, values) for name, values in digits.items()}
    parts = rows.groupby(["sample", "group"]).ngroup()
    return rows.assign(n=policy.counts(rows["n"], parts), **hidden)


def _published(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    few = policy.is_few(rows["n"])
    hidden = {
        name: np.where(few, np.nan, significant(rows[name])) for name in ("own_mean", "own_se", "difference", "p")
    }
    return rows.assign(n=policy.counts(rows["n"]), **hidden)


FRAMES: tuple[Frame, ...] = (
    frame(
        "people", "Who the ranges of one group of a sample were learnt from.",
        "sample group n n_missing youngest oldest df edf_l edf_m edf_s", "sample group", _people,
        {
            **SAMPLE,
            "youngest": ("number", "their lowest age"),
            "oldest": ("number", "their highest age; the ranges are of no age beyond"),
            "df": ("number", "degrees of freedom of the limits; infinite where they are normal"),
            "edf_l": ("number", "effective degrees of freedom of the curve of L"),
            "edf_m": ("number", "the same of M"),
            "edf_s": ("number", "the same of S"),
        },
    ),
    frame(
        "curves", "A centile of one group at one age, as charts draw it.",
        "sample group centile age value low high n_group", "sample group centile age", _centiles,
        {**SAMPLE, "n_group": ("whole", "people in the group")},
    ),
    frame(
        "centiles", "A centile of one group at an age of the table.",
        "sample group centile age value low high n_group", "sample group centile age", _centiles,
        {**SAMPLE, "n_group": ("whole", "people in the group")},
    ),
    frame(
        "lms", "The curves that every centile and score follows from: ((y / M)^L - 1) / (L S) is the score of y.",
        "sample group age L M S", "sample group age", _curves,
        {
            **SAMPLE,
            "L": ("number", "Box-Cox power"),
            "M": ("number", "median"),
            "S": ("number", "coefficient of variation"),
        },
    ),
    frame(
        "shares", "The share of the people themselves below a centile at their age, weighted where the ranges are.",
        "sample group centile n share", "sample group centile", _shares,
        {**SAMPLE, "share": ("number", "share of them below the centile")},
    ),
    frame(
        "worms", "The fit in one age band: a cubic through the detrended scores.",
        "sample group age_low age_high n level slope curvature cubic outside", "sample group age_low", _worms,
        {
            **SAMPLE,
            "age_low": ("number", "from this age"),
            "age_high": ("number", "to this age"),
            "level": ("number", "b0: beyond 0.1 the median is wrong there"),
            "slope": ("number", "b1: beyond 0.1 the spread is"),
            "curvature": ("number", "b2: beyond 0.05 the skewness is"),
            "cubic": ("number", "b3: beyond 0.03 the kurtosis is"),
            "outside": ("number", "share of people outside the limits of chance"),
        },
    ),
    frame(
        "worm_points", "A point of a worm plot: at shares of the people of a band, not person by person.",
        "sample group age_low age_high share normal deviation band_low band_high n", "sample group age_low share",
        _points,
        {
            **SAMPLE,
            "age_low": ("number", "from this age"),
            "age_high": ("number", "to this age"),
            "share": ("number", "share of the band's people below"),
            "normal": ("number", "the score expected there"),
            "deviation": ("number", "the score found, less the one expected"),
            "band_low": ("number", "lower limit of a deviation by chance"),
            "band_high": ("number", "upper limit of a deviation by chance"),
        },
    ),
    frame(
        "stages", "People of one stage (as of puberty): their levels, and where these stand for their age.",
        "sample group stage position n age median sds se low high", "sample group stage", _stages,
        {
            **SAMPLE,
            "stage": ("text", "the stage"),
            "position": ("whole", "its place, from 0"),
            "age": ("number", "their mean age"),
            "median": ("number", "their median level, in its unit"),
            "sds": ("number", "their mean standard deviation score"),
            "se": ("number", "its standard error"),
            "low": ("number", "lower confidence limit of `sds`"),
            "high": ("number", "upper confidence limit of `sds`"),
        },
    ),
    frame(
        "published", "A published mean beside the mean of the same people here.",
        "sample position study population n mean mean_se own_mean own_se difference p", "position", _published,
        {
            **SAMPLE,
            "position": ("whole", "its place in the file, from 0"),
            "study": ("text", "who published it"),
            "population": ("text", "whom that study measured"),
            "mean": ("number", "the published mean"),
            "mean_se": ("number", "its published standard error; missing where there is none"),
            "own_mean": ("number", "the mean here"),
            "own_se": ("number", "its standard error"),
            "difference": ("number", "the mean here less the published one"),
            "p": ("number", "p value of no difference, were the two of different people"),
        },
    ),
)  # fmt: skip
