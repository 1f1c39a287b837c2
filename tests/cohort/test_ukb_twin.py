"""cohorts/ukb.toml on its simulated twin: held to another reading of the raw tables, and to what was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.cohort.build import build
from riskkit.cohort.cohort import Cohort
from riskkit.simulate import simulate_ukb
from riskkit.simulate.diseases import DISEASES
from riskkit.simulate.follow_up import CANCER_END, HOSPITAL_END
from riskkit.simulate.twin import Twin, draw_twin
from riskkit.spec.cohort import CohortSpec, load_cohort_spec

ROOT = Path(__file__).resolve().parents[2]
PEOPLE, SEED = 6000, 11
EPOCH = pd.Timestamp("1970-01-01")


@dataclass(frozen=True)
class Built:
    folder: Path
    spec: CohortSpec
    cohort: Cohort
    twin: Twin


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = simulate_ukb(tmp_path_factory.mktemp("raw") / "ukb", n=PEOPLE, seed=SEED)
    spec = load_cohort_spec(ROOT / "cohorts" / "ukb.toml")
    return Built(folder, spec, build(spec, folder), draw_twin(PEOPLE, SEED))


def days(dates: pd.Series) -> pd.Series:
    return (pd.to_datetime(dates) - EPOCH).dt.days.astype(float)


def diagnoses(folder: Path) -> pd.DataFrame:
    """Every coded record in one frame (eid, source, level, code, day), read by pandas."""
    participant, hesin, coded, death, causes = (
        pd.read_parquet(folder / f"{name}.parquet")
        for name in ("participant", "hesin", "hesin_diag", "death", "death_cause")
    )
    frames = []
    for i in range(22):
        if f"p40005_i{i}" not in participant:
            continue
        one = pd.DataFrame({"eid": participant["eid"], "source": "register", "level": 0})
        one["code"] = participant[f"p40006_i{i}"].fillna(participant.get(f"p40013_i{i}"))
        one["day"] = days(participant[f"p40005_i{i}"])
        frames.append(one[~participant[f"p40012_i{i}"].isin([0, 1, 2])])
    hesin["day"] = days(hesin["epistart"].fillna(hesin["admidate"]).fillna(hesin["epiend"]).fillna(hesin["disdate"]))
    coded = coded.merge(hesin[["eid", "ins_index", "day"]], on=["eid", "ins_index"], how="left")
    coded["code"] = coded["diag_icd10"].fillna(coded["diag_icd9"])
    causes = causes.merge(death.assign(day=days(death["date_of_death"])), on=["eid", "ins_index"], how="left")
    frames += [coded.assign(source="hospital"), causes.assign(source="death", code=causes["cause_icd10"])]
    return pd.concat([frame[["eid", "source", "level", "code", "day"]] for frame in frames]).dropna(subset="code")


def listed(name: str) -> tuple[str, ...]:
    return tuple(pd.read_csv(ROOT / "cohorts" / "codelists" / f"{name}.csv", dtype=str)["code"])


OUTCOMES = {
    "colorectal": ("C18", "C19", "C20", "153", "1540", "1541"),
    "breast": ("C50", "174", "175"),
    "lung": ("C33", "C34", "162"),
    "stroke": ("I60", "I61", "I63", "I64", "430", "431", "434", "436"),
    "myocardial_infarction": ("I21", "I22", "I23", "I241", "I252", "410", "412"),
}


def test_outcomes_are_those_that_pandas_finds_record_by_record(built: Built) -> None:
    records, data = diagnoses(built.folder), built.cohort.data.set_index("id")
    participant = pd.read_parquet(built.folder / "participant.parquet").set_index("eid").loc[data.index]
    death = pd.read_parquet(built.folder / "death.parquet").assign(day=lambda d: days(d["date_of_death"]))
    baseline = days(participant["p53_i0"])
    leave = np.fmin(death.groupby("eid")["day"].min().reindex(data.index), days(participant["p191"]))
    centre, ends = participant["p54_i0"], {}
    for kind, last in (("cancer", CANCER_END), ("hospital", HOSPITAL_END)):
        england, scotland, wales = ((pd.Timestamp(day) - EPOCH).days for day in last)
        ends[kind] = centre.map({11004: scotland, 11005: scotland, 11003: wales, 11022: wales, 11023: wales})
        ends[kind] = np.fmin(leave, ends[kind].fillna(england))

    def first(chosen: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
        """Day of the first record, and who has records without a date only."""
        day = chosen.groupby("eid")["day"].min().reindex(data.index)
        return day, pd.Series(data.index.isin(chosen["eid"]), index=data.index) & day.isna()

    def had(name: str, sources: list[str]) -> pd.Series:
        day, undated = first(records[records["code"].str.startswith(listed(name)) & records["source"].isin(sources)])
        return (day <= baseline) | undated

    cancer = had("all_cancer", ["register", "hospital"])
    vascular = had("coronary_heart_disease", ["hospital"]) | had("heart_failure", ["hospital"])
    vascular |= had("stroke", ["hospital"])
    for name, codes in OUTCOMES.items():
        is_cancer = name in ("colorectal", "breast", "lung")
        sources = ["register", "hospital"] if is_cancer else ["hospital"]
        chosen = records[
            records["code"].str.startswith(codes)
            & (records["source"].isin(sources) | ((records["source"] == "death") & (records["level"] == 1)))
        ]
        day, undated = first(chosen)
        end = ends["cancer" if is_cancer else "hospital"]
        at_risk = ~(cancer if is_cancer else vascular) & ~undated & ~(day <= baseline) & (end > baseline)
        if name == "breast":
            at_risk &= participant["p31"] == 0
        exit_ = np.fmin(day, end)
        event = at_risk & (day <= end)
        assert event.sum() > 20, name
        pd.testing.assert_series_equal(data[f"{name}_at_risk"], at_risk, check_names=False)
        pd.testing.assert_series_equal(data[name], event.astype("int8"), check_names=False)
        pd.testing.assert_series_equal(
            data[f"{name}_follow_up"], (exit_ - baseline).where(at_risk), check_names=False, check_dtype=False
        )


@pytest.mark.parametrize("name", ["colorectal", "prostate", "lung", "melanoma"])
def test_events_are_the_onsets_that_were_drawn(built: Built, name: str) -> None:
    people, follow_up = built.twin.people, built.twin.follow_up
    onset = pd.Series(built.twin.onset[[d.name for d in DISEASES].index(name)].astype(float), index=people.eid)
    data = built.cohort.data.set_index("id")
    data = data[data[f"{name}_at_risk"]]
    until = pd.Series(follow_up.until(CANCER_END, people).astype(float), index=people.eid)[data.index]
    since = pd.Series(people.baseline.astype(float), index=people.eid)[data.index]
    onset = onset[data.index]
    drawn = (onset <= until) & (onset > since)
    assert drawn.sum() > 15
    # An onset is missed where its only record has no date, or its register entry has and a later admission has one.
    assert (drawn != (data[name] == 1)).sum() <= 1
    both = drawn & (data[name] == 1)
    assert ((onset - since)[both] == data.loc[both, f"{name}_follow_up"]).mean() >= 0.98


def test_the_twin_is_marked_and_its_flow_adds_up(built: Built) -> None:
    cohort = built.cohort
    assert cohort.simulated
    assert all(source.origin == f"simulated: {PEOPLE:,} people, seed {SEED}" for source in cohort.sources)
    assert cohort.flow[0].remaining == PEOPLE
    assert [step.label for step in cohort.flow[1:2]] == ["Withdrew consent"]
    for flow in (cohort.flow, *(outcome.flow for outcome in cohort.outcomes.values())):
        assert all(b.remaining == a.remaining - b.removed for a, b in pairwise(flow))
    assert cohort.flow[-1].remaining == len(cohort.data)
    for name, outcome in cohort.outcomes.items():
        assert outcome.flow[-1].remaining == cohort.data[f"{name}_at_risk"].sum()


def test_sexes_are_kept_apart_and_the_repeat_measurement_is_there(built: Built) -> None:
    data = built.cohort.data
    for name, sex in (("breast", "Female"), ("ovary", "Female"), ("prostate", "Male"), ("testis", "Male")):
        assert set(data.loc[data[f"{name}_at_risk"], "sex"]) == {sex}
        assert built.cohort.outcomes[name].only == f"sex == '{sex}'"
    assert 0.02 < data["igf1_repeat"].notna().mean() < 0.06
    assert data["igf1_repeat_years"].dropna().between(1.8, 6.3).all()
    assert np.corrcoef(*data[["igf1", "igf1_repeat"]].dropna().to_numpy().T)[0, 1] > 0.6


def test_ages_are_those_of_the_birthday_in_the_middle_of_the_month(built: Built) -> None:
    data, people = built.cohort.data.set_index("id"), built.twin.people
    true = pd.Series(people.baseline - people.birth, index=people.eid)[data.index]
    assert (data["age_entry"] - true).abs().max() <= 16
    np.testing.assert_allclose(data["age_exit"], data["age_entry"] + data["follow_up"], rtol=0, atol=0)
    assert (data["age"] - np.floor(data["age_entry"] / 365.25)).abs().max() <= 1


def test_the_same_files_give_the_same_bytes(built: Built, tmp_path: Path) -> None:
    built.cohort.write(tmp_path / "one.parquet")
    build(built.spec, built.folder).write(tmp_path / "other.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes()
