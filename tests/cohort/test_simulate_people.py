"""The people of the simulated twin have the published marginals, and IGF-1 shows the published shapes when measured."""

from __future__ import annotations

import numpy as np
import pytest

from riskkit.simulate.blood import Blood, measure_igf1
from riskkit.simulate.diseases import CARDIOVASCULAR_DEATH, DISEASES
from riskkit.simulate.people import People
from riskkit.simulate.truth import curve
from riskkit.simulate.twin import draw_people

STROKE = next(disease.hazard for disease in DISEASES if disease.name == "ischaemic_stroke")


@pytest.fixture(scope="module")
def drawn() -> tuple[People, Blood]:
    return draw_people(100_000, np.random.default_rng(2024))


def means_by_group(values: np.ndarray, measured: np.ndarray, groups: int) -> list[float]:
    edges = np.quantile(measured, np.linspace(0, 1, groups + 1)[1:-1])
    place = np.searchsorted(edges, measured)
    return [float(values[place == group].mean()) for group in range(groups)]


def test_people_are_like_uk_biobank(drawn: tuple[People, Blood]) -> None:
    people, _ = drawn
    assert 1 - people.male.mean() == pytest.approx(0.544, abs=0.01)  # Showcase, field 31
    assert np.floor(people.age).mean() == pytest.approx(56.5, abs=0.3)  # field 21022
    assert np.floor(people.age).std() == pytest.approx(8.1, abs=0.2)
    assert people.age.min() >= 39.9
    assert people.age.max() < 70.1
    assert people.bmi.mean() == pytest.approx(27.4, abs=0.3)  # field 21001
    assert people.bmi.std() == pytest.approx(4.8, abs=0.3)
    assert people.townsend.mean() == pytest.approx(-1.29, abs=0.1)  # field 189
    assert (people.smoking == 2).mean() == pytest.approx(0.105, abs=0.01)  # field 20116
    assert (people.smoking == 1).mean() == pytest.approx(0.345, abs=0.01)
    assert people.diabetes.mean() == pytest.approx(0.052, abs=0.01)  # field 2443
    assert np.unique(people.eid).size == people.n


def test_igf1_has_the_published_mean_and_spread(drawn: tuple[People, Blood]) -> None:
    people, blood = drawn
    assert blood.igf1.mean() == pytest.approx(21.4, abs=0.15)
    assert blood.igf1.std() == pytest.approx(5.7, abs=0.1)
    by_age = np.polyfit(people.age, blood.igf1, 1)[0]
    assert by_age == pytest.approx(-0.13, abs=0.015)
    # Murphy 2020, Ann Oncol 31:641: mean IGF-1 of women within fifths.
    women = blood.igf1[~people.male]
    assert means_by_group(women, women, 5) == pytest.approx([13.8, 18.0, 20.9, 23.8, 29.4], abs=0.8)


def test_a_repeat_measurement_regresses_to_the_mean_by_the_declared_ratio(drawn: tuple[People, Blood]) -> None:
    _, blood = drawn
    repeat = measure_igf1(blood.igf1_usual, np.random.default_rng(5))
    slope = np.polyfit(blood.igf1, repeat, 1)[0]
    assert slope == pytest.approx(0.75, abs=0.01)


def test_the_vascular_u_looks_as_published_once_igf1_is_measured(drawn: tuple[People, Blood]) -> None:
    """Lin 2023 (JCEM 108:e850), cardiovascular disease: fifth 1 against 3 1.128, fifth 5 against 3 1.056."""
    _, blood = drawn
    ratio = means_by_group(np.exp(curve(STROKE, blood.igf1_usual)), blood.igf1, 5)
    assert ratio[0] / ratio[2] == pytest.approx(1.128, abs=0.03)
    assert ratio[4] / ratio[2] == pytest.approx(1.056, abs=0.03)


def test_the_u_of_mortality_looks_as_published_once_igf1_is_measured(drawn: tuple[People, Blood]) -> None:
    """Xie 2023, all causes: decile 1 against 5 1.39 (1.29-1.50), decile 10 against 5 1.17 (1.07-1.28)."""
    _, blood = drawn
    ratio = means_by_group(np.exp(curve(CARDIOVASCULAR_DEATH, blood.igf1_usual)), blood.igf1, 10)
    assert 1.29 < ratio[0] / ratio[4] < 1.50
    assert 1.07 < ratio[9] / ratio[4] < 1.28


def test_igf1_is_confounded_by_what_causes_disease(drawn: tuple[People, Blood]) -> None:
    people, blood = drawn
    smokers, never = blood.igf1[people.smoking == 2].mean(), blood.igf1[people.smoking == 0].mean()
    assert smokers < never - 0.3
    assert np.corrcoef(people.bmi, blood.igf1)[0, 1] < -0.03


def test_what_else_acts_on_vascular_disease_is_uncorrelated_with_igf1_given_the_covariates(
    drawn: tuple[People, Blood],
) -> None:
    people, blood = drawn
    covariates = np.column_stack(
        [np.ones(people.n), people.male, people.age, people.male * people.age, people.bmi, people.bmi * people.male,
         people.height, people.smoking == 1, people.smoking == 2, people.alcohol == 1, people.townsend, people.diabetes]
    ).astype(float)  # fmt: skip

    def left_over(values: np.ndarray) -> np.ndarray:
        return values - covariates @ np.linalg.lstsq(covariates, values, rcond=None)[0]

    igf1 = left_over(blood.igf1_usual)
    noise = 4 / np.sqrt(people.n)
    assert abs(np.corrcoef(igf1, left_over(blood.systolic_usual))[0, 1]) < noise
    assert abs(np.corrcoef(igf1, left_over(blood.ldl))[0, 1]) < noise
    assert np.corrcoef(igf1, left_over(np.log(blood.shbg)))[0, 1] == pytest.approx(-0.20, abs=0.03)
