"""What was found, in sentences written from the numbers.

Associations are never told as effects, and the lack of evidence never as evidence of a lack.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from riskkit.infer.verdict import ANSWERS, ShapeVerdict
from riskkit.numbers import HARD, count, level, measure, p_phrase, per_cent, ratio
from riskkit.telling.associations import Association, Ratio, is_outcome_wide

MOST_NAMED = 5  # outcomes in a headline
EPONYM = re.compile(
    "Alzheimer|Barrett|Behçet|Burkitt|Chagas|Crohn|Cushing|Down|Ewing|Graves|Hashimoto|Hodgkin|Huntington|Kaposi|"
    "Marfan|Ménière|Merkel|Paget|Parkinson|Raynaud|Sjögren|Waldenström|Wilms"
)
CAUTION = (
    "These are associations in observational data, not effects. No evidence of an association is not evidence that "
    "there is none: look at how wide the interval is."
)
TIME_SCALES = {"age": "attained age", "follow_up": "time since entry", "none": "none (states at baseline)"}


STRAIGHT = ("falling along a straight line", "rising along a straight line")
SILENT = "no evidence of an association"
PRIMARY = {
    "spline": "all terms of the spline",
    "linear": "the straight line",
    "groups": "any difference between groups",
}

AVERAGED = {"age": "ages", "follow_up": "follow-up"}  # what a ratio of a Cox model is an average over


def headline(found: Sequence[Association]) -> tuple[str, ...]:
    """The answer to the analysis's question: a sentence on the first outcome, and one on the others if there are.

    Of more outcomes than can be told one by one, how many stand out is told instead.
    """
    if is_outcome_wide(found):
        return _counted(found)
    first = found[0]
    others = [a for a in found[1:] if a.exposure == first.exposure and a.fitted]
    return (finding(first), _others(first, others)) if others else (finding(first),)


def finding(a: Association) -> str:
    """What was found of one exposure with one outcome, with its numbers, reference and tests, and its shape."""
    if not a.fitted:
        return f"{a.exposure_label} and {in_sentence(a.outcome_label)}: no model could be fitted."
    told = _associated(a) if has_evidence(a) else _without_evidence(a)
    if shape_answer(a) == "flat" and a.shape:
        told = f"{told} {_verdict(a.shape.verdict, a)}."
    return told


def _associated(a: Association) -> str:
    """The finding where the primary test gives evidence."""
    text = f"{a.exposure_label} was associated with {in_sentence(a.outcome_label)}{_how_far(a)}"
    bent = p_phrase(a.nonlinear, "non-linearity p")
    straight = f"{_per(a)} {interval(a.linear, a.level, test=a.tested_by != 'linear')}" if a.linear else ""
    if is_bent(a):
        along = "" if a.nonlinear >= alpha(a) else f", and not along a straight line ({bent})"
        if a.tested_by != "spline" and straight:
            along = f": {straight}; {'the curve is bent' if along else 'the curve tells more'} ({bent})"
        said = f". {_verdict(a.shape.verdict, a)}." if a.shape else f": {_ends(a)}."
        return f"{text}{along}{said}"
    if not straight:
        tail = "" if math.isnan(a.nonlinear) else f", with no evidence against a straight line ({bent}): {_ends(a)}"
        return f"{text}{tail}."
    if math.isnan(a.nonlinear):
        return f"{text}: {straight}.{_usual(a)}"
    if a.linear and a.linear.p >= alpha(a):
        return (
            f"{text}, but neither a straight line ({p_phrase(a.linear.p)}) nor the departure from one "
            f"({p_phrase(a.nonlinear)}) was clear by itself: {_per(a)} {interval(a.linear, a.level)}."
        )
    return f"{text}: {straight}, with no evidence against a straight line ({bent}).{_usual(a)}"


def _without_evidence(a: Association) -> str:
    """The finding where the primary test gives none; what another test says is told to be no primary one."""
    text = f"There was no evidence of an association of {in_sentence(a.exposure_label)} with "
    text += f"{in_sentence(a.outcome_label)} ({_tested(a)}{_weighted_p(a)})"
    if a.linear and a.tested_by != "linear" and a.linear.p < alpha(a):
        return (
            f"{text} by the primary test, {PRIMARY[a.tested_by]}; a straight line, which is not the primary test, gave "
            f"{a.measure.one} of {interval(a.linear, a.level, test=True)} per {a.per_label} higher."
        )
    text += f": {_per(a)} {interval(a.linear, a.level)}" if a.linear else ""
    if a.tested_by != "spline" and a.nonlinear < alpha(a):
        return (
            f"{text}. The curve, which is not the primary test, is bent ({p_phrase(a.nonlinear, 'non-linearity p')})."
        )
    return f"{text}.{_usual(a)}"


def _how_far(a: Association) -> str:
    """The p value of the primary test: corrected, and weighted. Evidence that does not survive is said not to."""
    own = _tested(a)
    if not math.isnan(a.holm) and a.family > 1:
        if a.holm >= alpha(a):
            own = f"at face value only ({own}; {p_phrase(a.holm)} when corrected for {count(a.family)} tests"
        elif p_phrase(a.holm) == p_phrase(a.p):
            own = f"({own}, also when corrected for {count(a.family)} tests"
        else:
            own = f"({own}; {p_phrase(a.holm)} when corrected for {count(a.family)} tests"
    else:
        own = f"({own}"
    if a.weighted >= alpha(a):
        weighted = p_phrase(a.weighted)
        return f" among the people examined {own}), but not clearly in the population they are of (weighted {weighted})"
    return f" {own}{_weighted_p(a)})"


def _tested(a: Association) -> str:
    """The p value of the primary test; named where there are other numbers to take it for."""
    return p_phrase(a.p, "any difference between groups p" if a.tested_by == "groups" else "p")


def _weighted_p(a: Association) -> str:
    return "" if math.isnan(a.weighted) else f"; {p_phrase(a.weighted, 'weighted to the population, p')}"


def _others(first: Association, others: Sequence[Association]) -> str:
    """With which of the other outcomes there was evidence, and whether it survives correction and weighting."""
    clear = [a for a in others if has_evidence(a)]
    exposure = in_sentence(first.exposure_label)
    of = "Of the other outcome" if len(others) == 1 else f"Of the {len(others)} other outcomes"
    asked = f"{of}, there was evidence of an association with {exposure} for"
    if all(math.isnan(a.holm) for a in others) or first.family == 1:
        told = f"{_share(clear)} (at {threshold(first)}, without correction for the number of tests)"
    elif not clear:
        told = f"none (at {threshold(first)}, even before correction for {count(first.family)} tests)"
    else:
        certain, face = ([a for a in clear if (a.holm < alpha(a)) == wanted] for wanted in (True, False))
        corrected = f"corrected for {count(first.family)} tests by Holm's method"
        parts = [f"{_share(certain)} ({threshold(first)} when {corrected})"] if certain else []
        again = "that correction" if certain else f"being {corrected}"
        parts += (
            [f"{_share(face)} at face value only ({threshold(first)}, which does not survive {again})"] if face else []
        )
        told = ", and for ".join(parts)
    return f"{asked} {told}{_weighted_of(clear)}."


def _weighted_of(clear: Sequence[Association]) -> str:
    """Of how many of these the weighted model says so, too."""
    weighted = [a for a in clear if not math.isnan(a.weighted)]
    if not weighted:
        return ""
    also = [a for a in weighted if a.weighted < alpha(a)]
    if len(weighted) == 1:
        return (
            f"; weighted to the population, there was {'some' if also else 'none'} ({p_phrase(weighted[0].weighted)})"
        )
    return f"; weighted to the population, for {_share(also) if len(also) < len(weighted) else 'all of these, too'}"


def _share(found: Sequence[Association]) -> str:
    """The outcomes by name, or how many of them there are."""
    if not found:
        return "none"
    named = listed([in_sentence(a.outcome_label) for a in found])
    return named if len(found) <= MOST_NAMED else f"{count(len(found))} of them"


def standing(a: Association) -> str:
    """Where a finding among many stands: empty where it stands out, else a key of `standings`."""
    if not a.fitted:
        return "failed"
    if not has_evidence(a):
        return "silent"
    return "face" if a.holm >= alpha(a) else ""


def standings(found: Sequence[Association]) -> dict[str, str]:
    """What findings are called that do not stand out among many, in order."""
    tests = max((a.family for a in found if not math.isnan(a.holm)), default=math.nan)
    even = "" if math.isnan(tests) else f", even before correction for {count(tests)} tests"
    return {
        "face": f"At face value only ({threshold(found[0])}), not when corrected for {count(tests)} tests",
        "silent": f"Without evidence of an association by the primary test{even}",
        "failed": "Not fitted",
    }


def is_bent(a: Association) -> bool:
    """Whether the curve, and no straight line, tells the association: it departs from one, or turns in the range."""
    if a.shape is None:
        return a.nonlinear < alpha(a)
    return a.nonlinear < alpha(a) or a.shape.verdict.answer in ("U-shaped", "inverse U-shaped")


def shape_answer(a: Association) -> str:
    """What is said of a curve's shape everywhere: in sentences, tables and counts; empty where there is no curve.

    The verdict's answer of a curve that is bent. One that is not is told as the straight line that suffices, unless an
    end of the curve contradicts it, or the line itself is not clear. Where the primary test gives no evidence, nothing
    is told but that a curve is flat within limits that were stated.
    """
    if a.shape is None:
        return ""
    verdict = a.shape.verdict
    if not has_evidence(a):
        return "flat" if verdict.answer == "flat" else SILENT
    if is_bent(a):
        return verdict.answer
    if a.linear is None or not a.linear.p < alpha(a):
        return "undecided"
    rises = a.linear.value > 1
    return "undecided" if (verdict.lower if rises else verdict.upper).clear else STRAIGHT[rises]


def _verdict(verdict: ShapeVerdict, a: Association) -> str:
    """The verdict in words, with the p value of the shape that was asked about."""
    said = verdict.sentence(a.unit, a.measure.level).removesuffix(".")
    if verdict.answer == "flat":
        return said
    return f"{said} ({p_phrase(verdict.p, f'test of {_article(verdict.shape)} {verdict.shape}: p')})"


def _article(noun: str) -> str:
    """The indefinite article of a shape: a U, an inverse U."""
    return "an" if noun[:1] in "aeio" else "a"


def average_told(a: Association) -> str:
    """That a hazard ratio is an average, where there is evidence that it changes along the time scale."""
    if not a.fitted or not a.proportional < alpha(a):
        return ""
    changed = f"changed along the time scale ({p_phrase(a.proportional)})"
    return f"The {a.measure.ratio} {changed}: this is an average over {AVERAGED[a.time_scale]}."


def asides(a: Association) -> tuple[str, ...]:
    """What the key findings add to a finding: that a ratio is an average."""
    return tuple(text for text in (average_told(a),) if text)


def shapes_counted(found: Sequence[Association]) -> str:
    """Which answers the curves of one exposure gave, each as it is told of the curve; empty where there are none."""
    curves = [a for a in found if a.shape]
    if not curves:
        return ""
    of = {answer: [a for a in curves if shape_answer(a) == answer] for answer in (*ANSWERS, *STRAIGHT)}
    parts = [f"“{answer}” for {_some(own)}" for answer, own in of.items() if own]
    silent = sum(shape_answer(a) == SILENT for a in curves)
    parts += [f"{count(silent)} without evidence of an association"] if silent else []
    asked = f"The shape was asked of {quantity(len(curves), 'curve')} of {in_sentence(curves[0].exposure_label)}"
    return f"{asked}: {'; '.join(parts)}.{_lines(curves)}"


def _lines(curves: Sequence[Association]) -> str:
    """What two straight lines say beside the verdict."""
    tested = [(a, a.shape.lines) for a in curves if a.shape and not math.isnan(a.shape.lines)]
    if not tested:
        return ""
    below = [a for a, p in tested if p < alpha(a)]
    beside = "Two straight lines in place of each curve, which are evidence beside the verdict and do not decide it,"
    if not below:
        smallest = p_phrase(min(p for _, p in tested), "smallest p")
        return f" {beside} clearly fell and then rose for none ({smallest})."
    return f" {beside} clearly fell and then rose for {_some(below)} ({threshold(below[0])})."


def _some(found: Sequence[Association]) -> str:
    """The outcomes, or the first of them and how many more there are."""
    named = [in_sentence(a.outcome_label) for a in found[:MOST_NAMED]]
    more = len(found) - MOST_NAMED
    return f"{', '.join(named)} and {count(more)} more" if more > 0 else listed(named)


def has_evidence(a: Association) -> bool:
    """Whether the primary test of this pair is below the threshold that goes with the confidence level."""
    return a.p < alpha(a)


def people(found: Sequence[Association]) -> str:
    """How many people were studied, for how long if they were followed, and how many had the first outcome."""
    a = next((a for a in found if a.fitted), None)
    if a is None:
        return "No model could be fitted."
    number = "a few" if math.isnan(a.missing) else count(a.missing)
    left_out = f" ({number} people with a missing value were excluded)" if a.missing else ""
    if a.measure.sampled:
        noun = "with the outcome" if a.measure.timed else "cases of"
        return (
            f"In the main model, {count(a.people)} people of the sample were studied{left_out}, {count(a.events)} "
            f"of them {noun} “{in_sentence(a.outcome_label)}”."
        )
    if not a.measure.timed:
        return (
            f"In the main model, {count(a.people)} people were studied{left_out}; {count(a.events)} "
            f"({per_cent(100 * a.events / a.people)}%) had “{in_sentence(a.outcome_label)}” at baseline."
        )
    return (
        f"In the main model, {count(a.people)} people were followed for {count(a.person_years)} person-years, "
        f"{a.person_years / a.people:.1f} years on average{left_out}; {count(a.events)} had the outcome "
        f"“{in_sentence(a.outcome_label)}”."
    )


def reading(found: Sequence[Association]) -> str:
    """At which levels of the exposure the sentences read a curve."""
    a = next((a for a in found if a.ends and a.shape is None and a.nonlinear < alpha(a)), None)
    if a is None:
        return ""
    return "Where a curve is told by two of its points, these are the 5th and the 95th percentile of the exposure."


def interval(r: Ratio, confidence: float, test: bool = False) -> str:
    """A ratio in a sentence: 0.88 (95% CI 0.82 to 0.93), with its p value if asked for."""
    tail = f"; {p_phrase(r.p)}" if test else ""
    return f"{ratio(r.value)} ({level(confidence)} CI {ratio(r.low)} to {ratio(r.high)}{tail})"


def in_sentence(label: str) -> str:
    """A label inside a sentence: Death from cancer -> death from cancer; IGF-I and Parkinson's disease stay."""
    first = re.split(r"\s|'s\b|’s\b", label.strip(), maxsplit=1)[0]
    abbreviated = len(first.split("-")[0]) < 2 or not first[1:].replace("-", "").islower()
    return label if abbreviated or EPONYM.fullmatch(first) else label[:1].lower() + label[1:]


