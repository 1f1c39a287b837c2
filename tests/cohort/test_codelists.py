"""Code lists: what a code covers, what two lists share, and the lists of UK Biobank's outcomes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from riskkit.cli import main
from riskkit.cohort.codelists import Code, Codelist, Overlap, overlaps, plain, read_codelist, read_codelists
from riskkit.spec.cohort import load_cohort_spec

ROOT = Path(__file__).resolve().parents[2]


def of(name: str, *codes: str) -> Codelist:
    return Codelist(name, tuple(Code("ICD-10", code, "") for code in codes))


@pytest.mark.parametrize(
    ("code", "covered"),
    [
        ("C61", True), ("C61X", True), ("C619", True), ("c61.9", True), (" C61 ", True), ("C50.1", True),
        ("C62", False), ("C6", False), ("D61", False), ("C500", False), ("", False),
    ],
)  # fmt: skip
def test_a_code_covers_the_longer_ones_with_or_without_dot(code: str, covered: bool) -> None:
    assert of("x", "C61", "C501").covers("ICD-10", code) is covered
    assert not of("x", "C61").covers("ICD-9", code)


def test_a_number_that_became_a_fraction_is_whole_again() -> None:
    assert [plain(code) for code in ("1749.0", "174.9", "E950.1", "C50.0")] == ["1749", "1749", "E9501", "C500"]


def test_codes_may_be_written_with_dots(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("system,code,label,source\nICD-10,C50.1,Breast,WHO\nICD-9,174.9,Breast,WHO\nICD-10,I,Chapter,WHO\n")
    assert read_codelist(path).codes == (
        Code("ICD-10", "C501", "Breast"),
        Code("ICD-9", "1749", "Breast"),
        Code("ICD-10", "I", "Chapter"),
    )


def test_overlaps_name_the_longer_of_two_codes_that_meet() -> None:
    lists = {"one": of("a", "C50", "C61"), "other": of("b", "C501", "C509", "C61"), "third": of("c", "I21")}
    assert overlaps(lists) == (Overlap("one", "other", (Code("ICD-10", "C61", ""), *lists["other"].codes[:2])),)


def test_the_lists_of_uk_biobank(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load_cohort_spec(ROOT / "cohorts" / "ukb.toml")
    lists = read_codelists(spec)
    assert len(lists) == 38
    for name, codes in lists.items():
        assert codes.prefixes("ICD-10"), name
        assert codes.prefixes("ICD-9"), name
    outcomes = {name: lists[o.codelist] for name, o in spec.outcomes.items() if o.codelist}
    found = {frozenset((o.one, o.other)): {c.code for c in o.codes} for o in overlaps(outcomes)}
    sites = [o for o in outcomes if spec.outcomes[o].censoring == "cancer" and o != "all_cancer"]
    assert len(sites) == 30
    for pair in found:  # no case counts for two sites; wider outcomes hold narrower ones
        assert len(pair & set(sites)) < 2, pair
    assert {frozenset((site, "all_cancer")) for site in sites} <= set(found)
    assert found[frozenset(("ischaemic_stroke", "stroke"))] == {"I63", "434"}
    assert frozenset(("stroke", "coronary_heart_disease")) not in found

    monkeypatch.setattr(sys, "argv", ["riskkit", "check", str(ROOT / "cohorts" / "ukb.toml")])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0
    printed = capsys.readouterr().out
    assert "lung: Lung cancer, from register, hospital, death.underlying" in printed
    assert "  ICD-10 C33    Malignant neoplasm of trachea" in printed
    assert "  ICD-9  162    Malignant neoplasm of trachea, bronchus and lung" in printed
    assert "ischaemic_stroke and stroke" in printed or "stroke and ischaemic_stroke: I63, 434" in printed
    assert "all_deaths: Death from any cause, from death\n  every record, whatever its code" in printed
