"""Dose-response meta-analysis: equalities that must hold, and tables that cannot be right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import riskkit as rk
from riskkit.errors import DataError, FitError, SpecError
from riskkit.evidence.covariance import Counts, covariance, greenland_longnecker, hamling, pseudo_counts
from riskkit.evidence.random_effects import blocks, fit_blocks

Z = stats.norm.ppf(0.975)


def study(
    name: str, doses: list[float], cases: list[int], n: list[int], design: str, reference: int = 0
) -> pd.DataFrame:
    """A table of crude ratios, so that the covariance of its log ratios is known."""
    c, size = np.array(cases, dtype=float), np.array(n, dtype=float)
    if design == "case-control":
        log, part = np.log(c / (size - c)), 1 / c + 1 / (size - c)
    elif design == "cumulative-incidence":
        log, part = np.log(c / size), 1 / c - 1 / size
    else:
        log, part = np.log(c / size), 1 / c
    b, se = log - log[reference], np.sqrt(part + part[reference])
    table = pd.DataFrame({"study": name, "dose": doses, "cases": cases, "n": n, "design": design})
    table["ratio"], table["low"], table["high"] = np.exp(b), np.exp(b - Z * se), np.exp(b + Z * se)
    table.loc[reference, ["low", "high"]] = np.nan
    return table


def several(levels: tuple[int, ...] = (4, 5, 4, 3, 5, 4, 4), seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = []
    for i, k in enumerate(levels):
        doses = np.sort(rng.uniform(5, 40, k)).round(1)
        n = rng.integers(400, 1500, k)
        risk = 0.1 * np.exp(0.004 * (doses - 20) ** 2 / 4 + 0.01 * rng.normal() * doses)
        cases = rng.binomial(n, np.minimum(risk, 0.8)) + 1
        kind = ("case-control", "incidence-rate", "cumulative-incidence")[i % 3]
        parts.append(study(f"study {i}", doses.tolist(), cases.tolist(), n.tolist(), kind, int(rng.integers(k))))
    return pd.concat(parts, ignore_index=True)


TABLE = several()


def counted(rows: pd.DataFrame) -> Counts:
    """Counts of one study, its reference first."""
    first = rows["low"].isna().to_numpy()
    cases, n = (np.append(v[first], v[~first]) for v in rows[["cases", "n"]].to_numpy(dtype=float).T)
    return Counts(cases, n, rows["design"].iloc[0])


@pytest.mark.parametrize("design", ["case-control", "incidence-rate", "cumulative-incidence"])
@pytest.mark.parametrize("method", ["greenland-longnecker", "hamling"])
def test_of_crude_ratios_both_covariances_are_exact(design, method):
    """The delta method's own: the reference's part of the variance in every cell beside the diagonal."""
    table = study("a", [0, 1, 2], [30, 45, 80], [400, 380, 410], design)
    b = np.log(table["ratio"].to_numpy())[1:]
    counts = Counts(table["cases"].to_numpy(float), table["n"].to_numpy(float), design)
    expected = np.full((2, 2), counts.parts[0])
    np.fill_diagonal(expected, counts.parts[1:] + counts.parts[0])
    assert covariance(b, np.diag(expected), counts, method) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("design", ["case-control", "incidence-rate", "cumulative-incidence"])
def test_counts_give_adjusted_ratios(design):
    counts = Counts(np.array([30.0, 45, 80]), np.array([400.0, 380, 410]), design)
    b, v = np.log([1.2, 1.9]), np.array([0.09, 0.07])
    found = pseudo_counts(b, counts)
    assert found.log_ratios == pytest.approx(b, abs=1e-12)
    assert found.cases.sum() == pytest.approx(155, rel=1e-12)
    effective = hamling(b, v, counts)
    assert effective.log_ratios == pytest.approx(b, abs=1e-10)
    assert effective.parts[1:] + effective.parts[0] == pytest.approx(v, rel=1e-10)
    shown = effective.others - effective.cases if design == "case-control" else effective.others
    published = counts.others - counts.cases if design == "case-control" else counts.others
    assert shown[0] / shown.sum() == pytest.approx(published[0] / published.sum(), rel=1e-8)
    assert shown.sum() / effective.cases.sum() == pytest.approx(published.sum() / 155, rel=1e-8)


@pytest.mark.parametrize("method", ["greenland-longnecker", "hamling"])
def test_ratios_that_no_counts_can_give(method):
    """A risk ratio of 8 where 690 of 800 people are cases would be a risk above 1."""
    table = pd.DataFrame({"study": "a", "dose": [1, 2], "cases": [300, 390], "n": 400, "ratio": [1.0, 8.0]})
    table = table.assign(low=[np.nan, 6.0], high=[np.nan, 10.667], design="cumulative-incidence")
    with pytest.raises(FitError, match="a: no counts"):
        rk.dose_response(table, "dose", covariance=method)


@pytest.mark.parametrize("terms", ["dose", "rcs(dose, 3)", "fp(dose, [1, 2])"])
@pytest.mark.parametrize("method", ["REML", "ML", "common"])
def test_one_stage_is_two_stages_where_every_study_has_its_own_curve(terms, method):
    """A study's own coefficients are sufficient for the mean curve and the variance between studies."""
    one = rk.dose_response(TABLE, terms, stages=1, method=method)
    two = rk.dose_response(TABLE, terms, stages=2, method=method)
    assert one.coef == pytest.approx(two.coef, rel=1e-7)
    assert one.vcov == pytest.approx(two.vcov, rel=1e-6)
    assert one.between == pytest.approx(two.between, rel=1e-5, abs=1e-12)


