"""The test of proportional hazards; agreement with cox.zph is in tests/fit/test_cox_against_r.py."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import SpecError


def trial(seed: int, n: int, late: float) -> pd.DataFrame:
    """Exposure x multiplies the hazard by exp(0.5) before time 1 and by exp(0.5 + late) after."""
    generator = np.random.default_rng(seed)
    x, z = generator.normal(size=n), generator.normal(size=n)
    target = generator.exponential(size=n)
    early = np.exp(0.5 * x)
    time = np.where(target < early, target / early, 1 + (target - early) / np.exp((0.5 + late) * x))
    return pd.DataFrame(
        {"time": np.minimum(time, 3), "event": time < 3, "x": x, "z": z, "g": generator.integers(0, 2, n)}
    )


def test_one_row_a_term_and_the_global_one() -> None:
    fit = rk.cox("Surv(time, event) ~ rcs(x, 4) + z + g", trial(1, 400, 0))
    table = rk.ph_test(fit)
    assert table.columns.tolist() == ["term", "chi2", "df", "p"]
    assert table["term"].tolist() == ["x", "z", "g", "GLOBAL"]
    assert table["df"].tolist() == [3, 1, 1, 5]
    assert rk.ph_test(fit, by="coefficient")["term"].tolist() == ["x", "x'", "x''", "z", "g", "GLOBAL"]


def test_a_hazard_ratio_that_changes_is_found_and_only_that() -> None:
    table = rk.ph_test(rk.cox("Surv(time, event) ~ x + z", trial(2, 2000, -0.5))).set_index("term")
    assert table.loc["x", "p"] < 1e-6
    assert table.loc["z", "p"] > 0.01


def test_p_values_are_uniform_when_hazards_are_proportional() -> None:
    """300 trials: the share below 0.05 and below 0.5 within four standard errors."""
    p = np.array([rk.ph_test(rk.cox("Surv(time, event) ~ x + z", trial(s, 120, 0)))["p"].iloc[-1] for s in range(300)])
    for level in (0.05, 0.5):
        assert abs((p < level).mean() - level) < 4 * np.sqrt(level * (1 - level) / 300)


def test_it_is_the_score_test_of_a_time_by_covariate_column() -> None:
    """The same likelihood on split follow-up: a column x g(t), its coefficient zero, others at their estimates."""
    data = trial(3, 80, -1.0).round({"time": 1}).query("time > 0").reset_index(names="id")
    times = np.unique(data.loc[data["event"], "time"])
    split = data.loc[data.index.repeat([np.sum(times < t) + 1 for t in data["time"]])]
    split = split.assign(piece=split.groupby("id").cumcount())
    ends = np.append(times, np.inf)
    split["end"] = np.minimum(ends[split["piece"]], split["time"])
    split["begin"] = np.append(0.0, times)[split["piece"]]
    split["event"] = split["event"] & (split["end"] == split["time"])
    split["xt"] = split["x"] * split["end"]
    fit = rk.cox("Surv(time, event) ~ x", data)
    split["fitted"] = split["x"] * fit.coef[0]
    both = rk.cox("Surv(begin, end, event) ~ x + xt + offset(fitted)", split)
    assert_allclose(rk.ph_test(fit, "identity")["chi2"].iloc[0], both.score_test.chi2, rtol=1e-8)


def test_arguments_are_checked() -> None:
    fit = rk.cox("Surv(time, event) ~ x", trial(4, 60, 0))
    with pytest.raises(SpecError, match="Did you mean 'identity'"):
        rk.ph_test(fit, "identiy")
    with pytest.raises(SpecError, match="term, coefficient"):
        rk.ph_test(fit, by="variable")
    early = trial(4, 60, 0).assign(time=lambda d: d["time"] - d["time"].min())
    with pytest.raises(SpecError, match="above zero"):
        rk.ph_test(rk.cox("Surv(time, event) ~ x", early), "log")
