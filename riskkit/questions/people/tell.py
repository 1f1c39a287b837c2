"""Who was studied: the exclusion flow and the table of characteristics on the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

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
from riskkit.telling.exposure_text import ExposureText
from riskkit.telling.telling import Exhibit, Found, Telling
from riskkit.telling.words import in_sentence


def flow_figure(results: Results, found: Sequence[Association]) -> PageFigure:
    """The exclusion flow, down to the people in the main model of the first exposure and outcome."""
    cohort = results.manifest.cohort
    steps = [Step(step.label, step.removed, step.remaining) for step in cohort.flow]
    end = "In the cohort"
    main = next((a for a in found if a.fitted), None)
    slack = 2 * (rounding(results.manifest) - 1)
    if main and main.missing and abs(main.people + main.missing - steps[-1].remaining) <= slack:
        steps.append(Step("Missing a value of the main model", main.missing, main.people))
        end = f"In the main model of {in_sentence(main.exposure_label)} and {in_sentence(main.outcome_label)}"
    rows = tuple(Row((step.label, count(step.removed), count(step.remaining))) for step in steps)
    columns = (Column("Step", numeric=False), Column("Excluded"), Column("Remaining"))
    told = f"Of {count(steps[0].remaining)} people, {count(steps[-1].remaining)} were analysed."
    caption = "Who was studied, and who was excluded for which reason, in the order of the steps."
    return PageFigure("flow", partial(flow, steps, end), caption, told, Table("People at each step", columns, rows))


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
    edges = measures(exposure.cuts)
    heads = {}
    for i in range(len(edges) + 1):
        limits = f"≤{edges[0]}" if i == 0 else f">{edges[-1]}" if i == len(edges) else f">{edges[i - 1]} to {edges[i]}"
        heads[f"Q{i + 1}"] = f"Q{i + 1}\n{limits}"
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
