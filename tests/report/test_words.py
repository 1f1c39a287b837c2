from __future__ import annotations

import math
from dataclasses import replace

import pytest
from made_verdict import made_verdict
from results_example import example_results

from riskkit.measure import HAZARD
from riskkit.telling.associations import Association, Ratio, Shape, associations
from riskkit.telling.words import (
    asides,
    finding,
    headline,
    in_sentence,
    listed,
    lowest_point,
    people,
    reading,
    shape_answer,
    shapes_counted,
    standing,
    standings,
)

NAN = float("nan")
HIGH_END = Ratio(0.9, 0.8, 1.01, NAN, 231.4)
STRAIGHT = Association(
    exposure="igf1", outcome="cancer", exposure_label="Serum IGF-I", outcome_label="Death from cancer", unit="ng/mL",
    anchor="e1-o1", level=0.95, reference=150.0, reference_label="median", per_label="SD (60 ng/mL)", people=5859.0,
    events=520.0, person_years=88000.0, missing=41.0, linear=Ratio(0.88, 0.82, 0.93, 0.0004), usual=None,
    overall=0.0011, nonlinear=0.41, holm=NAN, fdr=NAN, ends=(Ratio(1.2, 1.1, 1.3, NAN, 72.0), HIGH_END),
    shape=None, measure=HAZARD, proportional=0.5, proportional_all=0.2,
)  # fmt: skip
NONE = replace(STRAIGHT, overall=0.2, nonlinear=0.6, linear=Ratio(1.02, 0.94, 1.11, 0.63), outcome_label="Stroke")


def plain(text: str) -> str:
    """Without the spaces that keep numbers and units on one line."""
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            STRAIGHT,
            "Serum IGF-I was associated with death from cancer (p = 0.001): hazard ratio per SD (60 ng/mL) higher 0.88 "
            "(95% CI 0.82 to 0.93; p < 0.001), with no evidence against a straight line (non-linearity p = 0.41).",
        ),
        (
            replace(STRAIGHT, nonlinear=0.003),
            "Serum IGF-I was associated with death from cancer (p = 0.001), and not along a straight line "
            "(non-linearity p = 0.003): relative to the median of 150 ng/mL, the hazard ratio was 1.20 (95% CI 1.10 "
            "to 1.30) at 72 ng/mL and 0.90 (95% CI 0.80 to 1.01) at 231 ng/mL.",
        ),
        (
            replace(STRAIGHT, nonlinear=0.003, reference_label="chosen value", level=0.9),
            "Serum IGF-I was associated with death from cancer (p = 0.001), and not along a straight line "
            "(non-linearity p = 0.003): relative to 150 ng/mL, the hazard ratio was 1.20 (90% CI 1.10 to 1.30) at 72 "
            "ng/mL and 0.90 (90% CI 0.80 to 1.01) at 231 ng/mL.",
        ),
        (
            NONE,
            "There was no evidence of an association of serum IGF-I with stroke (p = 0.20): hazard ratio per SD (60 "
            "ng/mL) higher 1.02 (95% CI 0.94 to 1.11).",
        ),
        (
            replace(NONE, linear=Ratio(1.12, 1.02, 1.24, 0.02)),
            "There was no evidence of an association of serum IGF-I with stroke (p = 0.20) by the primary test, all "
            "terms of the spline; a straight line, which is not the primary test, gave a hazard ratio of 1.12 (95% CI "
            "1.02 to 1.24; p = 0.02) per SD (60 ng/mL) higher.",
        ),
        (
            replace(STRAIGHT, linear=Ratio(0.95, 0.88, 1.02, 0.15)),
            "Serum IGF-I was associated with death from cancer (p = 0.001), but neither a straight line (p = 0.15) "
            "nor the departure from one (p = 0.41) was clear by itself: hazard ratio per SD (60 ng/mL) higher 0.95 "
            "(95% CI 0.88 to 1.02).",
        ),
        (
            replace(STRAIGHT, overall=NAN, nonlinear=NAN, ends=()),
            "Serum IGF-I was associated with death from cancer (p < 0.001): hazard ratio per SD (60 ng/mL) higher 0.88 "
            "(95% CI 0.82 to 0.93).",
        ),
        (
            replace(NONE, usual=Ratio(1.03, 0.92, 1.15)),
            "There was no evidence of an association of serum IGF-I with stroke (p = 0.20): hazard ratio per SD (60 "
            "ng/mL) higher 1.02 (95% CI 0.94 to 1.11). Corrected for regression dilution, it was 1.03 (95% CI 0.92 to "
            "1.15).",
        ),
        (
            replace(STRAIGHT, linear=None, ends=()),
            "Serum IGF-I and death from cancer: no model could be fitted.",
        ),
    ],
)
def test_a_finding(found: Association, text: str) -> None:
    assert plain(finding(found)) == text


