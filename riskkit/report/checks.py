"""What was checked: whether hazards are proportional, and what other software says."""

from __future__ import annotations

import math
from collections.abc import Sequence

from riskkit.disclosure import applied
from riskkit.numbers import NOTHING, count, p_phrase
from riskkit.report.associations import Association
from riskkit.report.words import MOST_NAMED, TIME_SCALES, alpha, in_sentence, listed, quantity
from riskkit.results import Results
from riskkit.spec.plan import NO_TIME
from riskkit.tables.measure import MEASURES
from riskkit.tables.table import Column, Row, Table

VARIANT_MODEL = ("exposure", "outcome", "coding", "variant")  # columns that tell the models of variants apart
AGREE = 0.01  # standard errors: a difference that no printed number would show


def proportional_hazards(found: Sequence[Association]) -> str:
    """What the tests of proportional hazards say, and what follows where they say no; empty where there are none."""
    if not found[0].measure.timed:
        return ""
    tested = [a for a in found if not math.isnan(a.proportional)]
    if not tested:
        return "Proportional hazards were not tested."
    sentences = [
        "The hazard ratio of each exposure was tested for change along the time scale (scaled Schoenfeld residuals) "
        f"in {quantity(len(tested), 'model')}."
    ]
    against = [a for a in tested if a.proportional < alpha(a)]
    if against:
        against = sorted(against, key=lambda a: a.proportional) if len(against) > MOST_NAMED else against
        named = listed(
            f"{in_sentence(a.exposure_label)} with {in_sentence(a.outcome_label)} ({p_phrase(a.proportional)})"
            for a in against[:MOST_NAMED]
        )
        if len(against) > MOST_NAMED:
            named = f"{count(len(against))} of them, most clearly for {named}"
        sentences.append(
            f"There was evidence of change for {named}. There the hazard ratio is an average over follow-up, weighted "
            "towards when most events happened, and may hide an association that is stronger early or late."
        )
    else:
        smallest = p_phrase(min(a.proportional for a in tested))
        sentences.append(f"There was no evidence of change in any (smallest {smallest}).")
    whole = [a for a in tested if a.proportional_all < alpha(a)]
    sentences.append(
        f"The test of a whole model, covariates included, gave evidence of change in {count(len(whole))} of them."
    )
    return " ".join(sentences)


def left_out_told(results: Results) -> str:
    """How many models were fitted, and whether any was not."""
    variants = results.variants[list(VARIANT_MODEL)].drop_duplicates()
    fitted = count(len(results.fits) + len(variants))
    if results.failures.empty:
        return f"None: all {fitted} models that the analysis asks for were fitted."
    if applied(results.manifest):
        return f"{fitted} models are shown; these are not:"
    return f"{fitted} models were fitted; these were not:"


def opinion_told(results: Results) -> str:
    """What other software makes of a sample of the models; empty where it was not asked."""
    opinion = results.opinion
    if opinion.empty:
        return ""
    asked_of = opinion[["software", "version"]].drop_duplicates()
    software = " and by ".join(f"{name} {its_version}" for name, its_version in asked_of.itertuples(index=False))
    sample = opinion[opinion["n"] < opinion["of_n"]]
    people = (
        f" (on {count(sample['n'].max())} people at most, half of them with the outcome where there are as many)"
        if len(sample)
        else ""
    )
    models = quantity(len(opinion) // len(asked_of), "model")
    asked = f"{models}, spread evenly over those of the main model, were fitted again by {software}"
    known = opinion[opinion["converged"].astype(bool)]
    failed = (
        f" In {count(len(opinion) - len(known))} of them its steps did not converge."
        if len(known) < len(opinion)
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


def opinion_table(results: Results) -> Table | None:
    """The models that were fitted again, each with the differences; None where there are none."""
    opinion = results.opinion
    if opinion.empty:
        return None
    manifest = results.manifest
    models = {model["name"]: model["label"] for model in manifest["analysis"]["models"]}
    measure = MEASURES[manifest["analysis"]["measure"]]
    heads = (
        f"{measure.events} / people",
        "Coefficients",
        "Largest difference,\nstandard errors",
        "Of a standard error",
    )
    columns = (Column("Model", numeric=False), *(Column(text) for text in heads))
    rows = []
    for r in opinion.to_dict("records"):
        exposure, outcome = manifest["exposures"][r["exposure"]]["label"], manifest["outcomes"][r["outcome"]]["label"]
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
