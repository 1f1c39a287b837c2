"""The rule on small numbers: what is withheld, what is rounded, and that a withheld count does not follow."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from imputed_example import with_imputation
from modified_example import with_interactions, with_robustness
from results_example import example_results, with_correction
from study_example import of_cohort
from variants_example import with_repeats, with_variants, with_weights

from riskkit.disclosure import protect
from riskkit.disclosure.policy import Policy, significant
from riskkit.results import Results, schemas
from riskkit.spec.disclosure import DisclosureSpec

POLICY = Policy(min_count=10, round_to=5)


@pytest.fixture(scope="module")
def results() -> Results:
    """Results with something in most frames."""
    made = with_imputation(with_weights(with_repeats(with_variants(with_correction(example_results(1, 2))))))
    return with_robustness(with_interactions(made))


def protected(results: Results, min_count: int, round_to: int = 5) -> Results:
    rule = DisclosureSpec(min_count=min_count, round_to=round_to)
    return protect(results.replaced(of_cohort(results.manifest, disclosure=rule)))


def test_every_frame_is_as_its_schema_says_after_the_rule(results: Results) -> None:
    shown = protected(results, 100, 50)
    assert list(shown.frames) == list(schemas())
    for name, frame in shown.frames.items():
        assert list(frame) == [column.name for column in schemas()[name].columns], name
        assert frame.index.equals(pd.RangeIndex(len(frame))), name


def test_counts_are_withheld_or_rounded() -> None:
    shown = POLICY.counts([0, 1, 9, 10, 12, 13, 17.5, np.nan])
    np.testing.assert_array_equal(shown, [0, np.nan, np.nan, 10, 10, 15, 20, np.nan])


@pytest.mark.parametrize(("min_count", "round_to"), [(5, 5), (6, 3), (10, 5), (10, 2), (20, 10)])
def test_subtraction_leaves_every_withheld_count_open(min_count: int, round_to: int) -> None:
    """By brute force: the counts that a rounded sum and its other part, rounded to 60, leave possible."""
    policy = Policy(min_count, round_to)
    possible: dict[float, set[int]] = {}
    for few, other in product(range(1, min_count), range(30, 90)):
        total, part = policy.counts([few + other, other])
        if part == 60:
            possible.setdefault(total, set()).add(few)
    assert len(possible) > 1
    assert min(map(len, possible.values())) >= round_to - 1


def test_of_a_sum_of_many_parts_no_withheld_one_follows() -> None:
    """A rounded sum and three rounded parts can lie so that only one value of the fourth is left."""
    sums = np.zeros(4, dtype=int)
    np.testing.assert_array_equal(POLICY.counts([9, 12, 22, 32], sums), [np.nan, np.nan, 20, 30])
    np.testing.assert_array_equal(POLICY.counts([5, 12, 22, 30], sums), [np.nan, 10, 20, 30])
    possible: dict[float, set[int]] = {}
    for few, one, two in product(range(1, 10), range(20, 30), range(30, 40)):
        _, *parts = POLICY.counts([few, one, two], np.zeros(3, dtype=int))
        if parts == [25, 35]:
            possible.setdefault(float(POLICY.counts(few + one + two)), set()).add(few)
    assert len(possible) > 1
    assert min(map(len, possible.values())) >= 4


def test_zeros_stay_and_single_parts_are_not_widened() -> None:
    np.testing.assert_array_equal(POLICY.counts([0, 0, 3], np.zeros(3, dtype=int)), [0, 0, np.nan])


def test_percentiles_need_people_beyond() -> None:
    assert POLICY.enough_beyond([999, 1000], 1).tolist() == [False, True]
    assert POLICY.enough_beyond([199, 200], 95).tolist() == [False, True]


def test_three_significant_digits() -> None:
    np.testing.assert_allclose(significant([88123.4, 0.012345, 0.0, np.nan]), [88100, 0.0123, 0, np.nan])


def test_public_data_stay_as_they_are(results: Results) -> None:
    assert protect(results) is results


def test_the_rule_is_applied_once(results: Results) -> None:
    once = protected(results, 10)
    assert protect(once) is once


def test_a_group_of_few_events_has_no_estimate_and_only_the_cuts_for_its_range(results: Results) -> None:
    groups = protected(results, 400, 100).estimates
    groups = groups[
        (groups["coding"] == "groups") & (groups["outcome"] == "all_causes") & (groups["model"] == "age-sex")
    ]
    few = groups[groups["level"].isin(["Q4", "Q5"])]
    assert few[["events", "person_years", "estimate", "se", "ratio", "low", "high", "p"]].isna().all(axis=None)
    assert groups.loc[groups["level"] == "Q2", "ratio"].notna().all()
    first, last = groups.iloc[0], groups.iloc[4]
    assert np.isnan([first["x_low"], last["x_high"]]).all()
    assert first["x_high"] == results.manifest.exposures["igf1"].cuts[0]


def test_all_groups_are_withheld_where_the_reference_has_few_events(results: Results) -> None:
    estimates = results.estimates.copy()
    chosen = (estimates["coding"] == "groups") & (estimates["level"] == "Q1")
    estimates.loc[chosen, "events"] = 4
    shown = protected(results.replaced(estimates=estimates), 10).estimates.query("coding == 'groups'")
    assert shown["ratio"].isna().all()
    assert shown.loc[shown["level"] != "Q1", "events"].notna().all()


def test_a_model_of_few_events_goes_from_every_frame_and_is_listed(results: Results) -> None:
    fits = results.fits.copy()
    key = {"outcome": "cardiovascular", "time_scale": "age", "model": "lifestyle"}
    own = (fits[list(key)] == pd.Series(key)).all(axis=1)
    fits.loc[own, "events"] = 7
    shown = protected(results.replaced(fits=fits), 10)
    for name, frame in shown.frames.items():
        if set(key) <= set(frame) and name not in ("failures", "variants", "corrected", "variant_shapes"):
            own = frame[(frame[list(key)] == pd.Series(key)).all(axis=1)]
            assert own.empty, name
    reasons = shown.failures[(shown.failures[list(key)] == pd.Series(key)).all(axis=1)]
    assert reasons["reason"].str.contains("fewer than 10 events").sum() == 3


def test_curves_and_their_lowest_points_end_where_enough_people_lie_beyond(results: Results) -> None:
    shown = protected(results, 100, 50)  # of 5,859 people: the first percentile has 58 beyond, the fifth 292
    spline = shown.splines.iloc[0]
    assert np.isnan([spline["p1"], spline["p99"]]).all()
    assert shown.curves["x"].min() >= spline["p5"] >= results.curves["x"].min()
    assert spline["p5"] <= shown.splines["nadir_low"].min()
    assert spline["p5"] <= shown.shapes["verdict_lower_x"].min()
    assert len(shown.shapes) == len(results.shapes)
    assert protected(results, 300, 50).shapes.empty  # whose range would begin where fewer lie beyond


def test_people_by_name_and_estimates_without_a_few_are_left_out(results: Results) -> None:
    assert {"influence", "left out"} <= set(results.robustness["check"])
    robustness = results.robustness.copy()
    main = robustness[robustness["check"] == "main"].set_index("outcome")["n"]
    left_out = robustness["check"] == "left out"
    robustness.loc[left_out, "n"] = robustness.loc[left_out, "outcome"].map(main) - 3
    shown = protected(results.replaced(robustness=robustness), 10).robustness
    assert not {"influence", "without influential", "left out"} & set(shown["check"])
    assert {"main", "E-value"} <= set(shown["check"])


def test_an_interaction_with_a_small_group_is_withheld(results: Results) -> None:
    curves = results.interaction_curves.copy()
    curves.loc[curves["level"] == "Men", "events"] = 3
    shown = protected(results.replaced(interaction_curves=curves), 10)
    assert shown.interactions.empty
    assert shown.additive.empty
    assert shown.failures["variant"].eq("Interaction with Sex").any()
    assert len(protected(results, 10).interactions) == len(results.interactions)


def test_a_curve_of_incidence_rises_when_enough_events_have_happened(results: Results) -> None:
    curves = protected(results, 30).incidence
    assert len(curves) == len(results.incidence)
    for (outcome, level), own in curves.groupby(["outcome", "level"]):
        change = own["estimate"].diff().iloc[1:]
        rises = own.index.isin(change.index[change > 0])
        assert rises.sum() <= own["events"].iloc[0] / 30, (outcome, level)
        assert own.loc[rises, "n_event"].diff().dropna().ge(30 - 5).all()
        assert change.ge(0).all()


def test_curves_over_time_end_where_few_are_at_risk_or_events_are_few(results: Results) -> None:
    shown = protected(results, 600, 100)  # of 1,200 in each group all are at risk at 30, 600 at 76
    assert shown.incidence.empty  # fifty events in one group
    incidence = results.incidence.assign(events=600, n_event=10 * results.incidence["n_event"])
    shown = protected(results.replaced(incidence=incidence), 600, 100)
    assert shown.incidence["time"].max() == 76
    assert 30 < shown.schoenfeld["time"].min() < shown.schoenfeld["time"].max() < 90


def test_an_incidence_of_which_a_group_has_few_events_is_withheld(results: Results) -> None:
    shown = protected(results, 60, 30)  # 50 events in the highest group
    assert shown.incidence.empty
    assert shown.failures["variant"].eq("Cumulative incidence").sum() == 2


def test_reasons_lose_their_numbers_but_not_what_was_asked(results: Results) -> None:
    reasons = protected(results, 10).failures["reason"]
    assert reasons.iloc[0] == "… events, fewer than the 20 that the analysis asks for."


def test_what_was_imputed_for_few_people_is_not_drawn(results: Results) -> None:
    shown = protected(results, 15)  # 12 lack smoking, 33 BMI
    assert set(shown.imputation_values["variable"]) == {"bmi"}
    assert set(shown.imputation_trace["variable"]) == {"bmi"}
    assert shown.imputations.set_index("variable")["n_missing"].isna().tolist() == [True, False]


def test_the_flow_and_what_is_missing_are_rounded(results: Results) -> None:
    cohort = protected(results, 50, 25).manifest.cohort
    assert [step.remaining for step in cohort.flow] == [6050, 6050, 5900]
    np.testing.assert_array_equal([step.removed for step in cohort.flow], [0, np.nan, 150])
    assert cohort.n == 5900
