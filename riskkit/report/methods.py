"""How it was done, in paragraphs written from what the run recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from riskkit import formula, registry
from riskkit.figures.shape import is_floating
from riskkit.manifest import Manifest
from riskkit.numbers import count, level, measure, measures, with_unit
from riskkit.results import Results
from riskkit.spec.exposure import ExposureSpec
from riskkit.spec.sampling import CASE_COHORT, MATCHED, NESTED
from riskkit.study.leading import INSTEAD
from riskkit.telling.associations import associations
from riskkit.telling.exposure_text import group_labels
from riskkit.telling.references import WORKS
from riskkit.telling.words import PRIMARY, TIME_SCALES, in_sentence, listed

SET_ONCE = "were set once, from everyone with a measurement, and are the same in every model."
FUNCTIONS = {"log": "logarithm", "log2": "logarithm to base 2", "sqrt": "square root"}


def methods(results: Results) -> tuple[tuple[str, str], ...]:
    """The methods, as paragraphs with their headings: those of every analysis, and those of its questions."""
    manifest = results.manifest
    before = {
        "Design and people": _design(manifest),
        outcomes_heading(manifest): _outcomes(manifest),
        "Exposure": _exposures(manifest),
        "Models": _models(manifest),
    }
    after = {
        "Tests and intervals": _tests(results),
        "Missing data": _missing(results),
        "Software": _software(manifest),
    }
    between: dict[str, str] = {}
    for telling in registry.parts("tell").values():
        for heading, text in telling.methods(results) if telling.methods else ():
            place = next((part for part in (before, after) if heading in part), between)
            place[heading] = f"{place[heading]} {text}" if heading in place else text
    return tuple((before | between | after).items())


def outcomes_heading(manifest: Manifest) -> str:
    """The heading of the paragraph on outcomes."""
    return "Outcomes and follow-up" if manifest.measure.timed else "Outcomes"


def covariate(term: str, labels: Mapping[str, str]) -> str:
    """A covariate's term in words: rcs(age, 4) -> age (restricted cubic spline with 4 knots)."""
    (factors,) = formula.terms(term)
    if len(factors) > 1:
        return f"the product of {listed(_factor(factor, labels) for factor in factors)}"
    return _factor(factors[0], labels)


def _factor(factor: formula.Factor, labels: Mapping[str, str]) -> str:
    name = in_sentence(labels.get(factor.variable, factor.variable))
    knots = dict(factor.options).get("knots")
    match factor.function:
        case "":
            return name
        case "rcs" if isinstance(knots, int):
            return f"{name} (restricted cubic spline with {knots} knots)"
        case "C":
            return f"{name} (categories)"
        case function if function in FUNCTIONS:
            return f"{name} ({FUNCTIONS[function]})"
    return f"{name} ({factor.text})"


def _design(manifest: Manifest) -> str:
    cohort = manifest.cohort
    flow = cohort.flow
    design = "A prospective cohort study" if manifest.measure.timed else "A cross-sectional study"
    if cohort.sampled is not None:
        design = {
            CASE_COHORT: "A case-cohort study",
            NESTED: "A nested case-control study",
            MATCHED: "A matched case-control study",
        }[cohort.sampled.design]
    kind = "A simulated cohort" if cohort.simulated else design
    left_out = flow[0].remaining - flow[-1].remaining
    source = " [@cohort]" if cohort.citation else ""
    return (
        f"{kind}: {cohort.title}{source}. {_sentence(cohort.description)} Of {count(flow[0].remaining)} "
        f"people, {count(left_out)} were excluded for the reasons in the flow diagram, and "
        f"{count(flow[-1].remaining)} remained."
    )


def _outcomes(manifest: Manifest) -> str:
    outcomes = listed([in_sentence(outcome.label) for outcome in manifest.outcomes.values()])
    declared = [manifest.cohort.outcomes[name] for name in manifest.outcomes]
    notes = " ".join(f"{outcome.label}: {_sentence(outcome.note)}" for outcome in declared if outcome.note)
    named = f"The outcome{'s were' if len(manifest.outcomes) > 1 else ' was'} {outcomes}"
    if not manifest.measure.timed:
        had = "of which all cases had it and no control" if manifest.measure.sampled else "as people had it at baseline"
        return f"{named}, {had}. {notes}".strip()
    follow_up = manifest.cohort.follow_up
    return (
        f"{named}. Follow-up began at "
        f"{in_sentence(follow_up.start)}, and ended at {in_sentence(follow_up.end)}. People without the outcome "
        "by then were censored, as were those whose follow-up another event had ended (cause-specific hazards). "
        f"{notes}"
    ).strip()


