from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from riskkit.design.design import build
from riskkit.errors import DataError, SpecError
from riskkit.infer.contrast import contrast


def test_agrees_with_rms_where_the_modifier_is_set(rms):
    fit, frozen = rms["pbc"]
    theirs = frozen["curve"]
    for i, x in enumerate(theirs["x"]):
        ours = contrast(fit.light(), {"age": x}, {"age": theirs["reference"]}, at={"sex": "m"}).iloc[0]
        assert ours["estimate"] == pytest.approx(theirs["estimate"][i], rel=1e-8, abs=1e-12)
        assert ours["se"] == pytest.approx(theirs["se"][i], rel=1e-7)
        assert np.log(ours["high"]) == pytest.approx(theirs["high"][i], rel=1e-7)
        assert ours["p"] == pytest.approx(theirs["p"][i], rel=1e-6)


def test_a_coefficient_is_a_contrast(rms):
    fit, _ = rms["lung"]
    row = contrast(fit, {"sex": "women"}, {"sex": "men"}).iloc[0]
    tidy = fit.tidy().set_index("term").loc["sex=women"]
    assert row[["estimate", "se", "ratio", "low", "high", "p"]].tolist() == pytest.approx(
        tidy[["estimate", "se", "ratio", "low", "high", "p"]].tolist(), rel=1e-12
    )


def test_several_variables_at_once_add_up(rms):
    fit, _ = rms["lung"]
    both = contrast(fit, {"age": 70, "loss": 10}, {"age": 50, "loss": 0})["estimate"].item()
    apart = contrast(fit, {"age": 70}, {"age": 50})["estimate"] + contrast(fit, {"loss": 10}, {"loss": 0})["estimate"]
    assert both == pytest.approx(apart.item(), rel=1e-12)


def test_equal_settings_have_exactly_no_width(rms):
    fit, _ = rms["pbc"]
    row = contrast(fit, {"age": 51.3, "sex": "m"}, {"age": 51.3, "sex": "m"}).iloc[0]
    assert row[["estimate", "se", "ratio", "low", "high"]].tolist() == [0, 0, 1, 1, 1]
    assert np.isnan(row["p"])


@pytest.mark.parametrize(
    ("setting", "reference", "at", "error", "message"),
    [
        ({"age": 60}, {"albumin": 3}, None, SpecError, "same variables"),
        ({"aeg": 60}, {"aeg": 50}, None, SpecError, "'aeg' is not in the model.*'age'"),
        ({"age": 60}, {"age": 50}, {"edema": 1}, SpecError, "does not interact"),
        ({"age": 60}, {"age": 50}, {"sxe": "m"}, SpecError, "not in the model"),
        ({"age": 60}, {"age": 50}, {"age": 40}, SpecError, "asked about"),
        ({"age": 60}, {"age": float("nan")}, None, SpecError, "missing"),
        ({"sex": "male"}, {"sex": "f"}, None, DataError, "not one of the levels"),
    ],
)
def test_bad_input_is_explained(rms, setting, reference, at, error, message):
    with pytest.raises(error, match=message):
        contrast(rms["pbc"][0], setting, reference, at=at)


def test_groups_with_cut_points_by_sex_ask_for_the_sex(by_hand):
    data = pd.DataFrame({"x": [*range(20), *range(100, 120)], "sex": ["m"] * 20 + ["f"] * 20, "y": 0.0})
    design = build("y ~ groups(x, 2, by=sex)", data)
    fit = by_hand("cox", design, [0.7], [[0.01]])
    for sex, low, high in (("m", 5, 15), ("f", 105, 115)):
        assert contrast(fit, {"x": high}, {"x": low}, at={"sex": sex})["estimate"].item() == 0.7
    with pytest.raises(SpecError, match=r"set it: at=\{'sex'"):
        contrast(fit, {"x": 15}, {"x": 5})
