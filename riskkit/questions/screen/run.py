"""Every screened exposure with every outcome in the main model, and the clearest of them studied like any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from riskkit.cohort.cohort import Cohort
from riskkit.design.bases import numbers
from riskkit.errors import DataError, FitError
from riskkit.fit.screen.screen import LANES_A_BLOCK, screen
from riskkit.formula import quoted
from riskkit.infer.multiplicity import adjust
from riskkit.questions.screen.spec import ScreenSpec, fits, is_pattern, used_otherwise
from riskkit.spec.exposure import ExposureSpec
from riskkit.spec.plan import EVERYONE, Task
from riskkit.spec.terms import coded
from riskkit.study.coding import ExposureCoding, increment, learn_coding
from riskkit.study.eligibility import in_category_without_events, is_complete, response, varying_terms
from riskkit.study.progress import within
from riskkit.study.study import FAILED, Frames, Job, Rows, Running, Study

WHOLE_FAMILY = "all pairs"


def meant(study: Study) -> dict[str, str]:
    """Every exposure that is screened, with the name or pattern that means it (the first that does)."""
    taken = used_otherwise(study.spec, study.age)
    columns = [name for name, variable in study.cohort.variables.items() if variable.kind == "number"]
    found: dict[str, str] = {}
    for pattern in study.spec.screened:
        own = [name for name in columns if fits(name, pattern) and not (is_pattern(pattern) and name in taken)]
        found |= {name: pattern for name in own if name not in found}
    return found


def first(study: Study) -> Iterator[Job]:
    """A job for each block of exposures, with all outcomes."""
    by_pattern: dict[str, list[str]] = {}
    for name, pattern in meant(study).items():
        by_pattern.setdefault(pattern, []).append(name)
    for pattern, names in by_pattern.items():
        for start in range(0, len(names), LANES_A_BLOCK):
            some = tuple(names[start : start + LANES_A_BLOCK])
            told = f"screen, {some[0]} to {some[-1]}" if len(some) > 1 else f"screen, {some[0]}"
            yield Job(screened, (pattern, some), told, len(some) * len(study.spec.outcomes))


def screened(study: Study, pattern: str, names: Sequence[str]) -> Rows:
    """Screen some exposures with every outcome.

    Returns
    -------
    dict of frame name to DataFrame
        screen: a row for each pair, which has its estimate or the reason why it has none.
    """
    spec, cohort = study.spec, study.cohort
    units = {name: _unit(name, spec.screened[pattern], cohort) for name in names}
    values = np.column_stack([numbers(cohort.data[name]) for name in names])
    rows = []
    for number, (some, people) in enumerate(_alike(study)):
        rows.append(_pairs(study, spec.screened[pattern], units, values, some, people))
        within(number + 1, len(spec.outcomes))
    table = pd.concat(rows, ignore_index=True)
    order = table.assign(
        exposure=table["exposure"].map({name: i for i, name in enumerate(names)}),
        outcome=table["outcome"].map({name: i for i, name in enumerate(spec.outcomes)}),
    ).sort_values(["exposure", "outcome"])
    return {"screen": table.loc[order.index].reset_index(drop=True)}


@dataclass(frozen=True, eq=False)
class _People:
    """Whom the main model has for one outcome, whatever the exposure; bool arrays of shape (n,).

    Attributes
    ----------
    task : Task
        With the covariates that differ between them.
    at_risk, complete : bool array
        At risk of the outcome, and with all that the adjusted model needs.
    kept : bool array
        Of both, those who are in no category without events.
    """

    task: Task
    at_risk: np.ndarray
    complete: np.ndarray
    kept: np.ndarray


def _alike(study: Study) -> Iterator[tuple[dict[str, _People], np.ndarray]]:
    """Outcomes with the same covariates and people left out, which are screened together, and who is not left out."""
    spec, cohort = study.spec, study.cohort
    scale = spec.time_scales[0]
    aside = {*spec.strata, *([study.age] if scale == "age" else [])}
    terms = tuple(term for term in spec.terms(spec.main) if coded(term) not in aside)
    main = Task("", "", scale, "linear", spec.main.name, EVERYONE, terms, spec.strata)
    groups: dict[tuple[tuple[str, ...], bytes], dict[str, _People]] = {}
    left_out: dict[bytes, np.ndarray] = {}
    for name in spec.outcomes:
        task, outcome = replace(main, outcome=name), cohort.outcomes[name]
        formula = f"{response(task, spec, cohort)} ~ {_adjust(task)}"
        at_risk, complete = cohort.data[outcome.at_risk].to_numpy(dtype=bool), is_complete(formula, cohort.data)
        used = at_risk & complete
        without = in_category_without_events(task, cohort.data, used, cohort)
        left = varying_terms(task, cohort.data[used & ~without])
        people = _People(replace(task, covariates=left), at_risk, complete, used & ~without)
        key = left, np.packbits(without).tobytes()
        groups.setdefault(key, {})[name] = people
        left_out[key[1]] = without
    for (_, packed), some in groups.items():
        yield some, ~left_out[packed]


def _pairs(
    study: Study,
    declared: ExposureSpec,
    units: dict[str, float],
    values: np.ndarray,
    outcomes: dict[str, _People],
    people: np.ndarray,
) -> pd.DataFrame:
    """Rows of some outcomes that have the same covariates, among the same people."""
    spec, cohort = study.spec, study.cohort
    data = cohort.data[people]
    task = next(iter(outcomes.values())).task
    follow_up, columns = {}, {}
    for number, (name, who) in enumerate(outcomes.items()):
        ends, happened = f"_end_{number}", f"_event_{number}"  # no variable of a cohort begins so
        about = cohort.outcomes[name]
        end = data[str(about.age_exit if task.time_scale == "age" else about.time)]
        columns[ends] = end.where(pd.Series(who.kept, index=cohort.data.index)[people])
        columns[happened] = data[name]
        follow_up[name] = f"Surv({'age_entry, ' if task.time_scale == 'age' else ''}{ends}, {happened})"
    scaled = {name: values[people, i] / units[name] for i, name in enumerate(units)}
    own = [name for name in data if name not in scaled]
    frame = pd.concat([data[own], pd.DataFrame({**columns, **scaled}, index=data.index)], axis=1)
    try:
        found = screen(
            frame, list(units), follow_up, _adjust(task), per=None, knots=int(declared.spline or 0),
            min_events=spec.min_events, level=spec.level, time_unit=str(cohort.time_unit),
        )  # fmt: skip
    except FAILED as error:  # the covariates themselves cannot be coded
        nothing = {"n": 0, "events": 0, "person_years": 0.0, "reason": str(error)}
        found = pd.DataFrame([{"exposure": x, "outcome": y, **nothing} for x in units for y in outcomes])
    counted = pd.concat([_counts(name, who, units, values, cohort) for name, who in outcomes.items()])
    found = found.drop(columns=["n_missing", "unit"], errors="ignore").merge(counted, on=["exposure", "outcome"])
    families = {"all": WHOLE_FAMILY, "outcome": found["outcome"], "exposure": found["exposure"]}
    of_pair = {"time_scale": task.time_scale, "model": task.model, "family": families[_asked(study).family]}
    return found.assign(unit=found["exposure"].map(units), **of_pair)


def _adjust(task: Task) -> str:
    strata = [f"strata({', '.join(quoted(name) for name in task.strata)})"] if task.strata else []
    return " + ".join([*task.covariates, *strata]) or "1"


def _counts(outcome: str, who: _People, units: dict[str, float], values: np.ndarray, cohort: Cohort) -> pd.DataFrame:
    """Who lacks a value, and in how many, with how many events, an exposure has another value than its commonest."""
    known = ~np.isnan(values)
    commonest = np.array([_commonest(values[who.kept, i]) for i in range(values.shape[1])])
    other = known & (values != commonest)
    event = who.kept & (cohort.data[outcome].to_numpy() == 1)
    return pd.DataFrame(
        {
            "exposure": list(units),
            "outcome": outcome,
            "n_missing": int(who.at_risk.sum()) - known[who.at_risk & who.complete].sum(axis=0),
            "n_other": other[who.kept].sum(axis=0),
            "events_other": other[event].sum(axis=0),
            "binary": [np.unique(values[who.kept & known[:, i], i]).size <= 2 for i in range(values.shape[1])],
        }
    )


def _commonest(values: np.ndarray) -> float:
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(found[counts.argmax()]) if found.size else np.nan


def _unit(name: str, declared: ExposureSpec, cohort: Cohort) -> float:
    """What the line of an exposure is per: as its linear estimate has it, learnt from everyone."""
    known = numbers(cohort.data[name].dropna())
    spread = float(known.std(ddof=1)) if known.size > 1 else 0.0
    unit, _ = increment(declared, spread, cohort.variables[name].unit)
    return unit if unit > 0 else 1.0  # of a constant, whose model says so


def widen(study: Study, frames: Frames) -> Study:
    """Study the exposures of the clearest pairs as any other, in all models.

    Raises
    ------
    FitError
        If no pair could be fitted and nothing else is studied.
    """
    if not study.spec.screened:
        return study
    top = ranked(frames["screen"]).head(_asked(study).top)
    if top.empty and not study.spec.exposures:
        reasons = frames["screen"]["reason"].unique()
        raise FitError(f"no pair of the screen could be fitted: {reasons[0] if len(reasons) else 'there are none'}")
    patterns, specs, codings = meant(study), {}, {}
    for name in top["exposure"].unique():
        if name not in study.spec.exposures:
            declared = study.spec.screened[patterns[name]].model_copy(update={"screen": False})
            specs[name], codings[name] = _coded(name, declared, study.cohort)
    declared_exposures = {**study.spec.declared_exposures, **specs}
    spec = study.spec.model_copy(update={"declared_exposures": declared_exposures})
    return replace(study, spec=spec, codings={**study.codings, **codings})


def _coded(name: str, declared: ExposureSpec, cohort: Cohort) -> tuple[ExposureSpec, ExposureCoding]:
    """How an exposure is coded; without a spline if it takes too few values for one."""
    try:
        return declared, learn_coding(name, declared, cohort)
    except DataError:
        line = declared.model_copy(update={"spline": False})
        return line, learn_coding(name, line, cohort)


def ranked(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs with an estimate, the smallest p value first, told apart by its statistic where p is too small to be."""
    return pairs[pairs["p"].notna()].sort_values("chi2", ascending=False, kind="stable")


def judged(study: Study, frames: Frames) -> Rows:
    """P values corrected over the family that was declared, and the rank of each pair."""
    pairs = frames["screen"]
    if pairs.empty:
        return {}
    order = ranked(pairs).index
    place = pd.Series(np.arange(1.0, len(order) + 1), index=order).reindex(pairs.index)
    return {"screen": adjust(pairs, ["family"]).assign(rank=place)}


def _asked(study: Study) -> ScreenSpec:
    asked: ScreenSpec = study.spec.asked("screen")
    return asked


RUNNING = Running(first=first, widen=widen, finish=judged)