def test_a_linear_two_stage_model_is_a_meta_analysis_of_slopes():
    fit = rk.dose_response(TABLE, "dose", stages=2)
    slopes = rk.meta(fit.own, scale="difference")
    assert fit.coef == pytest.approx(slopes.coef, rel=1e-9)
    assert fit.between[0, 0] == pytest.approx(slopes.tau2, rel=1e-7)
    assert fit.loglik == pytest.approx(slopes.loglik, rel=1e-9)
    assert rk.dose_heterogeneity(fit)["q"] == pytest.approx(rk.heterogeneity(slopes).q, rel=1e-9)
    adjusted = rk.dose_response(TABLE, "dose", test="knapp-hartung")
    theirs = rk.meta(fit.own, scale="difference", test="knapp-hartung")
    assert adjusted.df_resid == theirs.df_resid == 6
    assert adjusted.vcov[0, 0] == pytest.approx(max(theirs.vcov[0, 0], theirs.vcov_model[0, 0]), rel=1e-7)


def test_a_common_curve_is_generalised_least_squares():
    fit = rk.dose_response(TABLE, "dose", method="common")
    top = bottom = 0.0
    for _, rows in TABLE.groupby("study"):
        first = rows["low"].isna().to_numpy()
        x = (rows["dose"].to_numpy() - rows["dose"].to_numpy()[first])[~first]
        y = np.log(rows["ratio"].to_numpy())[~first]
        counts = counted(rows)
        w = np.linalg.inv(covariance(y, counts.parts[1:] + counts.parts[0], counts, "greenland-longnecker"))
        top, bottom = top + x @ w @ y, bottom + x @ w @ x
    assert fit.coef[0] == pytest.approx(top / bottom, rel=1e-8)
    assert fit.se[0] == pytest.approx(bottom**-0.5, rel=1e-8)


def test_the_reference_of_a_study_does_not_matter():
    """Crude ratios against another level are the same data, so the same curve."""
    a = [study("a", [1, 5, 9, 12], [40, 50, 61, 90], [500, 480, 510, 505], "case-control", r) for r in (0, 2)]
    b = [study("b", [2, 6, 11], [70, 60, 99], [600, 590, 610], "incidence-rate", r) for r in (0, 1)]
    fits = [rk.dose_response(pd.concat([x, y]), "rcs(dose, 3)", method="common") for x, y in zip(a, b, strict=True)]
    assert fits[0].coef == pytest.approx(fits[1].coef, rel=1e-6)
    assert fits[0].vcov == pytest.approx(fits[1].vcov, rel=1e-6)


