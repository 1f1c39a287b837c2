"""Learn the reference ranges of every sample of a file, look at their fit, and compare them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.design.bases import Array
from riskkit.design.survey import SurveyDesign, draw
from riskkit.errors import DataError, FitError
from riskkit.fit.hypothesis import t_critical
from riskkit.fit.linearise import linearised
from riskkit.fit.lms import LmsFit
from riskkit.infer.centiles import Centiles, Group, centiles
from riskkit.infer.worm import worm
from riskkit.provenance import provenance
from riskkit.runner.ranges.frames import FRAMES
from riskkit.runner.ranges.results import RangesResults
from riskkit.spec.expression import parse
from riskkit.spec.ranges import PublishedMeanSpec, RangesSpec, SampleSpec, load_ranges

Progress = Callable[[int, int, str], None]
Rows = dict[str, pd.DataFrame]
SHARES = np.arange(0.02, 0.99, 0.02)  # of the people of a band, at which a worm is drawn
STEPS = 12  # ages of a curve from one knot to the next
LEAST = 10  # people of a stage whose scores are told


def run_ranges(
    analysis: str | Path, cohorts: Mapping[str, Cohort] | None = None, on_progress: Progress | None = None
) -> RangesResults:
    """Run a file of reference ranges.

    Parameters
    ----------
    analysis : path
        A TOML file of `kind = "ranges"`.
    cohorts : mapping of name to Cohort, optional
        Those already built; others are built from their raw files.
    on_progress : callable, optional
        Called with the number of samples done, the number in all, and what is next.

    Raises
    ------
    SpecError
        With every fault of the file at once.
    DataError, FitError
        If the ranges of a sample cannot be learnt, or its table asks for ages that it has not.
    """
    analysis, started = Path(analysis), time.perf_counter()
    spec, specs = load_ranges(analysis)
    built = {name: (cohorts or {}).get(name) or load_cohort(specs[name].path) for name in spec.cohorts}
    found: dict[str, list[pd.DataFrame]] = {frame.name: [] for frame in FRAMES}
    for i, sample in enumerate(spec.samples):
        if on_progress:
            on_progress(i, len(spec.samples), sample.label)
        try:
            rows = sample_rows(spec, sample, built[sample.cohort])
        except (DataError, FitError) as error:
            raise type(error)(f"{analysis}: sample '{sample.id}': {error}") from error
        for name, frame in rows.items():
            found[name].append(frame)
    made = replace(provenance(analysis), seconds=round(time.perf_counter() - started, 1))
    return RangesResults(
        spec,
        {name: cohort.facts for name, cohort in built.items()},
        made,
        {frame.name: frame.of(found[frame.name]) for frame in FRAMES},
        {},
    )


def sample_rows(spec: RangesSpec, sample: SampleSpec, cohort: Cohort) -> Rows:
    """Every frame's rows of one sample."""
    design = _design(sample, cohort)
    data = cohort.data if sample.by is None else cohort.data.astype({sample.by: object})
    ranges = centiles(f"{sample.measurement} ~ {sample.age}", data, by=sample.by, survey=design)
    asked = list(spec.centiles)
    people = _people(ranges, data, sample)
    n = people.set_index("group")["n"]
    rows: Rows = {
        "people": people,
        "curves": _drawn(ranges, sample, asked, spec.level),
        "centiles": _named(ranges.curves(sample.at, asked, spec.level), sample),
        "lms": _lms(ranges, sample),
        "shares": _shares(ranges, asked),
        **_worms(ranges, sample),
    }
    for name in ("curves", "centiles"):
        rows[name] = rows[name].assign(n_group=n.loc[rows[name]["group"]].to_numpy())
    if sample.stages is not None:
        rows["stages"] = _stages(spec, ranges, data, sample, cohort)
    published = [(i, each) for i, each in enumerate(spec.published) if each.sample == sample.id]
    if published:
        rows["published"] = pd.DataFrame([_beside(i, each, sample, cohort, design) for i, each in published])
    return {name: frame.assign(sample=sample.id) for name, frame in rows.items()}


