"""The design: a formula met with a frame.

A `Recipe` is what a model must remember to code new values (knots, levels, cut points); a `Design` is a recipe with the
arrays the model is fitted to. Inference needs only the recipe; diagnostics need the design.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit import formula as language
from riskkit.design import bases, margins
from riskkit.design import weights as case_weights
from riskkit.design.bases import Array, Summary
from riskkit.design.columns import check_columns, check_names
from riskkit.design.recipe import Recipe
from riskkit.design.recipe import Term as Term
from riskkit.design.surv import Surv, surv
from riskkit.design.survey import Sample, SurveyDesign, draw
from riskkit.design.weights import WeightKind
from riskkit.errors import DataError, SpecError
from riskkit.formula import Formula


@dataclass(frozen=True, eq=False)
class Design:
    """Everything a model is fitted to; rows with a missing value in a used column are already left out.

    Attributes
    ----------
    recipe : Recipe
    x : array, shape (n, p), row-major
    response : Surv, or array, shape (n,)
    index : pandas.Index, shape (n,)
        Labels of the rows used.
    strata : int array, shape (n,), or None
        Stratum of each row; `strata_labels` names them.
    offset, weights : array, shape (n,), or None
    time : array, shape (n,), or None
        Person-time of each row, where it is a column of its own.
    cluster : int array, shape (n,), or None
    sample : Sample or None
        Where the rows were drawn, when they are of a survey; `weights` are then its weights over their mean.
    sampling : str or None
        What kind of sample of a cohort the rows are, when they are not all of it: "case-cohort", for instance.
    missing : mapping of column to the number of rows in which it is missing
    n_missing : int
        Rows left out because any used column is missing; people, where weights are frequencies.
    weight_kind : {"frequency", "sampling"} or None
        What the weights are: how many people a row stands for, or how many of a population a person does.
    notes : tuple of str
        What a reader should know of how the columns came about, in sentences.
    source : DataFrame or None
        What the design was built from; None where its rows were changed since.
    rows : int array, shape (n,), or None
        Where the rows used stand in `source`; None means all of them, in order.
    """

    recipe: Recipe
    x: Array
    response: Surv | Array
    index: pd.Index
    strata: NDArray[np.int64] | None = None
    strata_labels: tuple[str, ...] = ()
    offset: Array | None = None
    weights: Array | None = None
    time: Array | None = None
    cluster: NDArray[np.int64] | None = None
    sample: Sample | None = None
    sampling: str | None = None
    missing: Mapping[str, int] = field(default_factory=dict)
    n_missing: int = 0
    weight_kind: WeightKind = None
    notes: tuple[str, ...] = ()
    source: pd.DataFrame | None = field(default=None, repr=False)
    rows: NDArray[np.int64] | None = field(default=None, repr=False)

    @property
    def people(self) -> Array:
        """How many people each row stands for, shape (n,): its weight where weights are frequencies, else one."""
        counted = self.weight_kind == "frequency" and self.weights is not None
        return self.weights if counted and self.weights is not None else np.ones(len(self.x))

    @cached_property
    def summaries(self) -> dict[str, Summary]:
        """Summary of each right-hand-side variable over the people used; computed when first asked for."""
        out: dict[str, Summary] = {}
        x = self.x
        if self.weight_kind == "frequency":
            x = np.repeat(x, self.people.astype(np.int64), axis=0)
        for term in self.recipe.terms:
            if len(term.bases) == 1 and term.variables[0] not in out:
                out[term.variables[0]] = term.bases[0].summary(x[:, term.columns])
        return out


def build(
    formula: str | Formula,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    weight_kind: WeightKind = None,
    cluster: str | None = None,
    time: str | None = None,
    intercept: bool = False,
    survey: SurveyDesign | None = None,
) -> Design:
    """Build a design from a formula and a frame.

    Parameters
    ----------
    formula : str or Formula
        See `riskkit.formula`.
    data : DataFrame, shape (N, ...)
        One row per person or per period of follow-up.
    weights, cluster : str, optional
        Columns of case weights and of cluster identifiers. A row of weight zero is nobody, and left out.
    weight_kind : {"frequency", "sampling"}, optional
        What the weights are: "frequency", each row stands for so many people (knots and cut points are then learnt from
        all of them); "sampling", each person for so many of a population.
    time : str, optional
        Column of person-time, for rates.
    intercept : bool
        Whether the matrix starts with a column of ones (not for Cox models), unless the formula says `0 +` or `- 1`.
    survey : SurveyDesign, optional
        How the people of a survey were drawn; the design has the rows of its subpopulation.

    Raises
    ------
    SpecError
        If the formula or a column name is wrong, or weights or clusters are given beside a survey design.
    DataError
        If a column cannot be what the formula makes of it, or no complete row is left.
    """
    check_names(weights=weights, cluster=cluster, time=time)
    weights, cluster, time = (name and language.unquoted(name) for name in (weights, cluster, time))
    case_weights.check_kind(weights, weight_kind)
    spec = formula if isinstance(formula, Formula) else language.parse(formula)
    if cluster and spec.cluster and cluster != spec.cluster:
        raise SpecError(
            f"cluster is both '{spec.cluster}' in the formula and '{cluster}' as an argument; give it once."
        )
    cluster = cluster or spec.cluster
    sample, source, inside = None, data, None
    if survey is not None:
        if weights or cluster:
            raise SpecError(
                "a survey design has weights and clusters (PSUs) of its own; leave out weights and cluster."
            )
        sample, inside = draw(survey, data)
        data = data if inside.all() else data[inside]
    used = list(dict.fromkeys([*spec.columns, *(name for name in (weights, cluster, time) if name)]))
    check_columns(data, used, f"formula {spec.text!r}")
    if not len(data):
        raise DataError(f"formula {spec.text!r}: the data have no rows.")
    complete, missing = _complete(data, used)
    n_missing = 0 if complete is None else case_weights.count(data[~complete], weights, weight_kind)
    somebody = case_weights.somebody(data, weights, weight_kind)
    if somebody is not None:
        complete = somebody if complete is None else complete & somebody
    rows = data if complete is None else data.loc[complete, used]  # a copy only where rows are left out
    if not len(rows):
        if not missing:
            raise DataError(f"weights '{weights}' are zero in every row, so that there is nobody.")
        worst = max(missing, key=lambda name: missing[name])
        raise DataError(
            f"no row is complete in {', '.join(used)}; '{worst}' alone is missing in {missing[worst]} of {len(data)} "
            "rows."
        )
    response = _response(spec, rows)
    if sample is not None and complete is not None:
        sample = sample.take(complete)
    weight = _weights(rows, weights, weight_kind, sample)
    strata, labels = _codes(rows, spec.strata)
    absorbed = margins.constant_within(strata, rows, spec)
    people = weight.astype(np.int64) if weight is not None and weight_kind == "frequency" else None
    recipe = margins.recipe(spec, rows, response, intercept=intercept, absorbed=absorbed, people=people)
    return Design(
        recipe=recipe,
        x=recipe.matrix(rows),
        response=response,
        index=rows.index,
        strata=strata,
        strata_labels=labels,
        offset=offset_of(spec, rows),
        weights=weight,
        time=_positive(rows[time], "person-time") if time else None,
        cluster=pd.factorize(rows[cluster], sort=True)[0] if cluster else None,
        sample=sample,
        missing=missing,
        n_missing=n_missing,
        weight_kind=weight_kind,
        notes=margins.notes(spec, absorbed),
        source=source,
        rows=_positions(inside, complete),
    )


def offset_of(formula: Formula, rows: pd.DataFrame) -> Array | None:
    """The offset of each row, shape (n,), as the formula writes it; None where it has none.

    Raises
    ------
    DataError
        If it is no number, or not positive where its logarithm is asked for.
    """
    if formula.offset is None:
        return None
    if not formula.offset_function:
        return bases.numbers(rows[formula.offset], "an offset is a number")
    outer = bases.Transformed(formula.offset, formula.offset_function)
    return outer.columns(outer.encode(rows))[:, 0]


def events_apart(design: Design) -> Design:
    """The same people with every event in a row of its own, where a row stands for several of them.

    How ties are treated depends on how many people fall ill at a time, which weights do not say.
    """
    surv = design.response
    if design.weight_kind != "frequency" or not isinstance(surv, Surv) or (design.people[surv.event] == 1).all():
        return design
    each = np.repeat(np.arange(len(design.x)), np.where(surv.event, design.people, 1).astype(np.int64))
    taken = {
        name: values[each]
        for name in ("x", "index", "strata", "offset", "time", "cluster")
        if (values := getattr(design, name)) is not None
    }
    response = Surv(None if surv.entry is None else surv.entry[each], surv.exit[each], surv.event[each])
    weights = np.where(response.event, 1.0, design.people[each])
    rows = each if design.rows is None else design.rows[each]
    return replace(design, response=response, weights=weights, rows=rows, **taken)


def _positions(inside: NDArray[np.bool_] | None, complete: NDArray[np.bool_] | None) -> NDArray[np.int64] | None:
    """Where the rows used stand in the data: the complete ones of those inside; None means all."""
    if inside is None:
        return None if complete is None else np.flatnonzero(complete)
    place = np.flatnonzero(inside)
    return place if complete is None else place[complete]


def _complete(data: pd.DataFrame, used: list[str]) -> tuple[NDArray[np.bool_] | None, dict[str, int]]:
    """Find the complete rows (None when all are), and count the missing values of each column that has any."""
    complete: NDArray[np.bool_] | None = None
    missing: dict[str, int] = {}
    for name in used:
        if data[name].hasnans:
            present = data[name].notna().to_numpy()
            missing[name] = int(len(present) - present.sum())
            complete = present if complete is None else complete & present
    return complete, missing


def _response(spec: Formula, rows: pd.DataFrame) -> Surv | Array:
    if not spec.response:
        return np.empty(0)  # covariates alone, to be joined to several outcomes
    if not spec.survival:
        outcome = rows[spec.response[0]]
        if not (pd.api.types.is_numeric_dtype(outcome) or pd.api.types.is_bool_dtype(outcome)):
            raise DataError(f"outcome '{outcome.name}' is {outcome.dtype}, not numbers; recode it to 0/1 or booleans.")
        return bases.numbers(outcome)
    *entry, exit_, event = spec.response
    return surv(rows[entry[0]] if entry else None, rows[exit_], rows[event])


def _codes(rows: pd.DataFrame, columns: Iterable[str]) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Number the combinations of values that occur, in sorted order, and name them as R does: 'sex=Men, region=1'."""
    names = list(columns)
    if not names:
        return None, ()
    combined, labels = np.zeros(1, dtype=np.int64), [""]
    for name in names:
        codes, levels = pd.factorize(rows[name], sort=True)
        combined = combined * len(levels) + codes
        occurs = np.bincount(combined) > 0
        if not occurs.all():
            combined = (np.cumsum(occurs) - 1)[combined]
        heads, tails = np.divmod(np.flatnonzero(occurs), len(levels))
        labels = [
            f"{labels[head]}{', ' if labels[head] else ''}{stratum_label(name, levels[tail])}"
            for head, tail in zip(heads, tails, strict=True)
        ]
    return combined, tuple(labels)


def stratum_label(name: str, level: Any) -> str:
    """Name a stratum as R does: 'sex=Men'; whole numbers are named alike, whether a gap made them floats or not."""
    return f"{name}={level:.0f}" if isinstance(level, float) and level.is_integer() else f"{name}={level}"


def _weights(rows: pd.DataFrame, name: str | None, kind: WeightKind, sample: Sample | None) -> Array | None:
    if sample is not None:
        return sample.weights / sample.weights.mean()  # so that the size of the population does not look like data
    return case_weights.read(rows[name], kind) if name else None


def _positive(values: pd.Series, what: str) -> Array:
    out = bases.numbers(values, f"{what} are numbers")
    if not (out > 0).all():
        raise DataError(
            f"{what} '{values.name}' must be positive: {int((out <= 0).sum())} rows have zero or less. Leave them out."
        )
    return out
