"""Tables of what was published: the shipped ones are right; faults of a wrong one are told by line and column."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.evidence.contrasts import Contrast
from riskkit.evidence.reference import Reference
from riskkit.evidence.side_tables import AGENT_COLUMNS, LEVEL_COLUMNS, read_agents, read_levels, reference_of
from riskkit.evidence.table import COLUMNS, read_published

FOLDER = Path(__file__).resolve().parents[2] / "analyses" / "evidence"
ROW = {
    **dict.fromkeys(COLUMNS, ""),
    "id": "a-2020",
    "study": "A 2020",
    "year": "2020",
    "cohort": "A",
    "design": "cohort",
    "exposure": "IGF-1",
    "outcome": "stroke",
    "population": "adults",
    "contrast": "per unit",
    "per": "5",
    "unit": "nmol/L",
    "measure": "hazard ratio",
    "ratio": "1.20",
    "low": "1.00",
    "high": "1.44",
    "n": "900",
    "cases": "80",
    "pool": "yes",
    "citation": "A (2020)",
    "place": "Table 2",
}


def write(path: Path, rows: list[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def told(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_published(path)
    return str(caught.value)


def test_the_shipped_estimates():
    table = read_published(FOLDER / "estimates.csv")
    assert len(table.rows) == 108
    marked = {row.id for row in table.rows if row.marked}
    assert marked == {
        "renehan-2004-breast-cancer-before-the-menopause-p75",
        "dal-2018-acromegaly-prostate-cancer-danish",
    }
    assert not any(row.pool for row in table.rows if row.marked)
    assert all(row.citation and row.place for row in table.rows)
    found = table.select(outcome="thyroid cancer", contrast="per 5 nmol/L", exposure="IGF-1")
    assert [row.study for row in found] == ["Knuppel 2020", "Qian 2020"]
    (thyroid,) = (row for row in found if row.pool)
    assert (thyroid.ratio, thyroid.low, thyroid.high, thyroid.corrected) == (1.18, 1.01, 1.37, True)
    rahmani = [row for row in table.rows if row.study == "Rahmani 2022" and row.contrast.words == "low against middle"]
    assert [(row.ratio, row.low, row.high) for row in rahmani] == [(1.33, 1.14, 1.57)]
    assert len(table.frame) == 108


def test_the_shipped_levels_and_agents():
    levels, agents = read_levels(FOLDER / "levels.csv"), read_agents(FOLDER / "agents.csv")
    women = reference_of(levels, "UK Biobank women")
    assert women.mean == pytest.approx(np.mean([13.8, 18.0, 20.9, 23.8, 29.4]))
    assert women.unit == "nmol/L"
    assert [women.group(k, 5) for k in range(1, 6)] == pytest.approx([13.8, 18.0, 20.9, 23.8, 29.4], abs=0.8)
    assert {shift.direction for shift in agents if shift.agent == "tamoxifen"} == {"down"}
    with pytest.raises(SpecError, match="all its groups"):
        reference_of(levels, "men, non-Hispanic White")


def test_every_fault_of_a_table_is_told_at_once(tmp_path):
    rows = [
        ROW,
        {**ROW, "id": "a-2020"},
        {**ROW, "id": "b", "ratio": "2.0", "cohort": "B"},
        {**ROW, "id": "c", "low": "1.30", "cohort": "C"},
        {**ROW, "id": "d", "contrast": "groups", "of": "6", "against": "3", "groups": "5", "cohort": "D"},
        {**ROW, "id": "e", "mark": "limits do not fit", "cohort": "E"},
        {**ROW, "id": "f", "pool": "no", "citation": "", "year": "20"},
        {**ROW, "id": "g", "ratio": "x", "cases": "1000.5", "measure": "hazards", "cohort": "G"},
        {**ROW, "id": "h", "ratio": "1.65", "low": "1.26", "high": "2.08", "pool": "maybe", "cohort": "H"},
        {**ROW, "id": "I", "low": "", "high": "", "cohort": "I", "cases": "2000"},
    ]
    message = told(write(tmp_path / "t.csv", rows))
    for part in (
        "line 3, id: 'a-2020' is that of line 2 already.",
        "line 3, pool: the same people (A) and contrast are pooled in line 2; pool one of them.",
        "line 4, ratio: limits 1 to 1.44 do not enclose the estimate, 2.",
        "line 5, ratio: limits 1.3 to 1.44 do not enclose the estimate, 1.2.",
        "line 6, per: says nothing of a contrast 'groups'; leave it empty.",
        "line 7, mark: says 'limits do not fit', but they do.",
        "line 7, pool: a row cannot be pooled when its limits do not fit it.",
        "line 8, citation: is empty.",
        "line 8, year: '20' is no year of publication.",
        "line 8, why: is empty: say why this row is not pooled.",
        "line 9, ratio: 'x' is not a number.",
        "line 9, cases: '1000.5' is not a count of people.",
        "line 9, measure: 'hazards' is not one of",
        "line 10, mark: is empty, but its limits, 1.26 to 2.08, are those of an estimate of 1.62, but it is 1.65;",
        "line 10, pool: 'maybe' is not one of yes, no.",
        "line 11, id: 'I' is not made of small letters, digits and hyphens.",
        "line 11, pool: a row cannot be pooled when it has no limits.",
        "line 11, cases: 2000 are more than n, 900.",
    ):
        assert part in message
    assert message.startswith(f"{tmp_path / 't.csv'}: {message.count(chr(10))} faults")


def test_risk_of_bias_stands_in_columns_of_its_own(tmp_path):
    columns = (*COLUMNS, "bias_confounding", "bias_measurement")
    row = {**ROW, "bias_confounding": "some", "bias_measurement": ""}
    assert read_published(write(tmp_path / "t.csv", [row], columns)).rows[0].bias == (("confounding", "some"),)
    message = told(write(tmp_path / "t.csv", [{**row, "bias_measurement": "unclear"}], columns))
    assert "line 2, bias_measurement: 'unclear' is not one of low, some, high, or empty." in message


def test_columns_and_cells_that_are_not_there(tmp_path):
    assert "there is no such file" in told(tmp_path / "none.csv")
    short = tmp_path / "s.csv"
    short.write_text(",".join(c if c != "notes" else "note" for c in COLUMNS) + "\n")
    message = told(short)
    assert "there is no column 'notes'." in message
    assert "column 'note' is unknown. Did you mean 'notes'?" in message
    ragged = tmp_path / "r.csv"
    ragged.write_text(",".join(COLUMNS) + "\na,b\n")
    assert "line 2: has not as many cells" in told(ragged)
    latin = tmp_path / "l.csv"
    latin.write_bytes("id,\xe9".encode("latin-1"))
    assert "is not UTF-8" in told(latin)


@pytest.mark.parametrize(
    ("cells", "words", "apart"),
    [
        ({"contrast": "per unit", "per": "5", "unit": "nmol/L"}, "per 5 nmol/L", 38.245),
        ({"contrast": "per sd"}, "per SD", 45.0),
        ({"contrast": "groups", "of": "5", "against": "1", "groups": "5"}, "fifth 5 against 1", 45 * 2 * 1.39981),
        ({"contrast": "groups", "of": "1", "against": "2-4", "groups": "5"}, "fifth 1 against 2-4", -45 * 1.39981),
        (
            {"contrast": "groups", "of": "10", "against": "5", "groups": "10"},
            "tenth 10 against 5",
            45 * (1.754983 + 0.125997),
        ),
        ({"contrast": "percentiles", "of": "75", "against": "25"}, "percentile 75 against 25", 45 * 1.34898),
        (
            {"contrast": "percentiles", "of": "0-10", "against": "10-90"},
            "percentile 0-10 against 10-90",
            -45 * 1.754983,
        ),
        ({"contrast": "levels", "of": "100", "against": "170", "unit": "ng/mL"}, "100 against 170 ng/mL", -70.0),
        (
            {"contrast": "levels", "of": ">=150", "against": "<150", "unit": "ng/mL"},
            ">=150 against <150 ng/mL",
            90 * 0.797885,
        ),
        ({"contrast": "named", "of": "low", "against": "middle"}, "low against middle", None),
    ],
)
def test_contrasts_in_words_and_on_a_scale(tmp_path, cells, words, apart):
    blank = dict.fromkeys(("per", "unit", "of", "against", "groups"), "")
    (row,) = read_published(write(tmp_path / "t.csv", [{**ROW, **blank, **cells}])).rows
    assert row.contrast.words == words
    found = row.contrast.difference(Reference(150, 45, "ng/mL", "made up"), {"nmol/L": 7.649})
    assert found is None if apart is None else found == pytest.approx(apart, rel=1e-4)


def test_a_unit_without_a_factor():
    with pytest.raises(SpecError, match="no factor takes 'nmol/L' to 'ng/mL'"):
        Contrast("per unit", 5.0, "nmol/L").difference(Reference(150, 45, "ng/mL", "made up"))


def test_faults_of_levels_and_agents(tmp_path):
    level = dict.fromkeys(LEVEL_COLUMNS, "") | {"id": "x", "mean": "y", "sd": "-1", "group": "3", "groups": "2"}
    with pytest.raises(DataError) as caught:
        read_levels(write(tmp_path / "l.csv", [level | {"occasion": "later"}], LEVEL_COLUMNS))
    for part in (
        "mean: 'y'",
        "sd: -1 is not above zero",
        "there is no group 3 of 2",
        "occasion: 'later'",
        "unit: is empty",
    ):
        assert part in str(caught.value)
    agent = dict.fromkeys(AGENT_COLUMNS, "") | {"id": "x", "change": "-5", "direction": "up", "change_low": "1"}
    with pytest.raises(DataError) as caught:
        read_agents(write(tmp_path / "a.csv", [agent], AGENT_COLUMNS))
    for part in ("is 'up', but the change is -5%", "one limit without the other", "agent: is empty"):
        assert part in str(caught.value)
