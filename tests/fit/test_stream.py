"""Rows in partitions: the fit of the same rows in memory, whatever the partitions are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dask.dataframe as dd
import duckdb
import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, FitError, SpecError
from riskkit.fit.fit import Fit
from riskkit.fit.stream import robust

LINEAR = "Surv(age, out, event) ~ rcs(igf1, 4) + bmi + C(smoking) + strata(sex, region)"
MODELS: list[tuple[str, dict]] = [
    (LINEAR, {}),
    ("Surv(time, event) ~ rcs(igf1, 4) * sex + smoking + strata(region)", {"ties": "breslow"}),
    ('Surv(age, out, event) ~ fifths(igf1) + per(bmi, "sd") + C(region, ref=2)', {"weights": "w", "robust": True}),
    ("Surv(age, out, event) ~ igf1 + smoking * sex + strata(sex)", {"weights": "w", "cluster": "family"}),
    ('Surv(time, event) ~ groups(igf1, 4, cuts="noncases", by=sex) + offset(known) + grade', {"cluster": "family"}),
    ("Surv(time, event) ~ ns(bmi, 3) + fp(igf1, [-1, 2]) + log(age)", {"time_unit": "months"}),
    ("Surv(age, out, event) ~ rcs(igf1, [12, 18, 26]) + per(bmi, 5) + rcs(log(known + 2), 3)", {}),
    (
        "Surv(age, out, event) ~ groups(igf1, [12, 18, 26]) + per(log(bmi), 0.1) + "
        "C(smoking, levels=['never', 'former', 'current'])",
        {},
    ),
]


def cohort(n: int = 2400, seed: int = 3) -> pd.DataFrame:
    """Whole months, so that events are tied; gaps; text, categories with an order of their own, weights of zero."""
    g = np.random.default_rng(seed)
    data = pd.DataFrame({"age": g.uniform(40, 70, n).round(2), "sex": g.choice(["m", "f"], n)})
    data["igf1"], data["bmi"] = g.normal(20, 4, n).clip(5).round(1), g.normal(27, 4, n).round(1)
    data["region"], data["smoking"] = g.integers(0, 3, n), g.choice(["never", "former", "current"], n)
    data["grade"] = pd.Categorical(g.choice(["low", "middle", "high"], n), categories=["low", "middle", "high"])
    data["w"], data["known"] = g.integers(0, 5, n) / 2, g.normal(0, 0.2, n)
    data["family"] = g.integers(0, 400, n)
    data["igf1"] = data["igf1"].mask(g.random(n) < 0.03)
    data["smoking"] = data["smoking"].mask(g.random(n) < 0.02)
    rate = np.exp(-0.04 * (data["igf1"].fillna(20) - 20) + 0.04 * (data["age"] - 55)) / 50
    ill, end = g.exponential(size=n) / rate, g.uniform(5, 15, n)
    data["time"] = np.ceil(np.minimum(ill, end) * 12) / 12
    data["event"], data["out"] = (ill <= end).astype(int), data["age"] + data["time"]
    return data


def files(data: pd.DataFrame, folder: Path, cuts: list[int]) -> list[str]:
    paths = []
    for k, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(data)], strict=True)):
        paths.append(str(folder / f"part{k}.parquet"))
        data.iloc[start:stop].to_parquet(paths[-1])
    return paths


def _folder(data: pd.DataFrame, folder: Path) -> object:
    files(data, folder, [10, 500, 501, 1900])
    return folder


def _pattern(data: pd.DataFrame, folder: Path) -> object:
    files(data, folder, [700])
    return str(folder / "part*.parquet")


def _dataset(data: pd.DataFrame, folder: Path) -> object:
    return ds.dataset(files(data, folder, [3]), format="parquet")


def _duckdb(data: pd.DataFrame, folder: Path) -> object:
    return duckdb.from_df(data)


def _dask(data: pd.DataFrame, folder: Path) -> object:
    return dd.from_pandas(data, npartitions=7)


SOURCES: list[Callable[[pd.DataFrame, Path], object]] = [_folder, _pattern, _dataset, _duckdb, _dask]


def check_same(streamed: Fit, fit: Fit) -> None:
    assert streamed.recipe.names == fit.recipe.names
    assert_allclose((streamed.coef - fit.coef) / fit.se, 0, atol=1e-10)
    scale = np.outer(fit.se, fit.se)
    assert_allclose(streamed.vcov / scale, fit.vcov / scale, atol=1e-9)
    assert_allclose(streamed.vcov_model / scale, fit.vcov_model / scale, atol=1e-9)
    for name in ("loglik", "loglik_null", "score_chi2", "person_years"):
        assert_allclose(getattr(streamed, name), getattr(fit, name), rtol=1e-10, err_msg=name)
    for name in ("n", "events", "n_missing", "notes", "covariance", "method", "ties"):
        assert getattr(streamed, name) == getattr(fit, name), name


@pytest.mark.parametrize(("formula", "options"), MODELS)
@pytest.mark.parametrize("source", SOURCES)
def test_any_partitions_are_the_frame(
    formula: str, options: dict, source: Callable[[pd.DataFrame, Path], object], tmp_path: Path
) -> None:
    data = cohort()
    streamed, fit = rk.cox(formula, source(data, tmp_path), **options), rk.cox(formula, data, **options)
    check_same(streamed, fit)
    assert streamed.design is None
    labels = [[basis.label for term in one.recipe.terms for basis in term.bases] for one in (streamed, fit)]
    assert labels[0] == labels[1]  # knots, units, references


def test_what_needs_coefficients_and_covariance_is_answered(tmp_path: Path) -> None:
    data = cohort()
    streamed, fit = (rk.cox(LINEAR, source) for source in (_folder(data, tmp_path), data))
    assert_allclose(rk.anova(streamed)["chi2"], rk.anova(fit)["chi2"], rtol=1e-8)
    curve, other = (rk.curve(one, "igf1", grid=[12, 18, 25]) for one in (streamed, fit))
    assert_allclose(curve, other, rtol=1e-8)
    assert_allclose(rk.nadir(streamed, "igf1").x, rk.nadir(fit, "igf1").x, rtol=1e-6)
    assert_allclose(streamed.predict(data.head(20)), fit.predict(data.head(20)), rtol=1e-8)
    for name in ("igf1", "bmi"):
        assert_allclose(streamed.summaries[name].percentiles, fit.summaries[name].percentiles)
    assert streamed.summaries["smoking"] == fit.summaries["smoking"]
    with pytest.raises(FitError, match="let go of"):
        rk.ph_test(streamed)


def test_partitions_without_events_or_complete_rows_or_any_rows(tmp_path: Path) -> None:
    data = cohort()
    data.loc[:199, "event"] = 0
    data.loc[200:399, "bmi"] = np.nan
    data.loc[data["region"] == 2, "event"] = 0  # the last strata have no events
    paths = files(data, tmp_path, [200, 400, 400, 1000])
    check_same(rk.cox(LINEAR, paths), rk.cox(LINEAR, data))
    frame = dd.concat([dd.from_pandas(data.iloc[:0], npartitions=1), dd.from_pandas(data, npartitions=2)])
    check_same(rk.cox(LINEAR, frame), rk.cox(LINEAR, data))


def test_hive_folders_give_a_column(tmp_path: Path) -> None:
    data = cohort()
    data.to_parquet(tmp_path, partition_cols=["region"])
    check_same(rk.cox(LINEAR, tmp_path), rk.cox(LINEAR, data))


def test_clusters_in_several_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, formula = cohort(), "Surv(age, out, event) ~ igf1 + bmi"
    monkeypatch.setattr(robust, "TOTALS", 20_000)
    check_same(rk.cox(formula, _folder(data, tmp_path), cluster="family"), rk.cox(formula, data, cluster="family"))


def test_extreme_predictors_are_summed_by_addition(tmp_path: Path) -> None:
    g = np.random.default_rng(4)
    n = 400
    data = pd.DataFrame({"x": g.normal(size=n), "start": 0.0, "time": g.uniform(1, 9, n)})
    data["event"] = g.random(n) < 0.5
    data.loc[n - 1, ["start", "time", "event"]] = 6.0, 8.5, True
    data["known"] = np.where(np.arange(n) == n - 1, 45.0, 0.0)  # dwarfs everybody, and was not there before
    formula = "Surv(start, time, event) ~ x + offset(known)"
    streamed = rk.cox(formula, _pattern(data, tmp_path), robust=True)
    assert any("addition alone" in note for note in streamed.notes)
    check_same(streamed, rk.cox(formula, data, robust=True))


def test_what_cannot_be_estimated_says_so_as_in_memory(tmp_path: Path) -> None:
    data = cohort()
    data["oracle"], data["flat"], data["twin"] = data["event"] * 1.0, 1.0, 2 * data["bmi"]
    data["nothing"] = 0
    source = _folder(data, tmp_path)
    for formula in (
        "Surv(time, event) ~ bmi + oracle",
        "Surv(time, event) ~ bmi + flat",
        "Surv(time, event) ~ bmi + twin",
        "Surv(time, nothing) ~ bmi",
    ):
        with pytest.raises(FitError) as streamed:
            rk.cox(formula, source)
        with pytest.raises(FitError) as alone:
            rk.cox(formula, data)
        assert str(streamed.value)[:60] == str(alone.value)[:60]


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("Surv(time, event) ~ igff1", {}, "no column 'igff1' in the data. Did you mean 'igf1'"),
        ("event ~ igf1", {}, "outcome is Surv"),
        ("Surv(time, event) ~ ps(igf1, 4)", {}, "penalised splines"),
        (LINEAR, {"penalty": "firth"}, "take no survey, sampling or penalty"),
        (LINEAR, {"survey": rk.SurveyDesign(weights="w")}, "take no survey"),
        (LINEAR, {"ties": "exact"}, "ties='exact'"),
        (LINEAR, {"weights": "weight"}, "no column 'weight'"),
    ],
)
def test_what_is_not_for_partitions_is_refused(tmp_path: Path, formula: str, options: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        rk.cox(formula, _pattern(cohort(300), tmp_path), **options)


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    for path in (tmp_path / "no.parquet", [], str(tmp_path / "*.parquet")):
        with pytest.raises(SpecError, match="no file or folder"):
            rk.cox(LINEAR, path)
    (tmp_path / "text.parquet").write_text("not Parquet")
    with pytest.raises(SpecError, match="cannot be read as Parquet"):
        rk.cox(LINEAR, tmp_path / "text.parquet")
    with pytest.raises(SpecError, match="must be a pandas DataFrame; got a dict"):
        rk.cox(LINEAR, {"age": [1]})


def test_wrong_data_are_said_to_be(tmp_path: Path) -> None:
    data = cohort()
    data.loc[1500, "out"] = data.loc[1500, "age"]
    with pytest.raises(DataError, match="'out' must be later than 'age'"):
        rk.cox(LINEAR, _folder(data, tmp_path))
    data["bmi"] = np.nan
    with pytest.raises(DataError, match="no row is complete"):
        rk.cox(LINEAR, _folder(data, tmp_path))
