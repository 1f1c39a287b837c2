"""NHANES III as declared in cohorts/nhanes3.toml, against an independent reading with plain pandas."""

from __future__ import annotations

import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.cohort.cohort import Cohort
from riskkit.cohort.read import read
from riskkit.errors import DataError
from riskkit.spec.cohort import load_cohort_spec

TOML = Path(__file__).resolve().parents[2] / "cohorts" / "nhanes3.toml"
CAUSES = {"heart": ["001"], "cerebrovascular": ["005"], "cardiovascular": ["001", "005"], "cancer": ["002"]}


@pytest.fixture(scope="module")
def cohort(nhanes3: Cohort) -> Cohort:
    return nhanes3


@pytest.fixture(scope="module")
def plain(mirror: Path) -> pd.DataFrame:
    """The 6,061 people of the surplus-serum file with the raw text of the other files, read with pandas alone."""
    folder = mirror / "nhanes3"
    frame = pd.read_sas(folder / "SSIGF.XPT").astype({"SEQN": int})
    layout = pd.read_csv(folder / "layout.csv").dropna(subset="start")
    for name in ("ADULT.DAT", "EXAM.DAT", "LAB.DAT", "NHANES_III_MORT_2019_PUBLIC.dat"):
        columns = layout[layout["file"] == name].astype({"start": int, "end": int})
        path = next(p for p in (folder / name, folder / f"{name}.gz") if p.exists())
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as stream:
            lines = pd.Series(stream.read().decode("ascii").splitlines())
        cut = {c.variable: lines.str.slice(c.start - 1, c.end).str.strip() for c in columns.itertuples()}
        cells = pd.DataFrame(cut).astype({"SEQN": int})
        fresh = ["SEQN", *(column for column in cells if column not in frame)]
        frame = frame.merge(cells[fresh], on="SEQN", how="left", validate="1:1")
    return frame


def test_the_flow_begins_with_everyone_and_adds_up(cohort: Cohort, plain: pd.DataFrame) -> None:
    steps = cohort.flow
    assert (steps[0].removed, steps[0].remaining) == (0, len(plain)) == (0, 6061)
    for before, after in pairwise(steps):
        assert after.remaining == before.remaining - after.removed
    assert steps[-1].remaining == len(cohort.data)
    removed = {step.label: step.removed for step in steps[1:]}
    eligible = plain["ELIGSTAT"] == "1"
    followed = pd.to_numeric(plain["PERMTH_EXM"], errors="coerce")
    assert removed == {
        "Not eligible for linkage to death records": (~eligible).sum(),
        "No follow-up from the examination": (eligible & followed.isna()).sum(),
        "Followed for less than one month": (eligible & (followed == 0)).sum(),
        "No IGF-I result": (eligible & (followed > 0) & plain["IGP_I"].isna()).sum(),
    }
    kept = eligible & (followed > 0) & plain["IGP_I"].notna()
    assert cohort.data["id"].tolist() == plain.loc[kept, "SEQN"].tolist()
    assert not {32662, 36858} & set(cohort.data["id"])  # the two without IGF-I, as the data's own notes say


def test_deaths_and_person_months(cohort: Cohort, plain: pd.DataFrame) -> None:
    rows = plain.set_index("SEQN").loc[cohort.data["id"]]
    months = rows["PERMTH_EXM"].astype(int).to_numpy()
    assert cohort.time_unit == "months"
    np.testing.assert_array_equal(cohort.data["follow_up"], months)
    np.testing.assert_array_equal(cohort.data["age_exit"] - cohort.data["age_entry"], months)
    np.testing.assert_array_equal(cohort.data["age_entry"], 12 * rows["HSAGEIR"].astype(int))
    died = (rows["MORTSTAT"] == "1").to_numpy()
    np.testing.assert_array_equal(cohort.data["all_causes"], died)
    for name, codes in CAUSES.items():
        assert cohort.data[name].dtype == np.int8
        np.testing.assert_array_equal(cohort.data[name], died & rows["UCOD_LEADING"].isin(codes).to_numpy())
    assert not cohort.data[[*CAUSES, "all_causes"]].isna().any(axis=None)


def test_the_exposures_are_bit_for_bit_those_of_the_transport_file(cohort: Cohort, plain: pd.DataFrame) -> None:
    rows = plain.set_index("SEQN").loc[cohort.data["id"]]
    np.testing.assert_array_equal(cohort.data["igf1"], rows["IGP_I"])
    np.testing.assert_array_equal(cohort.data["igfbp3"], rows["IGP_BP3"])
    # 1 mol of IGF-I is 7,649 g and of IGFBP-3 28,500 g; both in ng/mL
    expected = (rows["IGP_I"] / 7649) / (rows["IGP_BP3"] / 28500)
    np.testing.assert_allclose(cohort.data["igf1_igfbp3_ratio"], expected, rtol=1e-12)


