"""Reference ranges as an analysis of their own: file, results, report, its check and other forms, and real data."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import riskkit as rk
from riskkit.cli import main
from riskkit.cohort.build import load_cohort
from riskkit.errors import DataError, SpecError
from riskkit.figures.centiles import centile_chart
from riskkit.figures.panels import Panel
from riskkit.report.document import document_passages, laid_document
from riskkit.report.ranges.content import ranges_content
from riskkit.report.ranges.page import check_ranges, ranges_entry, ranges_html, write_ranges_report
from riskkit.runner.ranges import RangesResults, run_ranges
from riskkit.runner.ranges.results import check_current, protected
from riskkit.spec.analysis import load_analysis
from riskkit.spec.ranges import load_ranges

ROOT = Path(__file__).resolve().parents[2]
COHORT = """
title = "Made for tests"
id = false
base = "people"
[files.people]
path = "people.csv"
format = "csv"
[variables]
age = { source = "people.age", label = "Age", kind = "number", unit = "years" }
marker = { source = "people.marker", label = "Marker", kind = "number", unit = "nmol/L" }
sex = { source = "people.sex", label = "Sex", kind = "category", codes = { 1 = "Male", 2 = "Female" } }
stage = { source = "people.stage", label = "Stage", kind = "category", codes = { 1 = "I", 2 = "II" } }
w = { source = "people.w", label = "Weight", kind = "number" }
psu = { source = "people.psu", label = "PSU", kind = "number" }
[design]
weights = "w"
psu = "psu"
population = "the town"
"""
ANALYSIS = """
kind = "ranges"
title = "Ranges of the marker"
question = "What is usual?"
centiles = [5, 50, 95]
[[samples]]
id = "all"
label = "Everybody"
cohort = "made"
measurement = "marker"
called = { Female = "women", Male = "men" }
at = [10, 30, 50]
lead = 30
stages = "stage"
[[published]]
sample = "all"
study = "Somebody 2001"
population = "men"
when = "sex == 'Male'"
mean = 100
se = 2
unit = "nmol/L"
citation = "Somebody (2001) Journal 1:1"
"""


def people(n: int = 1200) -> pd.DataFrame:
    random = np.random.default_rng(3)
    age, sex = random.uniform(5, 60, n), random.integers(1, 3, n)
    marker = np.where(sex == 1, 120, 100) * np.exp(-0.005 * age + 0.25 * random.normal(size=n))
    stage = np.where(age < 20, np.where(random.random(n) < (age - 5) / 15, 2, 1).astype(str), "")
    frame = pd.DataFrame({"age": age.round(2), "sex": sex, "marker": marker.round(1), "stage": stage})
    frame.loc[:19, "marker"] = np.nan
    return frame.assign(w=np.where(marker > 110, 3.0, 1.0), psu=np.arange(n) % 50)


def project(root: Path, analysis: str = ANALYSIS, cohort: str = COHORT) -> Path:
    for folder in ("cohorts", "analyses", "build/raw/made"):
        (root / folder).mkdir(parents=True)
    people().to_csv(root / "build/raw/made/people.csv", index=False)
    (root / "cohorts/made.toml").write_text(cohort, encoding="utf-8")
    path = root / "analyses/marker-ranges.toml"
    path.write_text(analysis, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("ranges"))


@pytest.fixture(scope="module")
def results(analysis: Path) -> RangesResults:
    return run_ranges(analysis)


def test_centiles_and_scores_are_those_of_the_function(analysis: Path, results: RangesResults) -> None:
    data = load_cohort(analysis.parent.parent / "cohorts/made.toml").data.astype({"sex": object})
    ranges = rk.centiles("marker ~ age", data, by="sex")
    found = ranges.curves([10, 30, 50], [5, 50, 95])
    np.testing.assert_allclose(results.frames["centiles"][["value", "low", "high"]], found[["value", "low", "high"]])
    data["score"] = ranges.sds(data)
    stages = results.frames["stages"].set_index(["group", "stage"])
    for key, own in data.dropna(subset=["score", "stage"]).groupby(["sex", "stage"], observed=True):
        row = stages.loc[key]
        half = stats.t.ppf(0.975, len(own) - 1) * own["score"].std(ddof=1) / np.sqrt(len(own))
        assert row["n"] == len(own)
        assert row["sds"] == pytest.approx(own["score"].mean())
        assert (row["low"], row["high"]) == pytest.approx((row["sds"] - half, row["sds"] + half))
        assert row["median"] == pytest.approx(own["marker"].median(), rel=0.02)
    published = results.frames["published"].iloc[0]
    men = data.loc[data["sex"] == "Male", "marker"].dropna()
    assert (published["own_mean"], published["n"]) == (pytest.approx(men.mean()), len(men))
    assert published["own_se"] == pytest.approx(men.std(ddof=1) / np.sqrt(len(men)))


def test_people_and_missing_are_counted(results: RangesResults) -> None:
    found = results.frames["people"]
    assert found["n"].sum() == 1180
    assert (found["n_missing"] == 20).all()


def test_shares_below_the_centiles_are_counted(results: RangesResults) -> None:
    found = results.frames["shares"]
    np.testing.assert_allclose(found["share"], found["centile"] / 100, atol=0.02)


def test_no_point_of_a_worm_is_a_person(results: RangesResults) -> None:
    points = results.frames["worm_points"]
    assert (points.groupby(["group", "age_low"])["share"].count() == 49).all()
    assert (points["deviation"].abs() < 0.4).all()


def test_results_are_read_as_they_were_written(results: RangesResults, tmp_path: Path) -> None:
    results.write(tmp_path / "r")
    again = RangesResults.read(tmp_path / "r")
    assert again.spec == results.spec
    for name, frame in results.frames.items():
        pd.testing.assert_frame_equal(again.frames[name], frame)
    (tmp_path / "r/centiles.parquet").write_bytes(b"other")
    with pytest.raises(DataError, match=r"Run the analysis again \(riskkit run"):
        RangesResults.read(tmp_path / "r")


def test_the_page_says_who_what_and_how(results: RangesResults) -> None:
    page = ranges_html(ranges_content(results), results, {})
    row = results.frames["centiles"].query("group == 'Female' and age == 30 and centile == 50").iloc[0]
    assert f"{row['value']:.3g}" in page
    assert "the middle 90%" in page
    assert "in women" in page
    assert "20 lack Marker, age and sex, or one of them" in page.replace("marker", "Marker")
    assert "Nobody is weighted" in page
    assert "Somebody 2001" in page
    assert "Cole TJ, Green PJ" in page
    assert "<script" not in page


def test_a_report_is_checked_and_its_damage_found(results: RangesResults, tmp_path: Path) -> None:
    folder = tmp_path / "marker-ranges"
    page = write_ranges_report(results, folder)
    checked = check_ranges(results, folder)
    assert checked.numbers > 200
    assert checked.differences.empty
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace('<td class="number">', '<td class="number">9', 1), encoding="utf-8")
    assert len(check_ranges(results, folder).differences) == 1
    (folder / "tables/table-1.csv").write_text("x\n", encoding="utf-8")
    assert (check_ranges(results, folder).differences["where"] == "tables/table-1.csv").any()


def test_a_word_document_says_the_same(results: RangesResults) -> None:
    content = ranges_content(results)
    told = document_passages(laid_document(content, content.front))
    assert "Ranges of the marker" in told
    assert any(text.startswith("Table 1. Centiles of Marker (nmol/L)") for text in told)


def test_the_index_has_its_chart(results: RangesResults) -> None:
    entry = ranges_entry(results)
    assert "<svg" in entry.thumbnail
    assert entry.facts == "1,180 people"
    assert not entry.reason


def test_every_curve_is_drawn_and_named(results: RangesResults) -> None:
    curves = results.frames["curves"]
    figure = centile_chart(curves, [Panel("Female", "Women"), Panel("Male", "Men")], xlabel="Age", ylabel="Marker")
    assert len(figure.axes) == 2
    for ax, sex in zip(figure.axes, ("Female", "Male"), strict=True):
        lines = {line.get_label(): line for line in ax.get_lines()}
        assert set(lines) == {"5", "50", "95"}
        own = curves[(curves["group"] == sex) & (curves["centile"] == 50)]
        np.testing.assert_allclose(lines["50"].get_ydata(), own["value"])
        assert {text.get_text() for text in ax.texts} >= {"5", "50", "95"}


def test_of_a_survey_everything_is_weighted(tmp_path: Path) -> None:
    path = project(tmp_path, ANALYSIS.replace('stages = "stage"', 'stages = "stage"\nsurvey = true'))
    found = run_ranges(path)
    data = load_cohort(tmp_path / "cohorts/made.toml").data.astype({"sex": object})
    known = data.dropna(subset="marker")
    men = known[known["sex"] == "Male"]
    row = found.frames["published"].iloc[0]
    mean = np.average(men["marker"], weights=men["w"])
    assert row["own_mean"] == pytest.approx(mean)
    totals = (men["w"] * (men["marker"] - mean) / men["w"].sum()).groupby(men["psu"]).sum()
    assert row["own_se"] == pytest.approx(np.sqrt(50 / 49 * ((totals - totals.sum() / 50) ** 2).sum()))
    design = rk.SurveyDesign(weights="w", psu="psu")
    by_hand = rk.centiles("marker ~ age", data, by="sex", survey=design).curves([10, 30, 50], [5, 50, 95])
    np.testing.assert_allclose(found.frames["centiles"]["high"], by_hand["high"])
    assert "weighted to represent the town" in ranges_html(ranges_content(found), found, {})


def test_with_a_rule_on_small_numbers_nothing_rests_on_few(tmp_path: Path) -> None:
    cohort = COHORT + "[disclosure]\nmin_count = 40\nround_to = 5\n"
    raw = run_ranges(project(tmp_path, cohort=cohort))
    shown = protected(raw)
    people_shown = shown.frames["people"]
    assert (people_shown["n"] % 5 == 0).all()
    assert people_shown["n_missing"].isna().all(), "20 are fewer than 40"
    assert set(shown.frames["centiles"]["centile"]) == {50.0}, "5% of 590 are fewer than 40"
    assert len(shown.frames["stages"]) == 4
    few = raw.frames["stages"]["n"] < 40
    assert shown.frames["stages"].loc[few.to_numpy(), ["n", "median", "sds"]].isna().all(axis=None)
    assert shown.frames["worm_points"]["share"].between(0.2, 0.8).all()
    page = ranges_html(ranges_content(shown), shown, {})
    assert "counts below 40 are withheld" in page
    assert "1,180" not in page
    assert write_ranges_report(shown, tmp_path / "report").is_file()
    assert protected(shown) is shown


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('measurement = "marker"', 'measurement = "markr"', "no variable 'markr'. Did you mean 'marker'?"),
        ('measurement = "marker"', 'measurement = "sex"', "'sex' is a category; it must be a number"),
        ("centiles = [5, 50, 95]", "centiles = [5, 95, 50]", "must be increasing numbers between 0 and 100"),
        ("centiles = [5, 50, 95]", "centiles = [5, 40, 95]", "must hold 50"),
        ("at = [10, 30, 50]", "at = [30, 10, 50]", "must be in increasing order"),
        ("lead = 30", "lead = 31", "must be one of the ages of the table"),
        ('stages = "stage"', 'stages = "age"', "'age' is a number; it must be a category"),
        ('cohort = "made"', 'cohort = "mode"', "there is no such file"),
        ('unit = "nmol/L"', 'unit = "ng/mL"', "'ng/mL' is not the unit of 'marker'"),
        ("sex == 'Male'", "sexx == 'Male'", "no variable 'sexx'"),
        ('sample = "all"', 'sample = "al"', "there is no sample 'al'. Did you mean 'all'?"),
        ('Female = "women"', 'Femal = "women"', "'Femal' is no level of 'sex'. Did you mean 'Female'?"),
        ("mean = 100", "mean = 100\nmedian = 3", "median"),
    ],
)  # fmt: skip
def test_what_a_file_cannot_say_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(SpecError) as told:
        load_ranges(project(tmp_path, ANALYSIS.replace(old, new)))
    assert says in str(told.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    text = ANALYSIS.replace("lead = 30", "lead = 31").replace('"stage"', '"stag"').replace("sex ==", "sexx ==")
    with pytest.raises(SpecError, match="3 faults"):
        load_ranges(project(tmp_path, text))


def test_an_analysis_of_models_is_not_one_of_ranges(analysis: Path) -> None:
    with pytest.raises(SpecError, match="is of reference ranges, which have no models: riskkit run"):
        load_analysis(analysis)


def test_ages_outside_the_curves_are_refused(tmp_path: Path) -> None:
    path = project(tmp_path, ANALYSIS.replace("at = [10, 30, 50]", "at = [10, 30, 80]"))
    with pytest.raises(DataError, match=r"sample 'all': 'age' is outside the ages of sex=\w+ that the centiles"):
        run_ranges(path)


def test_a_survey_that_is_none_is_refused(tmp_path: Path) -> None:
    cohort = COHORT.split("[design]")[0]
    with pytest.raises(SpecError, match=r"has no \[design\]"):
        load_ranges(project(tmp_path, ANALYSIS.replace("lead = 30", "lead = 30\nsurvey = true"), cohort))


def test_results_of_other_files_are_refused(analysis: Path, results: RangesResults, tmp_path: Path) -> None:
    cohorts = analysis.parent.parent / "cohorts"
    check_current(results, analysis, cohorts, Path("here"))
    other = tmp_path / "marker-ranges.toml"
    other.write_text(analysis.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="these are the results of another"):
        check_current(results, other, cohorts, Path("here"))


def test_the_command_line_takes_the_whole_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    name = "marker-ranges"
    for words in (
        ["fetch", "made"], ["cohort", "cohorts/made.toml"], ["run", f"analyses/{name}.toml", "--plan"],
        ["run", f"analyses/{name}.toml"], ["report", name], ["docx", name], ["check", f"reports/{name}"], ["index"],
    ):  # fmt: skip
        monkeypatch.setattr("sys.argv", ["riskkit", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0, words
    told = capsys.readouterr().out
    assert "all: marker ~ age by sex, cohort made" in told
    assert "none differs" in told
    assert (tmp_path / f"reports/{name}/{name}.docx").is_file()
    assert "Ranges of the marker" in (tmp_path / "reports/index.html").read_text(encoding="utf-8")


def test_records_without_identifiers_are_numbered(analysis: Path) -> None:
    cohort = load_cohort(analysis.parent.parent / "cohorts/made.toml")
    assert cohort.data["id"].tolist() == list(range(1, 1201))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ('id = false\nwithdrawals = "people"', "is false, so that nothing tells whose"),
        ("id = true", "id"),
    ],
)
def test_an_identifier_that_is_needed_cannot_be_left_out(tmp_path: Path, change: str, says: str) -> None:
    with pytest.raises(SpecError) as told:
        load_ranges(project(tmp_path, cohort=COHORT.replace("id = false", change)))
    assert says in str(told.value)


def test_the_shipped_ranges_are_those_of_the_real_data(mirror: Path, tmp_path: Path) -> None:
    """NHANES III beside Berrigan and others' published means, and Juul's sample by stage of puberty."""
    for folder in ("cohorts", "analyses"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.lock.json"))
    found = run_ranges(tmp_path / "analyses/igf1-reference-ranges.toml")
    published = found.frames["published"]
    assert len(published) == 6
    assert (published["difference"].abs() <= 0.5 * published["mean_se"]).all()
    assert published["n"].sum() == 5805
    adults = found.of("centiles", "adults")
    medians = adults[adults["centile"] == 50].pivot(index="age", columns="group", values="value")
    assert (medians.diff().dropna() < 0).all(axis=None), "levels fall with age"
    girls, boys = (found.of("centiles", "children").query("centile == 50 and group == @g").set_index("age")["value"]
                   for g in ("Female", "Male"))  # fmt: skip
    assert girls.idxmax() <= boys.idxmax()
    assert girls[12] > 1.3 * boys[12]
    stages = found.of("stages", "children").set_index(["group", "stage"])
    assert stages["n"].sum() == 792
    for group in ("Female", "Male"):
        assert stages.loc[(group, "IV"), "median"] > 2 * stages.loc[(group, "I"), "median"]
    shares = found.frames["shares"]
    assert ((100 * shares["share"] - shares["centile"]).abs() < 2.5).all()
