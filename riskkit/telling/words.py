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


def headline(found: Sequence[Association]) -> tuple[str, ...]:
    """The answer to the analysis's question: a sentence on the first outcome, and one on the others if there are.

    Of more outcomes than can be told one by one, how many stand out is told instead.
    """
    if is_outcome_wide(found):
        return _counted(found)
    first = found[0]
    others = [a for a in found[1:] if a.exposure == first.exposure and a.fitted]
    sentences = [part for part in (finding(first), shape_told(first)) if part]
    if others:
        clear = [a for a in others if has_evidence(a)]
        named = listed([in_sentence(a.outcome_label) for a in clear])
        other = "the other outcome" if len(others) == 1 else f"the {len(others)} other outcomes"
        share = "none" if not clear else named if len(clear) <= MOST_NAMED else f"{count(len(clear))} of them"
        sentences.append(
            f"Of {other}, there was evidence of an association with "
            f"{in_sentence(first.exposure_label)} for {share} (at {threshold(first)}, without correction for the "
            "number of tests)."
        )
    return tuple(sentences)


def finding(a: Association) -> str:
    """One sentence on one exposure with one outcome, with its numbers, reference and tests."""
    if not a.fitted:
        return f"{a.exposure_label} and {in_sentence(a.outcome_label)}: no model could be fitted."
    exposure, outcome = in_sentence(a.exposure_label), in_sentence(a.outcome_label)
    if math.isnan(a.overall):
        verb = "was associated" if has_evidence(a) else "showed no evidence of an association"
        if a.linear is None:
            tested = p_phrase(a.difference, "any difference between groups p")
            return f"{a.exposure_label} {verb} with {outcome} ({tested})."
        return (
            f"{a.exposure_label} {verb} with {outcome}: {_per(a)} {interval(a.linear, a.level, test=True)}.{_usual(a)}"
        )
    if a.overall >= alpha(a):
        text = f"There was no evidence of an association of {exposure} with {outcome} ({p_phrase(a.overall)})"
        if a.linear and a.linear.p < alpha(a):
            return (
                f"{text} when its shape was left free, but a straight line gave {a.measure.one} of "
                f"{interval(a.linear, a.level, test=True)} per {a.per_label} higher."
            )
        return f"{text}: {_per(a)} {interval(a.linear, a.level)}.{_usual(a)}" if a.linear else f"{text}."
    text = f"{a.exposure_label} was associated with {outcome} ({p_phrase(a.overall)})"
    if a.nonlinear < alpha(a):
        bent = p_phrase(a.nonlinear, "non-linearity p")
        text = f"{text}, and not along a straight line ({bent})"
        return f"{text}. {_verdict(a.shape.verdict, a)}." if a.shape else f"{text}: {_ends(a)}."
    straight = f"no evidence against a straight line ({p_phrase(a.nonlinear, 'non-linearity p')})"
    if a.linear is None:
        return f"{text}, with {straight}: {_ends(a)}."
    if a.linear.p >= alpha(a):
        return (
            f"{text}, but neither a straight line ({p_phrase(a.linear.p)}) nor the departure from one "
            f"({p_phrase(a.nonlinear)}) was clear by itself: {_per(a)} {interval(a.linear, a.level)}."
        )
    return f"{text}: {_per(a)} {interval(a.linear, a.level)}, with {straight}.{_usual(a)}"


def shape_told(a: Association) -> str:
    """What shape the curve has, in the three parts of its verdict, with its subject, so that it can be quoted alone.

    Empty where there is no curve or no evidence of an association, and where the finding tells it (a bent curve's).
    """
    if a.shape is None or not has_evidence(a) or a.nonlinear < alpha(a):
        return ""
    said = _verdict(a.shape.verdict, a)
    return f"{a.exposure_label} and {in_sentence(a.outcome_label)}: {said[:1].lower()}{said[1:]}."


def _verdict(verdict: ShapeVerdict, a: Association) -> str:
    """The verdict in words, with the p value of the shape that was asked about."""
    said = verdict.sentence(a.unit, a.measure.level).removesuffix(".")
    return f"{said} ({p_phrase(verdict.p, f'test of {_article(verdict.shape)} {verdict.shape}: p')})"


def _article(noun: str) -> str:
    """The indefinite article of a shape: a U, an inverse U."""
    return "an" if noun[:1] in "aeio" else "a"


def average_told(a: Association) -> str:
    """That a hazard ratio is an average, where there is evidence that it changes along the time scale."""
    if not a.fitted or not a.proportional < alpha(a):
        return ""
    changed = f"changed along the time scale ({p_phrase(a.proportional)})"
    over = {"age": "ages"}.get(a.time_scale, "follow-up")
    return f"The {a.measure.ratio} {changed}: this is an average over {over}."


def asides(a: Association) -> tuple[str, ...]:
    """What the key findings add to a finding: that a ratio is an average."""
    return tuple(text for text in (average_told(a),) if text)


def shapes_counted(found: Sequence[Association]) -> str:
    """Which answers the curves of one exposure gave; empty where there are none.

    An answer is told where there is evidence of an association: of the other curves, only how many there are.
    """
    curves = [a for a in found if a.shape]
    if not curves:
        return ""
    told = [(a, a.shape.verdict.answer) for a in curves if a.shape and has_evidence(a)]
    answers = {answer: [a for a, own in told if own == answer] for answer in ANSWERS}
    parts = [f"“{answer}” for {_some(own)}" for answer, own in answers.items() if own]
    silent = len(curves) - len(told)
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
    """Whether the main test of this pair is below the threshold that goes with the confidence level."""
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
    names = {2: "halves", 3: "thirds", 4: "fourths", 5: "fifths", 10: "tenths"}
    groups = names.get(a.groups, "groups")
    where = f"the medians of the lowest and highest {groups}" if a.groups else "the 1st and 99th percentiles"
    return f"Where a curve is told by two of its points, these are {where} of the exposure."


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

    It is one where there is evidence of an association, the lowest point is inside the range, the data bound it at
    least on one side, and the curve is not an inverse U, whose turning point is its highest.
    """
    if a.shape is None or not has_evidence(a):
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
    return (
        f"Of {quantity(len(tested), 'outcome')}{left_out}, {in_sentence(exposure)} was associated with "
        f"{f'{count(len(certain))}{which}' if certain else 'none'} (Holm-corrected {threshold(own[0])}).",
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
