"""What a user gets wrong is one message and a non-zero exit code: no traceback, nothing half-written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from made_cohort import VARIABLES, made_analysis, made_cohort

from riskkit.cli import main

ROOT = Path(__file__).parent.parent

COHORT = made_cohort(
    "sex",
    "cause",
    variables={"marker": f"{VARIABLES['marker']}, range = [10, 900]"},
    outcomes="""
death = { label = "Death", event = "cause != 'no'" }
[[exclusions]]
label = "Younger than 18"
when = "age < 18"
""",
)
ANALYSIS = made_analysis("""
outcomes = ["death"]
min_events = 5
[exposures.marker]
[[models]]
name = "sex"
label = "Age and sex"
covariates = ["sex"]
""")
HEADER = "id,age,marker,sex,years,cause\n"
ROWS = [
    f"{i},{30 + i % 40},{100 + 7 * (i * 13 % 29)},{1 + i % 2},{2 + i * 7 % 9},{int(i % 3 == 0)}" for i in range(120)
]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RISKKIT_MIRROR", raising=False)
    for folder in ("cohorts", "analyses", "reports", "build/raw/made"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "cohorts/made.toml").write_text(COHORT)
    (tmp_path / "analyses/marker.toml").write_text(ANALYSIS)
    (tmp_path / "build/raw/made/people.csv").write_text(HEADER + "\n".join(ROWS) + "\n")
    return tmp_path


@pytest.fixture
def riskkit(monkeypatch, capsys):
    def call(*arguments: str) -> tuple[int, str]:
        """Run the command line; return its exit code and everything it said."""
        monkeypatch.setattr(sys, "argv", ["riskkit", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        said = capsys.readouterr()
        text = " ".join((said.out + said.err).split())
        assert "Traceback" not in text
        return int(exit_.value.code or 0), text

    return call


def test_the_whole_way(project, riskkit, asking_r):
    assert riskkit("fetch", "made")[0] == 0
    code, said = riskkit("cohort", "cohorts/made.toml")
    assert (code, "120 people" in said) == (0, True)
    code, said = riskkit("run", "analyses/marker.toml")
    assert (code, "3 models fitted" in said) == (0, True)
    assert riskkit("report", "marker")[0] == 0
    assert riskkit("index")[0] == 0
    assert (project / "reports/marker/index.html").is_file()
    assert "Marker and death" in (project / "reports/index.html").read_text()


def _people(rows: list[str]) -> str:
    return HEADER + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([*ROWS, ROWS[0]], ["people.csv", "such as 0 (2 records)"]),
        ([*ROWS, "500,40,200,3,50,0"], ["people.csv", "'sex'", "1 cell(s) have an unknown code: '3'"]),
        ([*ROWS, "500,40,200,1,-2,0"], ["1 people leave before they enter: 'years' is negative (id 500)"]),
        ([*ROWS, "500,40,9000,1,20,0"], ["people.csv", "'marker'", "9000"]),
        ([f"{i},40,{1 + i % 5},1,20,0" for i in range(30)], ["'marker'", "unit", "nmol/L"]),
        ([f"{i},{5},200,1,20,0" for i in range(30)], ["nobody is left after the step 'Younger than 18'"]),
        ([*ROWS, "500,forty,200,1,20,0"], ["people.csv", "'age'", "forty"]),
    ],
    ids=["duplicate", "unknown code", "exit before entry", "out of range", "wrong unit", "nobody left", "text"],
)
def test_bad_data(project, riskkit, rows, said):
    (project / "build/raw/made/people.csv").write_text(_people(rows))
    code, text = riskkit("cohort", "cohorts/made.toml")
    assert code == 1
    assert all(part in text for part in said), text
    assert not (project / "build/cohorts").exists() or not list((project / "build/cohorts").iterdir())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["death"]', '["deaths"]', "outcomes[1]: cohort 'made' has no outcome 'deaths'. Did you mean 'death'?"),
        (
            "[exposures.marker]",
            "[exposures.marke]",
            "exposures.marke: cohort 'made' has no variable 'marke'. Did you mean",
        ),
        ("[exposures.marker]", '[exposures.marker]\nunit = "ng/mL"', "'ng/mL' is not the unit of 'marker'"),
        ("[[models]]", "[[models]", "line 8, column 9: not valid TOML"),
        ('"sex"]', '"rcs(sex, 4)"]', "takes a number, and 'sex' is a category"),
    ],
)
def test_bad_analyses(project, riskkit, old, new, said):
    riskkit("cohort", "cohorts/made.toml")
    path = project / "analyses/marker.toml"
    path.write_text(ANALYSIS.replace(old, new))
    code, text = riskkit("run", "analyses/marker.toml")
    assert code == 1
    assert said in text, text
    assert not (project / "build/results").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cohort", "cohorts/mad.toml"), "mad.toml: there is no such file. Did you mean 'made.toml'?"),
        (("fetch", "mad"), "no such cohort. Did you mean 'made'?"),
        (("fetch",), "fetch takes either the name of a cohort or --all"),
        (("report", "marker"), "run the analysis again"),
        (("pdf", "marker"), "write the report first"),
        (("docx", "marker"), "run the analysis again"),
        (("run", "analyses/marke.toml"), "marke.toml: there is no such file. Did you mean 'marker.toml'?"),
    ],
)
def test_things_that_are_not_there(project, riskkit, arguments, said):
    code, text = riskkit(*arguments)
    assert code == 1
    assert said in text, text


def test_data_that_cannot_be_had_are_one_sentence_and_not_fatal_with_all(project, riskkit):
    (project / "build/raw/made/people.csv").unlink()
    code, text = riskkit("fetch", "--all")
    assert code == 0
    assert "made: left out, its data are not here." in text
    assert "set RISKKIT_MIRROR to a folder that has it" in text
    assert riskkit("fetch", "made")[0] == 1


def test_what_interrupted_commands_left_goes_with_the_next_index(project, riskkit):
    left = [project / folder / ".x.partial" / "new" for folder in ("build/cohorts", "build/results", "reports")]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "half").write_text("")
    assert riskkit("index")[0] == 0
    assert not any(folder.parent.exists() for folder in left)
