"""The dose-response curve of a claim: from published levels with counts, or from contrasts that are given levels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from riskkit.design.bases import Array
from riskkit.errors import DataError, FitError, SpecError, did_you_mean
from riskkit.evidence.dose import (
    DoseResponse,
    curve_variable,
    dose_fit,
    dose_heterogeneity,
    dose_prediction,
    dose_response,
)
from riskkit.evidence.dose_tables import Doses
from riskkit.evidence.ledger import CurveEnd, Ledger
from riskkit.evidence.placed import placed
from riskkit.evidence.random_effects import RandomMethod
from riskkit.evidence.reference import Reference
from riskkit.evidence.table import Estimate, Published
from riskkit.evidence.verdicts import End
from riskkit.fit.hypothesis import Test
from riskkit.infer.contrast import contrast
from riskkit.infer.curve import curve
from riskkit.infer.ushape import UShape, ushape
from riskkit.numbers import measure
from riskkit.spec.evidence import ClaimSpec, DoseResponseSpec, EvidenceSpec
from riskkit.spec.load import Fault

PERCENTILES = (10, 50, 90)  # of a spline with three knots
RANGE = (5, 95)  # percentiles of printed doses between which a curve is drawn; of placed ones, all that there are
GRID = 100
Z = 1.959963984540054  # of the limits of points
LEAST = 3  # studies, with fewer of which nothing is known of how they differ


@dataclass(frozen=True, eq=False)
class OwnLevels:
    """The groups of an analysis of one's own, as a study among others.

    Attributes
    ----------
    claim, analysis, cohort : str
        `cohort` is its title.
    table : DataFrame
        level (1 is the lowest) x cases n estimate se; the reference has the estimate 0 and no standard error.
    design : str
        Of `rk.dose_response`.
    unit : str or None
        Of `x`, the medians of the groups.
    simulated : bool
        Such levels are never pooled.
    """

    claim: str
    analysis: str
    cohort: str
    table: pd.DataFrame = field(repr=False)
    design: str
    unit: str | None
    simulated: bool = False


@dataclass(frozen=True, eq=False)
class Drawn:
    """One curve and what is said of it.

    Attributes
    ----------
    fit : DoseResponse
    curve : DataFrame
        x ratio low high, relative to the reference dose.
    shape : UShape
        Of the curve between the ends of its range.
    heterogeneity : dict
        q, df, p and i2 of the studies about one curve.
    fits : Test
        Whether each study's levels lie on its own curve.
    """

    fit: DoseResponse
    curve: pd.DataFrame = field(repr=False)
    shape: UShape
    heterogeneity: dict[str, float]
    fits: Test

    @property
    def located(self) -> bool:
        """Whether a study has levels enough to say where its curve turns: more than the curve has columns."""
        return any(part.rows > part.z.size for part in self.fit.parts)


@dataclass(frozen=True, eq=False)
class ClaimCurve:
    """What the levels of all studies say of a claim.

    Attributes
    ----------
    claim : str
    placed : bool
        Whether levels are those of contrasts, by the reference; else they are printed with counts.
    unit : str
    reference : float
        Dose where the ratio is 1.
    range : pair of float
        Doses between which curves are drawn.
    published, together : Drawn or None
        The curve of published studies, and of these with real people of one's own; None where it cannot be made.
    points : DataFrame
        study dose ratio low high se own, each study's levels moved so that its reference lies on the curve.
    left_out : tuple of pairs
        Study, and why it, or a contrast of it, is not there.
    why : str
        Why there is no curve; empty where there is one.
    names : dict of str to str
        What a reader calls one's own studies.
    """

    claim: str
    placed: bool
    unit: str
    reference: float = float("nan")
    range: tuple[float, float] = (float("nan"), float("nan"))
    published: Drawn | None = None
    together: Drawn | None = None
    points: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    left_out: tuple[tuple[str, str], ...] = ()
    why: str = ""
    names: dict[str, str] = field(default_factory=dict)

    @property
    def main(self) -> Drawn | None:
        """The curve of everything that counts."""
        return self.together or self.published

    def at(self, dose: float) -> tuple[float, float, float]:
        """Ratio and limits at a dose against the reference, of the main curve."""
        assert self.main is not None
        row = curve(self.main.fit, "dose", reference=self.reference, grid=[dose], level=self.main.shape.level).iloc[0]
        return float(row["ratio"]), float(row["low"]), float(row["high"])


@dataclass(frozen=True, eq=False)
class _Levels:
    """Levels of studies, before a curve: their table, known covariances, and the terms of the curve."""

    table: pd.DataFrame
    covariances: dict[str, Array]
    terms: str
    unit: str
    reference: float
    range: tuple[float, float]
    left_out: tuple[tuple[str, str], ...] = ()


def dose_faults(spec: EvidenceSpec, doses: Doses | None) -> Iterator[Fault]:
    """Words of claims that no row of the table of doses has, and terms that are no curve, by their place."""
    for i, claim in enumerate(spec.claims):
        asked = claim.dose_response
        if asked is None:
            continue
        place = ("claims", i, "dose_response")
        if asked.terms is not None:
            try:
                curve_variable(asked.terms)
            except SpecError as error:
                yield Fault((*place, "terms"), str(error).removeprefix("dose_response: "))
        if doses is None or asked.outcome is None:
            continue
        exposure = asked.exposure or spec.exposure
        for name, word in (("outcome", asked.outcome), ("exposure", exposure)):
            known = set(doses.frame[name])
            if word not in known:
                yield Fault((*place, name), f"no row has '{word}'.{did_you_mean(word, known)}")


def printed_curves(spec: EvidenceSpec, doses: Doses | None, own: Iterable[OwnLevels] = ()) -> dict[str, ClaimCurve]:
    """Make the curves of claims that take an outcome of the table of doses, by the claims' ids.

    Two studies or fewer make no curve. Where fewer than two studies have levels enough for a curve of their own, how
    curves differ cannot be estimated: one curve is fitted to all. Limits are by the file's test: Knapp and Hartung's
    widens them by how badly studies fit, and needs more studies than the curve has columns.
    """
    ours = tuple(own)
    return {
        claim.id: _curve(claim.id, asked, spec, _of_doses(asked, spec, doses), _real(claim, ours), None)
        for claim in spec.claims
        if (asked := claim.dose_response) is not None and not asked.contrasts
    }


def placed_curves(
    spec: EvidenceSpec,
    published: Published,
    ledger: Ledger,
    reference: Reference | None,
    own: Iterable[OwnLevels] = (),
) -> dict[str, ClaimCurve]:
    """Make the curves of claims that place their own contrasts on the reference's scale, by the claims' ids.

    The contrasts are those that the claim's pools use, so that people count once; such a curve is shown and never
    counts in the verdict. Otherwise as `printed_curves`.
    """
    ours, found = tuple(own), {}
    for claim in spec.claims:
        asked = claim.dose_response
        if asked is not None and asked.contrasts:
            levels = _of_contrasts(claim, asked, published, ledger, reference)
            found[claim.id] = _curve(claim.id, asked, spec, levels, _real(claim, ours), reference)
    return found


def curve_ends(spec: EvidenceSpec, curves: Mapping[str, ClaimCurve]) -> dict[str, tuple[CurveEnd, ...]]:
    """What curves of printed levels say of their claims: of a U both ends of the range against the reference, else the
    upper end against the lower."""
    return {
        claim.id: tuple(_ends(claim, curves[claim.id]))
        for claim in spec.claims
        if claim.id in curves and curves[claim.id].published is not None
    }


def _ends(claim: ClaimSpec, found: ClaimCurve) -> Iterator[CurveEnd]:
    low, high = found.range
    pairs: tuple[tuple[End, float, float], ...] = (("line", high, low),)
    if claim.expects == "U":
        pairs = (("low", low, found.reference), ("high", high, found.reference))
    drawn = found.published
    assert drawn is not None
    for end, x, against in pairs:
        level = drawn.shape.level
        row = contrast(drawn.fit, {"dose": x}, {"dose": against}, level=level).iloc[0]
        new = dose_prediction(drawn.fit, [x], against, level).iloc[0]
        values = {name: float(row[name]) for name in ("estimate", "se", "ratio", "low", "high", "p")}
        yield CurveEnd(
            end=end,
            studies=len(drawn.fit.study),
            **values,
            i2=drawn.heterogeneity["i2"],
            predicted_low=float(new["low"]),
            predicted_high=float(new["high"]),
            note=f"curve, {measure(x)} against {measure(against, found.unit)}",
        )


def _real(claim: ClaimSpec, own: Iterable[OwnLevels]) -> list[OwnLevels]:
    return [each for each in own if each.claim == claim.id and not each.simulated]


def _of_contrasts(
    claim: ClaimSpec, asked: DoseResponseSpec, published: Published, ledger: Ledger, reference: Reference | None
) -> _Levels:
    assert reference is not None
    rows = ledger.rows[(ledger.rows["claim"] == claim.id) & ledger.rows["used"]]
    by_id: Mapping[str, Estimate] = {row.id: row for row in published.rows}
    found = placed([by_id[id] for id in rows["id"]], reference)
    low, middle, high = (reference.percentile(p) for p in PERCENTILES)
    terms = asked.terms or f"rcs(dose, [{low:.6g}, {middle:.6g}, {high:.6g}])"
    zero = middle if asked.reference is None else asked.reference
    at = found.table["dose"]
    ends = (float(at.min()), float(at.max())) if len(at) else (zero, zero)
    return _Levels(found.table, found.covariances, terms, reference.unit, zero, ends, found.left_out)


def _of_doses(asked: DoseResponseSpec, spec: EvidenceSpec, doses: Doses | None) -> _Levels:
    assert doses is not None
    assert asked.outcome is not None
    table = doses.select(asked.outcome, asked.exposure or spec.exposure)
    zero = float(table["dose"].median()) if asked.reference is None else asked.reference
    ends = tuple(float(p) for p in np.percentile(table["dose"], RANGE))
    return _Levels(table, {}, asked.terms or "rcs(dose, 3)", doses.unit, zero, (ends[0], ends[1]))


def _curve(
    claim: str,
    asked: DoseResponseSpec,
    spec: EvidenceSpec,
    levels: _Levels,
    mine: Sequence[OwnLevels],
    reference: Reference | None,
) -> ClaimCurve:
    left_out = list(levels.left_out)
    first: Drawn | None = None
    why = ""
    try:
        first = _drawn(spec, levels)
    except (FitError, DataError) as error:
        why = str(error).removeprefix("dose_response: ")
    both: Drawn | None = None
    own_names: set[str] = set()
    for ours in mine:
        try:
            added = _with_own(levels, ours, spec, reference if asked.contrasts else None)
            both = _drawn(spec, added)
        except (FitError, DataError, SpecError) as error:
            left_out.append((ours.analysis, str(error).removeprefix("dose_response: ")))
            continue
        levels, why = added, ""
        own_names.add(ours.analysis)
    main = both or first
    return ClaimCurve(
        claim=claim,
        placed=asked.contrasts,
        unit=levels.unit,
        reference=levels.reference,
        range=levels.range,
        published=first,
        together=both,
        points=pd.DataFrame() if main is None else _points(main.fit, levels.reference, own_names),
        left_out=tuple(left_out),
        why=why,
        names={ours.analysis: ours.cohort for ours in mine},
    )


def _with_own(levels: _Levels, ours: OwnLevels, spec: EvidenceSpec, reference: Reference | None) -> _Levels:
    """Add the groups of one's own: at the reference's levels of the same groups, or at their own medians."""
    table = ours.table
    if reference is not None:
        dose = [reference.group(int(level), len(table)) for level in table["level"]]
    else:
        factors = {**(spec.doses.factors if spec.doses else {}), levels.unit: 1.0}
        if ours.unit not in factors:
            raise SpecError(f"no factor takes '{ours.unit}' to '{levels.unit}'")
        dose = (table["x"] * factors[str(ours.unit)]).tolist()
    added = pd.DataFrame({"study": ours.analysis, "dose": dose, "design": ours.design})
    added = added.assign(**{name: table[name].to_numpy() for name in ("cases", "n", "estimate", "se")})
    whole = pd.concat([levels.table, added], ignore_index=True)
    return replace(levels, table=whole)


def _drawn(spec: EvidenceSpec, levels: _Levels) -> Drawn:
    pooling = spec.pooling
    number = levels.table["study"].nunique()
    if number < LEAST:
        raise FitError(f"{number or 'no'} {'study' if number == 1 else 'studies'} with levels; a curve takes {LEAST}.")

    def fitted(method: RandomMethod, test: Literal["normal", "knapp-hartung"]) -> DoseResponse:
        return dose_response(
            levels.table,
            levels.terms,
            method=method,
            test=test,
            covariance=spec.doses.covariance if spec.doses else "greenland-longnecker",
            covariances=levels.covariances,
        )

    alike = sum(part.full for part in fitted("common", "normal").parts) < 2 or pooling.method == "common"
    method: RandomMethod = "common" if alike else "ML" if pooling.method == "ML" else "REML"
    fit = fitted(method, pooling.test)
    grid = np.union1d(np.linspace(*levels.range, GRID), levels.reference)
    line = curve(fit, "dose", reference=levels.reference, grid=grid, level=pooling.level)
    shape = ushape(fit, "dose", limits=levels.range, level=pooling.level)
    return Drawn(fit, line[["x", "ratio", "low", "high"]], shape, dose_heterogeneity(fit), dose_fit(fit))


def _points(fit: DoseResponse, reference: float, own: set[str]) -> pd.DataFrame:
    """Levels with each study's reference on the mean curve, so that studies with other references can be compared."""
    table = fit.table
    assert table is not None
    doses = table["dose"].to_numpy(dtype=float)
    coding = fit.recipe.matrix(pd.DataFrame({"dose": np.append(doses, reference)}))
    height = (coding[:-1] - coding[-1]) @ fit.coef
    first = table["se"].isna().to_numpy()
    base = dict(zip(table["study"][first], height[first], strict=True))
    moved = table["estimate"].to_numpy(dtype=float) + np.array([base[study] for study in table["study"]])
    se = table["se"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "study": table["study"].to_numpy(),
            "dose": doses,
            "ratio": np.exp(moved),
            "low": np.exp(moved - Z * se),
            "high": np.exp(moved + Z * se),
            "se": se,
            "own": [study in own for study in table["study"]],
        }
    )
