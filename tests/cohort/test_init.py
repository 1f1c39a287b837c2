"""From a data file to a report: what `look` finds in columns, and what `init` writes of them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from riskkit.cli import main
from riskkit.cohort.begin import begin
from riskkit.cohort.build import load_cohort
from riskkit.cohort.codebook import codebook
from riskkit.cohort.cohort import Cohort
from riskkit.cohort.look import look
from riskkit.cohort.roles import Wishes
from riskkit.errors import DataError, RiskkitError, SpecError
from riskkit.results import Results
from riskkit.spec.analysis import AnalysisSpec, analysis_model, load_analysis
from riskkit.spec.cohort import CohortSpec
from riskkit.spec.schema import schema

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "first-ten-minutes.md").read_text(encoding="utf-8")
CHAINS = Wishes(id="id", exposure="kappa", event="death", time="futime", age="age")


def chains(n: int = 1200) -> pd.DataFrame:
    """People as in R's flchain: free light chains and death, with what such files have of traps."""
    random = np.random.default_rng(3)
    age = random.integers(50, 95, n)
    kappa = np.exp(random.normal(0.3, 0.5, n)).round(3)
    dies = random.exponential(9000 * np.exp(-0.09 * (age - 65) - 0.4 * np.log(kappa)))
    until = random.uniform(2000, 5200, n)
    death = (dies <= until).astype(int)
    bmi = random.normal(27, 4, n).round(1)
    bmi[:30] = -9
    creatinine = random.normal(1.1, 0.3, n).round(2).astype(str)
    return pd.DataFrame(
        {
            "id": np.arange(1, n + 1),
            "age": age,
            "sex": random.choice(["F", "M"], n),
            "sample.yr": random.integers(1995, 2004, n),
            "kappa": kappa,
            "creatinine": np.where(random.random(n) < 0.2, "NA", creatinine),
            "bmi": bmi,
            "futime": np.minimum(dies, until).astype(int),
            "death": death,
            "chapter": np.where(death == 1, random.choice(["Circulatory", "Neoplasms"], n), ""),
        }
    )


