"""What other software says of a sample of the models."""

from __future__ import annotations

from collections.abc import Iterator

from riskkit.numbers import NOTHING, count
from riskkit.results import Results
from riskkit.spec.plan import NO_TIME
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import Block, Heading, Paragraph
from riskkit.telling.telling import Found, Telling
from riskkit.telling.words import TIME_SCALES, in_sentence, quantity

AGREE = 0.01  # standard errors: a difference that no printed number would show


def cross_check_told(results: Results) -> str:
    """What other software makes of a sample of the models; empty where it was not asked."""
    rows_of = results.cross_check
    if rows_of.empty:
        return ""
    asked_of = rows_of[["software", "version"]].drop_duplicates()
    software = " and by ".join(f"{name} {its_version}" for name, its_version in asked_of.itertuples(index=False))
    sample = rows_of[rows_of["n"] < rows_of["of_n"]]
    people = (
        f" (on {count(sample['n'].max())} people at most, half of them with the outcome where there are as many)"
        if len(sample)
        else ""
    )
    models = quantity(len(rows_of) // len(asked_of), "model")
    asked = f"{models}, spread evenly over those of the main model, were fitted again by {software}"
    known = rows_of[rows_of["converged"].astype(bool)]
    failed = (
        f" In {count(len(rows_of) - len(known))} of them its steps did not converge."
        if len(known) < len(rows_of)
        else ""
    )
    if known.empty:
        return f"{asked}{people}.{failed}"
    largest = known["max_difference_se"].max()
    judged = "which no printed number shows" if largest < AGREE else "which should be looked into"
    return (
        f"{asked}{people}. The largest difference of a coefficient was {largest:.1g} standard errors, {judged}; of a "
        f"standard error, {100 * known['max_se_difference'].max():.1g}%.{failed}"
    )


def cross_check_table(results: Results) -> Table | None:
    """The models that were fitted again, each with the differences; None where there are none."""
    rows_of = results.cross_check
    if rows_of.empty:
        return None
    manifest = results.manifest
    models = {model.name: model.label for model in manifest.analysis.models}
    measure = manifest.measure
    heads = (
        f"{measure.events} / people",
        "Coefficients",
        "Largest difference,\nstandard errors",
        "Of a standard error",
    )
    columns = (Column("Model", numeric=False), *(Column(text) for text in heads))
    rows = []
    for r in rows_of.to_dict("records"):
        exposure, outcome = manifest.exposures[r["exposure"]].label, manifest.outcomes[r["outcome"]].label
        scale = f", {TIME_SCALES[r['time_scale']]}" if r["time_scale"] != NO_TIME else ""
        about = f"{r['coding']}, {models[r['model']]}{scale}; {r['software']}"
        known = bool(r["converged"])
        cells = (
            f"{count(r['events'])} / {count(r['n'])}\nof {count(r['of_events'])} / {count(r['of_n'])}",
            count(r["terms"]),
            f"{r['max_difference_se']:.1g}" if known else "did not converge",
            f"{100 * r['max_se_difference']:.1g}%" if known else NOTHING,
        )
        rows.append(Row((f"{exposure}, {in_sentence(outcome)}\n{about}", *cells)))
    return Table("Models fitted again by other software", columns, tuple(rows))


def checks(results: Results, found: Found) -> Iterator[Block]:
    """What the comparison says, and the models compared."""
    table = cross_check_table(results)
    if table:
        yield Heading("Cross-check by other software")
        yield Paragraph(cross_check_told(results))
        yield table


TELLING = Telling(checks=checks)