def test_the_likelihood_is_written_out_and_at_its_maximum():
    """Against the multivariate normal density of the log ratios, maximised by another search."""
    fit = rk.dose_response(TABLE, "rcs(dose, 3)", method="ML")
    parts = []
    design = fit.recipe.matrix(TABLE)
    for _, rows in TABLE.groupby("study", sort=False):
        at, first = rows.index.to_numpy(), rows["low"].isna().to_numpy()
        y = np.log(rows["ratio"].to_numpy())[~first]
        counts = counted(rows)
        s = greenland_longnecker(y, counts.parts[1:] + counts.parts[0], counts)
        parts.append((y, design[at[~first]] - design[at[first]], s))

    def loglik(values: np.ndarray) -> float:
        root = np.array([[values[2], 0], [values[3], values[4]]])
        return sum(
            stats.multivariate_normal.logpdf(y, x @ values[:2], s + x @ root @ root.T @ x.T) for y, x, s in parts
        )

    root = np.linalg.cholesky(fit.between + 1e-14 * np.eye(2))
    at = np.concatenate([fit.coef, root[np.tril_indices(2)]])
    assert loglik(at) == pytest.approx(fit.loglik, abs=1e-5)
    again = optimize.minimize(lambda v: -loglik(v), at, method="Nelder-Mead", options={"maxiter": 4000})
    assert -again.fun <= fit.loglik + 1e-5


def test_studies_with_too_few_levels_are_used_in_one_stage_and_told_in_two():
    short = study("short", [8, 30], [40, 70], [500, 500], "case-control")
    table = pd.concat([TABLE, short])
    two = rk.dose_response(table, "rcs(dose, [10, 20, 30])", stages=2)
    assert "'short'" in two.notes[-1]
    assert two.n_missing == 2
    assert two.coef == pytest.approx(rk.dose_response(TABLE, "rcs(dose, [10, 20, 30])", stages=2).coef)
    one = rk.dose_response(table, "rcs(dose, [10, 20, 30])", stages=1)
    assert one.n == len(table)
    assert one.se[0] != pytest.approx(two.se[0])
    pair = pd.concat([short, study("other", [5, 20], [40, 50], [500, 500], "case-control")])
    assert len(rk.dose_response(pair, "rcs(dose, [10, 20, 30])", stages=1, method="common").study) == 2
    with pytest.raises(FitError, match="stages=1"):
        rk.dose_response(pair, "rcs(dose, [10, 20, 30])", stages=2, method="common")


def test_it_is_a_fit_like_every_other():
    fit = rk.dose_response(TABLE, "rcs(dose, 4)", test="knapp-hartung")
    assert rk.curve(fit, "dose", reference=20, grid=[20, 30])["ratio"][0] == 1
    assert rk.nadir(fit, "dose").low <= rk.nadir(fit, "dose").x
    assert "U shape" in rk.ushape(fit, "dose").verdict()
    assert rk.anova(fit)["part"].tolist() == ["overall", "nonlinear", "nonlinear", "overall"]
    at = rk.contrast(fit, {"dose": 30}, {"dose": 20})
    assert at["ratio"][0] == pytest.approx(rk.curve(fit, "dose", reference=20, grid=[30])["ratio"][0])
    assert "7 studies" in fit.summary()
    assert fit.events == TABLE["cases"].sum()
    assert fit.light() is fit
    with pytest.raises(SpecError, match='use "wald"'):
        rk.anova(fit, test="lr")


def test_a_covariance_that_is_known_is_used():
    """Crude covariances given by hand are those that counts make; wrong ones are refused."""
    crude = {}
    for name, rows in TABLE.groupby("study"):
        first = rows["low"].isna().to_numpy()
        counts = counted(rows)
        crude[name] = np.full((sum(~first), sum(~first)), counts.parts[0]) + np.diag(counts.parts[1:])
    given = rk.dose_response(TABLE.drop(columns=["cases", "n", "design"]), "dose", covariances=crude)
    assert given.coef == pytest.approx(rk.dose_response(TABLE, "dose").coef, rel=1e-7)
    assert given.ratio_name == "relative risk"
    size = len(crude["study 0"])
    wide = np.diag(np.diag(crude["study 0"]))
    wide[0, 1] = wide[1, 0] = 2 * wide.max()
    for matrix, message in (
        (np.eye(size + 1), "has shape"),
        (np.triu(np.ones((size, size))), "not symmetrical"),
        (wide, "not positive definite"),
        (np.eye(size), "not those of the table's limits"),
    ):
        with pytest.raises(DataError, match=message):
            rk.dose_response(TABLE, "dose", covariances={"study 0": matrix})
    with pytest.raises(SpecError, match="Did you mean 'study 0'"):
        rk.dose_response(TABLE, "dose", covariances={"stud 0": wide})


