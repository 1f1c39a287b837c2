"""Tables that are asked for from Python: Table 1, models side by side, and the forms they are shown and written in."""

from __future__ import annotations

import json
from pathlib import Path

import docx
import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.describe.characteristics import characteristics
from riskkit.errors import DataError, SpecError
from riskkit.tables.table import Column, Row, Table
from riskkit.tables.table_one import Plain

R = json.loads((Path(__file__).resolve().parents[1] / "reference" / "table_one.json").read_text())
RUDE = Table("<b>&", (Column("a_b", numeric=False), Column("50%", group="<i>")), (Row(("<x>\n[y]", "1")),), ("$n$",))


def people(n: int = 400) -> pd.DataFrame:
    r = np.random.default_rng(7)
    data = pd.DataFrame({"age": r.normal(60, 8, n), "bmi": r.normal(26, 4, n), "smoker": r.integers(0, 2, n)})
    data["sex"] = r.choice(["Men", "Women"], n)
    data["time"] = r.exponential(10, n)
    data["event"] = (data["time"] < 12).astype(int)
    data["w"] = r.uniform(0.5, 2, n)
    return data.assign(bmi=data["bmi"].mask(data.index < 9))


DATA = people()


def cell(table: Table, row: str, column: int) -> str:
    return next(found.cells[column] for found in table.rows if found.cells[0] == row)


def test_weighted_numbers_are_those_of_the_survey_package() -> None:
    data = pd.DataFrame({"age": R["age"], "education": pd.Categorical(R["education"], R["levels"])})
    variables = {"age": Plain("Age", "number"), "education": Plain("Education", "category")}
    everyone = pd.Series("all", index=data.index)
    tidy = characteristics(data, variables, everyone, weights=pd.Series(R["weight"]))
    own = tidy[tidy["group"] == "All"].set_index(["variable", "statistic"])["value"].sort_index()
    assert own["age", "mean"].item() == pytest.approx(R["mean"], rel=1e-10)
    assert own["age", "sd"].item() == pytest.approx(R["sd"], rel=1e-10)
    assert [own["age", name].item() for name in ("q1", "median", "q3")] == pytest.approx(R["quartiles"], rel=1e-10)
    assert own["education", "percent"].tolist() == pytest.approx(R["percent"], rel=1e-10)
    assert own["education", "count"].sum() == len(data)


def test_equal_weights_are_no_weights() -> None:
    variables = {"bmi": Plain("BMI", "number"), "sex": Plain("Sex", "category")}
    plain = characteristics(DATA, variables, DATA["smoker"])
    equal = characteristics(DATA, variables, DATA["smoker"], weights=pd.Series(3.0, index=DATA.index))
    equal = equal[equal["statistic"] != "weight"].reset_index(drop=True)
    pd.testing.assert_frame_equal(plain, equal, rtol=1e-9)


def test_weight_zero_is_nobody_for_weighted_numbers() -> None:
    variables = {"age": Plain("Age", "number")}
    weights = DATA["w"].mask(DATA["sex"] == "Men", 0.0)
    women = DATA[DATA["sex"] == "Women"]
    whole = characteristics(DATA, variables, DATA["smoker"], weights=weights)
    alone = characteristics(women, variables, women["smoker"], weights=women["w"])
    kept = whole["statistic"].isin(["mean", "sd", "q1", "median", "q3", "standardised difference"])
    assert whole.loc[kept, "value"].tolist() == pytest.approx(alone.loc[kept, "value"].tolist(), rel=1e-12)


def test_table_one_knows_kinds_and_groups() -> None:
    table = rk.table_one(DATA, ["age", "smoker", "bmi"], by="sex", labels={"age": "Age, years", "sex": "Sex"})
    assert [column.label for column in table.columns[:4]] == ["", "All", "Men", "Women"]
    assert table.columns[2].group == "Sex"
    assert cell(table, "Missing", 1) == "9"
    men = DATA[DATA["sex"] == "Men"]
    assert cell(table, "People, n", 2) == str(len(men))
    assert cell(table, "Yes", 2).startswith(f"{men['smoker'].sum()} (")
    assert cell(table, "Age, years", 2).startswith(f"{men['age'].mean():.1f} ({men['age'].std():.1f})")


