"""Influence of rows and of groups of people, against survival and glm, and against fits without them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.fit.cox import cox
from riskkit.fit.logistic import logistic
from riskkit.fit.poisson import poisson
from riskkit.infer.contrast import contrast
from riskkit.infer.influence import influence
from riskkit.infer.leaveout import leave_one_out

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
OLD, YOUNG = {"age": 70}, {"age": 45}


@pytest.fixture(scope="module")
def frozen():
    return json.loads((REFERENCE / "interaction.json").read_text())


@pytest.fixture(scope="module")
def pbc() -> pd.DataFrame:
    data = pd.read_csv(REFERENCE / "infer_pbc.csv")
    data["site"] = np.arange(len(data)) % 7
    data.index = [f"person {i}" for i in range(1, len(data) + 1)]
    return data


def test_the_rows_that_move_a_cox_model_most_are_r_s(frozen, pbc):
    fit = cox("Surv(time, died) ~ age + sex + albumin", pbc)
    found = influence(fit, {"age": 60}, {"age": 50}, rows=8)
    theirs = np.array(frozen["dfbeta_cox"])
    worst = np.argsort(-abs(theirs))[:8]
    assert found["row"].tolist() == [f"person {i + 1}" for i in worst]
    np.testing.assert_allclose(found["dfbeta"], theirs[worst], rtol=1e-6)
    np.testing.assert_allclose(found["dfbetas"], theirs[worst] / (10 * fit.se[0]), rtol=1e-6)
    left = cox("Surv(time, died) ~ age + sex + albumin", pbc.drop(found["row"][0]))
    lost = 10 * (fit.coef[0] - left.coef[0])
    assert found["dfbeta"][0] == pytest.approx(lost, rel=0.25)  # an approximation, of the right sign and size
    assert found["ratio"][0] == pytest.approx(np.exp(10 * fit.coef[0] - found["dfbeta"][0]), rel=1e-12)


def test_what_a_logistic_model_loses_without_a_row_is_one_newton_step(frozen):
    births = pd.read_csv(REFERENCE / "infer_birthwt.csv")
    fit = logistic("low ~ lwt + smoke", births)
    found = influence(fit, {"lwt": 100}, {"lwt": 120}, rows=len(births)).sort_values("row")
    np.testing.assert_allclose(found["dfbeta"], frozen["dfbeta_logistic"], rtol=1e-5, atol=1e-10)


def test_sites_left_out_are_r_s_fits_without_them(frozen, pbc):
    fit = cox("Surv(time, died) ~ rcs(age, 4) + sex", pbc)
    found = leave_one_out(fit, pbc["site"], OLD, YOUNG)
    assert found.groups["left_out"].tolist() == list(range(7))
    for column in ("estimate", "se", "n", "events"):
        np.testing.assert_allclose(found.groups[column], frozen["without"][column], rtol=1e-6)
    theirs = np.array(frozen["without"]["estimate"])
    jackknife = found.jackknife.iloc[0]
    assert jackknife["se"] == pytest.approx(np.sqrt(6 / 7 * ((theirs - theirs.mean()) ** 2).sum()), rel=1e-6)
    assert jackknife["high"] == pytest.approx(np.exp(jackknife["estimate"] + 2.446912 * jackknife["se"]), rel=1e-6)


def test_a_person_without_whom_there_is_no_estimate_is_a_row_with_its_reason():
    data = pd.DataFrame({"y": [1, 0, 0, 1, 1, 0, 1, 1], "x": [0, 0, 0, 0, 1, 1, 1, 1]})
    found = leave_one_out(logistic("y ~ x", data), pd.Series(range(8)), {"x": 1}, {"x": 0})
    # The odds are 3 of the exposed and 1 of the others, whose odds are 1/2 or 2 without one of them.
    np.testing.assert_allclose(np.exp(found.groups["estimate"][:5]), [6, 1.5, 1.5, 6, 2], rtol=1e-7)
    # Without person 6 every exposed one has the outcome: no number is made up, and the jackknife has none either.
    assert "separat" in found.groups["reason"][5]
    assert np.isnan(found.groups["estimate"][5])
    assert np.isnan(found.jackknife["se"].iloc[0])


def test_a_level_of_a_covariate_can_be_left_out(pbc):
    """A fit to the others, whose factor then has one level less, says what is to be expected; also of the reference."""
    pbc = pbc.assign(site="s" + pbc["site"].astype(str))
    fit = cox("Surv(time, died) ~ rcs(age, [40, 50, 60]) + C(site)", pbc)
    found = leave_one_out(fit, pbc["site"], OLD, YOUNG).groups.set_index("left_out")
    for left in ("s0", "s3"):
        others = cox("Surv(time, died) ~ rcs(age, [40, 50, 60]) + C(site)", pbc[pbc["site"] != left])
        expected = contrast(others, OLD, YOUNG).iloc[0]
        np.testing.assert_allclose(
            found.loc[left, ["estimate", "se"]].astype(float), expected[["estimate", "se"]], 1e-6
        )
    itself = leave_one_out(fit, pbc["site"], {"site": "s3"}, {"site": "s0"}).groups.set_index("left_out")
    assert itself.loc["s3", "reason"] == itself.loc["s0", "reason"] == "the others do not differ in what is compared."
    assert np.isfinite(itself.loc["s1", "estimate"])


def test_what_cannot_be_left_out_says_why(pbc):
    fit = cox("Surv(time, died) ~ age + sex", pbc)
    with pytest.raises(DataError, match="missing for 3 of the rows used"):
        leave_one_out(fit, pbc["site"].where(np.arange(len(pbc)) > 2), OLD, YOUNG)
    with pytest.raises(DataError, match="nobody would be left"):
        leave_one_out(fit, pbc["site"] * 0, OLD, YOUNG)
    with pytest.raises(DataError, match="more than once"):
        leave_one_out(fit, pd.concat([pbc["site"], pbc["site"]]), OLD, YOUNG)
    with pytest.raises(SpecError, match="light fit"):
        influence(fit.light(), OLD, YOUNG)
    with pytest.raises(SpecError, match="at least 1 row"):
        influence(fit, OLD, YOUNG, rows=0)
    with pytest.raises(SpecError, match="not of a poisson model"):
        influence(poisson("died ~ age", pbc), OLD, YOUNG)


@pytest.mark.parametrize("within", [False, True])
def test_those_who_are_left_stay_in_their_clusters(pbc, within):
    """Whether clusters lie across the groups or within them, when all of some are left out."""
    pbc = pbc.assign(ward=np.arange(len(pbc)) % 40 + 40 * within * pbc["site"])
    fit = cox("Surv(time, died) ~ age + sex", pbc, cluster="ward")
    found = leave_one_out(fit, pbc["site"], OLD, YOUNG).groups.set_index("left_out")
    others = cox("Surv(time, died) ~ age + sex", pbc[pbc["site"] != 3], cluster="ward")
    assert found.loc[3, "se"] == pytest.approx(contrast(others, OLD, YOUNG)["se"].item(), rel=1e-6)
