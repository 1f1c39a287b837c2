"""The main model as an estimate of a survey's population, beside that of the people examined, on the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from math import isnan, log
from statistics import median

import pandas as pd

from riskkit.figures.panels import Panel
from riskkit.figures.spline import comparison
from riskkit.numbers import count, level, ratio
from riskkit.questions.survey.table import WEIGHTINGS, weighted_table
from riskkit.results import Results
from riskkit.telling.associations import Association, Ratio, histogram, main_rows
from riskkit.telling.blocks import Link, PageFigure
from riskkit.telling.exposure_text import ExposureText, reference
from riskkit.telling.references import Work
from riskkit.telling.telling import Exhibit, Telling, methods_link
from riskkit.telling.words import alpha, in_sentence, interval, listed, quantity, threshold

MOST_NAMED = 4  # estimates that moved which a sentence names
BOTH = {  # frames of the results, unweighted and weighted
    "linear": ("estimates", "weighted"),
    "tests": ("tests", "weighted_tests"),
    "curves": ("curves", "weighted_curves"),
}


def weighted_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The curves of one exposure weighted and unweighted, with both estimates; None where nothing was weighted."""
    if results.weighted_curves.empty:
        return None
    curves = _both(results, exposure, "curves", "spline")
    weighted = curves.loc[curves["weighting"] == "weighted", "outcome"]
    shown = [a for a in found if a.ends and a.outcome in set(weighted)]
    if not shown:
        return None
    bins = histogram(results, exposure)
    drawn = partial(
        comparison,
        curves.assign(series=curves["weighting"]),
        bins,
        [Panel(a.outcome, a.outcome_label) for a in shown],
        dict(reversed(WEIGHTINGS.items())),
        "weighted",
        xlabel=text.axis,
        ylabel=text.ratio_axis.replace(f" ({text.level} CI)", ""),
        reference=reference(text),
    )
    caption = (
        f"The sample and its population. {text.ratios} by {text.name} relative to {text.reference}, weighted by the "
        f"survey's design, with the pointwise {text.level} confidence band, and unweighted. Weighted, each person "
        f"stands for as many people of the population as the sampling weight says; unweighted, each person examined "
        f"counts the same. {text.adjusted}"
    )
    table = weighted_table(
        _both(results, exposure, "linear", "linear"),
        _both(results, exposure, "tests", "spline"),
        curves,
        tuple(end.x for end in shown[0].ends),
        {a.outcome: a.outcome_label for a in shown},
        text.unit,
        text.measure.events,
        f"{text.ratio} of {text.name}, unweighted and weighted by the survey's design",
        f"{text.short} per\n{text.increment} higher",
    )
    return PageFigure("weighted", drawn, caption, weighted_told(results, exposure, shown), table)


def weighted_told(results: Results, exposure: str, found: Sequence[Association]) -> str:
    """What the weighted estimates are, and how many differ from the unweighted ones; empty where there are none."""
    estimates = main_rows(results.weighted, results.manifest, exposure, "linear").set_index("outcome")
    compared = [(a, a.linear, estimates.loc[a.outcome]) for a in found if a.linear and a.outcome in estimates.index]
    if not compared:
        return ""
    a, own, row = compared[0]
    weighted = interval(Ratio(row["ratio"], row["low"], row["high"]), a.level)
    return (
        f"Weighted to the population, the {a.measure.ratio} per {a.per_label} higher {in_sentence(a.exposure_label)} "
        f"was {weighted} for {in_sentence(a.outcome_label)}; unweighted, {interval(own, a.level)}. "
        f"{_moved(compared)} {_evidence(results, exposure, [a for a, _, _ in compared])}"
    )


