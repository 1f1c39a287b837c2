"""The closed test procedure against deviances of R's refits, and against truths it must find."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from riskkit.errors import SpecError
from riskkit.fit.cox import cox
from riskkit.fit.logistic import logistic
from riskkit.formula import parse, rewritten
from riskkit.infer.select_fp import select_fp

R = json.loads((Path(__file__).parent.parent / "reference" / "codings.json").read_text())["fp"]
PBC, FRAME = pd.DataFrame(R["pbc"]), pd.DataFrame(R["frame"])
COX = cox("Surv(time, death) ~ bili + age", PBC)


def deviances(case: str) -> dict[tuple[float, ...], float]:
    return {tuple(map(float, p)): d for p, d in zip(R[case]["powers"], R[case]["deviance"], strict=True)}


@pytest.mark.parametrize(
    ("case", "fit", "variable"), [("cox", COX, "bili"), ("logistic", logistic("y ~ u + w", FRAME), "u")]
)
def test_every_curve_has_the_deviance_of_r_s_refit(case, fit, variable):
    found, expected = select_fp(fit, variable).candidates, deviances(case)
    assert len(found) == 8 + 36
    for powers, loglik in zip(found["powers"], found["loglik"], strict=True):
        assert -2 * loglik == pytest.approx(expected[powers], abs=1e-7)


def test_the_steps_are_differences_of_r_s_deviances():
    found, deviance = select_fp(COX, "bili"), deviances("cox")
    best2 = min(d for powers, d in deviance.items() if len(powers) == 2)
    best1 = min(d for powers, d in deviance.items() if len(powers) == 1)
    chi2 = [deviance[()] - best2, deviance[(1.0,)] - best2, best1 - best2]
    np.testing.assert_allclose(found.tests["chi2"], chi2, rtol=1e-8)
    np.testing.assert_allclose(found.tests["p"], stats.chi2.sf(chi2, [4, 3, 2]), rtol=1e-6)
    assert deviance[found.powers] == best2
    assert found.sentence().startswith("The closed test procedure chose powers -2, -0.5 (FP2 against FP1")


def test_the_model_chosen_is_the_one_of_its_formula():
    found = select_fp(COX, "bili")
    assert found.fit.recipe.formula.text == "Surv(time, death) ~ fp(bili, [-2, -0.5], shift=0, scale=10) + age"
    again = cox(found.fit.recipe.formula.text, PBC)
    np.testing.assert_allclose(again.coef, found.fit.coef, rtol=1e-8)
    np.testing.assert_allclose(found.fit.predict(PBC)["estimate"], again.predict(PBC)["estimate"], rtol=1e-8)


def test_a_stricter_level_stops_earlier():
    assert select_fp(COX, "bili", alpha=0.01).powers == (0.0,)
    assert select_fp(COX, "bili", degree=1).powers == (0.0,)


def simulated(seed: int, n: int, curve) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x = random.uniform(0.5, 9, n)
    return pd.DataFrame({"x": x, "z": random.normal(size=n), "y": random.random(n) < special.expit(curve(x))})


def test_no_association_is_seldom_taken_for_one():
    wrong = sum(
        select_fp(logistic("y ~ x + z", simulated(seed, 150, lambda x: 0 * x)), "x").powers != () for seed in range(30)
    )
    assert wrong <= 6  # of 30 at 5%: more has a probability of 0.0006


def test_a_line_and_a_logarithm_are_found():
    line = select_fp(logistic("y ~ x + z", simulated(1, 2000, lambda x: 0.5 * (x - 5))), "x")
    assert line.powers == (1.0,)
    assert line.fit.recipe.formula.text == "y ~ x + z"
    log = select_fp(logistic("y ~ x + z", simulated(2, 4000, lambda x: 2 * np.log(x) - 2)), "x", degree=1)
    assert log.powers == (0.0,)
    assert log.fit.coef[1] == pytest.approx(2, abs=4 * log.fit.se[1])


def test_without_an_association_the_variable_is_left_out():
    found = select_fp(logistic("y ~ rcs(x, 4) + z", simulated(3, 500, lambda x: 0 * x)), "x")
    assert found.powers == ()
    assert found.fit.recipe.names == ("Intercept", "z")
    assert found.fit.recipe.formula.text == "y ~ z"
    assert len(found.tests) == 1


def test_formulas_are_rewritten_with_all_their_roles():
    formula = parse("Surv(a, b, d) ~ x + C(s, ref='m') * z + strata(r, q) + offset(o) + cluster(id)")
    assert rewritten(formula, "x", "rcs(x, 4)").text == (
        "Surv(a, b, d) ~ rcs(x, 4) + C(s, ref='m') + z + C(s, ref='m'):z + strata(r, q) + offset(o) + cluster(id)"
    )
    assert rewritten(parse("y ~ x"), "x", None).text == "y ~ 1"


@pytest.mark.parametrize(
    ("fit", "options", "said"),
    [
        (COX, {"degree": 3}, "degree is 1 or 2"),
        (COX, {"alpha": 5}, "alpha is a significance level"),
        (COX.light(), {}, "light fit"),
        (cox("Surv(time, death) ~ bili", PBC, robust=True), {}, "needs a model-based covariance, not a robust one"),
        (cox("Surv(time, death) ~ bili * age", PBC), {}, "more than one term"),
    ],
)
def test_faults_are_named(fit, options, said):
    with pytest.raises(SpecError, match=said):
        select_fp(fit, "bili", **options)
