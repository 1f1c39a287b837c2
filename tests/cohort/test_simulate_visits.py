"""The twin with visits: what it was drawn with is found by the lagged level, not by the first nor the last."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.errors import DataError, SpecError
from riskkit.simulate.follow_up import CANCER_END, by_country
from riskkit.simulate.onset import NEVER
from riskkit.simulate.visits import LAG, LOG_RATIO, VisitsTwin, draw_visits, simulate_visits


def estimate(twin: VisitsTwin, level: str) -> tuple[float, float]:
    """Log hazard ratio per 5 nmol/L, and its distance from the truth in standard errors."""
    people = twin.people
    end = np.minimum(np.minimum(twin.death, twin.cancer), by_country(CANCER_END, people))
    data = pd.DataFrame(
        {"id": np.arange(people.n), "sex": people.male, "bmi": people.bmi, "height": people.height,
         "smoking": people.smoking, "age_in": people.age, "age_out": people.age + (end - people.baseline) / 365.25,
         "ill": (twin.cancer != NEVER).astype(int)}
    )  # fmt: skip
    person, visit = np.nonzero(twin.day != NEVER)
    since = (twin.day[person, visit] - people.baseline[person]) / 365.25
    seen = pd.DataFrame({"id": person, "time": people.age[person] + since, "igf1": twin.measured[person, visit]})
    rows = rk.over_visits(data, seen, [level], value="igf1", follow_up="Surv(age_in, age_out, ill)").dropna()
    terms = f"per(igf1_{level}, 5) + bmi + height + C(smoking) + strata(sex)"
    fit = rk.cox(f"Surv(age_in, age_out, ill) ~ {terms}", rows)
    return float(fit.coef[0]), float((fit.coef[0] - LOG_RATIO) / fit.se[0])


@pytest.fixture(scope="module")
def twin() -> VisitsTwin:
    return draw_visits(20_000, 1)


def test_the_lagged_level_finds_the_truth_and_first_and_last_do_not(twin: VisitsTwin) -> None:
    far = {level: estimate(twin, level)[1] for level in ("lag2", "baseline", "current", "mean")}
    assert abs(far["lag2"]) < 2.6
    assert far["baseline"] < -5  # gone stale, and low in those whose cancer is near
    assert far["current"] < -15
    assert far["mean"] < -8


def test_over_twins_the_lagged_level_is_without_bias() -> None:
    z = [estimate(draw_visits(6000, seed), "lag2")[1] for seed in range(2, 14)]
    assert abs(np.mean(z)) < 3 / np.sqrt(len(z))
    assert np.std(z) == pytest.approx(1, abs=0.65)  # 3 standard errors of a standard deviation of 12


def test_levels_drift_and_fall_only_in_the_years_before_a_cancer(twin: VisitsTwin) -> None:
    seen = twin.day != NEVER
    left = np.where(twin.cancer == NEVER, np.inf, twin.cancer)[:, None] / 365.25 - twin.day / 365.25
    fallen = seen & (twin.measured < twin.level - 0.001)
    assert (left[fallen] < LAG + 0.01).all()
    assert fallen[seen & (left < LAG - 0.1)].all()
    both = seen[:, 0] & seen[:, 5]
    correlation = np.corrcoef(twin.level[both, 0], twin.level[both, 5])[0, 1]
    assert 0.2 < correlation < 0.5
    last = np.minimum(np.minimum(twin.death, twin.cancer), by_country(CANCER_END, twin.people))
    assert (twin.day[seen] <= np.repeat(last, seen.sum(axis=1))).all()


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = (simulate_visits(tmp_path / name, n=300, seed=4) for name in ("one", "other"))
    names = sorted(path.name for path in one.iterdir())
    assert names == ["death.parquet", "death_cause.parquet", "participant.parquet", "truth.json", "visits.parquet"]
    for name in names:
        assert (one / name).read_bytes() == (other / name).read_bytes()
    truth = json.loads((one / "truth.json").read_text())
    assert truth["outcomes"]["colorectal"]["hazard_ratio_per_5"] == pytest.approx(1.35)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="n is the number of people"):
        simulate_visits(tmp_path / "twin", n=5)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(DataError, match="no simulated twin"):
        simulate_visits(tmp_path / "mine", n=300)
