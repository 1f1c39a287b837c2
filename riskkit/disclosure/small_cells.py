"""What in the results rests on too few people, found before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from riskkit.disclosure.behind import behind, few_lines
from riskkit.disclosure.policy import Policy
from riskkit.disclosure.sums import telling
from riskkit.frames import MODEL
from riskkit.results import Results
from riskkit.spec.plan import NO_TIME
from riskkit.study.coding import ExposureCoding

KEY = list(MODEL)
OF_ANY_CODING = ["exposure", "outcome", "time_scale", "model", "variant"]
PAIR = ["exposure", "outcome"]
OUTERMOST = 1  # percentile that curves are drawn from
OF_LINES = ("lower", "higher", "commonest", "other")  # levels of cells that are of whole models
WIDEST = 10  # percentile from which on a curve must be drawn, at least


@dataclass(frozen=True, eq=False)
class Small:
    """What rests on too few people.

    Attributes
    ----------
    policy : Policy
    sizes : DataFrame
        KEY variant n events: of every model whose counts are known.
    models : DataFrame
        KEY variant: models of fewer events, or people without one, than may be shown, or than there are coefficients
        and so many; lines that rest on a few who differ from the others; splines of too few people; variants without a
        few people, whom the change of the estimate would tell of.
    modifiers : DataFrame
        KEY modifier variant: interactions of which a group has too few events or people, and how a reader calls them.
    incidences : DataFrame
        KEY variant: cumulative incidences of which a group has too few events, and how a reader calls them.
    times : DataFrame
        exposure outcome first last: the times that enough events come before and after.
    groups : DataFrame
        KEY level: groups of an exposure, in the main analysis, whose estimate rests on such numbers.
    behind : DataFrame
        What is behind each estimate of a group, and of a line of two values: see `riskkit.disclosure.behind`.
    few : DataFrame
        exposure outcome time_scale model variant: of models with fewer events, or people without, than may be shown.
    variants : frozenset of str
        The subgroups and sensitivity analyses that the analysis declares.
    telling : DataFrame
        KEY variant: models whose number of events would give another away.
    binary : frozenset of str
        Exposures that have two values in a model.
    values : DataFrame
        variable group n n_other values commonest other: of each number described, who has not its commonest value.
    ranges : DataFrame
        KEY first last: the levels of the exposure between which each spline may be shown, infinite where it may in
        full.
    drawn : DataFrame
        KEY term other covariance: of the coefficients that curves are drawn from.
    coefficients : DataFrame
        KEY term estimate, of these and others.
    lines : DataFrame
        The linear estimates of the main analysis.
    imputed : DataFrame
        exposure variable kind n n_missing: how many people each variable was imputed from, and for.
    cuts : dict of str to list of float
        Where each exposure is cut into groups.
    """

    policy: Policy
    sizes: pd.DataFrame
    models: pd.DataFrame
    modifiers: pd.DataFrame
    incidences: pd.DataFrame
    times: pd.DataFrame
    groups: pd.DataFrame
    behind: pd.DataFrame
    few: pd.DataFrame
    variants: frozenset[str]
    telling: pd.DataFrame
    binary: frozenset[str]
    values: pd.DataFrame
    ranges: pd.DataFrame
    drawn: pd.DataFrame
    coefficients: pd.DataFrame
    lines: pd.DataFrame
    imputed: pd.DataFrame
    cuts: dict[str, list[float]]
    exposures: dict[str, ExposureCoding]

    def without(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of a frame that are of no withheld model; all of one that is not of models."""
        if not set(KEY) <= set(frame):
            return frame
        variant = "variant" in frame
        own = self.models if variant else self.models[self.models["variant"] == ""]
        return frame[~is_in(frame, own, [*KEY, "variant"] if variant else KEY)]

    def people(self, frame: pd.DataFrame) -> np.ndarray:
        """How many people the model of each row has, shape (rows,); NaN where that is not known."""
        own = frame[KEY].assign(variant=frame.get("variant", ""))
        return own.merge(self.sizes, on=[*KEY, "variant"], how="left")["n"].to_numpy(dtype=float)

    def informing(self, frame: pd.DataFrame, variant: str = "") -> np.ndarray:
        """On how many events each row of a frame rests, shape (rows,); of states, those without one if they are fewer.

        Those of its model, or its own if it has fewer, rounded as they are shown; 1 where neither is known.
        """
        own = frame[KEY].assign(variant=frame.get("variant", variant))
        sizes = own.merge(self.sizes.drop_duplicates([*KEY, "variant"]), on=[*KEY, "variant"], how="left")
        fewer = _fewer(sizes, frame["time_scale"])
        if {"n", "events"} <= set(frame):
            fewer = np.fmin(fewer, _fewer(frame, frame["time_scale"]))
        return np.fmax(self.policy.counts(fewer), 1.0)

    def rests_on_few(self, frame: pd.DataFrame, variant: str = "") -> np.ndarray:
        """Which rows are of groups with few events or people without one, or relative to such a one, shape (rows,)."""
        few = self.behind[self.behind["few"].astype(bool) & (self.behind["coding"] == "groups")]
        own = frame[[*KEY, "level"]].assign(variant=frame.get("variant", variant))
        return is_in(own, few, [*KEY, "variant", "level"])

    def is_telling(self, frame: pd.DataFrame) -> np.ndarray:
        """Which rows are of models whose number of events would give another away, shape (rows,); no single groups."""
        own = frame[KEY].assign(variant=frame.get("variant", ""))
        of_group = (frame["coding"] == "groups").to_numpy() & ("level" in frame)
        return is_in(own, self.telling, [*KEY, "variant"]) & ~of_group


