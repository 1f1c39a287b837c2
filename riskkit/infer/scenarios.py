"""Who is given what: levels that all are given, shifts of each one's own, and what they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from riskkit.design.bases import Array, Summary, is_number, numbers, summarise
from riskkit.design.design import Design
from riskkit.design.levels import Groups
from riskkit.errors import DataError, SpecError, did_you_mean
from riskkit.fit.fit import Fit
from riskkit.fit.pooled import PooledFit
from riskkit.infer.linear import placed, smooth
from riskkit.infer.population import Population
from riskkit.infer.shift import POINTS, WEIGHTS, Shift

AS_IS = "as they are"
Change = str | Shift | Mapping[float, float]


@dataclass(frozen=True)
class Moving:
    """A shift and how far people can be moved."""

    shift: Shift
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Scenes:
    """The settings of the exposure for given people.

    Attributes
    ----------
    values : tuple
        A level for all, an array of a level each, or None for their own: each is evaluated once.
    shares : array, shape (L', L)
        The plan's settings as mixtures of those.
    capped : tuple of float
        For each of the plan's settings, the share of people (by weight) who would have gone beyond the support; NaN
        where nobody is moved.
    around : tuple of (int, float, tuple of int)
        Of an uncertain change: its setting, the share of people moved, and the values at the points of its normal
        distribution.
    """

    values: tuple[Any, ...]
    shares: Array
    capped: tuple[float, ...]
    around: tuple[tuple[int, float, tuple[int, ...]], ...]

    def of_changes(self, estimate: Array) -> Array:
        """What uncertain changes add to the covariance of the settings, (L' J, L' J); estimates are (L, J)."""
        n_settings, n_targets = len(self.shares), estimate.shape[1]
        out, chance = np.zeros((n_settings * n_targets,) * 2), np.array(WEIGHTS)
        for setting, share, columns in self.around:
            values = share * estimate[list(columns)]
            away = values - chance @ values
            here = slice(setting * n_targets, (setting + 1) * n_targets)
            out[here, here] += (away * chance[:, None]).T @ away
        return out


@dataclass(frozen=True)
class Plan:
    """Settings of the exposure, before the people are known.

    Attributes
    ----------
    exposure : str
    labels : tuple
        What each setting is called, in the order of results.
    kinds : tuple
        For each: None (as they are), a `Moving`, or a level.
    reference : int or None
        Position of the setting compared with.
    shown : tuple of int
        Settings to give rows of.
    """

    exposure: str
    labels: tuple[Any, ...]
    kinds: tuple[Any, ...]
    reference: int | None
    shown: tuple[int, ...]

    def scenes(self, people: Population) -> Scenes:
        """Give people their levels; each distinct setting is evaluated once."""
        values: list[Any] = []
        index: dict[Any, int] = {}
        rows: list[dict[int, float]] = []
        capped: list[float] = []
        around: list[tuple[int, float, tuple[int, ...]]] = []

        def evaluated(key: Any, value: Any) -> int:
            if key not in index:
                index[key] = len(values)
                values.append(value)
            return index[key]

        for number, kind in enumerate(self.kinds):
            if not isinstance(kind, Moving):
                rows.append({evaluated(AS_IS if kind is None else ("level", kind), kind): 1.0})
                capped.append(float("nan"))
                continue
            shift, own = kind.shift, people.values(self.exposure)
            moved, beyond = shift.moved(own, kind.low, kind.high)
            main = evaluated(("shift", number), moved)
            rows.append({main: shift.share})
            if shift.share < 1:
                rows[-1][evaluated(AS_IS, None)] = 1 - shift.share
            capped.append(float(people.weights @ beyond))
            if shift.error > 0:
                others = [
                    evaluated((number, at), shift.moved(own, kind.low, kind.high, at * shift.error)[0])
                    for at in POINTS[1:]
                ]
                around.append((number, shift.share, (main, *others)))
        shares = np.zeros((len(rows), len(values)))
        for number, row in enumerate(rows):
            shares[number, list(row)] = list(row.values())
        return Scenes(tuple(values), shares, tuple(capped), tuple(around))


def planned(
    fits: Mapping[str, Fit],
    exposure: str,
    levels: Any,
    reference: Any,
    shift: Change | Sequence[Change] | Mapping[str, Change] | None,
    compared: bool,
    attributed: bool,
) -> Plan:
    """Read the levels, shifts and reference of a question.

    `compared` says whether the settings are compared with a reference, `attributed` whether that is the people as they
    are.

    Raises
    ------
    SpecError
        If there is no setting, one is given twice, or the reference makes no sense.
    DataError
        If a level is outside what the fit has seen.
    """
    fit = next(fit for fit in fits.values() if exposure in fit.recipe.variables)
    seen, groups = summary_of(fit, exposure), _groups(fit, exposure)
    labels: list[Any] = []
    kinds: list[Any] = []
    if levels is not None:
        for one in [levels] if isinstance(levels, str) or not np.iterable(levels) else list(levels):
            labels.append(one)
            kinds.append(_kind(seen, groups, exposure, one))
    for label, change in _shifts(shift):
        number = smooth(seen, exposure)
        labels.append(label)
        kinds.append(Moving(change, *(placed(number, exposure, end) for end in change.support)))
    if not kinds:
        raise SpecError('standardise: give levels, as in levels=["p5", "p95"], or a shift, as in shift="+10%".')
    if len({str(label) for label in labels}) < len(labels):
        raise SpecError(f"standardise: give each level or shift once; got {', '.join(map(str, labels))}.")
    if not compared:
        if reference is not None:
            raise SpecError(
                "reference: this effect compares nothing; leave it out, or ask for a difference or a ratio."
            )
        return Plan(exposure, tuple(labels), tuple(kinds), None, tuple(range(len(kinds))))
    if attributed and reference not in (None, AS_IS):
        raise SpecError(
            'reference: a "paf" compares the people as they are with the levels and shifts given; leave it out.'
        )
    if reference is None:
        reference = AS_IS if attributed or shift is not None else labels[0]
    named = [str(label) for label in labels]
    if str(reference) not in named:
        named.append(str(reference))
        labels.append(reference)
        kinds.append(_kind(seen, groups, exposure, reference))
    against = named.index(str(reference))
    shown = tuple(number for number in range(len(kinds)) if number != against)
    if not shown:
        raise SpecError("standardise: there is one level; a comparison needs another, or reference=...")
    return Plan(exposure, tuple(labels), tuple(kinds), against, shown)


def summary_of(fit: Fit, variable: str) -> Summary:
    """What a fit has seen of one variable, without summarising all.

    Raises
    ------
    SpecError
        If it stands only in interactions.
    """
    if isinstance(fit, PooledFit):
        found = fit.summaries.get(variable)
    else:
        design = cast(Design, fit.design)
        alone = (term for term in design.recipe.terms if term.variables == (variable,))
        found = next((term.bases[0].summary(design.x[:, term.columns]) for term in alone), None)
        if found is None and design.source is not None:
            raw = design.source[variable] if design.rows is None else design.source[variable].iloc[design.rows]
            found = summarise(numbers(raw)) if is_number(raw) else None
    if found is None:
        raise SpecError(f"'{variable}' stands only in interactions; add its main effect to the formula.")
    return found


def _groups(fit: Fit, variable: str) -> Groups | None:
    """The coding of a number in groups; None for any other."""
    codings = (basis for term in fit.recipe.terms_with(variable) for basis in term.bases)
    return next((basis for basis in codings if isinstance(basis, Groups) and basis.variable == variable), None)


def _kind(seen: Summary, groups: Groups | None, exposure: str, value: Any) -> Any:
    """A level as a value of the exposure, refused where the fit has seen none such; None for people as they are."""
    if isinstance(value, str) and value == AS_IS:
        return None
    if groups is not None and not isinstance(value, str):
        return placed(seen, exposure, value)  # any number is in a group
    if groups is not None and value in seen.levels:
        cut = seen.levels.index(value)  # the last value of the group, or one beyond the last cut
        return groups.cuts[cut] if cut < len(groups.cuts) else float(np.nextafter(groups.cuts[-1], np.inf))
    if seen.levels:
        if value not in seen.levels:
            known = [str(one) for one in seen.levels]
            raise DataError(f"'{exposure}' has no level {value!r} in the fit.{did_you_mean(str(value), known)}")
        return value
    at, low, high = placed(seen, exposure, value), seen.percentiles[0], seen.percentiles[100]
    if not low <= at <= high:
        raise DataError(
            f"level {at:g} of '{exposure}' is outside what the fit has seen, {low:g} to {high:g}; give a level between."
        )
    return at


def _shifts(shift: Any) -> list[tuple[str, Shift]]:
    if shift is None:
        return []
    if isinstance(shift, Mapping) and all(isinstance(key, str) for key in shift):
        named: list[tuple[str | None, Any]] = list(shift.items())
    elif isinstance(shift, str | Shift | Mapping):
        named = [(None, shift)]
    else:
        named = [(None, one) for one in shift]
    found = [(label, one if isinstance(one, Shift) else Shift(one)) for label, one in named]
    return [(label or one.name, one) for label, one in found]