def listed(items: Iterable[str]) -> str:
    """Items as a sentence lists them: a, b and c."""
    items = list(items)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def lowest_point(a: Association) -> str:
    """Where the curve is lowest, in a few words: lowest at 209 (197 or above). Empty where that is no finding.

    It is one where there is evidence of an association and the curve is bent, the lowest point is inside the range, the
    data bound it at least on one side, and the curve is not an inverse U, whose turning point is its highest.
    """
    if a.shape is None or not has_evidence(a) or not is_bent(a):
        return ""
    verdict = a.shape.verdict
    inside = verdict.lower.x < verdict.x < verdict.upper.x
    if not inside or all(verdict.open_ends) or verdict.answer == "inverse U-shaped":
        return ""
    return f"lowest at {measure(verdict.x)} ({verdict.bounds()})"


def _counted(found: Sequence[Association]) -> tuple[str, ...]:
    """The answer of an analysis of many outcomes, for its first exposure: how many stand out, and which."""
    own = [a for a in found if a.exposure == found[0].exposure]
    tested = [a for a in own if a.fitted]
    if not tested:
        return (f"No model of {in_sentence(own[0].exposure_label)} could be fitted.",)
    below = alpha(own[0])
    exposure = own[0].exposure_label
    corrected = [a for a in tested if not math.isnan(a.holm)]
    certain = sorted((a for a in corrected if a.holm < below), key=lambda a: a.holm)
    discovered = [a for a in corrected if a.fdr < below]
    clear = [a for a in tested if has_evidence(a)]
    left_out = f" ({quantity(len(own) - len(tested), 'other')} could not be fitted)" if len(own) > len(tested) else ""
    chance = (
        f"At {threshold(own[0])} without correction there was evidence of an association with {count(len(clear))}; if "
        f"there were none at all, {below * len(tested):.2g} would be expected by chance."
    )
    if not corrected:
        return (f"{exposure} was examined with {quantity(len(tested), 'outcome')}{left_out}. {chance}",)
    named = listed([in_sentence(a.outcome_label) for a in certain[:MOST_NAMED]])
    which = f": {named}" if len(certain) <= MOST_NAMED else f", the clearest of them {named}"
    by = f"{threshold(own[0])} when corrected for {count(corrected[0].family)} tests by Holm's method"
    return (
        f"Of {quantity(len(tested), 'outcome')}{left_out}, {in_sentence(exposure)} was associated with "
        f"{f'{count(len(certain))}{which}' if certain else 'none'} ({by}){_weighted_of(certain)}.",
        f"At a false discovery rate of {level(below)}, there was evidence for {count(len(discovered))}. {chance}",
        *([finding(certain[0])] if certain else []),
    )


