"""What an analysis found, one value for each exposure with each outcome: the material of sentences and headlines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.infer.verdict import ShapeVerdict
from riskkit.manifest import Manifest
from riskkit.measure import Measure
from riskkit.results import Results
from riskkit.spec.analysis import Coding
from riskkit.study.leading import INSTEAD, READABLE, primary_tests
from riskkit.tables.tests import HAZARDS

ADJUSTED = ("p_holm", "p_fdr", "family_size")
COUNTED = ("n", "events", "person_years", "n_missing", "n_without_events")
SHAPE_OF = ["exposure", "outcome", "time_scale", "model"]


@dataclass(frozen=True)
class Ratio:
    """A ratio with its interval; `x` is the level of the exposure it is read at, NaN for one per increment."""

    value: float
    low: float
    high: float
    p: float = float("nan")
    x: float = float("nan")


@dataclass(frozen=True)
class Shape:
    """The verdict on the shape of a curve; beside it the p value of the two-lines test, NaN where it is not shown."""

    verdict: ShapeVerdict
    lines: float = float("nan")


@dataclass(frozen=True)
class Association:
    """One exposure with one outcome in the main model on the main time scale.

    Attributes
    ----------
    exposure, outcome : str
        Names in the analysis.
    exposure_label, outcome_label, unit
        As the cohort calls them.
    anchor : str
        Where on the page the numbers stand.
    level : float
        Confidence level.
    measure : Measure
        What the ratios are.
    reference, reference_label
        Level of the exposure where the ratio is 1, and what it is ("median").
    per_label : str
        The increment of the linear ratio, such as "SD (81.3 ng/mL)".
    people, events, person_years, missing : float
        Of the main model's spline fit, or of the first coding that was fitted; people NaN when none was.
    linear, usual : Ratio or None
        Per increment of the measured level, and of the usual level (corrected for regression dilution).
    overall, nonlinear : float
        p values of the spline's tests; NaN where there is no spline.
    holm, fdr : float
        The p value of the primary test (`p`) corrected for the number of tests; NaN where it was not.
    ends : tuple of Ratio
        The curve at the report's low and high level of the exposure, the range of all that is said of its shape.
    shape : Shape or None
        Of the spline.
    proportional, proportional_all : float
        p values of the tests of proportional hazards, for the exposure and for the whole model.
    difference : float
        p value of the test of any difference between groups; NaN where there are none.
    time_scale : {"age", "follow_up", "none"}
        Of the model.
    primary : {"spline", "linear", "groups"}
        Whose test is declared to be the primary one; what stands in for it where there is none: `tested_by`.
    family : float
        For how many tests `holm` is corrected.
    without_events : float
        People in covariate categories without events, who do not inform the estimate; not among `people`.
    weighted : float
        p value of the same test weighted by the survey's design; NaN where nothing was weighted.
    """

    exposure: str
    outcome: str
    exposure_label: str
    outcome_label: str
    unit: str | None
    anchor: str
    level: float
    measure: Measure
    reference: float
    reference_label: str
    per_label: str
    people: float
    events: float
    person_years: float
    missing: float
    linear: Ratio | None
    usual: Ratio | None
    overall: float
    nonlinear: float
    holm: float
    fdr: float
    ends: tuple[Ratio, ...]
    shape: Shape | None
    proportional: float
    proportional_all: float
    difference: float = math.nan
    time_scale: str = "age"
    primary: Coding = "spline"
    family: float = math.nan
    weighted: float = math.nan
    without_events: float = 0.0

    @property
    def fitted(self) -> bool:
        """Whether any model of this pair could be fitted."""
        return self.linear is not None or bool(self.ends) or not math.isnan(self.difference)

    @property
    def tested_by(self) -> Coding:
        """The coding whose test is the primary one of this pair; the declared one where none was fitted."""
        return next((coding for coding in INSTEAD[self.primary] if not math.isnan(self._tests[coding])), self.primary)

    @property
    def p(self) -> float:
        """Of the primary test: all terms of the spline, the straight line, or any difference between groups."""
        return self._tests[self.tested_by]

    @property
    def _tests(self) -> dict[Coding, float]:
        linear = self.linear.p if self.linear else math.nan
        return {"spline": self.overall, "linear": linear, "groups": self.difference}


def associations(results: Results) -> tuple[Association, ...]:
    """Gather the main results of every exposure with every outcome, in the analysis's order."""
    manifest = results.manifest
    return tuple(
        _association(results, exposure, outcome, anchor(i, j))
        for i, exposure in enumerate(manifest.exposures)
        for j, outcome in enumerate(manifest.analysis.outcomes)
    )


def is_corrected(tests: pd.DataFrame) -> bool:
    """Whether p values were corrected over the outcomes."""
    return bool(tests["p_holm"].notna().any())


def is_outcome_wide(found: Sequence[Association]) -> bool:
    """Whether there are more outcomes than a page can show as small multiples or tell one by one."""
    return len({a.outcome for a in found}) > READABLE


def anchor(exposure: int, outcome: int) -> str:
    """The place on the page of the main numbers of the i-th exposure with the j-th outcome."""
    return f"e{exposure + 1}-o{outcome + 1}"


def main_rows(frame: pd.DataFrame, manifest: Manifest, exposure: str, coding: str | None = None) -> pd.DataFrame:
    """Rows of one exposure in the main model on the main time scale."""
    rows = on_main_scale(frame, manifest, exposure, coding)
    return rows[rows["model"] == manifest.analysis.main.name]


