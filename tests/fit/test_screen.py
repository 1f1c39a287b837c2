"""Screens: every pair is the fit that rk.cox and R's coxph give of it, or a row that says why there is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import special

import riskkit as rk
from riskkit.errors import DataError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.partial import partial_likelihood
from riskkit.fit.residuals import at_fit
from riskkit.fit.screen import lanes, screen

REFERENCE = Path(__file__).parent.parent / "reference"
R = json.loads((REFERENCE / "screen.json").read_text())["rows"]
PBC = pd.read_csv(REFERENCE / "screen.csv")
PBC_EXPOSURES = ["bili", "chol", "albumin", "copper", "ast", "trig", "platelet", "protime", "spiders"]
PBC_OUTCOMES = {"died": "Surv(time, died)", "age": "Surv(age_in, age_out, died)", "worse": "Surv(time2, worse)"}
ADJUST = "age + C(sex) + bmi"
OUTCOMES = {
    "first": "Surv(time0, event0)",
    "second": "Surv(time1, event1)",
    "aged": "Surv(age, out0, event0)",
    "gaps": "Surv(time2, event2)",
}


def cohort(n: int = 700, seed: int = 3) -> pd.DataFrame:
    """Whole months of follow-up, so that many events are tied; ten exposures, some of them missing for some people."""
    g = np.random.default_rng(seed)
    data = pd.DataFrame({"age": g.uniform(40, 70, n).round(1), "sex": g.choice(["m", "f"], n)})
    data["bmi"], data["region"], data["known"] = g.normal(27, 4, n), g.integers(0, 3, n), g.normal(0, 0.2, n)
    for j in range(10):
        data[f"x{j}"] = 10 + 3 * g.normal(size=n)
    data["x1"] = data["x1"].mask(g.random(n) < 0.03)
    data["x2"] = data["x2"].mask(g.random(n) < 0.3)
    data["x3"] = (data["x3"] > 10).astype(int)
    data.loc[data["x2"].isna(), "x4"] = np.nan  # a panel that fails together
    data["bmi"] = data["bmi"].mask(g.random(n) < 0.02)
    for k in range(3):
        rate = np.exp(0.3 * (data["x0"] - 10) / 3 + 0.04 * (data["age"] - 55)) / 40
        ill, end = g.exponential(size=n) / rate, g.uniform(5, 15, n)
        data[f"time{k}"] = np.ceil(np.minimum(ill, end) * 12) / 12
        data[f"event{k}"] = (ill <= end).astype(int)
        data[f"out{k}"] = data["age"] + data[f"time{k}"]
    data.loc[::9, "time2"] = np.nan
    return data


def alone(row: pd.Series, data: pd.DataFrame, outcomes: dict, adjust: str, **options: object) -> tuple[Fit, Fit]:
    """The adjusted model in the people who have the exposure, and with it, by rk.cox."""
    here = data[data[row["exposure"]].notna()]
    formula, plus = f"{outcomes[row['outcome']]} ~ {adjust}", f" + per({row['exposure']}, {float(row['unit'])!r})"
    return rk.cox(formula, here, **options), rk.cox((formula + plus).replace("~ 1 +", "~"), here, **options)


def bent(fit: Fit, x: np.ndarray, knots: np.ndarray) -> float:
    """Score test of the bent columns of a spline beside the linear one that is the fit's last."""
    design = fit.design
    columns = rk.rcs(x, knots)[:, 1:]
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    likelihood = partial_likelihood(design.__class__(**{**vars(design), "x": np.hstack([design.x, columns])}), fit.ties)
    at = likelihood.evaluate(np.append(fit.coef, np.zeros(columns.shape[1])))
    return float(at.gradient @ np.linalg.solve(likelihood.information(at), at.gradient))


def check_pairs(found: pd.DataFrame, data: pd.DataFrame, outcomes: dict, adjust: str, **options: object) -> None:
    assert (found["reason"] == "").all()
    for _, row in found.iterrows():
        null, fit = alone(row, data, outcomes, adjust, **options)
        place = next(j for j, name in enumerate(fit.recipe.names) if name.startswith(f"per({row['exposure']},"))
        term = fit.tidy().iloc[place]  # interactions come after it
        where = f"{row['exposure']} and {row['outcome']}"
        assert (row["n"], row["events"]) == (fit.n, fit.events), where
        assert row["n"] + row["n_missing"] == len(data)
        assert_allclose(row["person_years"], fit.person_years, rtol=1e-12)
        assert abs(row["estimate"] - term["estimate"]) < 1e-10 * term["se"], where
        # rk.cox takes the information from where its last step began, which may be 1e-9 off in it.
        likelihood, at = at_fit(fit)
        exact = np.sqrt(np.linalg.inv(likelihood.information(at))[place, place])
        assert_allclose(row["se"], exact, rtol=1e-10, err_msg=where)
        assert_allclose(row["se"], term["se"], rtol=1e-9, err_msg=where)
        assert_allclose(row[["ratio", "low", "high"]].astype(float), term[["ratio", "low", "high"]].astype(float))
        assert_allclose(row["chi2"], 2 * (fit.loglik - null.loglik), rtol=1e-9, atol=1e-9, err_msg=where)
        held = rk.ph_test(fit, by="coefficient").iloc[place]
        assert_allclose(row["p_ph"], held["p"], rtol=1e-7, err_msg=where)


