"""Sites that keep their rows: their sums make the fit of all rows with a stratum for each site."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import riskkit as rk
from riskkit.errors import DataError, FitError, SpecError

REFERENCE = Path(__file__).parent.parent / "reference"
PBC = pd.read_csv(REFERENCE / "screen.csv")
TERMS = "bili + albumin + C(sex, levels=['f', 'm']) + spiders + strata(firm)"
FORMULA = f"Surv(age_in, age_out, died) ~ {TERMS}"


def sites(data: pd.DataFrame, count: int = 3, **options: object) -> dict[str, Callable[[dict], dict]]:
    """Sites whose messages go through text, as they would over a network."""

    def site(part: pd.DataFrame) -> Callable[[dict], dict]:
        return lambda request: json.loads(json.dumps(rk.cox_site(json.loads(json.dumps(request)), part, **options)))

    return {f"site{k}": site(data.iloc[k::count]) for k in range(count)}


def answer_of_a_file(file: str, request: dict) -> dict:
    return rk.cox_site(request, pd.read_parquet(file))


def test_the_same_as_coxph_with_strata_of_sites() -> None:
    fit = rk.cox_federated(FORMULA, sites(PBC))
    r = json.loads((REFERENCE / "federated.json").read_text())
    scale = np.sqrt(np.diag(r["vcov"]))
    assert_allclose((fit.coef - r["coef"]) / scale, 0, atol=1e-10)
    assert_allclose(fit.vcov / np.outer(scale, scale), np.array(r["vcov"]) / np.outer(scale, scale), atol=1e-8)
    assert_allclose([fit.loglik_null, fit.loglik, fit.score_chi2], [*r["loglik"], r["score"]], rtol=1e-10)
    assert (fit.n, fit.events) == (r["n"], r["events"])


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_three_processes_over_files_are_one_fit(ties: str, tmp_path: Path) -> None:
    data = PBC.assign(site=np.arange(len(PBC)) % 3)
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:

        def site(k: int) -> Callable[[dict], dict]:
            file = str(tmp_path / f"{k}.parquet")
            data[data["site"] == k].to_parquet(file)
            return lambda request: pool.submit(answer_of_a_file, file, request).result()

        fit = rk.cox_federated(FORMULA, {f"site{k}": site(k) for k in range(3)}, ties=ties, time_unit="days")
    whole = rk.cox(FORMULA.replace("strata(firm)", "strata(site, firm)"), data, ties=ties, time_unit="days")
    assert fit.recipe.names == whole.recipe.names
    assert_allclose((fit.coef - whole.coef) / whole.se, 0, atol=1e-10)
    assert_allclose(fit.vcov / np.outer(fit.se, fit.se), whole.vcov / np.outer(fit.se, fit.se), atol=1e-9)
    for name in ("loglik", "loglik_null", "score_chi2", "person_years"):
        assert_allclose(getattr(fit, name), getattr(whole, name), rtol=1e-10)
    assert (fit.n, fit.events, fit.n_missing) == (whole.n, whole.events, whole.n_missing)
    assert_allclose(rk.anova(fit)["chi2"], rk.anova(whole)["chi2"], rtol=1e-8)
    assert fit.notes[0].startswith("site site0: ")


def test_an_answer_is_sums_and_nothing_else() -> None:
    p = 4
    answer = rk.cox_site({"formula": FORMULA, "ties": "efron", "coef": [0.0] * p}, PBC)
    numbers = np.concatenate([np.ravel(value) for name, value in answer.items() if name != "names"])
    assert numbers.size == 5 + 2 * p + p * p
    assert set(answer) == {
        "names", "n", "events", "n_missing", "person_time", "loglik", "gradient", "information", "squares"
    }  # fmt: skip


def test_a_site_with_few_events_says_that_and_nothing_else() -> None:
    few = {"site0": sites(PBC)["site0"], "small": sites(PBC.iloc[:30], 1, min_events=25)["site0"]}
    with pytest.raises(FitError, match="site 'small' refuses: fewer than 25 events"):
        rk.cox_federated(FORMULA, few)
    assert list(rk.cox_site({"formula": FORMULA, "ties": "efron", "coef": [0.0] * 4}, PBC.iloc[:5])) == ["refused"]
    nobody = PBC.assign(bili=np.nan)
    assert list(rk.cox_site({"formula": FORMULA, "ties": "efron", "coef": [0.0] * 4}, nobody)) == ["refused"]


def test_a_site_of_women_alone_takes_part() -> None:
    data = PBC.assign(site=np.where(PBC["sex"] == "m", 0, np.arange(len(PBC)) % 2))
    parts = {str(k): sites(part, 1)["site0"] for k, part in data.groupby("site")}
    fit = rk.cox_federated(FORMULA, parts)
    whole = rk.cox(FORMULA.replace("strata(firm)", "strata(site, firm)"), data)
    assert_allclose((fit.coef - whole.coef) / whole.se, 0, atol=1e-10)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("C(sex)", "its coding would differ between sites"),
        ("rcs(bili, 4)", "knots as in"),
        ('per(bili, "sd")', "a unit as in"),
        ("fifths(bili)", "cut points as in"),
        ("bili + cluster(firm)", "cluster"),
        ("1", "name the covariates"),
    ],
)
def test_codings_learnt_from_data_are_refused(terms: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        rk.cox_federated(f"Surv(time, died) ~ {terms}", sites(PBC))


def test_written_codings_are_the_same_at_every_site() -> None:
    terms = "rcs(bili, [0.6, 1.4, 6.0]) + per(albumin, 0.5) + log(protime) + groups(age, [40, 50, 60])"
    fit = rk.cox_federated(f"Surv(time, died) ~ {terms}", sites(PBC))
    data = PBC.assign(site=np.arange(len(PBC)) % 3)
    whole = rk.cox(f"Surv(time, died) ~ {terms} + strata(site)", data)
    assert_allclose((fit.coef - whole.coef) / whole.se, 0, atol=1e-10)


def test_what_cannot_be_estimated_says_so() -> None:
    data = PBC.assign(oracle=PBC["died"], twin=2 * PBC["bili"], flat=1.0)
    with pytest.raises(FitError, match="separation"):
        rk.cox_federated("Surv(time, died) ~ bili + oracle", sites(data))
    with pytest.raises(FitError, match="linear combination of 'bili'"):
        rk.cox_federated("Surv(time, died) ~ bili + twin", sites(data))
    with pytest.raises(FitError, match="'flat' has the same value"):
        rk.cox_federated("Surv(time, died) ~ bili + flat", sites(data))


def test_answers_and_requests_that_are_none() -> None:
    with pytest.raises(SpecError, match="sites: a mapping"):
        rk.cox_federated(FORMULA, {"a": PBC})
    with pytest.raises(SpecError, match="answered with a list"):
        rk.cox_federated(FORMULA, {"a": lambda request: [1]})
    with pytest.raises(SpecError, match="lacks names"):
        rk.cox_federated(FORMULA, {"a": lambda request: {"n": 3}})
    with pytest.raises(SpecError, match="request: not one of"):
        rk.cox_site({"formula": FORMULA}, PBC)
    with pytest.raises(SpecError, match="3 coefficients for 4 columns"):
        rk.cox_site({"formula": FORMULA, "ties": "efron", "coef": [0, 0, 0]}, PBC)
    with pytest.raises(SpecError, match="no column 'bili'"):
        rk.cox_federated(FORMULA, sites(PBC.drop(columns="bili")))
    with pytest.raises(DataError, match="'sex' has the value 'm', not one of the levels"):
        rk.cox_federated(FORMULA.replace("'f', 'm'", "'f', 'male'"), sites(PBC))