def find_small(results: Results, policy: Policy) -> Small:
    """Look through results as a run left them."""
    imputed, sizes = results.imputations, _sizes(results)
    everyone = sizes[sizes["variant"] == ""].set_index(KEY)["n"]
    without = everyone.reindex(pd.MultiIndex.from_frame(sizes[KEY])).to_numpy() - sizes["n"]
    short = (sizes["coding"] == "spline") & ~policy.enough_beyond(sizes["n"], WIDEST)
    small = short | policy.is_few(without) | too_few(sizes, policy) | _near_saturation(sizes, results.fits, policy)
    cells = results.cells[results.cells["level"].isin(OF_LINES)]
    models = pd.concat([sizes.loc[small, [*KEY, "variant"]], few_lines(cells, policy)], ignore_index=True)
    estimated = behind(results, policy)
    of_groups = estimated["few"].astype(bool) & (estimated["coding"] == "groups") & (estimated["variant"] == "")
    thin = estimated.loc[(estimated["coding"] == "linear") & estimated["few"].astype(bool), [*KEY, "variant"]]
    return Small(
        policy,
        sizes,
        pd.concat([models, thin], ignore_index=True).drop_duplicates(ignore_index=True),
        _modifiers(results, policy),
        _incidences(results, policy),
        _times(results.incidence, policy),
        estimated.loc[of_groups, [*KEY, "level"]],
        estimated,
        sizes.loc[too_few(sizes, policy), OF_ANY_CODING].drop_duplicates(),
        frozenset(each.name for each in results.manifest.analysis.variants),
        telling(results, sizes, policy),
        frozenset(cells.loc[cells["values"] == 2, "exposure"]),
        results.cells_of_values,
        _ranges(results, policy),
        results.covariances,
        results.coefficients,
        results.estimates[results.estimates["coding"] == "linear"],
        imputed[["exposure", "variable", "kind", "n", "n_missing"]] if len(imputed) else pd.DataFrame(),
        {name: list(each.cuts) for name, each in results.manifest.exposures.items()},
        results.manifest.exposures,
    )


def _fewer(counts: pd.DataFrame, time_scale: pd.Series) -> np.ndarray:
    """Events, or of states those without one where they are fewer, shape (rows,)."""
    n, events = (counts[name].to_numpy(dtype=float) for name in ("n", "events"))
    return np.where(time_scale == NO_TIME, np.fmin(events, n - events), events)


def is_in(frame: pd.DataFrame, others: pd.DataFrame, key: list[str]) -> np.ndarray:
    """Which rows of a frame have a key that another has too, shape (rows,)."""
    if frame.empty or others.empty:
        return np.zeros(len(frame), dtype=bool)
    return pd.MultiIndex.from_frame(frame[key]).isin(pd.MultiIndex.from_frame(others[key]))


