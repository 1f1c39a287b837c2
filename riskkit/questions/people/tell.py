"""Who was studied: the exclusion flow and the table of characteristics on the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import isnan

import pandas as pd

from riskkit.describe.characteristics import EVERYONE
from riskkit.disclosure import rounding
from riskkit.manifest import Manifest
from riskkit.numbers import count, measure, measures, per_cent, with_unit
from riskkit.questions.people.age_and_sex import age_and_sex
from riskkit.questions.people.flow import Step, flow
from riskkit.questions.people.missing import missing_table
from riskkit.results import Results
from riskkit.tables.characteristics import baseline_table
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.associations import Association
from riskkit.telling.blocks import Block, Heading, Item, Items, PageFigure, Paragraph
from riskkit.telling.exposure_text import ExposureText, group_labels, group_ranges
from riskkit.telling.telling import Exhibit, Found, Telling
from riskkit.telling.words import in_sentence


def flow_figure(results: Results, found: Sequence[Association]) -> PageFigure:
    """The exclusion flow, down to the people in the main model of the first exposure and outcome."""
    cohort = results.manifest.cohort
    steps = [Step(step.label, step.removed, step.remaining) for step in cohort.flow]
    end = "In the cohort"
    main = next((a for a in found if a.fitted), None)
    last = model_steps(main, steps[-1].remaining, results) if main else ()
    if main and last:
        steps += last
        end = f"In the main model of {in_sentence(main.exposure_label)} and {in_sentence(main.outcome_label)}"
    rows = tuple(Row((step.label, count(step.removed), count(step.remaining))) for step in steps)
    columns = (Column("Step", numeric=False), Column("Excluded"), Column("Remaining"))
    told = f"Of {count(steps[0].remaining)} people, {count(steps[-1].remaining)} were analysed."
    caption = "Who was studied, and who was excluded for which reason, in the order of the steps."
    return PageFigure("flow", partial(flow, steps, end), caption, told, Table("People at each step", columns, rows))


def model_steps(a: Association, remaining: float, results: Results) -> tuple[Step, ...]:
    """From everyone in the cohort to those whom the main model of one pair rests on.

    None where counts are withheld, and of a sample, whose models weigh or match those drawn.
    """
    not_at_risk = remaining - a.people - a.missing - a.without_events
    slack = 4 * (rounding(results.manifest) - 1)  # sums of rounded counts
    if isnan(not_at_risk) or not_at_risk < -slack or results.manifest.cohort.sampled is not None:
        return ()
    before = [step.label for step in results.manifest.outcomes[a.outcome].flow]
    label = f"Not at risk of “{in_sentence(a.outcome_label)}”"
    removals = {
        f"{label}: {in_sentence('; '.join(before))}" if before else label: not_at_risk if not_at_risk > slack else 0.0,
        "Missing a value of the main model": a.missing,
        f"In a covariate category without {a.measure.event}s, not informing the estimate": a.without_events,
    }
    steps = []
    for label, removed in removals.items():
        remaining -= removed
        steps += [Step(label, removed, remaining)] if removed else []
    return (*steps[:-1], replace(steps[-1], remaining=a.people)) if steps else ()


def who_informs(results: Results, found: Sequence[Association]) -> Table | None:
    """For each outcome of the first exposure how many of the cohort its main model rests on; None where it is all."""
    own = [a for a in found if a.exposure == found[0].exposure and a.fitted]
    everyone = results.manifest.cohort.flow[-1].remaining
    steps = {a.outcome: (everyone - a.people - a.missing - a.without_events, a.missing, a.without_events) for a in own}
    slack = 4 * (rounding(results.manifest) - 1)
    if results.manifest.cohort.sampled is not None or not any(
        removed > slack for each in steps.values() for removed in each
    ):
        return None
    event = own[0].measure.event
    columns = (
        Column("Outcome", numeric=False),
        *map(Column, ("Not at risk", "Missing a value", f"In categories\nwithout {event}s", "In the main model")),
        Column(own[0].measure.events),
    )
    rows = []
    for a in own:
        before, missing, without = steps[a.outcome]
        removed = (0.0 if before <= slack else before, missing, without)
        rows.append(Row((a.outcome_label, *map(count, removed), count(a.people), count(a.events))))
    note = (
        f"Of the {count(everyone)} people in the cohort, whose characteristics are described, each outcome’s model "
        "rests on those at risk of it (they did not have it before, and it can happen to them) with a value for "
        f"everything in the model. People in a covariate category without {event}s do not inform the estimate."
    )
    caption = f"From the cohort to the main model of {in_sentence(own[0].exposure_label)} with each outcome"
    return Table(caption, columns, tuple(rows), (note,))


def age_and_sex_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The exposure by age and sex, with its percentiles; None where the run did not describe it."""
    described = results.by_age_and_sex
    if described.empty or not found or exposure not in set(described.exposure):
        return None
    rows = described[described.exposure == exposure]
    drawn = partial(age_and_sex, rows, xlabel="Age (years)", ylabel=text.axis)
    caption = (
        f"{text.label} by age and sex {_whom(results, 'in the', 'cohort')}, in five-year bands of age: median (line), "
        "middle half of people (darker), and middle nine tenths (paler). Dashed: the median of the other sex."
    )
    told = " ".join(_ages_told(str(sex), bands, text) for sex, bands in rows.groupby("sex", sort=False))
    return PageFigure("age-and-sex", drawn, caption, told, _age_table(rows, text))


