"""The diseases of the simulated twin follow the hazards that truth.json declares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from statsmodels.duration.hazard_regression import PHReg

from riskkit.simulate.blood import RESIDUAL_SD, WITHIN_PERSON_SD, Blood
from riskkit.simulate.diseases import CANCERS, DISEASES, NADIR, Effects, Hazard
from riskkit.simulate.onset import NEVER, gompertz_age, intercepts, linear_predictor, years_survived
from riskkit.simulate.people import DAYS_A_YEAR, People
from riskkit.simulate.truth import GRID, curve, mixture
from riskkit.simulate.twin import Twin, draw_people, draw_twin

NAMES = [disease.name for disease in DISEASES]
LAST_DAY = int(np.datetime64("2020-12-31").astype(int))


@pytest.fixture(scope="module")
def twin() -> Twin:
    return draw_twin(60_000, seed=11)


def follow_up(twin: Twin, names: list[str], years: float | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who is free of these diseases at baseline, their last day, and whether it is an event."""
    people = twin.people
    onset = twin.onset[[NAMES.index(name) for name in names]].min(axis=0)
    end = np.minimum(np.minimum(twin.follow_up.death, twin.follow_up.lost), LAST_DAY)
    if years is not None:
        end = np.minimum(end, people.baseline + round(years * DAYS_A_YEAR))
    return (onset > people.baseline) & (end > people.baseline), np.minimum(onset, end), onset <= end