def test_every_number_of_the_other_files(cohort: Cohort, plain: pd.DataFrame) -> None:
    """Each declared number against the raw text at the positions of layout.csv, eights taken for missing."""
    rows = plain.set_index("SEQN").loc[cohort.data["id"]]
    spec = load_cohort_spec(TOML)
    checked = 0
    for name, variable in spec.variables.items():
        if variable.kind != "number" or variable.file == "igf":
            continue
        text = rows[variable.column]
        values = pd.to_numeric(text.where(~text.isin(variable.missing)), errors="coerce")
        np.testing.assert_array_equal(cohort.data[name], values, err_msg=name)
        checked += 1
    assert checked == 24


def test_positions_are_those_of_the_layout(mirror: Path) -> None:
    layout = pd.read_csv(mirror / "nhanes3" / "layout.csv").dropna(subset="start").set_index(["file", "variable"])
    spec = load_cohort_spec(TOML)
    for variable in spec.variables.values():
        if variable.columns is not None:
            row = layout.loc[(spec.files[variable.file].path, variable.column)]
            assert variable.columns == (row["start"], row["end"])
            if row["missing_code"] == row["missing_code"] and str(row["missing_code"]).startswith("8"):
                assert variable.missing == (str(row["missing_code"]),)


def test_smoking_and_other_categories(cohort: Cohort, plain: pd.DataFrame) -> None:
    rows = plain.set_index("SEQN").loc[cohort.data["id"]].reset_index()
    expected = pd.Series(np.where(rows["HAR1"] == "2", "Never", np.where(rows["HAR3"] == "1", "Current", "Former")))
    assert cohort.data["smoking"].astype(str).tolist() == expected.tolist()
    assert cohort.data["smoking"].cat.categories.tolist() == ["Never", "Former", "Current"]
    assert cohort.variables["smoking"].missing == {}
    assert (cohort.data["sex"] == "Female").sum() == (rows["HSSEX"] == "2").sum()
    assert cohort.variables["smokes_now"].missing == {"blank": (rows["HAR1"] == "2").sum()}


def test_what_is_missing_or_coded_is_said(cohort: Cohort, plain: pd.DataFrame) -> None:
    rows = plain.set_index("SEQN").loc[cohort.data["id"]]
    variables = cohort.variables
    assert variables["igfbp3"].missing == {"blank": 1}
    assert variables["poverty_ratio"].missing == {"code 888888": (rows["DMPPIR"] == "888888").sum()}
    assert variables["age"].top_coded == (rows["HSAGEIR"] == "90").sum() > 0
    assert variables["crp"].bottom_coded == (rows["CRP"].str.strip("0 ") == ".21").sum() > 0
    assert str(variables["age"].note).startswith("90 means 90 or older.")
    assert not cohort.simulated


def test_homa_needs_a_fast_and_raised_hba1c_is_missing_where_hba1c_is(cohort: Cohort) -> None:
    data = cohort.data
    np.testing.assert_allclose(
        data["homa_ir"], (data["insulin"] * data["glucose"] / 405).where(data["fasting_hours"] >= 6)
    )
    assert data["raised_hba1c"].isna().equals(data["hba1c"].isna())
    assert data["raised_hba1c"].sum() == (data["hba1c"] >= 6.5).sum() > 0


def test_sources_are_the_mirrors_files(cohort: Cohort) -> None:
    """SHA-256 as the mirror's own PROVENANCE.md gives it."""
    found = {source.file: source.sha256 for source in cohort.sources}
    assert found["SSIGF.XPT"] == "1215cb70a681300e92a53d9a66bdc9e4412b010d23b10436f4c2d9c68cb3ca25"
    assert (
        found["NHANES_III_MORT_2019_PUBLIC.dat"] == "224293447dbb8ec9412acf05441ab7d271124a17419dba6cf236ae36d5dd5b98"
    )


def test_a_truncated_adult_file_is_refused(mirror: Path, tmp_path: Path) -> None:
    spec = load_cohort_spec(TOML)
    with gzip.open(mirror / "nhanes3" / "ADULT.DAT.gz") as stream:
        start = stream.read(3348 * 20)
    (tmp_path / "ADULT.DAT").write_bytes(start[:-400])
    with pytest.raises(DataError, match=r"line 20 has 2,948 characters where a record has 3,346"):
        read(tmp_path / "ADULT.DAT", spec.files["adult"], "SEQN", {"sex": spec.variables["sex"]})
