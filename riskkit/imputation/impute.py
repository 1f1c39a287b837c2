"""Multiple imputation by chained equations, compatible with the analysis that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from riskkit import formula as language
from riskkit.design.bases import Array, numbers
from riskkit.design.design import build
from riskkit.design.surv import surv
from riskkit.errors import DataError, SpecError, did_you_mean
from riskkit.fit.fit import Fit
from riskkit.fit.pooled import PooledFit, pool
from riskkit.imputation.chained import Chain, chain, missing_among
from riskkit.imputation.columns import Bounds, Column, columns_of
from riskkit.imputation.hazard import hazard_lived
from riskkit.imputation.substantive import substantive

Progress = Callable[[int, int], None]  # sets done, sets in all
WORTH_PROCESSES = 2_000_000  # values drawn from models, which take a few seconds
MOST_SETS, MOST_ITERATIONS = 1_000, 1_000


@dataclass(frozen=True, eq=False)
class Imputed:
    """Imputed sets of the same people, and how they were made.

    Attributes
    ----------
    sets : tuple of DataFrame
        The data with the missing values of the imputed variables filled in.
    variables : DataFrame
        name kind method low high n n_missing, one row per imputed variable.
    trace : DataFrame
        set variable iteration mean sd: what was drawn, by iteration.
    log : DataFrame
        variable problem sets: every fallback that was taken, and in how many sets.
    """

    sets: tuple[pd.DataFrame, ...]
    variables: pd.DataFrame
    trace: pd.DataFrame
    log: pd.DataFrame

    def among(self, rows: NDArray[np.bool_]) -> Imputed:
        """The same sets for some of the people; `rows` has shape (n,)."""
        return replace(self, sets=tuple(one[rows] for one in self.sets))

    def fit(self, model: Callable[[str, pd.DataFrame], Fit], formula: str) -> PooledFit:
        """Fit a model to every set and pool the fits.

        Knots, cut points and levels are learnt once, from all sets together; splines and interactions of imputed
        variables are made from the imputed values, set by set.

        Parameters
        ----------
        model : function of a formula and a frame
            `riskkit.cox`, `riskkit.logistic`, ...; with options as in `lambda f, d: rk.cox(f, d, robust=True)`.
        formula : str
            Its outcome, strata and offset must not be imputed.

        Raises
        ------
        SpecError, DataError, FitError
            As the model does.
        """
        parsed = language.parse(formula)
        imputed = set(self.variables["name"]) & {*parsed.response, *parsed.strata, parsed.offset}
        if imputed:
            raise SpecError(
                f"formula {formula!r}: '{sorted(imputed)[0]}' is imputed, so it cannot be outcome, stratum or offset."
            )
        first = model(formula, self.sets[0].reset_index(drop=True))
        if first.design is None or first.refit is None:
            raise SpecError("the model must return a fit that keeps its design, as riskkit.cox does.")
        columns, rows = list(parsed.columns), first.design.index
        frames = [one[columns].iloc[rows] for one in self.sets]
        recipe = build(parsed, pd.concat(frames, ignore_index=True), intercept=first.recipe.intercept).recipe
        designs = (replace(first.design, recipe=recipe, x=recipe.matrix(frame)) for frame in frames)
        return pool([first.refit(design) for design in designs])


def impute(
    data: pd.DataFrame,
    variables: Sequence[str],
    *,
    outcomes: Sequence[str] = (),
    predictors: str | None = None,
    m: int = 20,
    iterations: int = 10,
    seed: int,
    ordered: Sequence[str] = (),
    bounds: Mapping[str, Bounds] | None = None,
    methods: Mapping[str, str] | None = None,
    analysis: tuple[Callable[[str, pd.DataFrame], Fit], str] | None = None,
    jobs: int | None = None,
    on_progress: Progress | None = None,
) -> Imputed:
    """Impute what is missing, m times.

    Each variable in turn is drawn given all others: numbers by predictive mean matching (or a normal model between
    bounds), binary variables by a logistic model, ordered ones by a cumulative and others by a multinomial logit. The
    models hold the outcome - of follow-up, whether the event happened and the hazard lived through (Nelson and Aalen) -
    because without it the association with what is imputed would be diluted.

    Parameters
    ----------
    data : DataFrame, shape (n, ...)
    variables : sequence of str
        Columns to impute; those with nothing missing are left as they are.
    outcomes : sequence of str
        As the analysis writes them: `"Surv(age_in, age_out, death)"`, or a column. A person whose outcome
        is missing counts as without it and without time at risk, and as one of whom it is not known.
    predictors : str, optional
        What else the models hold, as the right-hand side of a formula over columns without missing values:
        `"rcs(igf1, 4) + rcs(age, 4) * sex"`.
    m : int
        How many sets; at least 2, and about as many as the percentage of people with something missing.
    iterations : int
        Rounds before a set is taken.
    seed : int
        The same seed gives the same sets, however many jobs.
    ordered : sequence of str
        Categories whose levels are ordered, besides those that pandas knows to be.
    bounds : mapping of str to pair of numbers, optional
        Between which a number is drawn by the normal model; matching keeps to observed values.
    methods : mapping of str to {"pmm", "normal"}, optional
        Of numbers; "pmm" unless named.
    analysis : tuple of model and formula, optional
        `(riskkit.cox, "Surv(...) ~ rcs(bmi, 4) * sex")`: numbers are drawn from a normal model (between bounds) without
        the outcome, and this Cox or logistic model accepts or rejects the draws, so that they know of its splines and
        interactions. Leave its outcome out of `outcomes` then, and ask for 20 iterations: such draws settle slowly.
    jobs : int, optional
        Processes; -1 means all processors. By default all for large work, one where starting them would take longer.
    on_progress : callable, optional
        Called after each set with the number done and the number in all.

    Returns
    -------
    Imputed

    Raises
    ------
    SpecError
        If a column is unknown, nothing is missing, or an argument makes no sense.
    DataError
        If a variable cannot be imputed (no values, one value, fewer than 20), or a predictor has missing values.

    References
    ----------
    White IR, Royston P (2009) Stat Med 28:1982-1998; White IR, Royston P, Wood AM (2011) Stat Med 30:377-399.
    R: mice::mice.
    """
    if m < 2:
        raise SpecError(f"impute: m is the number of imputed sets, 2 or more (20 is common); got {m}.")
    if iterations < 1:
        raise SpecError(f"impute: iterations must be 1 or more; got {iterations}.")
    if m > MOST_SETS or iterations > MOST_ITERATIONS:
        raise SpecError(
            f"impute: m = {m:,} and iterations = {iterations:,} would take for ever; ask for {MOST_SETS:,} sets and "
            f"{MOST_ITERATIONS:,} iterations at most."
        )
    columns = columns_of(data, variables, ordered, bounds or {}, methods or {})
    fixed, names, events = _fixed(data, variables, outcomes, predictors, columns)
    accepting = substantive(analysis[1], analysis[0], data.reset_index(drop=True), columns) if analysis else None
    seeds = np.random.SeedSequence(seed).spawn(m)
    chains: list[Chain] = []
    work = (joblib.delayed(chain)(columns, fixed, names, iterations, each, accepting) for each in seeds)
    if jobs is None:
        jobs = -1 if len(data) * len(columns) * m * iterations > WORTH_PROCESSES else 1
    for done in joblib.Parallel(n_jobs=jobs, return_as="generator")(work):
        chains.append(done)
        if on_progress:
            on_progress(len(chains), m)
    problems = [*missing_among(columns, events) * m, *(row for done in chains for row in done.log)]
    log = pd.DataFrame(problems, columns=["variable", "problem"])
    return Imputed(
        sets=tuple(_filled(data, columns, done) for done in chains),
        variables=pd.DataFrame([_described(column) for column in columns]),
        trace=pd.concat([done.trace.assign(set=i) for i, done in enumerate(chains, 1)], ignore_index=True),
        log=log.value_counts(sort=False).rename("sets").reset_index(),
    )


def _fixed(
    data: pd.DataFrame,
    variables: Sequence[str],
    outcomes: Sequence[str],
    predictors: str | None,
    columns: tuple[Column, ...],
) -> tuple[Array, tuple[str, ...], dict[str, NDArray[np.bool_]]]:
    """Predictors without missing values, their names, and who has which event."""
    blocks: list[Array] = []
    names: list[str] = []
    events: dict[str, NDArray[np.bool_]] = {}
    for outcome in outcomes:
        made, called, event = _outcome(outcome, data)
        blocks += made
        names += called
        events |= event
    imputed = {column.name for column in columns}
    complete = [name for name in dict.fromkeys(variables) if name not in imputed]
    terms = " + ".join([*complete, *([predictors] if predictors else [])])
    if terms:
        parsed = language.of_covariates(terms)
        lacking = [name for name in parsed.columns if name in data and data[name].isna().any()]
        if lacking:
            raise DataError(
                f"impute: predictor '{lacking[0]}' is missing in {int(data[lacking[0]].isna().sum())} rows; impute it "
                "with the others (name it in `variables`), or leave those rows out."
            )
        design = build(parsed, data.reset_index(drop=True))
        blocks += list(design.x.T)
        names += list(design.recipe.names)
    fixed = np.column_stack(blocks) if blocks else np.zeros((len(data), 0))
    spread = np.ptp(fixed, axis=0) > 0
    scaled = (fixed[:, spread] - fixed[:, spread].mean(axis=0)) / fixed[:, spread].std(axis=0)
    return scaled, tuple(name for name, kept in zip(names, spread, strict=True) if kept), events


def _outcome(text: str, data: pd.DataFrame) -> tuple[list[Array], list[str], dict[str, NDArray[np.bool_]]]:
    """What an outcome says: the event and the hazard lived through, or the outcome itself."""
    parsed = language.parse(f"{text} ~ 1")
    for name in parsed.response:
        if name not in data.columns:
            raise SpecError(
                f"impute: outcome '{text}': no column '{name}'.{did_you_mean(name, map(str, data.columns))}"
            )
    columns = data[list(parsed.response)]
    followed, name = columns.notna().all(axis=1).to_numpy(), parsed.response[-1]
    if not followed.any():
        raise DataError(f"impute: outcome '{text}' is missing in every row.")
    value = np.zeros(len(data))
    value[followed] = numbers(columns.loc[followed, name])
    made, called = [value], [name]
    if parsed.survival:
        *entry, exit_, event = (columns.loc[followed, column] for column in parsed.response)
        hazard = np.zeros(len(data))
        hazard[followed] = hazard_lived(surv(entry[0] if entry else None, exit_, event))
        made, called = [value, hazard], [name, f"hazard of {name}"]
    if not followed.all():
        made, called = [*made, followed.astype(float)], [*called, f"known {name}"]
    return made, called, {name: value == 1}


def _filled(data: pd.DataFrame, columns: tuple[Column, ...], done: Chain) -> pd.DataFrame:
    return data.assign(**{c.name: c.filled_in(data[c.name], done.values[c.name]) for c in columns})


def _described(column: Column) -> dict[str, object]:
    low, high = column.bounds
    counts = {"n": int((~column.missing).sum()), "n_missing": int(column.missing.sum())}
    return {"name": column.name, "kind": column.kind, "method": column.method, "low": low, "high": high, **counts}
