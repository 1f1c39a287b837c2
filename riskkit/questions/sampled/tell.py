"""A sample of a cohort in a report: how it was drawn, how it was analysed, and what it cannot say."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from riskkit.cohort.sampled import Sampled
from riskkit.manifest import Manifest
from riskkit.numbers import count
from riskkit.results import Results
from riskkit.spec.sampling import CASE_COHORT, MATCHED
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import Block, Heading, Link, Paragraph
from riskkit.telling.references import Work
from riskkit.telling.telling import Found, Telling, methods_link
from riskkit.telling.words import in_sentence, listed

METHODS = "Sampling"
ESTIMATORS = {
    "prentice": "Prentice's pseudo-likelihood, in which a case from outside the subcohort enters at its event "
    "[@prentice]",
    "self-prentice": "Self and Prentice's pseudo-likelihood, whose risk sets are of the subcohort alone [@self]",
    "lin-ying": "Lin and Ying's pseudo-likelihood, in which others than cases stand for the cohort's people without "
    "the event [@linying]",
    "borgan-1": "Borgan's first pseudo-likelihood for a subcohort drawn within strata [@borgan]",
    "borgan-2": "Borgan's second pseudo-likelihood for a subcohort drawn within strata [@borgan]",
}
WORKS = {
    "prentice": Work(
        "Prentice RL. A case-cohort design for epidemiologic cohort studies and disease prevention trials. Biometrika "
        "1986;73:1-11.",
        "10.1093/biomet/73.1.1",
    ),
    "self": Work(
        "Self SG, Prentice RL. Asymptotic distribution theory and efficiency results for case-cohort studies. Ann Stat "
        "1988;16:64-81.",
        "10.1214/aos/1176350691",
    ),
    "linying": Work(
        "Lin DY, Ying Z. Cox regression with incomplete covariate measurements. J Am Stat Assoc 1993;88:1341-9.",
        "10.1080/01621459.1993.10476416",
    ),
    "borgan": Work(
        "Borgan Ø, Langholz B, Samuelsen SO, Goldstein L, Pogoda J. Exposure stratified case-cohort designs. Lifetime "
        "Data Anal 2000;6:39-58.",
        "10.1023/A:1009661900674",
    ),
    "goldstein": Work(
        "Goldstein L, Langholz B. Asymptotic theory for nested case-control sampling in the Cox regression model. Ann "
        "Stat 1992;20:1903-28.",
        "10.1214/aos/1176348895",
    ),
    "langholz": Work(
        "Langholz B, Borgan Ø. Counter-matching: a stratified nested case-control sampling method. Biometrika "
        "1995;82:69-79.",
        "10.1093/biomet/82.1.69",
    ),
    "breslowday": Work(
        "Breslow NE, Day NE. Statistical methods in cancer research. Volume I: the analysis of case-control studies. "
        "Lyon: International Agency for Research on Cancer; 1980."
    ),
}


def people(results: Results, found: Found) -> Iterator[Block]:
    """How the sample was drawn, and its numbers beside those of the cohort."""
    drawn = results.manifest.cohort.sampled
    if drawn is None:
        return
    yield Heading("The sample and its cohort")
    yield Paragraph(f"{_drawn(drawn)} {_described(drawn)}")
    yield _table(results.manifest, drawn)


def _drawn(drawn: Sampled) -> str:
    if drawn.design == CASE_COHORT:
        strata = ", within strata" if drawn.strata else ""
        return (
            f"The people are a case-cohort sample: a subcohort of {count(drawn.members)} people drawn at "
            f"random{strata} from the cohort, and all cases."
        )
    kind = "a nested case-control sample" if drawn.design != MATCHED else "matched cases and controls"
    each = (
        "each case with controls drawn from those at risk at that moment"
        if drawn.design != MATCHED
        else "each set with its cases and controls"
    )
    matched = f", matched on {listed(drawn.matched_on)}" if drawn.matched_on else ""
    return (
        f"The people are {kind}: {count(drawn.sets)} sets, {each}{matched}. Who stands in several sets counts in each."
    )


def _described(drawn: Sampled) -> str:
    whom = "the subcohort" if drawn.design == CASE_COHORT else "the controls"
    return f"Characteristics, percentiles and distributions are those of {whom}, who stand for the people studied."


def _table(manifest: Manifest, drawn: Sampled) -> Table:
    subcohort = drawn.design == CASE_COHORT
    heads = ("People of the cohort", "Its person-years", "Subcohort" if subcohort else "Controls")
    cases = ("Cases in the subcohort", "Cases besides") if subcohort else ("Cases",)
    columns = (Column("Outcome", numeric=False), *map(Column, (*heads, *cases)))
    rows = []
    for name, outcome in manifest.outcomes.items():
        sizes = drawn.sizes.get(name, {})
        inside, besides = drawn.cases[name]
        people_ = count(sum(sizes.values())) if sizes else "not known"
        years = drawn.person_years.get(name, float("nan"))
        numbers = (inside, besides) if subcohort else (besides,)
        rows.append(
            Row(
                (
                    outcome.label,
                    people_,
                    "not known" if isnan(years) else count(years),
                    count(drawn.members),
                    *map(count, numbers),
                )
            )
        )
    note = "Of the cohort: people at risk of the outcome, and their time at risk."
    return Table("The sample, and the cohort it was drawn from", columns, tuple(rows), (note,))


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How the sample was analysed."""
    drawn = results.manifest.cohort.sampled
    if drawn is None:
        return
    refused = (
        "What needs the whole cohort (absolute risks, rates, tests of proportional hazards, likelihood-ratio tests) "
        "was not estimated."
    )
    if drawn.design == CASE_COHORT:
        text = (
            f"{_drawn(drawn)} Cox models were fitted by {ESTIMATORS[drawn.method]}. Standard errors add to those of "
            f"the partial likelihood what drawing the subcohort adds. Tests are Wald tests. {refused}"
        )
    elif drawn.design == MATCHED:
        text = (
            f"{_drawn(drawn)} Odds ratios are those of conditional logistic regression within sets, by the exact "
            "conditional likelihood [@breslowday]; sets without a case or a control with all values tell nothing."
        )
    else:
        counter = " Counter-matching weights enter as offsets [@langholz]." if drawn.weights else ""
        text = (
            f"{_drawn(drawn)} Hazard ratios are those of the partial likelihood of sampled risk sets [@goldstein], "
            f"each case against its own controls.{counter} {refused}"
        )
    yield METHODS, text


def limits(results: Results) -> Iterator[str]:
    """What a sample of a cohort cannot say."""
    drawn = results.manifest.cohort.sampled
    if drawn is None:
        return
    outcomes = listed(in_sentence(about.label) for about in results.manifest.outcomes.values())
    yield (
        f"The people are a {drawn.design} sample drawn for {outcomes}: ratios are those of the cohort, with wider "
        "intervals than all of it would give; counts of people are of the sample, and there are no rates."
        if drawn.design != MATCHED
        else f"The people are matched sets of cases and controls ({outcomes}): there are odds ratios, and no risks; "
        "what controls were matched on has no estimate."
    )


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that the sampling speaks to."""
    if results.manifest.cohort.sampled is not None:
        yield 12, methods_link(METHODS)


TELLING = Telling(people=people, methods=methods, limits=limits, strobe=strobe, works=WORKS)
