"""Panels: one number a row becomes a column for each item, in a made table and in the twin, whose truth is known."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import made_cohort, made_people

from riskkit.cohort import fallback, panels
from riskkit.cohort.build import build, load_cohort
from riskkit.cohort.cohort import Cohort
from riskkit.errors import DataError, SpecError
from riskkit.runner import run
from riskkit.simulate import simulate_ukb
from riskkit.spec.cohort import load_cohort_spec
from riskkit.spec.panels import PanelSpec

ROOT = Path(__file__).resolve().parents[2]
DEATH = 'death = { label = "Death", event = "cause != \'no\'" }'
PANEL = """
[files.olink_data]
path = "olink_data"
format = "table"
rows = "many"
{join}
[panels.olink]
file = "olink_data"
item = "protein_id"
value = "result"
where = {{ ins_index = ["0"] }}
label = "Protein"
unit = "NPX"
"""


def long(n: int = 60) -> pd.DataFrame:
    """Proteins 2, 10 and IL6 of people 0 to 59, a few missing, some twice at another visit, one of a stranger."""
    g = np.random.default_rng(3)
    rows = [
        (i, 0, item, round(float(g.normal()), 4)) for i in range(n) for item in ("10", "2", "IL6") if g.random() < 0.9
    ]
    rows += [(i, 2, "2", 99.0) for i in range(5)] + [(10_000, 0, "2", 1.0), (3, 0, "empty", None)]
    return pd.DataFrame(rows, columns=["id", "ins_index", "protein_id", "result"]).sample(frac=1, random_state=1)


def project(tmp_path: Path, table: pd.DataFrame, form: str = "csv", panel: str = PANEL, join: str = "") -> Path:
    cohort = made_cohort("cause", outcomes=DEATH) + panel.format(join=join)
    raw = tmp_path / "build/raw/made"
    raw.mkdir(parents=True)
    (tmp_path / "cohorts").mkdir()
    made_people().to_csv(raw / "people.csv", index=False)
    match form:
        case "csv":
            table.to_csv(raw / "olink_data.csv", index=False)
        case "tsv":
            table.rename(columns=str.upper).to_csv(raw / "olink_data.tsv", index=False, sep="\t")
        case "gz":
            (raw / "olink_data.csv.gz").write_bytes(gzip.compress(table.to_csv(index=False).encode()))
        case "parquet":
            table.to_parquet(raw / "olink_data.parquet", index=False)
    path = tmp_path / "cohorts/made.toml"
    path.write_text(cohort, encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "gz", "parquet"])
def test_every_item_is_a_column(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panels, "BATCH", 17)
    table = long()
    cohort = load_cohort(project(tmp_path, table, form))
    wide = table[table["ins_index"] == 0].pivot(index="id", columns="protein_id", values="result")
    assert [name for name in cohort.data if name.startswith("olink_")] == [
        "olink_2",
        "olink_10",
        "olink_IL6",
        "olink_empty",
    ]
    for item in ("2", "10", "IL6"):
        expected = wide[item].reindex(cohort.data["id"]).to_numpy()
        np.testing.assert_array_equal(cohort.data[f"olink_{item}"], expected)
        about = cohort.variables[f"olink_{item}"]
        assert (about.label, about.unit, about.kind) == (f"Protein {item}", "NPX", "number")
        assert about.missing == {"no result": int(np.isnan(expected).sum())}
    assert len(cohort.data) == 1500


def test_people_without_any_result_are_left_out_where_the_file_says_so(tmp_path: Path) -> None:
    table = long()
    cohort = load_cohort(project(tmp_path, table, join='join = "inner"'))
    measured = table[(table["ins_index"] == 0) & table["result"].notna() & (table["id"] < 1500)]
    assert set(cohort.data["id"]) == set(measured["id"])
    step = next(step for step in cohort.flow if "olink_data" in step.label)
    assert (step.label, step.remaining) == ("No result in olink_data", len(cohort.data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(ins_index=0), "two records of protein_id 2"),
        (
            lambda t: t.assign(result=t["result"].astype(object).where(t["id"] != 7, "high")),
            "'high' in column 'result' is no",
        ),
        (lambda t: t.assign(id=t["id"] + 50_000), "nobody of the cohort has a record"),
        (lambda t: t.drop(columns="result"), "no column 'result'"),
        (lambda t: t.assign(protein_id=t["protein_id"].replace({"10": "a-b", "2": "a+b"})), "differ only in signs"),
    ],
)
def test_what_is_no_panel_is_refused(tmp_path: Path, change, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_cohort(project(tmp_path, change(long())))


@pytest.mark.parametrize(
    ("panel", "message"),
    [
        (PANEL.replace('file = "olink_data"', 'file = "olnk_data"'), "no file 'olnk_data'. Did you mean 'olink_data'"),
        (PANEL.replace('file = "olink_data"', 'file = "people"'), "one record a person"),
        (PANEL.replace("[panels.olink]", "[panels.marker]") + "\n[derived.marker_high]\nlabel = 'x'\nkind = 'flag'\n"
         "cases = [{{ when = 'marker > 20', then = true }}]", "begin with marker_, as 'marker_high' does"),
    ],
)  # fmt: skip
def test_a_panel_must_fit_its_file(tmp_path: Path, panel: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        load_cohort_spec(project(tmp_path, long(), panel=panel))


OF_TWIN = (
    "coronary_heart_disease",
    "heart_failure",
    "stroke",
    "lung",
    "colorectal",
    "prostate",
    "breast",
    "all_deaths",
)
TRUTH_OF = {"myocardial_infarction": "coronary_heart_disease", "ischaemic_stroke": "stroke"}
ANALYSIS = f"""
title = "Proteins"
question = "Which?"
cohort = "ukb_olink"
outcomes = [{", ".join(f'"{name}"' for name in OF_TWIN)}]
time_scales = ["age"]
strata = ["sex"]
[exposures."olink_*"]
screen = true
spline = false
groups = false
[screen]
top = 3
[[models]]
name = "main"
label = "BMI"
covariates = ["bmi"]
"""


def test_the_page_says_what_is_tested() -> None:
    page = (ROOT / "docs/cohorts.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"<!-- panel -->\n```toml\n(.*?)```", page, re.DOTALL)
    assert tomllib.loads(PANEL.format(join='join = "inner"'))["panels"] == tomllib.loads(example)["panels"]
    for name in PanelSpec.model_fields:
        assert f"`{name}`" in page[page.index("## Panels") :]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cohort, dict, Path]:
    """UK Biobank's cohort with proteins, simulated."""
    root = tmp_path_factory.mktemp("olink")
    for folder in ("cohorts/codelists", "analyses"):
        (root / folder).mkdir(parents=True)
    for path in (ROOT / "cohorts/codelists").glob("*.csv"):
        (root / "cohorts/codelists" / path.name).write_bytes(path.read_bytes())
    cohort = (ROOT / "cohorts/ukb.toml").read_text(encoding="utf-8")
    (root / "cohorts/ukb_olink.toml").write_text(cohort + PANEL.format(join='join = "inner"'), encoding="utf-8")
    (root / "analyses/proteins.toml").write_text(ANALYSIS, encoding="utf-8")
    spec = load_cohort_spec(root / "cohorts/ukb_olink.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fallback, "PROTEINS", 48)
        fallback.simulate(spec, root, 20_000, 5)
    folder = root / "build/raw/ukb_olink" / fallback.FOLDER
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return build(spec, folder), truth["olink"], root / "analyses/proteins.toml"


def test_a_screen_of_the_twin_finds_the_effects_that_were_put_in(twin: tuple[Cohort, dict, Path]) -> None:
    cohort, truth, analysis = twin
    assert truth["proteins"] == 48
    found = run(analysis, cohort).screen
    assert len(found) == 48 * len(OF_TWIN)
    pairs = found.set_index(["exposure", "outcome"])
    acting: set[tuple[str, str]] = set()
    for effect in truth["effects"]:
        name = f"olink_{effect['protein_id']}"
        acting |= {(name, "all_deaths")}  # whoever falls ill dies sooner
        for disease in effect["diseases"]:
            outcome = TRUTH_OF.get(disease, disease)
            if outcome in OF_TWIN:
                pair = pairs.loc[(name, outcome)]
                expected = effect["log_hazard_ratio_per_sd"] * pair["unit"] / effect["sd"]
                assert abs(pair["estimate"] - expected) < 4 * pair["se"], (name, outcome)
                acting.add((name, outcome))
    clearest = found.sort_values("rank").head(3)
    assert set(zip(clearest["exposure"], clearest["outcome"], strict=True)) <= acting
    null = pairs.loc[[key not in acting and key[0] != "olink_7" for key in pairs.index], "p"].dropna()
    assert abs((null < 0.1).mean() - 0.1) < 5 * np.sqrt(0.1 * 0.9 / len(null))


def test_without_proteins_the_twin_is_as_it_was(tmp_path: Path) -> None:
    plain, with_proteins = (simulate_ukb(tmp_path / str(k), 300, 2, proteins=k) for k in (0, 3))
    assert not (plain / "olink_data.parquet").exists()
    one, other = (pd.read_parquet(folder / "participant.parquet") for folder in (plain, with_proteins))
    fixed = [name for name in one if not name.startswith(("p4000", "p4001", "p191", "p190"))]
    assert (plain / "hesin.parquet").read_bytes() == (with_proteins / "hesin.parquet").read_bytes()  # 3 act on none
    pd.testing.assert_frame_equal(one[fixed], other[fixed])
    table = pd.read_parquet(with_proteins / "olink_data.parquet")
    assert list(table) == ["eid", "ins_index", "protein_id", "result"]
    assert set(table["protein_id"]) == {0, 1, 2}
    assert 0.95 < len(table) / 900 < 1
    with pytest.raises(SpecError, match="proteins must be"):
        simulate_ukb(tmp_path / "more", 300, 2, proteins=3000)