@pytest.mark.parametrize("overall", [0.0001, 0.04, 0.06, 0.9, NAN])
@pytest.mark.parametrize("nonlinear", [0.0001, 0.5, NAN])
@pytest.mark.parametrize("linear", [Ratio(0.9, 0.8, 1.1, 0.3), Ratio(0.9, 0.8, 0.99, 0.01), None])
def test_no_finding_speaks_of_causes_or_of_no_effect(overall: float, nonlinear: float, linear: Ratio | None) -> None:
    if linear is None and math.isnan(overall):
        return
    text = finding(replace(STRAIGHT, overall=overall, nonlinear=nonlinear, linear=linear)).lower()
    for word in ("effect", "cause", "protect", "harm", "impact", "reduce", "increase", "no association", "nan"):
        assert word not in text.replace("any cause", "")


def test_the_headline_tells_the_others_after_the_first() -> None:
    first, others = headline([replace(STRAIGHT, outcome_label="Death from any cause"), STRAIGHT, NONE])
    assert first.startswith("Serum IGF-I was associated with death from any cause")
    assert others == (
        "Of the 2 other outcomes, there was evidence of an association with serum IGF-I for death from cancer "
        "(at p < 0.05, without correction for the number of tests)."
    )
    assert "for none (at" in headline([STRAIGHT, NONE])[1]
    assert len(headline([STRAIGHT])) == 1
    assert "for 6 of them (at" in headline([STRAIGHT] * 7)[1]


def many(clear: int, tested: int = 30, holm: float = 0.01) -> list[Association]:
    """So many outcomes, of which the first are clear, the clearest last among them."""
    found = [replace(STRAIGHT, outcome=f"o{i}", outcome_label=f"Outcome {i}") for i in range(1, tested + 1)]
    p = [(0.001, holm / (i + 1), 0.002) if i < clear else (0.3, 1.0, 0.9) for i in range(tested)]
    return [replace(a, overall=o, holm=h, fdr=f, family=30) for a, (o, h, f) in zip(found, p, strict=True)]


def test_many_outcomes_are_counted_in_the_headline() -> None:
    first, second, clearest = map(plain, headline(many(2)))
    assert first == (
        "Of 30 outcomes, serum IGF-I was associated with 2: outcome 2 and outcome 1 (p < 0.05 when corrected for 30 "
        "tests by Holm's method)."
    )
    assert second == (
        "At a false discovery rate of 5%, there was evidence for 2. At p < 0.05 without correction there was evidence "
        "of an association with 2; if there were none at all, 1.5 would be expected by chance."
    )
    assert clearest.startswith("Serum IGF-I was associated with outcome 2 (p = 0.001; p = 0.005 when corrected for 30")
    some, _, _ = headline(many(7))
    assert "associated with 7, the clearest of them outcome 7, outcome 6, outcome 5, outcome 4 and outcome 3 (" in some
    none = headline(many(0))
    assert len(none) == 2
    assert "was associated with none (" in none[0]
    failed = [*many(1, 29), replace(STRAIGHT, outcome="o30", linear=None, ends=())]
    assert headline(failed)[0].startswith("Of 29 outcomes (1 other could not be fitted), serum")
    assert "examined with 30 outcomes" in headline([replace(a, holm=NAN, fdr=NAN) for a in many(3)])[0]
    lost = [replace(a, linear=None, ends=()) for a in many(3)]
    assert headline(lost) == ("No model of serum IGF-I could be fitted.",)