def mean_and_se(values: pd.Series, design: SurveyDesign | None, data: pd.DataFrame) -> tuple[float, float, float, int]:
    """The mean of a variable, its standard error, the degrees of freedom of that, and how many people it is of.

    Parameters
    ----------
    values : Series, shape (n,)
        Missing in those it is not of.
    design : SurveyDesign or None
        How the rows of `data` were drawn.
    data : DataFrame, shape (n, ...)

    References
    ----------
    Lumley T (2010) Complex Surveys, chapter 2. R: survey::svymean on a subset of the design.
    """
    known = values.notna().to_numpy()
    y = values.to_numpy(dtype=float)[known]
    if design is None:
        return float(y.mean()), float(y.std(ddof=1) / np.sqrt(y.size)), float(y.size - 1), int(y.size)
    sample = draw(design, data)[0].take(known)
    w = sample.weights
    mean = float(w @ y / w.sum())
    totals = np.zeros((sample.stratum.size, 1))
    np.add.at(totals, sample.psu, (w * (y - mean) / w.sum())[:, None])
    return mean, float(np.sqrt(linearised(sample, totals)[0, 0])), float(sample.df), int(y.size)


def _design(sample: SampleSpec, cohort: Cohort) -> SurveyDesign | None:
    if not sample.survey or cohort.design is None:
        return None
    fields = ("weights", "strata", "psu", "nested", "lonely_psu", "units")
    return SurveyDesign(**{name: getattr(cohort.design, name) for name in fields})


def _named(frame: pd.DataFrame, sample: SampleSpec) -> pd.DataFrame:
    """Columns named as the frames have them."""
    named = frame.rename(columns={sample.age: "age", **({sample.by: "group"} if sample.by else {})})
    return named if sample.by else named.assign(group="")


def _grid(group: Group, sample: SampleSpec) -> Array:
    """Ages of a curve: as many between any two knots, which lie where the people do, and those of the table."""
    assert isinstance(group.fit, LmsFit)  # of method "lms"
    low, high = group.fit.basis.boundary
    knots = [low, *group.fit.basis.interior, high]
    between = [np.linspace(a, b, STEPS) for a, b in pairwise(knots)]
    return np.unique(np.concatenate([*between, [age for age in sample.at if low <= age <= high]]))


def _alone(ranges: Centiles, group: Group) -> Centiles:
    return Centiles(ranges.outcome, ranges.variable, None, ranges.method, {None: group})


def _drawn(ranges: Centiles, sample: SampleSpec, asked: list[float], level: float) -> pd.DataFrame:
    frames = [
        _alone(ranges, group).curves(_grid(group, sample), asked, level).assign(group="" if name is None else str(name))
        for name, group in ranges.groups.items()
    ]
    return pd.concat(frames, ignore_index=True).rename(columns={sample.age: "age"})


def _lms(ranges: Centiles, sample: SampleSpec) -> pd.DataFrame:
    frames = [
        _alone(ranges, group).parameters(_grid(group, sample)).assign(group="" if name is None else str(name))
        for name, group in ranges.groups.items()
    ]
    return pd.concat(frames, ignore_index=True).rename(columns={sample.age: "age"})


def _people(ranges: Centiles, data: pd.DataFrame, sample: SampleSpec) -> pd.DataFrame:
    used = [sample.measurement, sample.age, *([sample.by] if sample.by else [])]
    missing = int(data[used].isna().any(axis=1).sum())
    rows = []
    for name, group in ranges.groups.items():
        assert isinstance(group.fit, LmsFit)  # of method "lms"
        edf = dict(zip(("edf_l", "edf_m", "edf_s"), group.fit.edf.tolist(), strict=True))
        low, high = group.fit.basis.boundary
        about = {"group": "" if name is None else str(name), "n": group.x.size, "n_missing": missing}
        rows.append(about | {"youngest": low, "oldest": high, "df": group.df} | edf)
    return pd.DataFrame(rows)