def test_every_pair_of_pbc_is_what_r_says() -> None:
    found = [
        (ties, strata, rk.screen(PBC, PBC_EXPOSURES, PBC_OUTCOMES, "age + sex", ties=ties, strata=strata or ()))
        for ties in ("efron", "breslow")
        for strata in ("", "firm")
    ]
    by_pair = {
        (ties, strata, row["exposure"], row["outcome"]): row
        for ties, strata, table in found
        for _, row in table.iterrows()
    }
    assert len(R) == len(by_pair) == 108
    for r in R:
        row = by_pair[r["ties"], "firm" if r["strata"] else "", r["exposure"], r["outcome"]]
        where = f"{r['exposure']} and {r['outcome']}, {r['ties']} {r['strata']}"
        assert (row["n"], row["events"]) == (r["n"], r["events"]), where
        assert_allclose(row["unit"], r["unit"], rtol=1e-12)
        assert abs(row["estimate"] - r["estimate"]) < 1e-8 * r["se"], where
        for name in ("se", "chi2"):
            assert_allclose(row[name], r[name], rtol=1e-8, atol=1e-10, err_msg=f"{name} of {where}")
        for name in ("score", "ph"):
            chi2 = special.chdtri(1, row[f"p_{name}"])
            assert_allclose(chi2, r[f"chi2_{name}"], rtol=1e-8, atol=1e-10, err_msg=f"{name} of {where}")
        if "chi2_nonlinear" in r:
            assert_allclose(
                special.chdtri(2, row["p_nonlinear"]), r["chi2_nonlinear"], rtol=1e-6, err_msg=f"bend of {where}"
            )
        else:
            assert np.isnan(row["p_nonlinear"])


@pytest.mark.parametrize(
    ("adjust", "strata", "ties"),
    [
        (ADJUST, (), "efron"),
        (ADJUST, "region", "breslow"),
        ("rcs(bmi, [22, 27, 32]) * C(sex) + offset(known)", ("region",), "efron"),
        ("1", (), "efron"),
        ("1", "region", "breslow"),
    ],
)
def test_every_pair_is_the_fit_alone(adjust: str, strata: str | tuple[str, ...], ties: str) -> None:
    data = cohort()
    found = rk.screen(data, "x*", OUTCOMES, adjust, strata=strata, ties=ties)
    assert len(found) == 40
    assert found["exposure"].drop_duplicates().tolist() == [f"x{j}" for j in range(10)]
    assert found["outcome"].head(4).tolist() == list(OUTCOMES)
    names = [strata] if isinstance(strata, str) else strata
    written = f"{adjust} + strata({', '.join(names)})".removeprefix("1 + ") if names else adjust
    check_pairs(found, data, OUTCOMES, written, ties=ties)


def test_whoever_misses_few_most_or_a_rare_level_is_fitted_in_its_own_people() -> None:
    data = cohort(900, seed=6)
    g = np.random.default_rng(9)
    data["rare"] = (g.random(900) < 0.02).astype(float)  # two or three events
    ill = data.index[(data["rare"] == 1) & (data["event0"] == 1)]
    for j, share in enumerate((0.0, 0.02, 0.1, 0.5, 0.8)):
        data[f"x{j}"] = data[f"x{j}"].mask(g.random(900) < share)
    data.loc[ill, "x5"] = np.nan  # without whom the level has no event
    found = rk.screen(data, [f"x{j}" for j in range(6)], OUTCOMES, "age + bmi + rare", strata="region")
    event = {name: surv.rstrip(")").rsplit(", ", 1)[1] for name, surv in OUTCOMES.items()}
    events = [
        data.loc[(data["rare"] == 1) & (data[event[r.outcome]] == 1), [r.exposure, "bmi"]]
        .assign(followed=data["time2"] if r.outcome == "gaps" else 1.0)
        .notna()
        .all(axis=1)
        .sum()
        for r in found.itertuples()
    ]
    separated = found["reason"].str.startswith("separation")
    assert separated.tolist() == [count == 0 for count in events]
    assert 2 <= separated.sum() <= 12
    check_pairs(found[~separated], data, OUTCOMES, "age + bmi + rare + strata(region)")