PLATEAU = Shape(made_verdict((109.0, 0.4), (442.0, 0.1), 209.0))
REAL = Shape(made_verdict((109.0, 0.4), (442.0, 0.3), 209.0))


def test_the_finding_of_a_bent_curve_tells_its_shape() -> None:
    bent = replace(STRAIGHT, nonlinear=0.003, shape=PLATEAU)
    assert plain(finding(bent)) == (
        "Serum IGF-I was associated with death from cancer (p = 0.001), and not along a straight line (non-linearity p "
        "= 0.003). Lower risk with rising levels, then a plateau that may turn: at 109 ng/mL the hazard ratio against "
        "the lowest point is 1.49 (95% CI 1.23 to 1.81); at 442 ng/mL it is 1.11 (95% CI 1.00 to 1.34), not clearly "
        "above 1; the lowest point is at 189 ng/mL or above (test of a U: p = 0.32)."
    )
    assert headline([bent]) == (finding(bent),)
    real = plain(finding(replace(bent, shape=REAL)))
    assert "Risk is higher at both ends of the range than in between: at 109 ng/mL" in real
    assert real.endswith("the lowest point is at 209 ng/mL (95% CI 189 to 229) (test of a U: p = 0.003).")


def test_a_curve_that_a_straight_line_tells_has_no_plateau() -> None:
    falling, rising = (replace(STRAIGHT, shape=PLATEAU, linear=Ratio(r, r * 0.9, r * 1.05, 0.01)) for r in (0.88, 1.2))
    assert finding(falling).endswith("no evidence against a straight line (non-linearity p\u00a0=\u00a00.41).")
    assert shape_answer(falling) == "falling along a straight line"
    assert shape_answer(rising) == "undecided"  # the low end is clearly above the lowest point
    assert shape_answer(replace(rising, shape=Shape(made_verdict((109.0, 0.0), (442.0, 0.4), 109.0)))) == (
        "rising along a straight line"
    )
    assert shape_answer(replace(falling, linear=Ratio(0.95, 0.88, 1.02, 0.15))) == "undecided"
    assert shape_answer(replace(falling, nonlinear=0.01)) == "falls then levels off"
    assert shape_answer(replace(falling, overall=0.3)) == "no evidence of an association"
    assert shape_answer(STRAIGHT) == ""


def test_a_u_is_told_although_the_test_of_bending_alone_is_not_clear() -> None:
    turning = replace(STRAIGHT, shape=REAL, nonlinear=0.08)
    assert shape_answer(turning) == "U-shaped"
    assert "both ends of the range" in finding(turning)
    assert "straight line" not in finding(turning)


def test_a_flat_curve_is_told_with_its_limit() -> None:
    flat = made_verdict((109.0, 0.0), (442.0, 0.0), 109.0, se=0.05)
    assert flat.answer == "flat"
    told = plain(finding(replace(NONE, shape=Shape(flat))))
    assert told.endswith(
        "Risk is flat within the limits that were stated: no two levels from 109 to 442 ng/mL differ by a hazard ratio "
        "above 1.10 (95% confidence), and 1.25 was stated."
    )


def test_evidence_is_told_with_the_number_of_tests_it_is_corrected_for() -> None:
    survives = replace(STRAIGHT, holm=0.011, family=15.0)
    face = replace(survives, outcome_label="Stroke", overall=0.02, holm=0.24)
    assert "(p = 0.001; p = 0.01 when corrected for 15 tests):" in plain(finding(survives))
    assert "(p < 0.001, also when corrected for 15 tests):" in plain(finding(replace(survives, overall=0, holm=0)))
    assert plain(finding(face)).startswith(
        "Serum IGF-I was associated with stroke at face value only (p = 0.02; p = 0.24 when corrected for 15 tests):"
    )
    silent = replace(NONE, holm=1.0, family=15.0)
    cases = {
        (
            survives,
            face,
        ): "death from cancer (p < 0.05 when corrected for 15 tests by Holm's method), and for stroke at "
        "face value only (p < 0.05, which does not survive that correction).",
        (face, silent): "stroke at face value only (p < 0.05, which does not survive being corrected for 15 tests by "
        "Holm's method).",
        (silent, silent): "none (at p < 0.05, even before correction for 15 tests).",
    }
    for others, said in cases.items():
        told = plain(headline([survives, *others])[1])
        assert told == f"Of the 2 other outcomes, there was evidence of an association with serum IGF-I for {said}"