def _usual(a: Association) -> str:
    """The straight line's ratio corrected for regression dilution, where the exposure was measured twice."""
    if a.usual is None:
        return ""
    return f" Corrected for regression dilution, it was {interval(a.usual, a.level)}."


def dilution_ratio(row: Mapping[Any, Any], confidence: float) -> str:
    """A dilution ratio: 0.75 (95% CI 0.72 to 0.78; 1,719 people measured twice)."""
    interval = f"{level(confidence)} CI {ratio(row['dilution_low'])} to {ratio(row['dilution_high'])}"
    return f"{ratio(row['dilution_ratio'])} ({interval}; {count(row['dilution_n'])} people measured twice)"


def quantity(n: int, noun: str) -> str:
    """A number of things: 1 model, 3 models."""
    return f"{count(n)} {noun}{'' if n == 1 else 's'}"


def _per(a: Association) -> str:
    return f"{a.measure.ratio} per {a.per_label.replace(' ', HARD)} higher"


def _ends(a: Association) -> str:
    low, high = a.ends
    where = measure(a.reference, a.unit)
    if a.reference_label in ("median", "mean"):
        where = f"the {a.reference_label} of {where}"
    return (
        f"relative to {where}, the {a.measure.ratio} was {interval(low, a.level)} at {measure(low.x, a.unit)} and "
        f"{interval(high, a.level)} at {measure(high.x, a.unit)}"
    )


def alpha(a: Association) -> float:
    """The p value below which there is evidence, which goes with the confidence level."""
    return 1 - a.level


def threshold(a: Association) -> str:
    """Below which p value evidence is spoken of: p < 0.05."""
    return f"p < {alpha(a):.2g}"