def _ages_told(sex: str, bands: pd.DataFrame, text: ExposureText) -> str:
    ends = (bands.iloc[0], bands.iloc[-1])
    read = (
        f"{measure(band['p50'], text.unit)} at {band['age_low']:.0f} to {band['age_high']:.0f} years" for band in ends
    )
    return f"{sex}: median {' and '.join(read)}."


def _age_table(rows: pd.DataFrame, text: ExposureText) -> Table:
    heads = ("People", "5th", "25th", "Median", "75th", "95th percentile")
    columns = (Column("Age, years", numeric=False), *(Column(head) for head in heads))
    lines = []
    for sex, bands in rows.groupby("sex", sort=False):
        lines.append(Row((str(sex),), kind="heading"))
        for r in bands.itertuples():
            values = measures([r.p5, r.p25, r.p50, r.p75, r.p95])
            cells = (f"{r.age_low:.0f} to under {r.age_high:.0f}", count(r.n), *values)
            lines.append(Row(cells, kind="indented"))
    return Table(f"{text.axis} by age and sex", columns, tuple(lines))


def characteristics_table(results: Results) -> Table | None:
    """The characteristics by group of the first exposure, if it has groups; None where none were asked for."""
    tidy = results.characteristics
    if not (tidy["kind"] != "people").any():
        return None
    exposure = next(iter(results.manifest.exposures.values()))
    if not exposure.cuts:
        return baseline_table(tidy[tidy["group"] == EVERYONE], f"Characteristics {_whom(results)}", "", {})
    name = next(iter(results.manifest.exposures))
    labels, ranges = group_labels(results.manifest, name), group_ranges(results.manifest, name)
    heads = {group: "\n".join(dict.fromkeys((labels[group], ranges[group]))) for group in ranges}
    groups = with_unit(f"{exposure.label},", exposure.unit) if exposure.unit else exposure.label
    return baseline_table(tidy, f"Characteristics {_whom(results)} by {in_sentence(exposure.label)}", groups, heads)


def _whom(results: Results, of: str = "of the", people: str = "people") -> str:
    """Whom a description is of: the people, or those who stand for them in a sample of a cohort."""
    drawn = results.manifest.cohort.sampled
    return f"{of} {people if drawn is None else 'subcohort' if drawn.subcohort else 'controls'}"


def how_much_missing(results: Results) -> Table:
    """How many people lack each variable of the main model, and of how many an outcome is not known."""
    exposures = {name: about.label for name, about in results.manifest.exposures.items()}
    return missing_table(
        results.missing,
        exposures,
        _labels(results.manifest),
        _outcomes(results.manifest),
        "What is missing of the variables of the main model",
    )


def missing_told(results: Results) -> str:
    """What is missing for the first exposure, and what was done about it."""
    exposure, about = next(iter(results.manifest.exposures.items()))
    own = results.missing[results.missing["exposure"] == exposure]
    any_of_them = own[own["variable"] == ""].iloc[0]
    others = ["", exposure, *_outcomes(results.manifest)]
    covariates = own[~own["variable"].isin(others) & (own["n_missing"] != 0)]
    of = f"Of the {count(any_of_them['n'])} people with {in_sentence(about.label)}"
    if covariates.empty:
        return f"{of}, none lacked a covariate of the main model."
    if covariates["n_missing"].isna().all():
        return f"{of}, few lacked a covariate of the main model."
    most = covariates.loc[covariates["n_missing"].idxmax()]
    labels = _labels(results.manifest)
    share = per_cent(100 * any_of_them["n_missing"] / any_of_them["n"])
    return (
        f"{of}, {count(any_of_them['n_missing'])} ({share}%) lacked a covariate of the main model, most often "
        f"{in_sentence(labels[most['variable']])} ({count(most['n_missing'])})."
    )


def people(results: Results, found: Found) -> Iterator[Block]:
    """Who was studied."""
    yield Paragraph(results.manifest.cohort.description)
    yield flow_figure(results, found)
    described = characteristics_table(results)
    if described:
        yield described
    informing = who_informs(results, found)
    if informing:
        yield informing
    yield Heading("What was missing")
    yield Paragraph(missing_told(results))
    yield how_much_missing(results)
    if doubts := results.manifest.cohort.doubts:
        yield Heading("What is in doubt")
        yield Paragraph(
            "Found in the data when the cohort was built, and neither corrected nor declared to be right in its file "
            "(`range`, `missing`):"
        )
        yield Items(tuple(Item(f"{str(doubt)[:1].upper()}{str(doubt)[1:]}.") for doubt in doubts))


def _labels(manifest: Manifest) -> dict[str, str]:
    return {name: about.label for name, about in manifest.cohort.variables.items()}


def _outcomes(manifest: Manifest) -> dict[str, str]:
    return {name: about.label for name, about in manifest.outcomes.items()}


TELLING = Telling(exhibits=(Exhibit(age_and_sex_figure, "describing", many="shown"),), people=people)