def _moved(compared: Sequence[tuple[Association, Ratio, pd.Series]]) -> str:
    """Which weighted estimates lie outside the unweighted interval, and how much less precise they are."""
    moved = [
        f"{in_sentence(a.outcome_label)} ({ratio(own.value)} to {ratio(row['ratio'])})"
        for a, own, row in compared
        if not own.low <= row["ratio"] <= own.high
    ]
    named = listed(moved[:MOST_NAMED]) + (f" and {count(len(moved) - MOST_NAMED)} more" if moved[MOST_NAMED:] else "")
    wider = median(log(row["high"] / row["low"]) / log(own.high / own.low) for _, own, row in compared)
    return (
        f"Of {quantity(len(compared), 'weighted estimate')}, {count(len(moved)) if moved else 'none'} lay outside the "
        f"unweighted {level(compared[0][0].level)} confidence interval{f': {named}' if moved else ''}; weighted "
        f"intervals were {wider:.1f} times as wide (median, log scale)."
    )


def _evidence(results: Results, exposure: str, found: Sequence[Association]) -> str:
    """With how many outcomes the spline's test gives evidence of an association, unweighted and weighted."""
    tests = main_rows(results.weighted_tests, results.manifest, exposure, "spline")
    p = tests[tests["part"] == "overall"].set_index("outcome")["p"]
    both = [(a.overall, p[a.outcome]) for a in found if a.outcome in p.index and not isnan(a.overall)]
    if not both:
        return ""
    unweighted, weighted = (sum(each[i] < alpha(found[0]) for each in both) for i in (0, 1))
    return (
        f"The spline gave evidence of an association ({threshold(found[0])}) with {count(unweighted)} of "
        f"{quantity(len(both), 'outcome')} unweighted, and with {count(weighted) if weighted else 'none'} weighted."
    )


def weighted_method(results: Results) -> str:
    """How the weighted estimates were made, and what each of the two is an estimate of."""
    design = results.manifest.cohort.design
    df = sorted({int(value) for value in results.weighted_tests["df_resid"]})
    degrees = count(df[0]) if len(df) == 1 else f"{count(df[0])} to {count(df[-1])}"
    weights = count(results.weighted["population"].max())
    return (
        "The people are the sample of a survey. The main model was also fitted by its design: weighted to represent "
        f"{design.population} (the weights of the people used add up to {weights} at most), with a covariance "
        f"linearised between the {count(len(design.units))} primary sampling units within their strata, as if those "
        "had been drawn with replacement [@binder]. Intervals are of t and tests of F, with "
        f"{degrees} degrees of freedom (primary sampling units less strata). People who were excluded from the cohort "
        "or lack a value stay in the design, without adding to the estimates. A weighted estimate is of the "
        "association in that population; an unweighted one, as everywhere else in this report, of the association "
        "among the people examined, where those whom the survey drew more often count for more. The two differ by "
        "chance, or where the "
        "association is not the same for all kinds of people. Knots, groups and reference are the same in both."
    )


def weighted_limits(results: Results) -> tuple[str, ...]:
    """What limits what is said of the population: the note on the weights, or that nothing was weighted."""
    design = results.manifest.cohort.design
    if design is None:
        return ()
    if results.weighted_tests.empty:
        return ("The people are the sample of a survey; nothing was weighted, so that results are of those examined.",)
    note = " ".join(design.note.split())
    return (f"Weights: {note}",) if note else ()


def _both(results: Results, exposure: str, what: str, coding: str) -> pd.DataFrame:
    """Rows of the main model, unweighted and weighted, the column `weighting` saying which."""
    frames = [
        main_rows(results.frames[name], results.manifest, exposure, coding).assign(weighting=weighting)
        for weighting, name in zip(WEIGHTINGS, BOTH[what], strict=True)
    ]
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1], ignore_index=True)


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How the weighted estimates were made."""
    if len(results.weighted_tests):
        yield METHODS, weighted_method(results)


def limits(results: Results) -> Iterator[str]:
    """What limits what is said of the population."""
    yield from weighted_limits(results)


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that the survey's design speaks to."""
    if len(results.weighted_tests):
        yield 12, methods_link(METHODS)


METHODS = "Survey design"
WORKS = {
    "binder": Work(
        "Binder DA. On the variances of asymptotically normal estimators from complex surveys. Int Stat Rev "
        "1983;51:279-92.",
        "10.2307/1402588",
    ),
}

TELLING = Telling(
    exhibits=(Exhibit(weighted_figure, "comparing", said=weighted_told),),
    methods=methods,
    limits=limits,
    strobe=strobe,
    works=WORKS,
)
