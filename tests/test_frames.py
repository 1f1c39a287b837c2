"""Frames are as their schemas say: those of a run's shape by hand too, and nothing else passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from imputed_example import with_imputation
from modified_example import with_interactions, with_robustness
from results_example import example_results, with_correction, without_fits
from variants_example import with_repeats, with_variant_shapes, with_variants, with_weights

from riskkit import registry
from riskkit.errors import DataError
from riskkit.frames import DTYPES, MODEL, frame
from riskkit.manifest import Manifest
from riskkit.results import Results, schemas

SCHEMA = frame(
    "made",
    "One model.",
    "MODEL n estimate converged",
    "MODEL",
    lambda rows, small: rows,
    {"converged": ("flag", "whether it did")},
)
KEY = dict.fromkeys(MODEL, "a")
ROW = pd.DataFrame([{**KEY, "n": 3, "estimate": 0.5, "converged": True}])
MADE: dict[str, Callable[[Results], Results]] = {
    "plain": lambda results: results,
    "correction": with_correction,
    "none fitted": without_fits,
    "variants": with_variants,
    "shapes of variants": lambda results: with_variant_shapes(with_variants(results)),
    "weights": with_weights,
    "repeats": with_repeats,
    "imputation": with_imputation,
    "interactions": with_interactions,
    "robustness": with_robustness,
}


@pytest.mark.parametrize("made", MADE)
def test_example_results_are_as_those_of_a_run(made: str) -> None:
    results = MADE[made](example_results(2, 3))
    assert list(results.frames) == list(schemas())
    for name, schema in schemas().items():
        schema.check(results.frames[name])
    assert Manifest.from_json(results.manifest.to_json()) == results.manifest


def test_examples_have_rows_in_every_frame_but_those_their_tests_fill() -> None:
    results = with_variant_shapes(with_variants(with_correction(example_results(1, 2))))
    for more in (with_weights, with_repeats, with_imputation, with_interactions, with_robustness):
        results = more(results)
    empty = {name for name, each in results.frames.items() if each.empty and not schemas()[name].internal}
    tested = Path(__file__).parent / "questions"  # where newer questions fill their own frames
    own = {
        frame.name
        for question, frames in registry.parts("frames").items()
        for frame in frames
        if any((tested / f"test_{question}{more}.py").is_file() for more in ("", "_question"))
    }
    # Tested of runs, and in tests/report/test_bent_variants.py.
    of_runs = {"by_age_and_sex", "cross_check", "group_splines", "group_covariances", "variant_ends"}
    assert empty - own == of_runs


def test_example_results_are_written_and_read(tmp_path: Path) -> None:
    results = with_robustness(example_results(1, 2))
    results.write(tmp_path / "results")
    again = Results.read(tmp_path / "results")
    assert again.manifest == results.manifest
    for name, each in results.frames.items():
        pd.testing.assert_frame_equal(again.frames[name], each)


def test_rows_get_the_columns_they_lack_in_the_order_of_the_schema() -> None:
    made = SCHEMA.of([pd.DataFrame([{"n": 3, **KEY}]), pd.DataFrame(), ROW.assign(model="b")])
    assert list(made) == [*MODEL, "n", "estimate", "converged"]
    assert made["n"].tolist() == [3, 3]
    assert made["estimate"].isna().tolist() == [True, False]
    assert made["converged"].tolist() == [False, True]
    assert SCHEMA.check(made) is made


@pytest.mark.parametrize("schema", schemas().values(), ids=schemas())
def test_a_frame_without_rows_has_its_columns_and_types(schema) -> None:
    empty = schema.empty()
    assert schema.check(schema.of([])).equals(empty)
    assert [str(dtype) for dtype in empty.dtypes] == [
        str(pd.Series(dtype=DTYPES[column.kind]).dtype) for column in schema.columns
    ]
    assert set(schema.key) <= set(empty)
    assert all(column.meaning for column in schema.columns)


def test_a_missing_column_is_refused() -> None:
    with pytest.raises(DataError, match=r"results, made: .*'estimate' is not there, declared float64"):
        SCHEMA.check(ROW.drop(columns="estimate"))


def test_a_column_that_is_not_declared_is_refused() -> None:
    with pytest.raises(DataError, match="'weight' is int64, declared nowhere"):
        SCHEMA.check(ROW.assign(weight=1))
    with pytest.raises(DataError, match="results, made: no column 'weight' is declared"):
        SCHEMA.of([ROW.assign(weight=1)])


@pytest.mark.parametrize(("column", "value"), [("n", 3.0), ("estimate", 1), ("converged", 1), ("model", 7)])
def test_another_type_is_refused(column: str, value: object) -> None:
    with pytest.raises(DataError, match=f"'{column}' is (int64|float64), declared"):
        SCHEMA.check(ROW.assign(**{column: value}))


def test_another_order_of_columns_is_refused() -> None:
    with pytest.raises(DataError, match="another order"):
        SCHEMA.check(ROW[[*reversed(list(ROW))]])


def test_two_rows_of_one_key_are_refused() -> None:
    with pytest.raises(DataError, match=r"results, made: two rows of .*'model': 'a'"):
        SCHEMA.check(pd.concat([ROW, ROW], ignore_index=True))
    SCHEMA.check(pd.concat([ROW, ROW.assign(model="b")], ignore_index=True))


@pytest.mark.parametrize(("column", "value"), [("n", float("nan")), ("n", "three"), ("estimate", "much")])
def test_rows_of_another_kind_are_refused(column: str, value: object) -> None:
    with pytest.raises(DataError, match=f"results, made: '{column}' is not (whole|number)"):
        SCHEMA.of([ROW.astype(object).assign(**{column: value})])
