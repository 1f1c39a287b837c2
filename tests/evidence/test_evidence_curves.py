"""Curves of claims: contrasts placed by a reference, tables of levels with counts, and one's own groups."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from published_doses import published as distributed

import riskkit as rk
from riskkit.errors import DataError, SpecError
from riskkit.evidence.dose_tables import DOSE_COLUMNS, read_doses
from riskkit.evidence.ledger import make_ledger
from riskkit.evidence.placed import placed
from riskkit.evidence.reference import Reference
from riskkit.evidence.side_tables import read_levels, reference_of
from riskkit.evidence.table import read_published
from riskkit.report.evidence.curves import OwnLevels, curve_ends, placed_curves, printed_curves
from riskkit.report.evidence.read import read_evidence
from riskkit.spec.evidence import DosesSpec, load_evidence

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "analyses"
SPEC = load_evidence(FOLDER / "igf1-evidence.toml")
PUBLISHED = read_published(FOLDER / "evidence" / "estimates.csv")
REFERENCE = reference_of(read_levels(FOLDER / "evidence" / "levels.csv"), "UK Biobank women")
LEDGER = make_ledger(SPEC, PUBLISHED, reference=REFERENCE)
STANDARD = Reference(0.0, 1.0, "SD", "made up")
Z = 1.959963984540054


def nothing(name: str):
    raise DataError("It has not been run.")


def of(outcome: str, *words: str):
    """Rows of IGF-1 in cohorts, by their contrasts."""
    return [row for word in words for row in PUBLISHED.select(outcome, word, "IGF-1", ("cohort",))]


def test_groups_stand_at_their_means_in_the_reference():
    found = placed(of("all-cause mortality", "tenth 1 against 5", "tenth 10 against 5"), STANDARD)
    draws = np.sort(np.random.default_rng(1).standard_normal(2_000_000)).reshape(10, -1).mean(axis=1)
    assert found.table["dose"].tolist() == pytest.approx([draws[4], draws[0], draws[9]], abs=3e-3)
    assert found.table["estimate"].tolist() == pytest.approx([0.0, np.log(1.39), np.log(1.17)])
    assert found.table["se"].iloc[1] == pytest.approx(np.log(1.5 / 1.29) / (2 * Z))


def test_two_groups_against_one_go_together_by_their_shares_of_cases():
    """Fifths 1 and 5 against 2 to 4: three times the people, so a correlation below a half, whatever the number."""
    own = of("cancer mortality", "fifth 1 against 2-4", "fifth 5 against 2-4")
    found = placed(own, STANDARD)
    (matrix,) = found.covariances.values()
    parts = 1 / np.array([0.6, 0.2 * 1.86, 0.2 * 1.90])  # of the variance: one over cases
    expected = parts[0] / np.sqrt((parts[0] + parts[1]) * (parts[0] + parts[2]))
    assert matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1]) == pytest.approx(expected)
    assert expected < 0.5
    assert found.table["dose"].iloc[0] == pytest.approx(0.0, abs=1e-12)


def test_what_has_no_place_is_left_out_by_name():
    found = placed(
        [
            *of("all-cause mortality", "<70 against 170 ng/mL", "fifth 1 against 3"),
            *of("cardiovascular mortality", "low against middle"),
        ],
        REFERENCE,
    )
    assert [study for study, _ in found.left_out] == ["Sanders 2018", "van Bunderen 2010"]
    assert "distribution of its own people is not declared" in found.left_out[0][1]
    assert "which percentiles" in found.left_out[1][1]
    assert set(found.covariances) == {"van Bunderen 2010"}


def test_a_study_with_two_references_keeps_the_first():
    first, second = of("cancer mortality", "fifth 1 against 2-4", "fifth 5 against 2-4")
    moved = replace(second, contrast=replace(second.contrast, against="3"))
    found = placed([first, moved], STANDARD)
    assert found.left_out == (("Svensson 2012", "'fifth 5 against 3' is against another group"),)


def test_the_curve_that_made_the_contrasts_comes_back():
    knots = [REFERENCE.percentile(p) for p in (10, 50, 90)]
    columns = rk.rcs(np.linspace(5, 40, 3), knots).shape[1]
    truth = np.array([-0.06, 0.08])
    assert columns == truth.size

    def height(x: float) -> float:
        return float((rk.rcs(np.array([x]), knots) @ truth)[0])

    made = []
    for row in of("all-cause mortality", "tenth 1 against 5", "tenth 10 against 5", "fifth 1 against 3"):
        one, other = (
            REFERENCE.group_mean(*((np.array(span) * 100 / row.contrast.groups).tolist()))
            for span in (
                (int(row.contrast.of) - 1, int(row.contrast.of)),
                (int(row.contrast.against) - 1, int(row.contrast.against)),
            )
        )
        ratio = np.exp(height(one) - height(other))
        made.append(replace(row, ratio=ratio, low=ratio / 1.2, high=ratio * 1.2))
    found = placed(made, REFERENCE)
    fit = rk.dose_response(found.table, f"rcs(dose, {knots})", covariances=found.covariances, method="common")
    assert fit.coef == pytest.approx(truth, abs=1e-10)


def levels(claim: str, simulated: bool = False, n: float = 5000.0) -> OwnLevels:
    table = pd.DataFrame(
        {
            "level": [1, 2, 3, 4, 5],
            "x": [130.0, 190.0, 240.0, 300.0, 390.0],
            "cases": [150.0, 120.0, 100.0, 110.0, 140.0],
            "n": n,
            "estimate": np.log([1.0, 0.8, 0.67, 0.73, 0.93]),
            "se": [np.nan, 0.12, 0.13, 0.12, 0.117],
        }
    )
    return OwnLevels(claim, "igf1-mortality", "A cohort", table, "incidence-rate", "ng/mL", simulated)


def test_own_groups_join_the_published_ones():
    alone = placed_curves(SPEC, PUBLISHED, LEDGER, REFERENCE)["all-cause-mortality"]
    both = placed_curves(SPEC, PUBLISHED, LEDGER, REFERENCE, [levels("all-cause-mortality")])["all-cause-mortality"]
    assert alone.together is None
    assert both.published is not None
    assert both.published.fit.coef == pytest.approx(alone.published.fit.coef)
    fit = both.main.fit
    assert fit.study == (*alone.main.fit.study, "igf1-mortality")
    own = fit.table[fit.table["study"] == "igf1-mortality"]
    assert own["dose"].tolist() == pytest.approx([REFERENCE.group(i, 5) for i in range(1, 6)])
    assert both.points["own"].sum() == 5
    assert not alone.main.located  # no published study has more than three levels
    assert both.main.located
    again = rk.dose_response(
        fit.table[["study", "dose", "estimate", "se", "cases", "n", "design"]],
        fit.recipe.formula.text.split("~")[1].strip(),
        covariances=placed(
            [row for row in PUBLISHED.rows if row.id in set(used("all-cause-mortality"))], REFERENCE
        ).covariances,
        test="knapp-hartung",
    )
    assert fit.coef == pytest.approx(again.coef, rel=1e-8)
    assert fit.se == pytest.approx(again.se, rel=1e-8)


def used(claim: str) -> list[str]:
    chosen = LEDGER.rows[(LEDGER.rows["claim"] == claim) & LEDGER.rows["used"]]
    return chosen["id"].tolist()


def test_simulated_people_are_never_pooled():
    made = placed_curves(SPEC, PUBLISHED, LEDGER, REFERENCE, [levels("all-cause-mortality", simulated=True)])
    assert made["all-cause-mortality"].together is None
    assert "igf1-mortality" not in made["all-cause-mortality"].main.fit.study


def test_two_studies_make_no_curve_and_say_so():
    toml = SPEC.model_copy(
        update={
            "claims": tuple(
                claim.model_copy(update={"dose_response": SPEC.claims[-1].dose_response or asked()})
                for claim in SPEC.claims
                if claim.id == "heart-failure"
            )
        }
    )
    found = placed_curves(toml, PUBLISHED, LEDGER, REFERENCE)["heart-failure"]
    assert found.main is None
    assert found.why == "2 studies with levels; a curve takes 3."


def asked():
    return next(claim.dose_response for claim in SPEC.claims if claim.dose_response is not None)


def test_a_point_lies_on_the_curve_where_its_study_has_its_reference():
    found = placed_curves(SPEC, PUBLISHED, LEDGER, REFERENCE)["all-cause-mortality"]
    rings = found.points[found.points["se"].isna()]
    curve = rk.curve(found.main.fit, "dose", reference=found.reference, grid=rings["dose"].to_numpy())
    assert rings["ratio"].tolist() == pytest.approx(curve["ratio"].tolist())
    xie = found.points[found.points["study"] == "Xie 2023"]
    assert xie["ratio"].iloc[1] / xie["ratio"].iloc[0] == pytest.approx(1.39)


# A table of levels with counts: six studies of alcohol and cardiovascular disease.


def alcohol(folder: Path) -> Path:
    """The table that dosresmeta distributes, as a table of doses."""
    table = distributed("alcohol_cvd")
    first = table["logrr"] == 0
    made = pd.DataFrame(
        {
            "id": [f"row-{i}" for i in range(len(table))],
            "study": "study " + table["id"].astype(str),
            "year": 2009,
            "cohort": "cohort " + table["id"].astype(str),
            "design": table["type"],
            "exposure": "alcohol",
            "outcome": "cardiovascular disease",
            "unit": "g/day",
            "cases": table["cases"],
            "n": table["n"],
            "ratio": np.exp(table["logrr"]),
            "dose": table["dose"],
            "low": np.exp(table["logrr"] - Z * table["se"]).mask(first),
            "high": np.exp(table["logrr"] + Z * table["se"]).mask(first),
            "citation": "Liu Q and others (2009)",
            "place": "as the R package dosresmeta distributes it",
        }
    ).reindex(columns=list(DOSE_COLUMNS))
    path = folder / "doses.csv"
    made.to_csv(path, index=False)
    return path


TOML = """
kind = "evidence"
title = "Alcohol"
exposure = "alcohol"
estimates = "evidence/estimates.csv"
[doses]
unit = "g/day"
[[questions]]
id = "q"
question = "?"
[[claims]]
id = "line"
question = "q"
claim = "Alcohol goes with less cardiovascular disease."
said_in = "Liu 2009"
expects = "below 1"
dose_response = { outcome = "cardiovascular disease", terms = "dose" }
[[claims]]
id = "bent"
question = "q"
claim = "Little and much alcohol go with more cardiovascular disease."
said_in = "Liu 2009"
expects = "U"
dose_response = { outcome = "cardiovascular disease", reference = 12.0 }
"""


@pytest.fixture(scope="module")
def drinkers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "analyses"
    (folder / "evidence").mkdir(parents=True)
    shutil.copy(FOLDER / "evidence" / "estimates.csv", folder / "evidence")
    alcohol(folder / "evidence")
    (folder / "alcohol.toml").write_text(TOML, encoding="utf-8")
    return read_evidence(folder / "alcohol.toml", nothing)


def test_a_table_of_doses_gives_the_curve_that_its_package_documents(drinkers):
    fit = drinkers.curves["line"].main.fit
    assert (len(fit.study), fit.n, fit.df_resid) == (6, 25, 5.0)
    theirs = rk.dose_response(distributed("alcohol_cvd").rename(columns={"id": "study", "type": "design", "logrr":
                              "estimate"}), "dose", test="knapp-hartung")  # fmt: skip
    assert fit.coef == pytest.approx(theirs.coef, rel=1e-6)
    assert fit.se == pytest.approx(theirs.se, rel=1e-6)
    assert fit.coef[0] == pytest.approx(-0.0044, abs=2e-4)  # dosresmeta takes risk ratios for odds ratios
    assert np.sqrt(fit.between[0, 0]) == pytest.approx(0.0100, abs=2e-4)


def test_what_the_curve_says_is_pooled_and_counts(drinkers):
    low, high = drinkers.curves["line"].range
    row = drinkers.pooled("line", "line")
    expected = rk.contrast(drinkers.curves["line"].main.fit, {"dose": high}, {"dose": low}).iloc[0]
    assert row["ratio"] == pytest.approx(expected["ratio"])
    assert (row["low"], row["high"]) == (pytest.approx(expected["low"]), pytest.approx(expected["high"]))
    assert row["note"].startswith("curve, ")
    claims = drinkers.ledger.claims.set_index("claim")
    assert claims.loc["line", "verdict"] == "too little here"
    assert claims.loc["line", "because"] == "every interval holds 1"
    ends = curve_ends(drinkers.spec, drinkers.curves)["bent"]
    assert [end.end for end in ends] == ["low", "high"]
    assert drinkers.curves["bent"].reference == 12.0


def test_categories_units_and_open_ends_by_the_declared_rules(tmp_path):
    path = alcohol(tmp_path)
    table = pd.read_csv(path, dtype=str).fillna("")
    own = table["study"] == "study 1"
    table.loc[own, "dose"] = ""
    table.loc[own, "from"] = ["", "1", "2", "3", "4"]
    table.loc[own, "to"] = ["1", "2", "3", "4", ""]
    table.loc[own, "unit"] = "drinks/day"
    table.to_csv(path, index=False)
    spec = DosesSpec(unit="g/day", factors={"drinks/day": 12.0}, bottom="zero", top=1.2)
    found = read_doses(path, spec).frame
    assert found.loc[own, "dose"].tolist() == pytest.approx([6.0, 18.0, 30.0, 42.0, 57.6])
    with pytest.raises(SpecError, match="no factor takes 'drinks/day' to 'g/day'"):
        read_doses(path, DosesSpec(unit="g/day"))
    table.loc[own, "to"] = ["1", "3", "3", "4", ""]
    table.to_csv(path, index=False)
    with pytest.raises(DataError, match="study 1, alcohol and cardiovascular disease: categories must not overlap"):
        read_doses(path, spec)


def test_every_fault_of_a_table_of_doses_is_told_at_once(tmp_path):
    path = alcohol(tmp_path)
    table = pd.read_csv(path, dtype=str).fillna("")
    table.loc[1, ["low", "high"]] = ["1.5", "1.6"]
    table.loc[2, "dose"] = "-3"
    table.loc[3, "cases"] = "0"
    table.loc[4, "design"] = "casecontrol"
    table.loc[5, "citation"] = ""
    table.loc[6, "id"] = "row-7"
    table.loc[7, "from"] = "3"
    table.loc[8, "dose"], table.loc[8, "to"] = "", "9"
    table.loc[9, "ratio"] = "-0.2"
    table.to_csv(path, index=False)
    with pytest.raises(DataError) as caught:
        read_doses(path, DosesSpec(unit="g/day"))
    told = str(caught.value)
    for part in (
        "line 3, ratio: limits 1.5 to 1.6 do not enclose the estimate",
        "line 4, dose: -3: a dose is not below zero",
        "line 5, cases: 0 is not above zero",
        "line 6, design: 'casecontrol' is not one of case-control, incidence-rate, cumulative-incidence.",
        "line 7, citation: is empty",
        "line 9, id: 'row-7' is that of line 8",
        "line 9, dose: a level has a dose, or the limits of its category",
        "some levels have a dose and some limits",
        "line 11, ratio: ",
    ):
        assert part in told, part


def test_limits_that_do_not_fit_are_told(tmp_path):
    path = alcohol(tmp_path)
    table = pd.read_csv(path)
    table.loc[1, "high"] = table.loc[1, "high"] * 1.4
    table.to_csv(path, index=False)
    (remark,) = read_doses(path, DosesSpec(unit="g/day")).remarks
    assert remark.startswith("study 1, dose ")
    assert "its limits" in remark


def test_faults_of_claims_with_curves(tmp_path):
    text = TOML.replace('terms = "dose"', 'terms = "dose + age"').replace(
        'outcome = "cardiovascular disease", reference', 'outcome = "cardiovascular", reference'
    )
    folder = tmp_path / "analyses"
    (folder / "evidence").mkdir(parents=True)
    shutil.copy(FOLDER / "evidence" / "estimates.csv", folder / "evidence")
    alcohol(folder / "evidence")
    path = folder / "alcohol.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        read_evidence(path, nothing)
    assert "claims[1].dose_response.terms: 'dose + age' must be a curve of one column" in str(caught.value)
    assert "claims[2].dose_response.outcome: no row has 'cardiovascular'." in str(caught.value)
    path.write_text(TOML.replace("[doses]\nunit", "[doses]\ntop = 0.5\nfactors = { x = -1.0 }\nunit"), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_evidence(path)
    assert 'doses.top: is "width" or a number above 1' in str(caught.value)
    assert "doses.factors.x: must be a positive number" in str(caught.value)
    both = TOML.replace('terms = "dose"', "contrasts = true").replace('[doses]\nunit = "g/day"\n', "")
    path.write_text(both, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        load_evidence(path)
    assert "claims[1].dose_response: takes either outcome, of the table of doses, or contrasts = true." in str(
        caught.value
    )
    assert "claims[2].dose_response: takes an outcome of the table of doses, and there is none" in str(caught.value)


def test_own_groups_beside_printed_doses_need_a_factor(drinkers):
    ours = levels("line")
    found = printed_curves(drinkers.spec, drinkers.doses, [ours])["line"]
    assert found.together is None
    assert found.left_out == (("igf1-mortality", "no factor takes 'ng/mL' to 'g/day'"),)
    same = replace(ours, unit="g/day", table=ours.table.assign(x=ours.table["x"] / 10))
    found = printed_curves(drinkers.spec, drinkers.doses, [same])["line"]
    assert len(found.main.fit.study) == 7
