"""No cell of the grid is silent: it answers alike however the people are told of, or refuses in words asserted here.

Each row of the grid is fitted to the same people three times: as they are; in another order, under labels that repeat,
with levels renamed and x and times in another unit; and, where weights are frequencies, with a row for each person.
"""

from __future__ import annotations

from collections import Counter

import grid
import numpy as np
import pandas as pd
import pytest

FIT = (
    r"penalty=\"firth\" has a model-based covariance only; leave out robust, cluster and survey",
    r"ps\(.*\) has a model-based covariance only; leave out robust",
    r"ps\(.*\) is not for linear models; use ns or rcs",
    r"(clogit|linear)\(\) got an unexpected keyword argument '(weights|penalty|survey|robust|cluster)'",
    r"a survey design has weights and clusters \(PSUs\) of its own",
    r"has no strata; write C\(column\)",
    r"a linear model takes a number as outcome, and no Surv, strata or offset",
    r"name the column of matched sets, as in '... \+ strata\(set\)'",
    r"penalised splines are not pooled",
)
COX = (r"this needs a Cox model, not a (logistic|poisson|clogit|linear) model",)
SURVEY = (r"is not for a survey design, whose people were not drawn one by one",)
POOLED = (r"a pooled fit is of several; ask each of `fits`",)
LIKELIHOOD = (
    r"a likelihood-ratio test needs a model-based covariance, not a (robust|cluster-robust|design-based) one",
    r"a likelihood-ratio test needs a model without penalised splines",
)
REFUSED: dict[str, tuple[str, ...]] = {
    "anova lr": LIKELIHOOD,
    "ph_test": COX + SURVEY,
    "residuals": COX + POOLED,
    "baseline": COX + SURVEY + POOLED,
    "concordance": (r"concordance needs a Cox model",),
    "select": (
        *LIKELIHOOD,
        *POOLED,
        r"frequencies it is several; repeat the rows",
        r"Firth's penalty changes with the coding",
        r"the values of 'x' cannot be had back from ps",
    ),
}


@pytest.fixture(scope="module")
def told(people: pd.DataFrame) -> pd.DataFrame:
    random = np.random.default_rng(5)
    return people.assign(
        block=(people["site"] > 4).astype(int),
        psu=people["set"] // 3,
        j1=random.normal(0, 0.2, len(people)).round(3),
        j2=random.normal(0, 0.2, len(people)).round(3),
        z2=(people["z"] + 0.02 * people["x"] + random.normal(0, 0.5, len(people))).round(3),
    )


@pytest.mark.parametrize("sets", grid.SETS)
@pytest.mark.parametrize("model", grid.MODELS)
def test_no_cell_is_silent(told: pd.DataFrame, model: str, sets: str, record_property) -> None:
    otherwise, every = grid.told_otherwise(told), grid.frequencies_expanded(told)
    cells: Counter[str] = Counter()
    for row in grid.rows():
        if (row.model, row.sets) != (model, sets):
            continue
        ours = grid.answers(row, told, 1.0, ("a", "c"))
        first = next(iter(ours.values()))
        if isinstance(first, str) and first.startswith("fit: "):
            assert grid.matches(first, FIT), f"{row}: {first}"
            cells["refused"] += len(ours)
            continue
        others = [grid.answers(row, otherwise, grid.SCALE, ("1st", "3rd"))]
        if row.weights == "frequency":
            others.append(grid.answers(row, every, 1.0, ("a", "c"), expanded=True))
        for question, answer in ours.items():
            if isinstance(answer, str):
                assert grid.matches(answer, REFUSED.get(question, ())), f"{row}, {question}: {answer}"
                cells["refused"] += 1
                continue
            for other in (
                others[:1] if question == "incidence" else others
            ):  # incidence is of rows, and takes no weights
                assert not isinstance(other[question], str), f"{row}, {question}: {other[question]}"
                assert grid.agree(answer, other[question]), f"{row}, {question}: {answer} and {other[question]}"
            cells["answered"] += 1
    print(f"{model}, {sets}: {cells['answered']} cells answer, {cells['refused']} refuse in words")
    record_property("cells", sum(cells.values()))
    assert sum(cells.values()) == 144 * len(ours)