def _exposures(manifest: Manifest) -> str:
    exposures = manifest.exposures.values()
    places = {"knots": "knots", "cuts": "cut points"}
    told = listed([words for name, words in places.items() if any(getattr(each, name) for each in exposures)])
    of_each = (_exposure(manifest, name) for name in manifest.exposures)
    scores = [_score(manifest, each) for each in manifest.analysis.exposures.values() if each.sds_of]
    learnt = [f"{told.capitalize()} {_set_once(manifest)}"] if told else []
    return " ".join([*of_each, *scores, *learnt])


def _set_once(manifest: Manifest) -> str:
    drawn = manifest.cohort.sampled
    if drawn is None:
        return SET_ONCE
    return SET_ONCE.replace("everyone", "everyone in the subcohort" if drawn.subcohort else "every control")


def _exposure(manifest: Manifest, name: str) -> str:
    exposure = manifest.exposures[name]
    label, unit = exposure.label, exposure.unit
    codings = []
    if exposure.knots:
        at = _values(exposure.knots, unit)
        where = measure(exposure.reference, unit)
        if exposure.reference_label in ("median", "mean"):
            where = f"the {exposure.reference_label}, {where}"
        knots = f"{len(exposure.knots)} knots at {at}"
        codings.append(f"a restricted cubic spline [@durrleman] with {knots} (reference: {where})")
    if exposure.cuts:
        groups = f"{len(exposure.cuts) + 1} groups cut at {_values(exposure.cuts, unit)}"
        reference = group_labels(manifest, name)[f"Q{exposure.reference_group}"]
        counted = ", counted from the lowest" if reference.startswith("Q") else ""
        codings.append(f"{groups} (reference: {reference}{counted})")
    if exposure.per:
        codings.append(f"a straight line per {exposure.per_label}")
    return f"{label} was modelled as {listed(codings)}."


def _score(manifest: Manifest, exposure: ExposureSpec) -> str:
    """What a standard deviation score is, and from whom its ranges were learnt."""
    labels = {name: in_sentence(variable.label) for name, variable in manifest.cohort.variables.items()}
    design = manifest.cohort.design
    weighted = f", weighted to represent {design.population}" if design else ""
    return (
        f"A standard deviation score (SDS) of {labels[str(exposure.sds_of)]} says where a person stands among people "
        f"of the same {listed([labels[name] for name in exposure.sds_for])}: 0 is their median, and one in 40 are "
        "above 1.96. Ranges were learnt by the LMS method [@cole], in penalised curves, from everyone in this analysis "
        f"who was measured{weighted}; intervals do not include that they are estimates."
    )


def _models(manifest: Manifest) -> str:
    analysis = manifest.analysis
    labels = {name: variable.label for name, variable in manifest.cohort.variables.items()}
    main, *others = analysis.time_scales
    timed = manifest.measure.timed
    cox = f"Hazard ratios were estimated by Cox regression [@cox] with {TIME_SCALES[main]} as the time scale" + (
        " and delayed entry at the age of entry [@thiebaut]." if main == "age" else "."
    )
    drawn = manifest.cohort.sampled
    conditional = "conditional " if drawn is not None else ""
    sentences = [
        cox if timed else f"Odds ratios were estimated by {conditional}logistic regression (maximum likelihood)."
    ]
    strata = listed([in_sentence(labels.get(name, name)) for name in analysis.strata])
    for model in analysis.models:
        is_main = model.name == analysis.main.name
        named = f"The main model, “{model.label}”," if is_main else f"The model “{model.label}”"
        terms = listed([covariate(term, labels) for term in analysis.terms(model)])
        alone = f"had no covariates besides {strata}, its strata" if strata else "was not adjusted"
        sentences.append(f"{named} {f'was adjusted for {terms}' if terms else alone}.")
    if main == "age":
        sentences.append("Where age is the time scale, age at entry is not a covariate.")
    if analysis.strata:
        sentences.append(f"The baseline hazard was allowed to differ by {strata} (stratification).")
    if others:
        named = listed([TIME_SCALES[scale] for scale in others])
        sentences.append(f"Every model was fitted again with {named} as the time scale.")
    if timed and (drawn is None or drawn.design == CASE_COHORT):
        sentences.append("Ties were handled by Efron's method [@efron].")
    return " ".join(sentences)