def fit_cox(twin: Twin, names: list[str], igf1: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and standard errors of statsmodels' Cox model on age; IGF-1 (per 5, from the nadir) comes first."""
    people, hazard = twin.people, DISEASES[NAMES.index(names[0])].hazard
    at_risk, last, event = follow_up(twin, names)
    at_risk &= np.where(people.male, hazard.men > 0, hazard.women > 0)
    x = (igf1 - NADIR) / 5
    columns = [x, x**2] if hazard.curvature else [x]
    columns += [people.bmi / 5, people.height / 10, people.smoking == 1, people.smoking == 2, people.alcohol == 1]
    design = np.column_stack([*columns, people.townsend / 3, people.diabetes]).astype(float)
    fit = PHReg(
        ((last - people.birth) / DAYS_A_YEAR)[at_risk], design[at_risk], event[at_risk].astype(int),
        entry=people.age[at_risk], strata=people.male[at_risk].astype(int), ties="efron",
    ).fit()  # fmt: skip
    return fit.params, fit.bse


@pytest.mark.parametrize("slope", [0.09, 0.001, -0.04])
def test_drawn_ages_invert_the_cumulative_hazard(slope: float) -> None:
    entry, log_hazard = 41.5, np.log(0.02)
    exponential = np.array([0.01, 0.1, 0.3])
    ages = gompertz_age(exponential, np.full(3, log_hazard), slope, np.full(3, entry))
    for age, drawn in zip(ages, exponential, strict=True):
        assert quad(lambda t: np.exp(log_hazard + slope * (t - 60)), entry, age)[0] == pytest.approx(drawn, rel=1e-8)


def test_a_falling_hazard_may_never_be_reached() -> None:
    """The whole hazard left at age 60 is 0.02 / 0.04 = 0.5."""
    ages = gompertz_age(np.array([0.49, 0.51]), np.log([0.02, 0.02]), -0.04, np.array([60.0, 60.0]))
    assert np.isfinite(ages[0])
    assert ages[1] == np.inf


def test_effects_act_per_the_declared_unit() -> None:
    """Two people alike but for one thing have log hazards that differ by its declared effect."""
    people, blood = draw_people(200, np.random.default_rng(6))
    effects = Effects(bmi=0.3, height=0.2, townsend=-0.1, pressure=0.25, ldl=0.15, previous=0.4, current=0.9)
    hazard = Hazard(1, 1, 0.1, hazard_ratio=1.2, curvature=0.07, effects=effects)
    nobody_smokes = replace(people, smoking=np.zeros(200))

    def rise(after_people: People, after_blood: Blood) -> np.ndarray:
        return linear_predictor(hazard, after_people, after_blood) - linear_predictor(hazard, nobody_smokes, blood)

    distance = (blood.igf1_usual - 22.5) / 5
    higher = rise(nobody_smokes, replace(blood, igf1_usual=blood.igf1_usual + 5))
    assert higher == pytest.approx(np.log(1.2) + 0.07 * (2 * distance + 1))
    assert rise(replace(nobody_smokes, bmi=people.bmi + 5), blood) == pytest.approx(0.3)
    assert rise(replace(nobody_smokes, height=people.height + 10), blood) == pytest.approx(0.2)
    assert rise(replace(nobody_smokes, townsend=people.townsend + 3), blood) == pytest.approx(-0.1)
    assert rise(replace(nobody_smokes, smoking=np.full(200, 1)), blood) == pytest.approx(0.4)
    assert rise(replace(nobody_smokes, smoking=np.full(200, 2)), blood) == pytest.approx(0.9)
    assert rise(nobody_smokes, replace(blood, systolic_usual=blood.systolic_usual + 20)) == pytest.approx(0.25)
    assert rise(nobody_smokes, replace(blood, ldl=blood.ldl + 1)) == pytest.approx(0.15)


def test_the_whole_sex_has_the_declared_rate_at_60() -> None:
    people, blood = draw_people(2_000, np.random.default_rng(7))
    hazard = Hazard(300, 120, 0.1, hazard_ratio=0.3, effects=Effects(bmi=0.3))
    predictor = linear_predictor(hazard, people, blood)
    men, women = intercepts(hazard, predictor, people.male)
    assert np.exp(men + predictor[people.male]).mean() == pytest.approx(300e-5)
    assert np.exp(women + predictor[~people.male]).mean() == pytest.approx(120e-5)


def test_survival_after_diagnosis_goes_through_its_five_year_figure() -> None:
    rng = np.random.default_rng(1)
    fresh = years_survived(0.6, np.zeros(100_000), rng)
    assert (fresh > 5).mean() == pytest.approx(0.6, abs=0.006)
    later = years_survived(0.6, np.full(100_000, 2.0), rng)
    assert later.min() > 2
    assert (later > 5).mean() == pytest.approx(0.6 / (fresh > 2).mean(), abs=0.008)


@pytest.mark.parametrize("name", ["breast", "colorectal", "liver", "pancreas"])
def test_a_cox_model_on_usual_igf1_finds_the_truth(twin: Twin, name: str) -> None:
    truth = DISEASES[NAMES.index(name)].hazard.log_hazard_ratio
    estimate, se = fit_cox(twin, [name], twin.blood.igf1_usual)
    assert se[0] < 0.15
    assert abs(estimate[0] - truth) < 3 * se[0]


def test_a_cox_model_on_usual_igf1_finds_the_u(twin: Twin) -> None:
    hazard = DISEASES[NAMES.index("myocardial_infarction")].hazard
    estimate, se = fit_cox(twin, ["myocardial_infarction", "other_ischaemic_heart_disease"], twin.blood.igf1_usual)
    assert abs(estimate[0]) < 3 * se[0]
    assert abs(estimate[1] - hazard.curvature) < 3 * se[1]
    assert estimate[1] > 3 * se[1]


def test_measured_igf1_is_diluted_by_the_declared_ratio(twin: Twin) -> None:
    """Liver has an effect so strong that the dilution shows far beyond chance."""
    truth = DISEASES[NAMES.index("liver")].hazard.log_hazard_ratio
    ratio = RESIDUAL_SD**2 / (RESIDUAL_SD**2 + WITHIN_PERSON_SD**2)
    estimate, se = fit_cox(twin, ["liver"], twin.blood.igf1)
    assert abs(estimate[0] - ratio * truth) < 3 * se[0]


def test_incidence_is_near_the_published_counts(twin: Twin) -> None:
    """Knuppel 2020 (6.9 years), Murphy 2020 (breast, 7.1), Watts 2021 (prostate, 6.9), Lin 2023 (11.6)."""
    people = twin.people
    tumours = [*(cancer.name for cancer in CANCERS), "unknown_primary", "eye"]
    free_of_cancer = follow_up(twin, tumours)[0]

    def share(names: list[str], years: float, among: np.ndarray) -> float:
        at_risk, _, event = follow_up(twin, names, years)
        return float(event[at_risk & among].mean())

    coronary = ["myocardial_infarction", "other_ischaemic_heart_disease"]
    stroke = [name for name in NAMES if name.endswith(("stroke", "haemorrhage"))]
    free_of_both = free_of_cancer & follow_up(twin, [*coronary, *stroke, "heart_failure"])[0]
    assert share(tumours, 6.9, free_of_cancer) == pytest.approx(23412 / 394388, rel=0.15)
    assert share(["breast"], 7.1, free_of_cancer & ~people.male) == pytest.approx(4360 / 206263, rel=0.20)
    assert share(["prostate"], 6.9, free_of_cancer & people.male) == pytest.approx(5402 / 199698, rel=0.20)
    assert share(coronary, 11.6, free_of_both) == pytest.approx(27051 / 394082, rel=0.20)
    assert share(["myocardial_infarction"], 11.6, free_of_both) == pytest.approx(10014 / 394082, rel=0.20)
    assert share(["heart_failure"], 11.6, free_of_both) == pytest.approx(7661 / 394082, rel=0.25)
    assert share(stroke, 11.6, free_of_both) == pytest.approx(6802 / 394082, rel=0.25)


def test_effects_are_the_published_ones_and_the_other_sites_exactly_null() -> None:
    published = {
        "colorectal": 1.08, "breast": 1.11, "prostate": 1.08, "thyroid": 1.18, "liver": 0.32, "lung": 0.91,
        "melanoma": 1.08, "ovary": 0.86, "kidney": 1.10, "oral": 0.90, "pharynx": 0.90, "larynx": 0.90,
    }  # fmt: skip
    assert len(CANCERS) == 30
    for cancer in CANCERS:
        assert cancer.hazard.log_hazard_ratio == np.log(published.get(cancer.name, 1.0))


def test_nobody_falls_ill_in_the_wrong_sex_or_dies_before_baseline(twin: Twin) -> None:
    male = twin.people.male
    for row, disease in enumerate(DISEASES):
        ill = twin.onset[row] != NEVER
        assert not (ill & male).any() or disease.hazard.men > 0
        assert not (ill & ~male).any() or disease.hazard.women > 0
    assert (twin.follow_up.death > twin.people.baseline).all()


def test_a_mixture_of_one_part_is_that_part() -> None:
    hazard = Hazard(1, 1, 0.1, hazard_ratio=1.1, curvature=0.05)
    usual = np.random.default_rng(0).normal(21, 5, 1000)
    expected = curve(hazard, GRID)
    assert mixture([(hazard, 10)], usual) == pytest.approx(expected - expected.min())


def test_a_mixture_of_opposite_lines_bends_upwards() -> None:
    """Equal hazards at the nadir that rise and fall alike: their sum is a hyperbolic cosine, least at the nadir."""
    up, down = Hazard(1, 1, 0.1, hazard_ratio=1.5), Hazard(1, 1, 0.1, hazard_ratio=1 / 1.5)
    usual = np.array([NADIR])
    expected = np.log(np.cosh(np.log(1.5) * (GRID - NADIR) / 5))
    assert mixture([(up, 5), (down, 5)], usual) == pytest.approx(expected)
