"""Robustness on the page: what confounding it would take, and whose data the linear estimates rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from riskkit.figures.forest import ForestHeads, ForestRow, forest
from riskkit.manifest import Manifest
from riskkit.numbers import count, p_phrase, ratio
from riskkit.questions.robustness.spec import RobustnessSpec
from riskkit.questions.robustness.table import label_of, robustness_table, strength
from riskkit.results import Results
from riskkit.telling.associations import Association, main_rows
from riskkit.telling.blocks import Link, PageFigure
from riskkit.telling.exposure_text import ExposureText
from riskkit.telling.references import Work
from riskkit.telling.telling import Exhibit, Telling, methods_link
from riskkit.telling.words import in_sentence, listed, quantity

DRAWN = ("left out", "jackknife", "bootstrap", "without influential")
MOST_NAMED = 4  # outcomes that a sentence names


def robustness_figure(
    results: Results, exposure: str, text: ExposureText, found: Sequence[Association]
) -> PageFigure | None:
    """The panel of robustness of one exposure with every outcome and negative control; None where it was not asked."""
    checks = robustness_of(results, exposure, found)
    if checks.empty:
        return None
    labels = _labels(results, found)
    rows: list[ForestRow] = []
    for outcome, own in checks.groupby("outcome", sort=False):
        rows += _rows(labels[str(outcome)], own)
    explained = (checks["check"] == "E-value").any()
    head = "E-value; of the limit" if explained else ""
    e_value = (
        "The E-value says by which risk ratios an unmeasured confounder would have to be associated with exposure and "
        "outcome to explain the estimate away. "
        if explained
        else ""
    )
    heads = ForestHeads("", text.measure.events, text.short, head, f"{text.per}, log scale")
    caption = (
        f"How robust are the estimates? {text.ratios} per {text.increment} higher {text.name} (filled), and without "
        "some of the people (outlined), over the main analysis's interval (shaded); an estimate that moved out of it "
        f"is orange.{_asked_caption(results)} {e_value}{text.adjusted}"
    )
    title = f"Robustness of the {text.measure.ratio} per {text.increment} higher {text.name}"
    table = robustness_table(checks, labels, title, text.short, text.measure)
    return PageFigure(
        "robustness", partial(forest, rows, heads), caption, robustness_told(results, exposure, found), table
    )


def robustness_of(results: Results, exposure: str, found: Sequence[Association]) -> pd.DataFrame:
    """The checks of one exposure with these outcomes, and those of the negative controls."""
    rows = main_rows(results.robustness, results.manifest, exposure)
    return rows[rows["outcome"].isin(_labels(results, found))]


def robustness_told(results: Results, exposure: str, found: Sequence[Association]) -> str:
    """What the checks say of one exposure; empty where there are none."""
    checks = robustness_of(results, exposure, found)
    if checks.empty:
        return ""
    label = {name: in_sentence(text) for name, text in _labels(results, found).items()}
    name = in_sentence(found[0].exposure_label)
    return " ".join(
        part for part in (_evalues(checks, label, name), _moved(checks, label), _controls(checks, label, name)) if part
    )


def robustness_method(manifest: Manifest) -> str:
    """How robustness was examined; empty where it was not."""
    asked: RobustnessSpec | None = manifest.analysis.asked("robustness")
    if not asked:
        return ""
    controls = [in_sentence(manifest.cohort.outcomes[name].label) for name in asked.negative_controls]
    parts = {
        "E-values, by which risk ratios an unmeasured confounder would have to be associated with exposure and outcome "
        "to explain an estimate away [@vanderweele]": asked.evalues,
        "tipping points of binary confounders of declared prevalence [@lin]": asked.confounders,
        f"negative controls ({listed(controls)}), outcomes with no known reason to be associated [@lipsitch]": controls,
        "the model without each group of people in turn": asked.leave_one_out,
        f"{count(asked.bootstrap)} bootstrap samples of the people": asked.bootstrap,
        f"the model without the {count(asked.influence)} people that move the estimate most (dfbetas)": asked.influence,
    }
    named = listed(text for text, wanted in parts.items() if wanted)
    return f"The linear estimates of the main model were examined by {named}." if named else ""


def _evalues(checks: pd.DataFrame, label: Mapping[str, str], name: str) -> str:
    """E-values of the linear estimates whose interval leaves 1 out."""
    found = checks[checks["check"] == "E-value"]
    if found.empty:
        return ""
    clear = found[found["limit"] > 1]
    if clear.empty:
        return (
            f"The interval of every linear ratio of {name} holds 1 (E-value of the limit 1.00): chance alone may "
            "explain it. Of a curve that is associated this says nothing."
        )
    named = listed(
        f"{strength(r.value)} for {label[r.outcome]} (limit {strength(r.limit)})"
        for r in clear[:MOST_NAMED].itertuples()
    )
    rest = f", and {count(len(clear) - MOST_NAMED)} more" if len(clear) > MOST_NAMED else ""
    return (
        f"Of the linear ratios of {name} whose interval leaves 1 out, the E-value was {named}{rest}: so strongly, as "
        "risk ratios, would an unmeasured confounder have to be associated with both to explain the estimate away."
    )


def _moved(checks: pd.DataFrame, label: Mapping[str, str]) -> str:
    """Which estimates without some of the people lie outside the main analysis's interval."""
    again = checks[checks["check"].isin(("left out", "without influential")) & checks["ratio"].notna()]
    if again.empty:
        return ""
    main = checks[checks["check"] == "main"].set_index("outcome")
    own = main.loc[again["outcome"]]
    outside = (again["ratio"].to_numpy() < own["low"].to_numpy()) | (again["ratio"].to_numpy() > own["high"].to_numpy())
    asked = f"{quantity(len(again), 'estimate')} without a group of people or the most influential ones"
    if not outside.any():
        return f"{asked}: each lay inside the main analysis's confidence interval."
    named = listed(
        f"{label[r.outcome]}, {in_sentence(label_of(r._asdict()))} ({ratio(r.ratio)})"
        for r in again[outside][:MOST_NAMED].itertuples()
    )
    return f"{asked}: {count(outside.sum())} lay outside the main analysis's confidence interval, as for {named}."