def test_the_bend_is_rao_s_score_test() -> None:
    data = cohort().dropna(subset="bmi")
    found = rk.screen(data, ["x0", "x2", "x3"], {"aged": OUTCOMES["aged"]}, ADJUST, knots=5)
    for _, row in found.iterrows():
        _, fit = alone(row, data, OUTCOMES, ADJUST)
        if row["exposure"] == "x3":
            assert np.isnan(row["p_nonlinear"])
            continue
        x = data[row["exposure"]].dropna().to_numpy()
        expected = special.chdtrc(3, bent(fit, x, rk.knots(x, 5)))
        assert_allclose(row["p_nonlinear"], expected, rtol=1e-7)


def test_a_bend_is_found_and_a_line_is_not_called_bent() -> None:
    g = np.random.default_rng(8)
    n = 4000
    data = pd.DataFrame({"line": g.normal(size=n), "bowl": g.normal(size=n)})
    ill = g.exponential(size=n) / (0.05 * np.exp(0.3 * data["line"] + 0.3 * data["bowl"] ** 2))
    data["time"], data["ill"] = np.minimum(ill, 10), ill < 10
    found = rk.screen(data, ["line", "bowl"], {"ill": "Surv(time, ill)"}, "1").set_index("exposure")
    assert found.loc["bowl", "p_nonlinear"] < 1e-10
    assert found.loc["line", "p_nonlinear"] > 0.001
    assert abs(found.loc["line", "estimate"] - 0.3) < 5 * found.loc["line", "se"]


def test_under_the_null_p_values_are_uniform() -> None:
    g = np.random.default_rng(5)
    n, k = 1500, 400
    data = pd.DataFrame(g.normal(size=(n, k))).add_prefix("x")
    ill = g.exponential(size=n) * 20
    data["time"], data["ill"] = np.minimum(ill, 10), ill < 10
    found = rk.screen(data, "x*", {"ill": "Surv(time, ill)"}, "1")
    for name in ("p", "p_score", "p_ph", "p_nonlinear"):
        share = (found[name] < 0.1).mean()
        assert abs(share - 0.1) < 4 * np.sqrt(0.1 * 0.9 / k), name


def awkward() -> pd.DataFrame:
    data = cohort()
    data["flat"] = 1.0
    data["blank"] = np.nan
    data["twin"] = data["bmi"] * 2 + 1
    data["oracle"] = np.where(data["event0"] == 1, 1.0, 0.0)
    data["rare"] = np.where((data["event0"] == 1) & (np.arange(len(data)) % 40 == 0), 1.0, np.nan)
    data["nothing"] = 0
    return data


def test_what_has_no_estimate_says_why_and_stops_nothing() -> None:
    data = awkward()
    outcomes = {"first": OUTCOMES["first"], "none": "Surv(time0, nothing)"}
    found = rk.screen(data, ["flat", "x0", "blank", "twin", "oracle", "rare"], outcomes, ADJUST)
    reasons = found.set_index(["exposure", "outcome"])["reason"]
    assert "the same value for everyone at risk" in reasons["flat", "first"]
    assert reasons["x0", "first"] == ""
    assert reasons["blank", "first"] == "0 events, fewer than 10 (min_events)"
    assert "linear combination of 'bmi'" in reasons["twin", "first"]
    assert reasons["oracle", "first"].startswith("separation")
    assert "fewer than 10 (min_events)" in reasons["rare", "first"]
    assert all("the adjusted model: there are no events" in reasons[x, "none"] for x in ("x0", "flat"))
    told = found["reason"] != ""
    assert found.loc[told, ["estimate", "se", "p", "p_ph"]].isna().all(axis=None)
    check_pairs(found[~told], data, outcomes, ADJUST)


def test_a_pair_fitted_alone_answers_all_questions_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    data = cohort()
    together = rk.screen(data, ["x0", "x1", "x3"], OUTCOMES, ADJUST, strata="region")
    monkeypatch.setattr(lanes, "MOST", 1)  # no lane gets anywhere
    single = rk.screen(data, ["x0", "x1", "x3"], OUTCOMES, ADJUST, strata="region")
    for name in ("estimate", "se", "chi2", "p_score", "p_ph", "p_nonlinear"):
        assert_allclose(single[name], together[name], rtol=1e-8, atol=1e-10, err_msg=name)


def test_an_effect_so_strong_that_steps_must_be_halved_is_still_the_maximum() -> None:
    g = np.random.default_rng(2)
    n = 600
    data = pd.DataFrame({"x": np.exp(2 * g.normal(size=n))})
    ill = g.exponential(size=n) / (0.01 * np.exp(np.minimum(0.8 * data["x"], 12)))
    data["time"], data["ill"] = np.minimum(ill, 10), ill < 10
    outcomes = {"ill": "Surv(time, ill)"}
    check_pairs(rk.screen(data, "x", outcomes, "1"), data, outcomes, "1")