def test_one_test_is_primary_and_what_another_says_is_told_to_be_none() -> None:
    line = Ratio(1.16, 1.03, 1.31, 0.015)
    kidney = replace(STRAIGHT, overall=0.08, linear=line, outcome_label="Kidney cancer", primary="linear", holm=0.2)
    assert kidney.p == 0.015
    assert plain(finding(replace(kidney, family=28))) == (
        "Serum IGF-I was associated with kidney cancer at face value only (p = 0.01; p = 0.20 when corrected for 28 "
        "tests): hazard ratio per SD (60 ng/mL) higher 1.16 (95% CI 1.03 to 1.31), with no evidence against a straight "
        "line (non-linearity p = 0.41)."
    )
    assert "by the primary test, all terms of the spline; a straight" in finding(replace(kidney, primary="spline"))
    groups = replace(kidney, primary="groups", difference=0.004, holm=NAN)
    assert groups.p == 0.004
    assert "with kidney cancer (any difference between groups p\u00a0=\u00a00.004): hazard ratio per" in finding(groups)
    assert replace(kidney, linear=None).tested_by == "spline"
    assert replace(kidney, primary="spline", overall=NAN).tested_by == "linear"


def test_among_many_each_finding_stands_where_its_test_puts_it() -> None:
    found = [*many(3, holm=0.1), replace(STRAIGHT, outcome="lost", linear=None, ends=(), overall=NAN)]
    assert [standing(a) for a in found[:4]] == ["face", "", "", "silent"]
    assert standing(found[-1]) == "failed"
    assert plain(standings(found)["silent"]) == (
        "Without evidence of an association by the primary test, even before correction for 30 tests"
    )


def test_what_the_weighted_model_says_is_told_in_the_same_breath() -> None:
    alone = replace(STRAIGHT, weighted=0.42)
    assert plain(finding(alone)).startswith(
        "Serum IGF-I was associated with death from cancer among the people examined (p = 0.001), but not clearly in "
        "the population they are of (weighted p = 0.42): hazard ratio"
    )
    assert "(p = 0.001; weighted to the population, p = 0.03): hazard" in plain(finding(replace(alone, weighted=0.03)))
    other = headline([STRAIGHT, alone, replace(alone, weighted=0.01), replace(NONE, weighted=0.7)])[1]
    assert plain(other).endswith("weighted to the population, for death from cancer.")
    assert plain(headline([STRAIGHT, alone])[1]).endswith("weighted to the population, there was none (p = 0.42).")


def test_answers_are_counted() -> None:
    none = [replace(STRAIGHT, nonlinear=0.01, shape=PLATEAU), replace(NONE, shape=PLATEAU)]
    assert plain(shapes_counted(none)) == (
        "The shape was asked of 2 curves of serum IGF-I: “falls then levels off” for death from cancer; 1 without "
        "evidence of an association."
    )
    assert "“falling along a straight line” for death from cancer" in shapes_counted([replace(STRAIGHT, shape=PLATEAU)])
    one = [*none, replace(STRAIGHT, outcome_label="Stroke", shape=REAL)]
    assert "3 curves of serum IGF-I: “U-shaped” for stroke; “falls" in plain(shapes_counted(one))
    many = shapes_counted([replace(STRAIGHT, shape=REAL)] * 7)
    assert "“U-shaped” for death from cancer, death from cancer" in many
    assert "death from cancer and 2 more." in many
    assert shapes_counted([NONE]) == ""
    lined = [replace(STRAIGHT, shape=replace(REAL, lines=0.026)), replace(NONE, shape=replace(PLATEAU, lines=1.0))]
    beside = "are evidence beside the verdict and do not decide it, clearly fell and then rose for"
    assert plain(shapes_counted(lined)).endswith(f"{beside} death from cancer (p < 0.05).")
    assert plain(shapes_counted(lined[1:])).endswith(f"{beside} none (smallest p > 0.99).")