def _controls(checks: pd.DataFrame, label: Mapping[str, str], name: str) -> str:
    """What the negative controls say."""
    controls = checks[checks["check"] == "negative control"]
    told = [
        f"{label[r.outcome]}, {ratio(r.ratio)} ({ratio(r.low)} to {ratio(r.high)}; {p_phrase(r.p)}, with "
        f"{count(r.events)} of {count(r.n)} people)"
        for r in controls.itertuples()
    ]
    if not told:
        return ""
    return (
        f"Linear ratio of {name} with the negative control{'s' if len(told) > 1 else ''}: {listed(told)}. A ratio that "
        "leaves 1 there would point to confounding or bias."
    )


def _rows(heading: str, own: pd.DataFrame) -> list[ForestRow]:
    """One outcome's estimates: its own, under it those without some of the people."""
    rows = []
    values = {row["check"]: row for row in own.to_dict("records")}
    main = values.get("main") or values["negative control"]
    band = (float(main["low"]), float(main["high"])) if "main" in values else None
    remark = ""
    if "E-value" in values:
        remark = f"{strength(values['E-value']['value'])}; {strength(values['E-value']['limit'])}"
    rows.append(_forest_row(main, heading, remark, band))
    for row in own[own["check"].isin(DRAWN)].to_dict("records"):
        rows.append(_forest_row(row, "", "", band))
    return rows


def _forest_row(row: Mapping[str, Any], heading: str, remark: str, band: tuple[float, float] | None) -> ForestRow:
    events = count(row["events"]) if np.isfinite(row["events"]) else ""
    outside = band is not None and not band[0] <= row["ratio"] <= band[1] and bool(np.isfinite(row["ratio"]))
    return ForestRow(
        label_of(row), row["ratio"], row["low"], row["high"], 1 / row["se"] ** 2, events, remark, heading=heading,
        strong=bool(heading), indented=True, band=band, moved=outside,
    )  # fmt: skip


def _labels(results: Results, found: Sequence[Association]) -> dict[str, str]:
    """The outcomes and, after them, the negative controls by name."""
    known = results.manifest.cohort.outcomes
    declared: RobustnessSpec | None = results.manifest.analysis.asked("robustness")
    controls = declared.negative_controls if declared else ()
    own = {a.outcome: a.outcome_label for a in found}
    return own | {name: known[name].label for name in controls}


def _asked_caption(results: Results) -> str:
    """What the groups and the negative controls are, where there are any."""
    asked, variables = results.manifest.analysis.asked("robustness"), results.manifest.cohort.variables
    group = asked.leave_one_out
    left = f" Groups are left out by {in_sentence(variables[group].label)}." if group else ""
    controls = asked.negative_controls
    return f"{left} Negative controls are outcomes with no known reason to be associated." if controls else left


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How robustness was examined."""
    if told := robustness_method(results.manifest):
        yield METHODS, told


def strobe(results: Results) -> Iterator[tuple[int, Link]]:
    """The items that checks of robustness meet."""
    if robustness_method(results.manifest):
        yield from ((item, methods_link(METHODS)) for item in (9, 12, 17))


METHODS = "Robustness"
WORKS = {
    "lin": Work(
        "Lin DY, Psaty BM, Kronmal RA. Assessing the sensitivity of regression results to unmeasured confounders in "
        "observational studies. Biometrics 1998;54:948-63.",
        "10.2307/2533848",
    ),
    "lipsitch": Work(
        "Lipsitch M, Tchetgen Tchetgen E, Cohen T. Negative controls: a tool for detecting confounding and bias in "
        "observational studies. Epidemiology 2010;21:383-8.",
        "10.1097/EDE.0b013e3181d61eeb",
    ),
    "vanderweele": Work(
        "VanderWeele TJ, Ding P. Sensitivity analysis in observational research: introducing the E-value. Ann Intern "
        "Med 2017;167:268-74.",
        "10.7326/M16-2607",
    ),
}

TELLING = Telling(
    exhibits=(Exhibit(robustness_figure, "comparing", said=robustness_told),),
    methods=methods,
    strobe=strobe,
    works=WORKS,
)