def test_every_fault_of_a_table_is_told_at_once():
    bad = TABLE.copy()
    rows = {i: bad.index[bad["study"] == f"study {i}"] for i in range(7)}
    bad.loc[rows[0][1:2], "cases"] = 0
    bad.loc[rows[1], ["ratio", "low", "high"]] = [1.0, np.nan, np.nan]
    bad.loc[rows[2][0], "dose"] = -1.0
    bad.loc[rows[3], "design"] = ["case-control", "incidence-rate", "case-control"]
    bad.loc[rows[5][0], "n"] = 1
    bad.loc[rows[6][bad.loc[rows[6], "low"].isna()], "ratio"] = 1.3
    with pytest.raises(DataError) as caught:
        rk.dose_response(bad.assign(unit=["ng/mL"] * 5 + ["nmol/L"] * (len(bad) - 5)), "dose")
    told = str(caught.value)
    assert f"{told.count(chr(10))} faults of the table" in told
    for part in (
        "0 cases, of which no log ratio can be; merge the level with its neighbour.",
        "study 1: 5 reference levels",
        "study 2, dose -1: a dose is not below zero.",
        "study 3: several designs (case-control, incidence-rate)",
        "n counts all people of the level",
        "study 6: no reference level",
        "several units (ng/mL, nmol/L)",
    ):
        assert part in told
    with pytest.raises(DataError, match="do not enclose"):
        rk.dose_response(TABLE.assign(low=TABLE["low"] * 5), "dose")
    with pytest.raises(DataError, match="two levels have the same dose"):
        rk.dose_response(TABLE.assign(dose=5.0), "dose")
    with pytest.raises(DataError, match="one level"):
        rk.dose_response(TABLE.head(1).assign(ratio=1.0, low=np.nan, high=np.nan), "dose")


def test_the_same_cohort_twice_is_told():
    table = TABLE.assign(cohort=["A"] * 9 + ["B"] * (len(TABLE) - 9))
    assert "same people (A)" in rk.dose_response(table, "dose", cohort="cohort").notes[0]
    years = table.assign(year_from=1990, year_to=1999)
    told = rk.dose_response(years, "dose", cohort="cohort").notes[0]
    assert told.startswith("'study 0' and 'study 1' seem to be of the same people (A, 1990 to 1999 and 1990 to 1999)")
    years.loc[years["study"] == "study 1", ["year_from", "year_to"]] = [2000, 2010]
    assert not any("'study 1'" in note for note in rk.dose_response(years, "dose", cohort="cohort").notes)


def test_arguments_that_make_no_sense():
    with pytest.raises(SpecError, match="of one column"):
        rk.dose_response(TABLE.assign(age=1.0), "dose + age")
    with pytest.raises(SpecError, match="'cases'"):
        rk.dose_response(TABLE.drop(columns="cases"), "dose")
    with pytest.raises(SpecError, match="stages is 1 or 2"):
        rk.dose_response(TABLE, "dose", stages=3)
    with pytest.raises(FitError, match="do not determine the curve"):
        rk.dose_response(study("a", [1, 2], [30, 40], [300, 300], "case-control"), "rcs(dose, [0.5, 1.5, 2.5])")
    with pytest.raises(FitError, match="three studies"):
        rk.dose_prediction(rk.dose_response(TABLE.head(9), "dose"), [10], 5)


def test_one_study_is_its_own_curve():
    one = TABLE[TABLE["study"] == "study 1"]
    fit = rk.dose_response(one, "dose")
    assert fit.between[0, 0] == 0
    assert "says nothing of how studies differ" in fit.notes[-1]
    assert fit.coef == pytest.approx(rk.dose_response(one, "dose", method="common").coef)


def test_without_differences_between_studies_their_variance_is_nothing():
    x = np.column_stack([np.ones(3), np.arange(3.0)])
    parts = blocks([(x @ [0.1, 0.2], x, np.eye(3) * s) for s in (0.5, 1.0, 2.0, 0.1)])
    for method in ("REML", "ML"):
        found = fit_blocks(parts, method)
        assert found.coef == pytest.approx([0.1, 0.2])
        assert np.abs(found.psi).max() < 1e-6