def _shares(ranges: Centiles, asked: list[float]) -> pd.DataFrame:
    """How many of the people themselves lie below each centile at their age."""
    rows = []
    for name, group in ranges.groups.items():
        score = _alone(ranges, group).sds(pd.DataFrame({ranges.outcome: group.y, ranges.variable: group.x})).to_numpy()
        for centile in asked:
            share = float(np.average(score < stats.norm.ppf(centile / 100), weights=group.weights))
            about = {"group": "" if name is None else str(name), "centile": centile}
            rows.append(about | {"n": group.x.size, "share": share})
    return pd.DataFrame(rows)


def _worms(ranges: Centiles, sample: SampleSpec) -> Rows:
    """The fit by age band, and the worm at shares of its people: what one person's score is, it does not say."""
    found = worm(ranges, sample.bands)
    names = {"low": "age_low", "high": "age_high", **({sample.by: "group"} if sample.by else {})}
    bands = found.bands.rename(columns=names)
    points = found.points.rename(columns=names)
    if not sample.by:
        bands, points = bands.assign(group=""), points.assign(group="")
    expected = stats.norm.ppf(SHARES)
    rows = []
    for (group, low, high), own in points.groupby(["group", "age_low", "age_high"], sort=False):
        drawn = {name: np.interp(expected, own["normal"], own[name]) for name in ("deviation", "band_low", "band_high")}
        about = {"group": group, "age_low": low, "age_high": high, "n": len(own), "share": SHARES.round(2)}
        rows.append(pd.DataFrame(about | {"normal": expected} | drawn))
    return {"worms": bands, "worm_points": pd.concat(rows, ignore_index=True)}


def _stages(spec: RangesSpec, ranges: Centiles, data: pd.DataFrame, sample: SampleSpec, cohort: Cohort) -> pd.DataFrame:
    """People of each stage whose level, age and group are known: a stage of fewer than ten is left out."""
    assert sample.stages is not None
    score = ranges.sds(data)
    weights = data[cohort.design.weights] if sample.survey and cohort.design else pd.Series(1.0, index=data.index)
    groups = data[sample.by].astype(str) if sample.by else pd.Series("", index=data.index)
    rows = []
    for group in [str(name) for name in ranges.groups] if sample.by else [""]:
        for position, stage in enumerate(cohort.variables[sample.stages].levels):
            chosen = (score.notna() & (groups == group) & (data[sample.stages] == stage)).to_numpy()
            if chosen.sum() < LEAST:
                continue
            mean, se, df, n = mean_and_se(score.where(chosen), _design(sample, cohort), data)
            half = float(t_critical(np.array(df), spec.level)) * se
            w = weights[chosen].to_numpy(dtype=float)
            rows.append(
                {
                    "group": group, "stage": stage, "position": position, "n": n,
                    "age": float(np.average(data.loc[chosen, sample.age], weights=w)),
                    "median": _median(data.loc[chosen, sample.measurement].to_numpy(dtype=float), w),
                    "sds": mean, "se": se, "low": mean - half, "high": mean + half,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    share = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return float(np.interp(0.5, share, values[order]))


def _beside(
    position: int, published: PublishedMeanSpec, sample: SampleSpec, cohort: Cohort, design: SurveyDesign | None
) -> dict[str, object]:
    """A published mean and that of the same people here; a test as of two samples where both have an error."""
    chosen = parse(published.when).truth(cohort.data).to_numpy() == 1
    values = cohort.data[sample.measurement].where(pd.Series(chosen, index=cohort.data.index))
    if values.notna().sum() < LEAST:
        raise DataError(
            f"published[{position + 1}]: {int(values.notna().sum())} people here are as `when` says "
            f"({published.when}); a mean needs {LEAST}. Correct the condition, or leave it out."
        )
    mean, se, _, n = mean_and_se(values, design, cohort.data)
    difference = mean - published.mean
    p = float(2 * stats.norm.sf(abs(difference) / np.hypot(se, published.se))) if published.se else float("nan")
    return {
        "position": position, "study": published.study, "population": published.population, "n": n,
        "mean": published.mean, "mean_se": published.se if published.se else np.nan, "own_mean": mean, "own_se": se,
        "difference": difference, "p": p,
    }  # fmt: skip