def on_main_scale(frame: pd.DataFrame, manifest: Manifest, exposure: str, coding: str | None = None) -> pd.DataFrame:
    """Rows of one exposure in every model on the main time scale."""
    kept = (frame["exposure"] == exposure) & (frame["time_scale"] == manifest.analysis.time_scales[0])
    return frame[kept & (frame["coding"] == coding)] if coding else frame[kept]


def lines_beside(results: Results) -> pd.DataFrame:
    """The two-lines tests where every curve whose shape is told has one; none of them otherwise."""
    analysis, lines = results.manifest.analysis, results.two_lines
    of_main = (results.shapes["model"] == analysis.main.name) & (
        results.shapes["time_scale"] == analysis.time_scales[0]
    )
    told = results.shapes.loc[of_main, SHAPE_OF]
    return lines if len(told.merge(lines[SHAPE_OF].drop_duplicates())) == len(told) else lines.iloc[:0]


def corrected_by(results: Results, method: str, exposure: str) -> pd.DataFrame:
    """Linear estimates of one exposure in the main model, corrected for regression dilution by one method."""
    rows = main_rows(results.corrected, results.manifest, exposure, "linear")
    return rows if rows.empty else rows[(rows["variant"] == "") & (rows["correction"] == method)]


def _association(results: Results, exposure: str, outcome: str, place: str) -> Association:
    manifest = results.manifest
    described = manifest.exposures[exposure]

    def of(frame: pd.DataFrame, coding: str | None = None) -> pd.DataFrame:
        rows = main_rows(frame, manifest, exposure, coding)
        return rows[rows["outcome"] == outcome]

    fits = of(results.fits)
    counts = fits.iloc[0] if len(fits) else dict.fromkeys(COUNTED, float("nan"))
    curve = of(results.curves)
    linear = [_ratio(row) for _, row in of(results.estimates, "linear").iterrows()]
    rosner = corrected_by(results, "rosner", exposure)
    usual = [_ratio(row) for _, row in rosner[rosner["outcome"] == outcome].iterrows()]
    tested = of(results.tests, "spline")
    tested, whole = tested[tested["term"] == exposure], tested[tested["term"] == "GLOBAL"]
    tests = tested.set_index("part")["p"]
    differences = _overall(of(results.tests, "groups"))
    primary = primary_tests(of(results.tests), manifest.analysis)
    holm, fdr, family = (float(primary[name].iloc[0]) if len(primary) else np.nan for name in ADJUSTED)
    weighted = primary_tests(of(results.weighted_tests), manifest.analysis)
    same = len(weighted) and len(primary) and weighted["coding"].iloc[0] == primary["coding"].iloc[0]
    return Association(
        exposure=exposure,
        outcome=outcome,
        exposure_label=described.label,
        outcome_label=manifest.outcomes[outcome].label,
        unit=described.unit,
        anchor=place,
        level=manifest.analysis.level,
        measure=manifest.measure,
        reference=described.reference,
        reference_label=described.reference_label,
        per_label=described.per_label,
        people=counts["n"],
        events=counts["events"],
        person_years=counts["person_years"],
        missing=counts["n_missing"],
        linear=linear[0] if linear else None,
        usual=usual[0] if usual else None,
        overall=float(tests.get("overall", np.nan)),
        nonlinear=float(tests.get("nonlinear", np.nan)),
        holm=holm,
        fdr=fdr,
        ends=_ends(curve, described.low, described.high),
        shape=_shape(of(results.shapes), of(lines_beside(results)), curve),
        proportional=float(tests.get(HAZARDS, np.nan)),
        proportional_all=float(whole[whole["part"] == HAZARDS]["p"].min()),
        difference=float(differences["p"].min()),
        time_scale=manifest.analysis.time_scales[0],
        primary=manifest.analysis.primary,
        family=family,
        weighted=float(weighted["p"].iloc[0]) if same else np.nan,
        without_events=counts["n_without_events"],
    )


def _overall(tests: pd.DataFrame) -> pd.DataFrame:
    return tests[tests["part"] == "overall"]


def _ends(curve: pd.DataFrame, low: float, high: float) -> tuple[Ratio, ...]:
    """The curve at two levels, or at its own ends where it does not reach them."""
    if curve.empty:
        return ()
    x = curve["x"].to_numpy()
    return tuple(_ratio(curve.iloc[int(np.argmin(np.abs(x - at)))]) for at in (low, high))


def _shape(rows: pd.DataFrame, lines: pd.DataFrame, curve: pd.DataFrame) -> Shape | None:
    if rows.empty or curve.empty:
        return None
    return Shape(ShapeVerdict.from_row(rows.iloc[0]), lines=float(lines["p"].iloc[0]) if len(lines) else np.nan)


def _ratio(row: pd.Series) -> Ratio:
    x = row["x"] if row["coding"] == "spline" else float("nan")
    p = row["p"] if "p" in row.index else float("nan")
    return Ratio(float(row["ratio"]), float(row["low"]), float(row["high"]), float(p), float(x))


def histogram(results: Results, exposure: str) -> pd.DataFrame:
    """Distribution of one exposure in the cohort."""
    return results.histograms[results.histograms["exposure"] == exposure]
