"""What a run corrects for regression dilution, and says where it cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rows import one

from riskkit.infer.dilution import dilution
from riskkit.questions.associations.run import fit_batch
from riskkit.questions.dilution.run import REPLICATES
from riskkit.spec.analysis import load_analysis
from riskkit.spec.plan import batches, is_main, plan
from riskkit.study.study import make_study


def test_correction_for_regression_dilution_divides_by_the_slope_of_the_repeat(results, cohort):
    twice = cohort.data.dropna(subset=["again", "bmi"])
    design = np.column_stack([np.ones(len(twice)), twice["marker"], twice["sex"] == "Women", twice["bmi"]]).astype(
        float
    )
    slope = np.linalg.lstsq(design, twice["again"].to_numpy(), rcond=None)[0][1]
    plain = one(results.estimates, outcome="death", model="full", coding="linear")
    corrected = one(results.corrected, outcome="death", model="full", variant="", correction="rosner")
    np.testing.assert_allclose(corrected["dilution_ratio"], slope, rtol=1e-9)
    np.testing.assert_allclose(corrected["estimate"], plain["estimate"] / slope, rtol=1e-9)
    assert corrected["se"] > plain["se"] / slope  # the ratio's own uncertainty is carried in


def test_macmahon_and_peto_divide_by_the_ratio_of_the_ranges_of_fifths(results, cohort):
    twice = cohort.data.dropna(subset=["again"])
    ranges = []
    for column in ("again", "marker"):
        ends = 0.0
        for sex, share in twice["sex"].value_counts(normalize=True).items():
            cuts = np.quantile(cohort.data.loc[cohort.data["sex"] == sex, "marker"], [0.2, 0.8])
            of_sex = twice[twice["sex"] == sex]
            high, low = of_sex[of_sex["marker"] > cuts[1]], of_sex[of_sex["marker"] <= cuts[0]]
            ends += share * (high[column].mean() - low[column].mean())
        ranges.append(ends)
    plain = one(results.estimates, outcome="a", model="full", coding="linear")
    corrected = one(results.corrected, outcome="a", model="full", correction="macmahon-peto")
    np.testing.assert_allclose(corrected["estimate"], plain["estimate"] * ranges[1] / ranges[0], rtol=1e-9)
    assert corrected["dilution_low"] < corrected["dilution_ratio"] < corrected["dilution_high"]


def test_simex_is_asked_of_the_named_outcomes_in_the_main_model(results, cohort):
    rows = results.corrected[results.corrected["correction"] == "simex"]
    assert rows[["outcome", "model", "time_scale", "variant"]].values.tolist() == [["death", "full", "age", ""]]
    simex = rows.iloc[0]
    plain = one(results.estimates, outcome="death", model="full", coding="linear")
    # A parabola reaches so far towards no error (docs/dilution.md).
    added = np.array([0, 0.5, 1, 1.5, 2])
    share = 1 - simex["dilution_ratio"]
    reach = np.polyval(np.polyfit(added, 1 / (1 + share * added), 2), -1)
    assert simex["estimate"] == pytest.approx(reach * plain["estimate"], rel=0.03)
    assert (simex["events"], simex["p"]) == (plain["events"], plain["p"])
    assert REPLICATES == 10


def test_the_main_curve_is_moved_to_the_usual_level(results, cohort):
    ratio = dilution(cohort.data["marker"], cohort.data["again"], by=cohort.data["sex"])
    assert set(results.usual["outcome"]) == {"death", "a"}
    assert set(results.usual["model"]) == {"full"}
    usual = results.usual.query("outcome == 'death'")
    assert usual["dilution_ratio"].iloc[0] == pytest.approx(ratio.ratio)
    np.testing.assert_allclose(usual["x"], ratio.mean + ratio.ratio * (usual["x_measured"] - ratio.mean))
    reference = results.manifest.exposures["marker"].reference
    assert usual.loc[usual["se"] == 0, "x"].tolist() == pytest.approx([reference])
    # Between two usual levels the log ratio is the measured curve's between the levels that stand for them.
    measured = results.curves.query("outcome == 'death' and model == 'full'")
    at = np.interp(usual["x_measured"], measured["x"], measured["estimate"])
    np.testing.assert_allclose(usual["estimate"] - usual["estimate"].iloc[0], at - at[0], atol=2e-3)


def test_a_correction_that_cannot_be_had_is_a_row_with_its_reason(analysis, cohort):
    few = cohort.data["again"].where(cohort.data["again"].notna().cumsum() <= 4)
    sparse = replace(cohort, data=cohort.data.assign(again=few))
    spec, _ = load_analysis(analysis)
    study = make_study(spec, sparse, "age")
    main = [batch for batch in batches(plan(spec, "age")) if is_main(batch[0], spec) and batch[0].coding != "groups"]
    for batch in main:
        found = fit_batch(study, batch)
        assert set(found["fits"]["outcome"]) == {"death", "a"}
        failed = found["failures"].query("outcome != 'c'")
        assert failed["reason"].str.startswith("not corrected for regression dilution: ").all()
        assert failed["outcome"].value_counts().to_dict() == (
            {"death": 3, "a": 2} if batch[0].coding == "linear" else {"death": 1, "a": 1}
        )
        assert "corrected" not in found
