"""The survey design of a cohort: read before anyone is left out, kept in its file, checked."""

from __future__ import annotations

import pytest
from five_people import PEOPLE, MakeCohort

from riskkit.cohort.build import load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.cohort.survey import Sampling
from riskkit.errors import DataError, SpecError

SAMPLED = "".join(
    f"{line},{drawn}\n"
    for line, drawn in zip(
        PEOPLE.splitlines(), ("W,STRATUM,PSU", "10,1,1", "20,1,2", "30,2,1", "40,2,2", "50,1,1"), strict=True
    )
)
DESIGN = """
[design]
weights = "w"
strata = "stratum"
psu = "psu"
nested = true
population = "the adults of Sweden"

[follow_up]"""
VARIABLES = "".join(
    f'[variables.{name}]\nsource = "people.{name.upper()}"\nlabel = "{name}"\nkind = "number"\n\n'
    for name in ("w", "stratum", "psu")
)


def declared(design: str = DESIGN) -> tuple[tuple[str, str], ...]:
    return (("[variables.age]", VARIABLES + "[variables.age]"), ("\n[follow_up]", design))


def test_the_design_holds_the_units_of_people_who_were_left_out(five: MakeCohort, tmp_path) -> None:
    cohort = load_cohort(five(declared(), people=SAMPLED))
    assert cohort.design == Sampling(
        weights="w", psu="psu", strata="stratum", nested=True, lonely_psu="fail", population="the adults of Sweden",
        note="", n=5, units=((1, 1), (1, 2), (2, 1), (2, 2)),
    )  # fmt: skip
    assert cohort.data["stratum"].tolist() == [1, 1, 1]
    cohort.write(tmp_path / "five.parquet")
    assert Cohort.read(tmp_path / "five.parquet").design == cohort.design


def test_a_cohort_without_a_design_has_none(five: MakeCohort, tmp_path) -> None:
    cohort = load_cohort(five())
    assert cohort.design is None
    cohort.write(tmp_path / "five.parquet")
    assert Cohort.read(tmp_path / "five.parquet").design is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("10,1,1", ",1,1", "design: 'w' is missing for 1 of 5 people"),
        ("40,2,2", "0,2,2", "design: 'w' must be positive; it is not for 1 people"),
        ("30,2,1", "30,2,", "design: 'psu' is missing for 1 of 5 people"),
    ],
)
def test_everyone_sampled_has_a_place_in_the_design(five: MakeCohort, old: str, new: str, message: str) -> None:
    assert old in SAMPLED
    with pytest.raises(DataError, match=message):
        load_cohort(five(declared(), people=SAMPLED.replace(old, new)))


def test_a_design_names_variables_of_the_cohort(five: MakeCohort) -> None:
    with pytest.raises(SpecError, match=r"design\.strata: there is no variable 'stratums'.*'stratum'"):
        load_cohort(five(declared(DESIGN.replace('strata = "stratum"', 'strata = "stratums"')), people=SAMPLED))