@pytest.fixture
def riskkit(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RISKKIT_MIRROR", raising=False)

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["riskkit", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return int(exit_.value.code or 0), said.out + said.err

    return call


def test_from_a_file_like_flchain_to_a_report_without_an_edit(tmp_path, riskkit, asking_r):
    people = chains()
    people.to_csv("flchain.csv", index=False)
    (command,) = re.findall(r"riskkit (init flchain.csv .*)", DOCS)
    code, said = riskkit(*command.split())
    assert code == 0, said
    assert "'futime' is in days" in said
    assert "'bmi': -9 taken for missing (30 people)" in said
    commands = re.findall(r"^  riskkit (.*)$", said, flags=re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["cohort", "run", "report"]
    for line in commands:
        code, said = riskkit(*line.split())
        assert code == 0, said
    page = (tmp_path / "reports/flchain/index.html").read_text(encoding="utf-8")
    assert "Kappa and Death" in page
    built = Cohort.read(tmp_path / "build/cohorts/flchain.parquet").data
    kept = people[people.futime > 0].set_index("id")
    assert len(built) == len(kept)
    assert built["death_event"].sum() == kept.death.sum()
    np.testing.assert_allclose(built.set_index("id")["follow_up"], kept.futime / 365.25)
    assert built["bmi"].isna().sum() == (kept.bmi == -9).sum()
    assert built["creatinine"].isna().sum() == (kept.creatinine == "NA").sum()
    results = Results.read(tmp_path / "build/results/flchain")
    assert set(results.fits.events) == {int(kept.death.sum())}


def test_a_second_time_nothing_is_overwritten(tmp_path):
    chains().to_csv(tmp_path / "flchain.csv", index=False)
    begun = begin(tmp_path / "flchain.csv", CHAINS, root=tmp_path)
    begun.cohort.write_text("mine")
    with pytest.raises(SpecError, match=r"flchain\.toml: is there already.*--name"):
        begin(tmp_path / "flchain.csv", CHAINS, root=tmp_path)
    begun.cohort.unlink()
    for left in (begun.analysis, begun.cohort.with_suffix(".lock.json")):
        with pytest.raises(SpecError, match="is there already"):
            begin(tmp_path / "flchain.csv", CHAINS, root=tmp_path)
        left.unlink()
    chains(500).to_csv(tmp_path / "flchain.csv", index=False)
    with pytest.raises(SpecError, match="another file is there already"):
        begin(tmp_path / "flchain.csv", CHAINS, root=tmp_path)
    assert not begun.cohort.exists()
    assert begin(tmp_path / "flchain.csv", CHAINS, "other", tmp_path).cohort.stem == "other"


def test_without_a_word_it_guesses_and_says_so(tmp_path):
    chains().to_csv(tmp_path / "flchain.csv", index=False)
    begun = begin(tmp_path / "flchain.csv", Wishes(), root=tmp_path)
    said = " ".join(begun.remarks)
    for guess in (
        "identifier is 'id'",
        "outcome is 'death'",
        "time is 'futime'",
        "age is 'age'",
        "exposure is 'kappa'",
    ):
        assert guess in said
    spec, cohort = load_analysis(begun.analysis)
    assert (spec.outcomes, list(spec.exposures), spec.time_scales) == (("death_event",), ["kappa"], ("age",))
    assert cohort.follow_up is not None
    assert begun.cohort.read_text().startswith("#:schema .schema.json\n")
    assert json.loads((begun.cohort.parent / ".schema.json").read_text()) == json.loads(json.dumps(schema("cohort")))


def test_dates_become_follow_up_and_age(tmp_path, riskkit):
    random = np.random.default_rng(4)
    n = 400
    start = np.datetime64("2000-01-01") + random.integers(0, 900, n)
    days = random.integers(1, 4000, n)
    end = start + days
    died = random.random(n) < 0.4
    pd.DataFrame(
        {
            "pid": [f"P{i}" for i in range(n)],
            "born": start - random.integers(15000, 30000, n),
            "entry": start,
            "exit": end,
            "died_on": np.where(died, end.astype(str), ""),
            "x": random.normal(5, 1, n).round(2),
        }
    ).to_csv("dated.csv", index=False)
    asked = ("--id=pid", "--exposure=x", "--event=died_on", "--time=exit", "--age=born", "--entry=entry")
    assert riskkit("init", "dated.csv", *asked)[0] == 0
    code, said = riskkit("cohort", "cohorts/dated.toml")
    assert code == 0, said
    built = Cohort.read(tmp_path / "build/cohorts/dated.parquet").data
    np.testing.assert_allclose(np.sort(built["follow_up"]), np.sort(days) / 365.25)
    assert built["died_on_event"].sum() == died.sum()
    assert built["age_entry"].between(40, 83).all()


def test_an_outcome_without_time_is_a_state(tmp_path):
    chains().drop(columns="futime").to_csv(tmp_path / "cases.csv", index=False)
    begun = begin(tmp_path / "cases.csv", Wishes(id="id", exposure="kappa", event="death"), root=tmp_path)
    spec, cohort = load_analysis(begun.analysis)
    assert cohort.outcomes["death_event"].state == "death == 1"
    assert spec.time_scales == ("none",)
    assert spec.terms(spec.models[0]) == ("rcs(age, 4)", "sex")


def test_an_event_by_its_code_with_labels_of_stata(tmp_path, riskkit):
    people = chains(600).assign(status=lambda d: np.where(d.death == 1, 2, 1)).drop(columns=["death", "chapter"])
    people.columns = [name.replace(".", "_") for name in people]
    pyreadstat.write_dta(
        people, "chains.dta", variable_value_labels={"status": {1: "Alive", 2: "Dead"}},
        column_labels={"kappa": "Free light chain, kappa"},
    )  # fmt: skip
    with pytest.raises(SpecError, match=r"which code is an event\? It has: 1 \(\d+\), 2 \(\d+\)"):
        begin("chains.dta", Wishes(id="id", event="status"), root=tmp_path)
    assert riskkit("init", "chains.dta", "--id", "id", "--event", "status=2", "--exposure", "kappa")[0] == 0
    assert riskkit("cohort", "cohorts/chains.toml")[0] == 0
    built = Cohort.read(tmp_path / "build/cohorts/chains.parquet")
    kept = people[people.futime > 0]
    assert built.data["status_event"].sum() == (kept.status == 2).sum()
    assert built.variables["kappa"].label == "Free light chain, kappa"
    assert built.variables["status"].levels == ("Alive", "Dead")


@pytest.mark.parametrize("form", ["csv", "semicolon", "latin", "csv.gz", "parquet", "dta", "xpt", "fixed"])
def test_the_same_columns_are_seen_in_every_format(tmp_path, form):
    people = pd.DataFrame(
        {
            "id": np.arange(1.0, 301),
            "age": 20.0 + np.arange(300) % 60,
            "sex": np.tile(["Männer", "Frauen"] if form == "latin" else ["men", "women"], 150),
            "marker": np.r_[np.full(20, 999.0), 100.0 + np.arange(280)],
            "died": np.arange(300) % 2.0,
        }
    )
    path, fields = tmp_path / f"people.{form}", None
    match form:
        case "csv" | "csv.gz":
            people.to_csv(path, index=False)
        case "semicolon" | "latin":
            path = tmp_path / "people.csv"
            people.to_csv(path, index=False, sep=";", encoding="latin-1" if form == "latin" else "utf-8")
        case "parquet":
            people.to_parquet(path)
        case "dta":
            pyreadstat.write_dta(people, path)
        case "xpt":
            pyreadstat.write_xport(people, path)
        case "fixed":
            fields = {"id": (1, 5), "age": (6, 9), "sex": (10, 16), "marker": (17, 22), "died": (23, 23)}
            rows = (f"{r.id:5.0f}{r.age:4.0f}{r.sex:7s}{r.marker:6.0f}{r.died:1.0f}" for r in people.itertuples())
            path.write_text("\n".join(rows) + "\n")
    seen = look(path, fields)
    kinds = {column.name: column.kind for column in seen.columns}
    assert kinds == {"id": "number", "age": "number", "sex": "category", "marker": "number", "died": "flag"}
    assert seen.column("ID").unique
    assert seen.column("marker").doubtful == {"999": 20}
    assert seen.column("marker").values.max() == 379
    assert list(seen.column("sex").levels.values()) == [150, 150]
    assert seen.column("died").levels == {"0": 150, "1": 150}
    text = "\n".join(codebook(seen))
    assert "probably codes of missing values: 999 (20)" in text
    assert ("cp1252 text, not UTF-8" in text) == (form == "latin")


@pytest.mark.parametrize(
    ("values", "doubtful"),
    [
        (np.r_[np.arange(20, 91), 99], []),  # an old man
        (np.r_[np.arange(20, 91), 99, 99, 999, 999], [999]),
        (np.r_[np.arange(20, 60).repeat(3), 99, 99], [99]),
        (np.r_[np.linspace(-3, 3, 60), -9], []),  # below zero is nothing special here, and it is but one
        (np.r_[np.linspace(0.1, 3, 60), -9], [-9]),
        (np.r_[1, 2, 2, 1, 1, 2, 9, 9], [9]),
        (np.r_[1:10, 1:10, 1:10], []),
    ],
)
def test_codes_of_missing_values_are_those_that_stand_apart(tmp_path, values, doubtful):
    pd.DataFrame({"v": values}).to_csv(tmp_path / "a.csv", index=False)
    assert look(tmp_path / "a.csv").column("v").doubtful == {str(v): int((values == v).sum()) for v in doubtful}


def test_a_heaped_value_is_seen(tmp_path):
    random = np.random.default_rng(1)
    pd.DataFrame({"v": np.r_[random.normal(5, 1, 500).round(2), np.full(40, 2.5)]}).to_csv(
        tmp_path / "a.csv", index=False
    )
    assert list(look(tmp_path / "a.csv").column("v").heaped) == ["2.5"]


def test_what_cannot_be_read_is_left_out_and_said(tmp_path):
    people = chains(100)
    people["weight"] = [f"{w:.1f}".replace(".", ",") for w in np.linspace(50, 90, 100)]
    people["two words"] = 1.5 + np.arange(100)
    people["remark"] = [f"text {i}" for i in range(100)]
    people["class"] = np.arange(100) % 3
    people['say "it"'.replace(" ", "")] = np.arange(100) % 3
    people.to_csv(tmp_path / "a.csv", index=False, sep=";")
    begun = begin(tmp_path / "a.csv", CHAINS, root=tmp_path)
    text = begun.cohort.read_text(encoding="utf-8")
    assert "# Left out: weight (numbers with a decimal comma" in text
    assert "# Left out: two words (a column's name must have no blanks" in text
    assert "# Left out: remark" in text
    assert {"class_", "say_it"} <= set(begun.spec.variables)
    for exposure, why in (("two words", "no blanks"), ("weight", "decimal comma"), ("remark", "too many different")):
        with pytest.raises(SpecError, match=f"--exposure '{exposure}'.*{why}"):
            begin(tmp_path / "a.csv", Wishes(id="id", event="death", exposure=exposure), "b", tmp_path)
    people[["two words", "id", "death"]].to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(SpecError, match="no column is left that could be the exposure"):
        begin(tmp_path / "c.csv", Wishes(id="id", event="death"), root=tmp_path)


@pytest.mark.parametrize("code", ["it's", 'the "worst"', "a\\b", "größer", "#1 = [x]"])
def test_any_code_can_be_the_event(tmp_path, code):
    people = chains(300).assign(death=lambda d: np.where(d.death == 1, code, "other"), bell="a")
    people.loc[0, "bell"] = "a\x07b"
    people.to_csv(tmp_path / "a.csv", index=False)
    begun = begin(tmp_path / "a.csv", Wishes(id="id", event=f"death={code}", exposure="kappa"), root=tmp_path)
    assert "# Left out: bell (its name or a value has a character that cannot be printed" in begun.cohort.read_text(
        "utf-8"
    )
    built = load_cohort(begun.cohort).data
    assert built["death_event"].sum() == ((people.death == code) & (people.futime > 0)).sum()


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"id": "nobody"}, "there is no column 'nobody'"),
        ({"id": "age"}, "--id 'age': values stand in more than one record"),
        ({"exposure": "sex"}, "--exposure 'sex' is a category; it must be a number. Candidates: kappa"),
        ({"exposure": "futime"}, "is the identifier, the outcome, its time or age already"),
        ({"event": "kappa"}, "--event 'kappa' is of kind number"),
        ({"event": "sex"}, "which code is an event? It has: F"),
        ({"event": "sex=X"}, "'sex' has no code 'X'"),
        ({"event": "death=0,1"}, "all people would have the same"),
        ({"time": "sex"}, "--time 'sex' is of kind category; it must be number or date"),
        ({"time_unit": "weeks"}, "--time-unit must be days, months, years"),
        ({"time_unit": "years"}, "follow-up of"),
        ({"time": "age"}, "in which unit? Write --time-unit days, months or years"),
        ({"entry": "age"}, "--entry 'age' is of kind number"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_written(tmp_path, wishes, said):
    chains(300).to_csv(tmp_path / "flchain.csv", index=False)
    with pytest.raises(RiskkitError, match=re.escape(said)):
        begin(tmp_path / "flchain.csv", Wishes(**{**vars(CHAINS), **wishes}), root=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["flchain.csv"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "the file is empty"),
        ("a.csv", "id,x\n", "there are no records"),
        ("a.csv", "id,x,x\n1,2,3\n", "2 columns are called 'x'"),
        ("a.csv", "id,x\n1\n", "cannot be read as csv"),
        ("a.parquet", "nonsense", "cannot be read as parquet"),
        ("a.dta", "nonsense", "cannot be read as dta"),
        ("a.docx", "nonsense", "the format of '.docx' is not known"),
    ],
)
def test_files_that_are_none(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises((SpecError, DataError), match=re.escape(said)):
        look(tmp_path / name)


def test_the_command_line_says_what_is_wrong(riskkit):
    assert "there is no such file" in riskkit("look", "absent.csv")[1]
    assert "is not of the form NAME=FIRST-LAST" in riskkit("look", "absent.dat", "--fields", "id:1")[1]
    assert "got 'people'" in riskkit("schema", "people")[1]
    code, said = riskkit("schema", "cohort")
    assert (code, json.loads(said)["title"]) == (0, "A cohort of riskkit")


@pytest.mark.parametrize(("kind", "model"), [("cohort", CohortSpec), ("analysis", analysis_model())])
def test_schemas_have_every_field_of_the_models(kind, model):
    found = schema(kind)
    assert set(found["properties"]) == {field.alias or name for name, field in model.model_fields.items()}
    assert "name" not in found["required"]
    assert found["additionalProperties"] is False
    assert issubclass(model, (CohortSpec, AnalysisSpec))
    for name, said in model.model_fields.items():
        assert found["properties"][said.alias or name].get("description") == said.description


def test_the_codebook_of_the_docs_is_what_is_printed(tmp_path):
    csv, book = re.findall(r"<!-- (?:file|prints) -->\n```\w+\n(.*?)```", DOCS, flags=re.DOTALL)
    (tmp_path / "clinic.csv").write_text(csv)
    assert "\n".join(codebook(look(tmp_path / "clinic.csv"))) + "\n" == book