def test_a_ratio_that_changes_is_called_an_average() -> None:
    changing = replace(STRAIGHT, nonlinear=0.003, shape=PLATEAU, proportional=0.004)
    assert plain(asides(changing)[0]) == (
        "The hazard ratio changed along the time scale (p = 0.004): this is an average over ages."
    )
    assert "an average over follow-up" in asides(replace(changing, time_scale="follow_up"))[0]
    assert asides(replace(STRAIGHT, proportional=NAN)) == ()


def test_a_lowest_point_is_told_only_where_it_is_a_finding() -> None:
    found = replace(STRAIGHT, nonlinear=0.003, shape=PLATEAU)
    assert lowest_point(found) == "lowest at 209 (189 or above)"
    mirrored = Shape(made_verdict((109.0, 0.1), (442.0, 0.4), 209.0))
    assert lowest_point(replace(found, shape=mirrored)) == "lowest at 209 (229 or below)"
    assert lowest_point(replace(found, shape=REAL)) == "lowest at 209 (189 to 229)"
    for nothing in (
        replace(found, shape=None),
        replace(found, shape=Shape(made_verdict((109.0, 0.1), (442.0, 0.1), 209.0))),
        replace(found, shape=Shape(made_verdict((109.0, 0.4), (442.0, 0.0), 442.0))),
        replace(found, overall=0.2),
        replace(found, nonlinear=0.4),
    ):
        assert lowest_point(nothing) == ""


def test_people() -> None:
    assert people([STRAIGHT]) == (
        "In the main model, 5,859 people were followed for 88,000 person-years, 15.0 years on average (41 people "
        "with a missing value were excluded); 520 had the outcome “death from cancer”."
    )
    assert people([replace(STRAIGHT, linear=None, ends=())]) == "No model could be fitted."


def test_where_curves_are_read() -> None:
    bent = replace(STRAIGHT, nonlinear=0.003)  # whose shape is withheld
    assert "the 5th and the 95th percentile of the exposure" in reading([bent])
    assert reading([replace(bent, ends=())]) == reading([STRAIGHT]) == reading([replace(bent, shape=REAL)]) == ""


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Death from any cause", "death from any cause"), ("IGF-I", "IGF-I"), ("HbA1c", "HbA1c"), ("C-reactive protein",
        "C-reactive protein"), ("Non-fatal stroke", "non-fatal stroke"), ("A stroke", "A stroke"), ("", ""),
        ("Parkinson's disease", "Parkinson's disease"), ("Hodgkin lymphoma", "Hodgkin lymphoma"),
    ],
)  # fmt: skip
def test_labels_in_a_sentence(label: str, text: str) -> None:
    assert in_sentence(label) == text


def test_lists() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_associations_are_read_from_the_main_model_and_time_scale() -> None:
    results = example_results(1, 2)
    first = associations(results)[0]
    row = results.estimates.query(
        "outcome == 'all_causes' and time_scale == 'age' and model == 'lifestyle' and coding == 'linear'"
    ).iloc[0]
    assert first.linear is not None
    assert (first.linear.value, first.linear.p) == (row["ratio"], row["p"])
    assert (first.people, first.events, first.missing) == (5859, 2400, 41)
    assert (first.overall, first.nonlinear, first.proportional) == (0.0004, 0.0004, 0.57)
    assert first.proportional_all == 0.003
    # the 5th and the 95th percentile are 150 - 1.5 x 60 and 150 + 1.7 x 60
    assert [end.x for end in first.ends] == [60, 252]
    # -0.03 z + 0.08 z^2 is lowest at z = 0.1875
    assert first.shape is not None
    assert first.shape.verdict.x == pytest.approx(150 + 60 * 0.1875)
    assert (first.shape.verdict.answer, first.shape.lines) == ("U-shaped", 0.02)
    second = associations(results)[1].shape
    assert second is not None
    assert second.verdict.open_ends == (True, True)
    assert second.verdict.answer == "undecided"
    z = (first.ends[0].x - 150) / 60
    assert first.ends[0].value == pytest.approx(math.exp(-0.03 * z + 0.08 * z**2))