def test_batches_threads_and_order_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = cohort()
    whole = rk.screen(data, "x*", OUTCOMES, ADJUST, threads=2)
    monkeypatch.setattr(screen, "LANES", 3)
    monkeypatch.setattr(screen, "LANES_A_BLOCK", 6)
    steps = []
    shuffled = data.sample(frac=1, random_state=1)
    other = rk.screen(shuffled, "x*", OUTCOMES, ADJUST, threads=1, progress=lambda *at: steps.append(at))
    assert steps == [(24, 40), (40, 40)]
    pd.testing.assert_frame_equal(whole, other, rtol=1e-9, atol=1e-11)


def test_an_interrupted_screen_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, arguments = cohort(), (["x0", "x1", "x2", "x3", "x5"], OUTCOMES, ADJUST)
    monkeypatch.setattr(screen, "LANES_A_BLOCK", 2)

    def stop(done: int, total: int) -> None:
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rk.screen(data, *arguments, folder=tmp_path / "out", progress=stop)
    written = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*.parquet")}
    assert len(written) == 2
    found = rk.screen(data, *arguments, folder=tmp_path / "out")
    assert all(file.stat().st_mtime_ns == when for file, when in written.items())
    pd.testing.assert_frame_equal(found, rk.screen(data, *arguments))
    kept = pd.read_parquet(tmp_path / "out").sort_values(["exposure", "outcome"], ignore_index=True)
    pd.testing.assert_frame_equal(kept, found.sort_values(["exposure", "outcome"], ignore_index=True))
    with pytest.raises(SpecError, match="holds another screen"):
        rk.screen(data, arguments[0], OUTCOMES, "age", folder=tmp_path / "out")
    with pytest.raises(SpecError, match="holds another screen"):
        rk.screen(data.iloc[:-1], *arguments, folder=tmp_path / "out")


def test_a_repeated_index_is_no_obstacle() -> None:
    data = cohort()
    expected = rk.screen(data, ["x0", "x1"], OUTCOMES, ADJUST)
    data.index = [0] * len(data)
    pd.testing.assert_frame_equal(rk.screen(data, ["x0", "x1"], OUTCOMES, ADJUST), expected)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"exposures": "olink_*"}, "no column fits 'olink_\\*'"),
        ({"exposures": ["x00"]}, "no column 'x00'.*Did you mean 'x0'"),
        ({"exposures": ["bmi"]}, "'bmi' is a covariate"),
        ({"exposures": []}, "exposures is empty"),
        ({"outcomes": {}}, "outcomes is empty"),
        ({"outcomes": {"o": "event0"}}, "'o' must be Surv"),
        ({"outcomes": {"o": "Surv(tim, event0)"}}, "no column 'tim'"),
        ({"per": "doubling"}, "log2"),
        ({"per": -1}, "per=-1"),
        ({"knots": 2}, "knots=2"),
        ({"ties": "exact"}, "ties='exact'"),
        ({"min_events": 0}, "min_events=0"),
        ({"level": 95}, "between 0 and 1"),
        ({"adjust": "age + cluster(region)"}, "cluster"),
        ({"adjust": "ps(age, 4)"}, "penalised"),
        ({"adjust": 'groups(age, 4, cuts="noncases")'}, "noncases"),
    ],
)
def test_what_cannot_be_understood_is_said_at_once(changed: dict, message: str) -> None:
    arguments = {"exposures": "x*", "outcomes": OUTCOMES, "adjust": ADJUST} | changed
    with pytest.raises(SpecError, match=message):
        rk.screen(cohort(60), **arguments)


def test_exposures_are_numbers() -> None:
    with pytest.raises(DataError, match="exposure 'sex' is object, not numbers"):
        rk.screen(cohort(60), ["sex"], OUTCOMES, "age")


def test_a_thousand_pairs_at_random_are_the_fits_alone() -> None:
    data = cohort(400, seed=11)
    g = np.random.default_rng(4)
    more = pd.DataFrame(g.normal(size=(400, 250)) * g.uniform(0.1, 10, 250)).add_prefix("p")
    more = more.mask(g.random(more.shape) < np.where(np.arange(250) % 5 == 0, 0.04, 0.0))
    data = pd.concat([data, more], axis=1)
    found = rk.screen(data, "p*", OUTCOMES, ADJUST, strata="region")
    assert len(found) == 1000
    check_pairs(found, data, OUTCOMES, f"{ADJUST} + strata(region)")