def test_table_one_of_all_columns_leaves_out_groups_weights_and_identifiers() -> None:
    data = DATA.assign(id=range(len(DATA)), note=[f"note {i}" for i in range(len(DATA))])
    rows = [row.cells[0] for row in rk.table_one(data, by="sex", weights="w").rows]
    assert not {"sex", "w", "id", "note"} & set(rows)
    assert {"age", "smoker", "Sum of weights"} <= set(rows)
    assert len(rk.table_one(DATA, ["age"]).columns) == 2  # without groups there is nothing to compare


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"variables": ["aeg"]}, SpecError, "no column 'aeg'.*'age'"),
        ({"variables": "age"}, SpecError, r"\['age'\]"),
        ({"by": "age"}, SpecError, "cut it first"),
        ({"variables": ["age"], "by": "constant"}, SpecError, "same 'constant'"),
        ({"weights": "bmi"}, DataError, "9 people have no weight"),
        ({"weights": [1.0]}, SpecError, "name of a column"),
    ],
)
def test_table_one_refuses_in_words(arguments, kind, message) -> None:
    with pytest.raises(kind, match=message):
        rk.table_one(DATA.assign(constant="x"), **arguments)


def test_people_without_a_group_are_told() -> None:
    table = rk.table_one(DATA.assign(sex=DATA["sex"].mask(DATA.index < 5)), ["age"], by="sex")
    assert "5 people have no sex" in table.notes[-1]


def test_models_side_by_side_say_what_fits_say() -> None:
    crude = rk.cox("Surv(time, event) ~ age + sex", DATA)
    curved = rk.cox("Surv(time, event) ~ age + rcs(bmi, 4)", DATA)
    table = rk.table({"Crude": crude, "Adjusted": curved}, labels={"age": "Age"})
    tidy = crude.tidy().set_index("term").loc["age"]
    assert cell(table, "Age", 1) == f"{tidy['ratio']:.2f} ({tidy['low']:.2f}–{tidy['high']:.2f})"
    assert cell(table, "sex=Women", 3) == "–"
    p = rk.anova(curved).query("term == 'bmi'")["p"].iloc[0]
    assert float(cell(table, "bmi (curve)", 4)) == pytest.approx(p, abs=0.005)
    assert cell(table, "Rows", 3) == str(len(DATA) - 9)
    assert any("different rows" in note for note in table.notes)
    assert not any("different rows" in note for note in rk.table([crude, crude]).notes)


def test_differences_of_linear_models_are_differences() -> None:
    fit = rk.linear("bmi ~ age", DATA)
    row = fit.tidy().set_index("term").loc["age"]
    text = cell(rk.table(fit), "age", 1).replace("−", "-")
    value, low, high = (float(part) for part in text.replace("(", "").replace(")", "").replace(" to", "").split())
    assert [value, low, high] == pytest.approx(
        [row["estimate"], row["difference_low"], row["difference_high"]], abs=0.0006
    )
    assert "Intercept" not in [found.cells[0] for found in rk.table(fit).rows]


@pytest.mark.parametrize("wrong", [[], {}, [1], {"a": DATA}])
def test_something_else_than_fits_is_refused(wrong) -> None:
    with pytest.raises(SpecError, match="table:"):
        rk.table(wrong)


def test_nothing_in_a_table_is_markup() -> None:
    html, latex = RUDE._repr_html_(), RUDE.to_latex()
    for shown in ("&lt;b&gt;&amp;", "&lt;x&gt;<br>[y]"):
        assert shown in html
    assert "<i>" not in html
    for shown in (r"a\_b & 50\% \\", "{}[y] & ", r"\$n\$"):
        assert shown in latex


def test_a_table_prints_in_columns() -> None:
    lines = str(rk.table_one(DATA, ["age"], by="sex")).splitlines()
    assert lines[0] == "Characteristics of the people"
    assert "- sex -" in lines[2]
    assert repr(RUDE) == "<Table <b>&: 1 rows, 2 columns>"


def test_a_table_is_written_in_every_form(tmp_path: Path) -> None:
    table = rk.table_one(DATA, ["age", "sex"], by="smoker")
    word = docx.Document(str(table.write(tmp_path / "one.docx")))
    assert word.tables[0].rows[2].cells[0].text == "People, n"
    assert word.tables[0].rows[2].cells[1].text == "400"
    assert table.write(tmp_path / "one.csv").read_text() == table.to_csv()
    assert table.to_html() in table.write(tmp_path / "one.html").read_text()
    assert table.write(tmp_path / "one.tex").read_text() == table.to_latex()
    with pytest.raises(SpecError, match=r"\.docx, \.tex"):
        table.write(tmp_path / "one.xlsx")
    assert not (tmp_path / "one.xlsx").exists()