def too_few(rows: pd.DataFrame, policy: Policy) -> pd.Series:
    """Which rows rest on fewer events, or people without one, than may be shown."""
    events, others = rows["events"].astype(float), (rows["n"] - rows["events"]).astype(float)
    return (events < policy.min_count) | (others < policy.min_count)


def _near_saturation(sizes: pd.DataFrame, fits: pd.DataFrame, policy: Policy) -> np.ndarray:
    """Which models have nearly as many coefficients as events, or as people without one; of variants, the main ones."""
    coefficients = sizes[KEY].merge(fits[[*KEY, "df"]], on=KEY, how="left")["df"].fillna(0).to_numpy()
    fewer = np.minimum(sizes["events"], sizes["n"] - sizes["events"]).to_numpy(dtype=float)
    return np.asarray(fewer - coefficients < policy.min_count)


def _sizes(results: Results) -> pd.DataFrame:
    """People and events of every model; the splines of a variant have those of its other codings."""
    key = [*KEY, "variant"]
    variants = results.variants[[*key, "n", "events"]].groupby(key, as_index=False).sum()  # the groups of a model
    splines = variants.assign(coding="spline").drop_duplicates(key)
    splines = splines[is_in(splines, results.variant_shapes, key)]
    return pd.concat([results.fits.assign(variant="")[splines.columns], variants, splines], ignore_index=True)


def _incidences(results: Results, policy: Policy) -> pd.DataFrame:
    curves = results.incidence
    if curves.empty:
        return pd.DataFrame(columns=[*KEY, "variant"])
    found = curves.loc[too_few(curves, policy), [*PAIR, "time_scale"]].drop_duplicates()
    main = results.manifest.analysis.main.name
    return found.assign(coding="groups", model=main, variant="Cumulative incidence")


def _modifiers(results: Results, policy: Policy) -> pd.DataFrame:
    """Each group's curve is drawn from its own outermost percentile on, which enough people must lie beyond."""
    groups = results.interaction_curves
    if groups.empty:
        return pd.DataFrame(columns=[*KEY, "modifier", "variant"])
    cells = results.cells[~results.cells["level"].isin(OF_LINES)]
    crossed = cells.loc[too_few(cells, policy), [*KEY, "variant"]].rename(columns={"variant": "modifier"})
    small = too_few(groups, policy) | ~policy.enough_beyond(groups["n"], OUTERMOST)
    small |= is_in(groups, crossed, [*KEY, "modifier"])
    variables = results.manifest.cohort.variables
    named = {
        each.modifier: f"Interaction with {each.label or variables[each.modifier].label}"
        for each in results.manifest.analysis.asked("interactions")
    }
    found = groups.loc[small, [*KEY, "modifier"]].drop_duplicates()
    return found.assign(variant=found["modifier"].map(named))


def _ranges(results: Results, policy: Policy) -> pd.DataFrame:
    """The outermost percentiles that enough people lie beyond."""
    if results.splines.empty:
        return pd.DataFrame(columns=[*KEY, "first", "last"])
    rows = results.splines.merge(results.fits[[*KEY, "n"]], on=KEY)
    first, last = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    shown = percentiles(rows)
    for percent in sorted(shown, key=lambda percent: -abs(percent - 50)):
        end, limit = (first, -np.inf) if percent < 50 else (last, np.inf)
        outermost = percent in (min(shown), max(shown))
        open_yet = np.isnan(end) & policy.enough_beyond(rows["n"], percent)
        end[open_yet] = limit if outermost else rows.loc[open_yet, f"p{percent}"]
    return rows[KEY].assign(first=first, last=last)


def percentiles(frame: pd.DataFrame) -> list[int]:
    """The percentiles that a frame has columns of."""
    return [int(name[1:]) for name in frame if name[0] == "p" and name[1:].isdigit()]


def _times(frame: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Between which times each outcome has had enough events before, and has enough to come: PAIR first last."""
    rows = []
    for pair, own in frame.groupby(PAIR, sort=False) if len(frame) else ():
        events = own.groupby("time")["n_event"].sum()
        inside = events[(events >= policy.min_count) & (events.max() - events >= policy.min_count)].index
        rows.append((*pair, inside.min() if len(inside) else np.nan, inside.max() if len(inside) else np.nan))
    return pd.DataFrame(rows, columns=[*PAIR, "first", "last"])