def _tests(results: Results) -> str:
    confidence = level(results.manifest.analysis.level)
    timed = results.manifest.measure.timed
    whole = results.manifest.cohort.sampled is None
    hazards = ", proportional hazards by the score test of Grambsch and Therneau [@grambsch]" if timed and whole else ""
    exposures = results.manifest.exposures.values()
    splines, groups = (any(getattr(each, name) for each in exposures) for name in ("knots", "cuts"))
    bands = "; bands around curves hold at each point, not for the curve as a whole" if splines else ""
    tested = (
        "Overall association and non-linearity were tested by two-sided Wald tests of all spline terms and of the "
        "non-linear ones"
        if splines
        else "Associations were tested by two-sided Wald tests"
    )
    sentences = [f"Intervals are {confidence} confidence intervals{bands}.", f"{tested}{hazards}."]
    if groups and (results.characteristics["kind"] != "people").any():
        sentences.append("Groups of people were compared by standardised differences (Yang and Dalton [@yang]).")
    if len(results.shapes):
        sentences.append(
            "All that is said of a curve’s shape is about the range from the 5th to the 95th percentile of the "
            "exposure. A U shape was tested by heights: both ends of the range must lie above the lowest point between "
            "them, wherever that is, each by the largest standardised difference from any point, referred to its "
            "distribution under a flat curve (an intersection-union test [@berger]); that a curve is bent is no "
            "evidence of a U. The interval of the lowest point inverts tests of slope (Fieller [@fieller]) and height. "
            "The slopes at both ends together (Sasabuchi; Lind and Mehlum [@sasabuchi; @lind]) are evidence beside it."
        )
    if is_floating(results.estimates[results.estimates["coding"] == "groups"]):
        sentences.append(
            "Groups have floating absolute risks (Easton, Peto and Babiker [@easton; @plummer]), by which any two of "
            "them can be compared."
        )
    return " ".join([*sentences, *_primary(results)])


def _primary(results: Results) -> Iterator[str]:
    """Which test counts, and for how many p values are corrected."""
    analysis = results.manifest.analysis
    found = associations(results)
    tested = [a for a in found if a.fitted]
    if not tested:
        return
    kinds = [coding for coding in INSTEAD[analysis.primary] if any(a.tested_by == coding for a in tested)]
    of, *others = (PRIMARY[coding] for coding in kinds)
    instead = f"; of pairs without it, of {listed(others)}" if others else ""
    yield (
        f"The primary test of each pair is that of {of} in the main model{instead}: evidence is spoken of by it alone."
    )
    corrected = next((a for a in tested if not math.isnan(a.holm) and a.family > 1), None)
    if corrected:
        whose = "of each exposure " if analysis.family == "exposure" else ""
        lacking = len(found) - len(tested)
        untested = f" ({count(lacking)} more could not be fitted)" if lacking and not whose else ""
        yield (
            f"The p values of the {count(corrected.family)} primary tests {whose}were corrected together{untested} by "
            "Holm's method [@holm], which limits the chance of any false finding among them, and by Benjamini and "
            "Hochberg's [@benjamini], which limits the expected share of false findings; those of other models and "
            "kinds of test in the same way, each kind by itself."
        )


def _missing(results: Results) -> str:
    manifest = results.manifest
    analysis = manifest.analysis
    fits = results.fits[results.fits["time_scale"] == analysis.time_scales[0]]
    ranges = []
    for model in analysis.models:
        missing = fits.loc[fits["model"] == model.name, "n_missing"].dropna()
        if len(missing):
            low, high = count(missing.min()), count(missing.max())
            ranges.append(f"{low if low == high else f'{low} to {high}'} people in the model “{model.label}”")
    return (
        "Each model used the people with a value for all of its variables (complete cases). "
        + (f"This excluded {listed(ranges)}. " if ranges else "")
        + f"A model with fewer than {count(analysis.min_events)} {manifest.measure.event}s was not fitted and is "
        "listed among those not fitted; neither was a curve, or were groups, with fewer than ten for each of their "
        "coefficients: the straight line then stands alone."
    )


def _software(manifest: Manifest) -> str:
    made = manifest.provenance
    packages = listed(
        [f"{name} {version}{f' [@{name}]' if name in WORKS else ''}" for name, version in made.packages.items()]
    )
    return f"riskkit {made.riskkit} with Python {made.python}, {packages}."


def _values(values: Sequence[float], unit: str | None) -> str:
    *shown, last = measures(values)
    return listed([*shown, with_unit(last, unit)])


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
