"""Nonsense in an analysis file is refused where the file is read, by its place, before anything is fitted."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_cohort import cohort_of, made_analysis, made_cohort, made_people, made_project

from riskkit.errors import DataError, SpecError
from riskkit.runner import run
from riskkit.spec.analysis import load_analysis

COHORT = made_cohort("bmi", "sex", "cause", outcomes='death = { label = "Death", event = "cause != \'no\'" }\n')
GOOD = made_analysis("""
outcomes = ["death"]
level = 0.95
[exposures.marker]
spline = 4
[[models]]
name = "main"
label = "Main"
covariates = ["sex", "bmi"]
[[sensitivity]]
name = "late"
label = "Late"
lag = 2.0
[robustness]
bootstrap = 0
influence = 0
[imputation]
m = 5
iterations = 5
""")


def written(folder: Path, old: str, new: str) -> Path:
    assert old in GOOD
    return made_project(folder, made_people(200), COHORT, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("level = 0.95", "level = 0.999999999999", r"level: must be at most 0\.999"),
        ("level = 0.95", "level = 1e-9", r"level: must be at least 0\.5"),
        ("lag = 2.0", "lag = 1e9", r"sensitivity\[1\]\.lag: must be at most 100"),
        ("bootstrap = 0", f"bootstrap = {10**18}", r"robustness\.bootstrap: must be at most 100000"),
        ("influence = 0", f"influence = {10**9}", r"robustness\.influence: must be at most"),
        ("m = 5", f"m = {10**9}", r"imputation\.m: must be at most 1000"),
        ("iterations = 5", f"iterations = {10**9}", r"imputation\.iterations: must be at most 1000"),
        ("spline = 4", f"spline = {[float(k) for k in range(40)]}", r"exposures\.marker\.spline: must be at most 10"),
        ("spline = 4", f"groups = {[float(k) for k in range(40)]}", r"exposures\.marker\.groups: must be at most 19"),
        ("spline = 4", "per = 1e-300", r"exposures\.marker\.per: must be 1e-09 to 1e\+09"),
        ("spline = 4", 'per = "..5 nmol/L"', r"exposures\.marker\.per: must be 'sd', a number, or an amount"),
        ("spline = 4", 'per = "5.5.5 nmol/L"', r"exposures\.marker\.per: '5\.5\.5 nmol/L'"),
        ('["sex", "bmi"]', '["sex", "cause"]', r"covariates\[2\]: 'cause' says how long .* no covariate"),
        ('["sex", "bmi"]', '["sex", "years"]', r"covariates\[2\]: 'years' says how long .* no covariate"),
        ('["sex", "bmi"]', '["sex", "cluster(bmi)"]', r"covariates\[2\]: .*cluster\(...\) is no covariate"),
        ('["sex", "bmi"]', '["sex", "offset(bmi)"]', r"covariates\[2\]: .*offset\(...\) is no covariate"),
        ('["sex", "bmi"]', '["sex", "bmi**100000"]', r"covariates\[2\]: .*more than 20,000 terms"),
        (
            'label = "Late"',
            f'label = "{"x" * 300}"',
            r"sensitivity\[1\]\.label: is 300 characters long; the most is 256",
        ),
        ('label = "Late"', f'label = "a{chr(0x301) * 50}"', r"label: piles more than 8 marks on one letter"),
        ('name = "late"', r'name = "la\nte"', r"name: holds a character that cannot be printed"),
        ('label = "Late"', r'label = "\u0007"', r"label: holds a character that cannot be printed"),
    ],
)
def test_each_is_refused_by_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_analysis(written(tmp_path, old, new))


@pytest.mark.parametrize("label", ["Åge ≥ 40 — ‘old’", "é̂", "年齢", "ग्रुप", "ไม่เคย", "🧪"])
def test_labels_of_every_script_are_labels(tmp_path: Path, label: str) -> None:
    load_analysis(written(tmp_path, 'label = "Late"', f'label = "{label}"'))


@pytest.mark.parametrize(
    ("field", "value"), [("reference", "-1e9"), ("spline", "[1e6, 2e6, 3e6]"), ("groups", "[1.0, 1e9]")]
)
def test_what_lies_outside_the_data_is_refused_before_a_model_is_fitted(tmp_path: Path, field: str, value: str) -> None:
    path = written(tmp_path, "spline = 4", f"{field} = {value}")
    with pytest.raises(DataError, match=rf"exposures\.marker\.{field}: .* lies outside the values of 'marker'"):
        run(path, cohort_of(path))
