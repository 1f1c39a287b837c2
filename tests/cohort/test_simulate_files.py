"""The files of the simulated twin: names, encodings, dates, mess, and written whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.simulate import simulate_ukb, twin
from riskkit.simulate.death_records import OTHER_MENTIONS
from riskkit.simulate.diseases import CANCERS, DISEASES
from riskkit.simulate.follow_up import COVID, OTHER_CAUSES, SUDDEN_VASCULAR
from riskkit.simulate.hospital import BACKGROUND, DIABETES

CODELISTS = Path(__file__).parents[2] / "cohorts" / "codelists"
TABLES = {
    "hesin": ["eid", "ins_index", "dsource", "epistart", "epiend", "admidate", "disdate"],
    "hesin_diag": ["eid", "ins_index", "arr_index", "level", "diag_icd9", "diag_icd10"],
    "death": ["eid", "ins_index", "dsource", "date_of_death"],
    "death_cause": ["eid", "ins_index", "arr_index", "level", "cause_icd10"],
}
FIELDS = [
    "eid", "p31", "p34", "p48_i0", "p49_i0", "p50_i0", "p52", "p53_i0", "p53_i1", "p54_i0", "p54_i1", "p189", "p190",
    "p191", "p738_i0", "p1558_i0", "p2443_i0", "p2724_i0", "p2734_i0", "p2814_i0", "p3456_i0", "p4079_i0_a0",
    "p4079_i0_a1", "p4080_i0_a0", "p4080_i0_a1", "p20116_i0", "p20117_i0", "p21000_i0", "p21001_i0", "p21002_i0",
    "p21003_i0", "p21003_i1", "p21022", "p22032_i0", "p30690_i0", "p30710_i0", "p30750_i0", "p30760_i0", "p30770_i0",
    "p30770_i1", "p30775_i0", "p30775_i1", "p30780_i0", "p30830_i0", "p30850_i0", "p30870_i0",
]  # fmt: skip
# UK Biobank's encodings, by field: 9, 8, 10, 1965, 100294, 100402, 100349, 100579, 90, 1001, 100700, 782.
CENTRES = {10003, *range(11001, 11015), 11016, 11017, 11018, *range(11020, 11024)}
ENCODINGS = {
    "p31": {0, 1}, "p52": set(range(1, 13)), "p54_i0": CENTRES, "p54_i1": {11024}, "p190": {1, 2, 3, 4, 5},
    "p738_i0": {-3, -1, 1, 2, 3, 4, 5}, "p1558_i0": {-3, 1, 2, 3, 4, 5, 6}, "p2443_i0": {-3, -1, 0, 1},
    "p2724_i0": {-3, 0, 1, 2, 3}, "p2814_i0": {-3, -1, 0, 1}, "p20116_i0": {-3, 0, 1, 2},
    "p20117_i0": {-3, 0, 1, 2}, "p22032_i0": {0, 1, 2}, "p30775_i0": {1, 2, 3, 4, 5, 7, 8, 9},
    "p21000_i0": {-3, -1, 1, 2, 3, 4, 5, 6, 1001, 1002, 1003, 2001, 2002, 2003, 2004, 3001, 3002, 3003, 3004, 4001,
                  4002, 4003},
}  # fmt: skip
LAST_DAY = pd.Timestamp("2022-11-30")
ICD10 = re.compile(r"[A-Z]\d{2}[X\d]?[DA]?")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_ukb(tmp_path_factory.mktemp("twin") / "ukb", n=20_000, seed=3)


@pytest.fixture(scope="module")
def participant(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "participant.parquet")


@pytest.fixture(scope="module")
def records(folder: Path) -> dict[str, pd.DataFrame]:
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def codelist(name: str) -> dict[str, list[str]]:
    codes: dict[str, list[str]] = {"ICD-10": [], "ICD-9": []}
    with (CODELISTS / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            codes[row["system"]].append(row["code"])
    return codes


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_participant_table_has_uk_biobanks_names(participant: pd.DataFrame) -> None:
    assert [name for name in participant if not name.startswith("p400")] == FIELDS
    registered = [name for name in participant if name.startswith("p400")]
    assert {name.split("_i")[0] for name in registered} == {"p40005", "p40006", "p40008", "p40011", "p40012", "p40013"}
    assert {"p40005_i0", "p40006_i1", "p40013_i0"} <= set(registered)


def test_the_record_tables_have_uk_biobanks_names(records: dict[str, pd.DataFrame]) -> None:
    assert {name: list(table) for name, table in records.items()} == TABLES


@pytest.mark.parametrize("field", ENCODINGS)
def test_no_code_outside_its_encoding(participant: pd.DataFrame, field: str) -> None:
    assert set(participant[field].dropna().astype(int)) <= ENCODINGS[field]


def test_special_codes_are_used(participant: pd.DataFrame) -> None:
    for field, code in (("p20116_i0", -3), ("p2443_i0", -1), ("p3456_i0", -10), ("p738_i0", -1), ("p21000_i0", -3)):
        assert (participant[field] == code).any(), field


def test_missingness_is_as_in_uk_biobank(participant: pd.DataFrame) -> None:
    missing = participant.isna().mean()
    assert missing["p30770_i0"] == pytest.approx(1 - 468059 / 502150, abs=0.01)
    assert missing["p30760_i0"] == pytest.approx(1 - 431833 / 502150, abs=0.02)
    assert missing["p21001_i0"] < 0.02
    repeated = participant.loc[participant["p30770_i0"].notna(), "p30770_i1"].notna().mean()
    assert repeated == pytest.approx(0.036, abs=0.006)
    # A sample without a result says why, and a result has no reason to be missing.
    reason, result = participant["p30775_i0"].notna(), participant["p30770_i0"].notna()
    assert reason.any()
    assert not (reason & result).any()
    women_only = participant.loc[participant["p31"] == 1, ["p2724_i0", "p2734_i0", "p2814_i0"]]
    assert women_only.isna().all(axis=None)


def test_dates_are_dates_and_in_order(participant: pd.DataFrame, records: dict[str, pd.DataFrame]) -> None:
    baseline = pd.to_datetime(participant["p53_i0"])
    assert baseline.between("2006-03-13", "2010-10-01").all()
    revisit = pd.to_datetime(participant["p53_i1"]).dropna()
    assert revisit.between("2012-08-01", "2013-06-30").all()
    years = (baseline.dt.year - participant["p34"]) - (baseline.dt.month < participant["p52"])
    assert (years - participant["p21022"]).isin([0, 1]).all()
    death = records["death"].set_index("eid")
    died = pd.to_datetime(death["date_of_death"])
    assert died.max() <= LAST_DAY
    known = died[~died.index.duplicated()].reindex(participant["eid"])
    assert (known.to_numpy() > baseline.to_numpy())[known.notna()].all()
    for field in (name for name in participant if name.startswith("p40005")):
        entered = pd.to_datetime(participant[field])
        assert entered.dropna().between("1957-01-01", "2021-11-30").all()
        assert not (entered.to_numpy() > known.to_numpy())[known.notna()].any()
    hesin = records["hesin"]
    admitted = pd.to_datetime(hesin["admidate"]).dropna()
    assert admitted.between("1981-01-01", "2022-10-31").all()
    after_death = pd.to_datetime(hesin["admidate"]).to_numpy() > known.reindex(hesin["eid"]).to_numpy()
    assert not after_death.any()
    assert (admitted == "2022-10-31").any()


def test_codes_are_icd_codes_and_each_revision_is_in_its_time(
    participant: pd.DataFrame, records: dict[str, pd.DataFrame]
) -> None:
    known10 = {code for d in DISEASES for code in d.icd10} | {code for code, _ in BACKGROUND} | {DIABETES}
    shown = set(records["hesin_diag"]["diag_icd10"].dropna())
    assert all(ICD10.fullmatch(code) for code in shown)
    assert {code.rstrip("XDA") for code in shown} == known10
    assert shown - known10
    assert participant["p40006_i0"].dropna().isin(known10).all()
    modern = pd.to_datetime(participant["p40005_i0"]) >= "1995-01-01"
    assert not (modern & participant["p40013_i0"].notna()).any()
    assert participant["p40013_i0"].notna().any()
    diagnoses = records["hesin_diag"].merge(records["hesin"], on=["eid", "ins_index"])
    old = pd.to_datetime(diagnoses["admidate"]) < "1996-04-01"
    assert (diagnoses["diag_icd9"].notna() <= old | diagnoses["admidate"].isna()).all()
    assert diagnoses["diag_icd9"].notna().any()
    assert (records["hesin_diag"]["level"] == np.where(records["hesin_diag"]["arr_index"] == 0, 1, 2)).all()


def test_every_case_is_on_its_list_and_nothing_else_is() -> None:
    for cancer in CANCERS:
        listed = codelist(cancer.name)
        assert all(code.startswith(tuple(listed["ICD-10"])) for code in cancer.icd10), cancer.name
        assert all(code.startswith(tuple(listed["ICD-9"])) for code in cancer.icd9), cancer.name
        for other in DISEASES:
            if other is not cancer:
                assert not any(code.startswith(tuple(listed["ICD-10"])) for code in other.icd10)
                assert not any(code.startswith(tuple(listed["ICD-9"])) for code in other.icd9)
    events = ["coronary_heart_disease", "myocardial_infarction", "heart_failure", "stroke", "all_cancer"]
    listed10 = tuple(code for name in events for code in codelist(name)["ICD-10"])
    elsewhere = [*(code for code, _ in BACKGROUND), DIABETES, *SUDDEN_VASCULAR, *OTHER_CAUSES, *OTHER_MENTIONS, COVID]
    assert not [code for code in elsewhere if code.startswith(listed10)]
    cardiovascular = tuple(codelist("cardiovascular_death")["ICD-10"])
    assert all(code.startswith(cardiovascular) for code in SUDDEN_VASCULAR)
    assert not any(code.startswith(cardiovascular) for code in OTHER_CAUSES)


def test_the_mess_of_a_real_extract_is_there(
    folder: Path, participant: pd.DataFrame, records: dict[str, pd.DataFrame]
) -> None:
    known = set(participant["eid"])
    hesin, diagnoses = records["hesin"], records["hesin_diag"]
    assert diagnoses.duplicated().any()
    assert hesin["admidate"].isna().any()
    assert (hesin["epistart"].isna() & hesin["admidate"].notna()).any()
    assert set(hesin["eid"]) - known
    assert set(records["death"]["eid"]) - known
    keys = pd.MultiIndex.from_frame(hesin[["eid", "ins_index"]])
    assert not keys.has_duplicates
    assert (~pd.MultiIndex.from_frame(diagnoses[["eid", "ins_index"]]).isin(keys)).any()
    behaviour = participant.filter(regex="^p40012_").stack()
    assert {0, 1, 2, 3} == set(behaviour.astype(int))
    withdrawn = [int(line) for line in (folder / "withdrawals.csv").read_text().split()]
    assert 0 < len(known.intersection(withdrawn)) < len(withdrawn)


def test_hospitals_see_cancers_before_and_after_the_register(
    participant: pd.DataFrame, records: dict[str, pd.DataFrame]
) -> None:
    diagnoses = records["hesin_diag"].merge(records["hesin"], on=["eid", "ins_index"])
    of_breast = diagnoses[diagnoses["diag_icd10"].str.startswith("C50", na=False)]
    first = pd.to_datetime(of_breast["admidate"]).groupby(of_breast["eid"]).min()
    breast = participant[participant["p40006_i0"].str.startswith("C50", na=False)].set_index("eid")
    registered = pd.to_datetime(breast["p40005_i0"])
    both = pd.concat([first, registered], axis=1).dropna()
    later = (both["admidate"] > both["p40005_i0"]).mean()
    assert 0.3 < later < 0.8
    assert len(registered.index.difference(first.index)) > 0


def test_truth_is_complete_and_says_simulated(folder: Path) -> None:
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert truth["simulated"] is True
    assert (truth["n"], truth["seed"]) == (20_000, 3)
    assert {cancer.name for cancer in CANCERS} < set(truth["outcomes"])
    assert set(truth["outcomes"]) == {path.stem for path in CODELISTS.glob("*.csv")}
    assert truth["outcomes"]["stroke"]["nadir"] == 22.5
    assert truth["outcomes"]["pancreas"]["log_hazard_ratio_per_5"] == 0.0
    assert truth["igf1"]["dilution_ratio"]["marginal"] == pytest.approx(0.75, abs=0.01)
    assert truth["hazards"]["prostate"]["log_hazard_at_60"]["women"] is None


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one = digests(simulate_ukb(tmp_path / "one", n=3_000, seed=8))
    two = digests(simulate_ukb(tmp_path / "two", n=3_000, seed=8))
    other = digests(simulate_ukb(tmp_path / "other", n=3_000, seed=9))
    assert one == two
    assert all(one[name] != other[name] for name in one)


def test_csv_holds_what_parquet_holds(tmp_path: Path) -> None:
    parquet = simulate_ukb(tmp_path / "parquet", n=1_000, seed=4)
    text = simulate_ukb(tmp_path / "csv", n=1_000, seed=4, form="csv")
    for name in ("participant", *TABLES):
        expected = pd.read_parquet(parquet / f"{name}.parquet").astype("string")
        found = pd.read_csv(text / f"{name}.csv", dtype="string")
        numbers = [column for column in expected if re.match(r"p(30|21001|189|50_|21002|40008)", column)]
        pd.testing.assert_frame_equal(found[numbers].astype(float), expected[numbers].astype(float))
        words = [column for column in expected if column.startswith(("eid", "p40006", "p53", "diag_icd10", "cause"))]
        pd.testing.assert_frame_equal(found[words], expected[words])


def test_progress_is_reported_from_start_to_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    simulate_ukb(tmp_path / "ukb", n=500, on_progress=lambda *step: seen.append(step))
    assert [done for done, _, _ in seen] == list(range(len(twin.STEPS) + 1))
    assert seen[-1] == (len(twin.STEPS), len(twin.STEPS), "done")


def test_a_failure_leaves_the_earlier_twin_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = simulate_ukb(tmp_path / "ukb", n=500, seed=1)
    before = digests(folder)

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(twin, "death_tables", fail)
        with pytest.raises(OSError, match="no space left"):
            simulate_ukb(folder, n=500, seed=2)
    assert digests(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["ukb"]
    assert digests(simulate_ukb(folder, n=500, seed=2)) != before
    assert [path.name for path in tmp_path.iterdir()] == ["ukb"]


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(DataError, match=r"no simulated twin.*Name an empty or new folder"):
        simulate_ukb(tmp_path, n=500)
    with pytest.raises(DataError, match="is a file"):
        simulate_ukb(tmp_path / "thesis.docx", n=500)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 10}, r"from 100 to 2,000,000; got 10"),
        ({"n": 5e4}, r"a whole number"),
        ({"seed": -1}, r"seed must be a whole number from 0 on; got -1"),
        ({"form": "xlsx"}, r"'parquet' or 'csv'; got 'xlsx'"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        simulate_ukb(tmp_path / "ukb", **arguments)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
