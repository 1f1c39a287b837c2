"""Who was studied: the exclusion flow and the table of characteristics on the page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd

from riskkit.disclosure import applied, rounding
from riskkit.figures.age_and_sex import age_and_sex
from riskkit.figures.flow import Step, flow
from riskkit.numbers import NOTHING, count, measure, measures, with_unit
from riskkit.report.associations import Association
from riskkit.report.figure import ExposureText, PageFigure
from riskkit.report.words import in_sentence
from riskkit.results import Results
from riskkit.tables.baseline import baseline_table
from riskkit.tables.characteristics import EVERYONE
from riskkit.tables.table import Column, Row, Table


def disclosure_told(results: Results) -> str:
    """Which rule on small numbers was applied, and what it leaves to be seen; empty where there is none.

    Raises
    ------
    DataError
        If the cohort declares one that was not applied.
    """
    policy = applied(results.manifest)
    if policy is None:
        return ""
    few = count(policy.min_count)
    return (
        f"To protect the people studied, counts below {few}, and what rests on them or would give them away, are "
        f"withheld ({NOTHING}); other counts are rounded to the nearest {count(policy.round_to)}, so that sums need "
        f"not agree; and ranges and curves end at levels that at least {few} people lie beyond."
    )


def flow_figure(results: Results, found: Sequence[Association]) -> PageFigure:
    """The exclusion flow, down to the people in the main model of the first exposure and outcome."""
    cohort = results.manifest["cohort"]
    steps = [Step(step["label"], step["removed"], step["remaining"]) for step in cohort["flow"]]
    end = "In the cohort"
    main = next((a for a in found if a.fitted), None)
    slack = 2 * (rounding(results.manifest) - 1)
    if main and main.missing and abs(main.people + main.missing - steps[-1].remaining) <= slack:
        steps.append(Step("Missing a value of the main model", main.missing, main.people))
        end = f"In the main model of {in_sentence(main.exposure_label)} and {in_sentence(main.outcome_label)}"
    rows = tuple(Row((step.label, count(step.removed), count(step.remaining))) for step in steps)
    columns = (Column("Step", numeric=False), Column("Left out"), Column("Remaining"))
    told = f"Of {count(steps[0].remaining)} people, {count(steps[-1].remaining)} were analysed."
    caption = "Who was studied, and who was left out for which reason, in the order of the steps."
    return PageFigure("flow", partial(flow, steps, end), caption, told, Table("People at each step", columns, rows))


def age_and_sex_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The exposure by age and sex, with its percentiles; None where the run did not describe it."""
    described = results.by_age_and_sex
    if described.empty or not found or exposure not in set(described["exposure"]):
        return None
    rows = described[described["exposure"] == exposure]
    drawn = partial(age_and_sex, rows, xlabel="Age (years)", ylabel=text.axis)
    caption = (
        f"{text.label} by age and sex in the cohort, in five-year bands of age: median (line), middle half of people "
        "(darker), and middle nine tenths (paler). Dashed: the median of the other sex."
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
    exposure = next(iter(results.manifest["exposures"].values()))
    if not exposure["cuts"]:
        return baseline_table(tidy[tidy["group"] == EVERYONE], "Characteristics of the people", "", {})
    edges = measures(exposure["cuts"])
    heads = {}
    for i in range(len(edges) + 1):
        limits = f"≤{edges[0]}" if i == 0 else f">{edges[-1]}" if i == len(edges) else f">{edges[i - 1]} to {edges[i]}"
        heads[f"Q{i + 1}"] = f"Q{i + 1}\n{limits}"
    groups = with_unit(f"{exposure['label']},", exposure["unit"]) if exposure["unit"] else exposure["label"]
    return baseline_table(tidy, f"Characteristics of the people by {in_sentence(exposure['label'])}", groups, heads)
