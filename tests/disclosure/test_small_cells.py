"""From raw file to report: a cohort with small cells planted in it, which are searched for in every file of the report.

The planted numbers stand in the results that a run leaves; the same search finds all of them there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from browser import opened
from made_cohort import cohort_of, made_analysis, made_cohort, made_project
from pypdf import PdfReader
from study_example import of_cohort

from riskkit import cli
from riskkit.cohort.cohort import Cohort
from riskkit.errors import DataError, SoftwareUnavailable, SpecError
from riskkit.report.content import report_content
from riskkit.report.explorer import explorer
from riskkit.report.index import index_entry
from riskkit.report.page import content_html, write_report
from riskkit.report.pdf import write_pdf
from riskkit.results import Results
from riskkit.runner import run
from riskkit.spec.cohort import load_cohort_spec

COHORT = made_cohort(
    "bmi",
    "sex",
    "cause",
    variables={
        "region": 'label = "Zoo", kind = "category", codes = { 1 = "Yak", 2 = "Ibex", 3 = "Zebra" }',
        "consent": 'label = "Consent", kind = "flag", codes = { 0 = "no", 1 = "yes" }',
    },
    outcomes="""
death = { label = "Death", event = "cause != 'no'" }
rare = { label = "Rare death", event = "cause == 'b'" }
rarest = { label = "Rarest death", event = "cause == 'c'" }
[disclosure]
min_count = 10
[[exclusions]]
label = "Withdrew consent"
when = "consent == 0"
""",
)

ANALYSIS = made_analysis("""
time_scales = ["follow_up"]
outcomes = ["death", "rare", "rarest"]
characteristics = ["age", "bmi", "region"]
min_events = 5
[exposures.marker]
[[models]]
name = "main"
label = "Age, sex and BMI"
covariates = ["age", "sex", "bmi"]
[[subgroups]]
name = "zebra"
label = "Yak below fifty"
by = "Region"
when = "region == 'Yak' and age < 43"
""")

PEOPLE, ZEBRAS, WITHDRAWN, EVENTS_ABOVE, RARE, RAREST, NO_BMI = 900, 7, 2, 3, 8, 4, 6
OLDEST, HIGHEST, LOWEST = 101.37, 987.65, 0.4321
COUNTS = {"n", "events", "n_missing", "n_without_events", "of_n", "of_events", "n_at_risk", "n_event"}
HEADS = {"People", "Events", "Left out", "Remaining", "Excluded for missing values", "Events / people"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose analysis has been run."""
    root = tmp_path_factory.mktemp("small")
    analysis = made_project(root, people(), COHORT, ANALYSIS)
    cohort_of(analysis).write(root / "build/made.parquet")
    run(analysis, Cohort.read(root / "build/made.parquet")).write(root / "build/results/marker")
    return root


@pytest.fixture(scope="module")
def results(root: Path) -> Results:
    """What the run left in build/results, small cells and all."""
    return Results.read(root / "build/results/marker")


def people() -> pd.DataFrame:
    """Nine hundred people whose fewest events are in the highest fifth of the marker, and two who withdrew."""
    random = np.random.default_rng(3)
    n = PEOPLE + WITHDRAWN
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "age": random.uniform(40, 70, n).round(1),
            "marker": np.append(np.sort(random.normal(50, 8, PEOPLE)).round(2), [50.0] * WITHDRAWN),
            "bmi": random.normal(27, 4, n).round(1),
            "sex": random.integers(1, 3, n),
            "region": random.integers(1, 3, n),
            "consent": [1] * PEOPLE + [0] * WITHDRAWN,
            "years": random.uniform(1, 10, n).round(2),
            "cause": 0,
        }
    )
    frame.loc[0, ["marker", "age"]] = LOWEST, OLDEST
    frame.loc[PEOPLE - 1, "marker"] = HIGHEST
    frame.loc[random.choice(700, ZEBRAS, replace=False), "region"] = 3
    frame.loc[100 : 100 + NO_BMI - 1, "bmi"] = np.nan
    dead = random.permutation(np.arange(110, 700))[:150]
    frame.loc[dead, "cause"] = [2] * RARE + [3] * RAREST + [1] * (len(dead) - RARE - RAREST)
    frame.loc[random.choice(np.arange(730, PEOPLE), EVENTS_ABOVE, replace=False), "cause"] = 1
    return frame


@pytest.fixture(scope="module")
def reports(root: Path) -> Path:
    """Everything that may leave: page, Word document and index, written and checked by the command line."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(root)
        cli.report("marker")
        cli.docx("marker")
        cli.index()
        cli.check(Path("reports/marker"))
    return root / "reports"


def test_no_file_of_a_report_tells_of_the_few(reports: Path) -> None:
    assert {path.suffix for path in reports.rglob("*.*")} >= {".html", ".svg", ".csv", ".parquet", ".docx"}
    assert list(told(reports)) == []


def test_the_pdf_tells_of_the_few_no_more_than_its_page(reports: Path) -> None:
    try:
        path = write_pdf(reports / "marker")
    except SoftwareUnavailable as absent:
        pytest.skip(str(absent))
    text = "\n".join(sheet.extract_text() for sheet in PdfReader(path).pages)
    assert "counts below 10" in " ".join(text.split())
    assert list(sayings(text)) == []
    for name in ("Withdrew consent", "Zebra"):
        rows = re.findall(rf"{name}[^\n]*", text)
        assert rows
        assert not [row for row in rows if re.search(r"(?<![\d,.])[1-9](?![\d,.])", row)], rows


def test_the_same_search_finds_every_small_cell_in_results_as_a_run_left_them(results: Results, tmp_path: Path) -> None:
    bare = results.replaced(of_cohort(results.manifest, disclosure=None))
    content = report_content(bare)
    (tmp_path / "index.html").write_text(content_html(content, {}, explorer(bare)), encoding="utf-8")
    for name, table in content.tables:
        (tmp_path / f"{name}.csv").write_text(table.to_csv(), encoding="utf-8")
    for name, frame in bare.frames.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    found = list(told(tmp_path))
    for plant in (
        f"figure-3-marker-groups-table.csv: {EVENTS_ABOVE}", f"fits.parquet: {NO_BMI}", f"estimates.parquet: {RARE}",
        "histograms.parquet: 1", f"characteristics.parquet: {ZEBRAS}",
        f"{RAREST} events, fewer", "Withdrew consent", "Zebra", "index.html: 988",
    ):  # fmt: skip
        assert any(plant in each for each in found), (plant, found)


def test_results_are_not_reported_before_the_rule_was_applied(results: Results, tmp_path: Path) -> None:
    for write in (lambda: write_report(results, tmp_path / "marker"), lambda: index_entry(results)):
        with pytest.raises(DataError, match="rule on small numbers"):
            write()
    assert list(tmp_path.iterdir()) == []


def test_the_page_says_which_rule_was_applied_and_lists_what_it_withholds(reports: Path) -> None:
    page = (reports / "marker/index.html").read_text(encoding="utf-8")
    assert "counts below 10" in page
    assert "rounded to the nearest 5" in page
    assert (
        page.count("Not shown: fewer than 10 events") == 10
    )  # three codings of two outcomes, a subgroup of three, an incidence


def test_the_explorer_ends_where_enough_people_lie_beyond(reports: Path) -> None:
    page = opened(reports / "marker/index.html", "")
    assert page.console == ()
    table = page.html[page.html.index('id="explorer-caption"') :]
    assert re.findall(r">(\w+ percentile)<", table)[0] == "5th percentile"  # of 894 people the first has 8 beyond


def test_a_rule_that_subtraction_would_defeat_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(COHORT.replace("min_count = 10", "min_count = 7"))
    with pytest.raises(SpecError, match=r"disclosure.min_count.*multiple of round_to, which is 5.*Write 10; got 7"):
        load_cohort_spec(path)


def told(folder: Path) -> Iterator[str]:
    """Everything in the files of a folder that tells of fewer than ten people, or is a count not rounded to 5."""
    for path in sorted(folder.rglob("*.*")):
        if path.suffix == ".parquet":
            yield from (f"{path.name}: {value:g}" for value in odd_counts(pd.read_parquet(path)))
        elif path.suffix == ".csv" and path.parent.name != "data":
            yield from (f"{path.name}: {text}" for text in odd_cells(pd.read_csv(path, dtype=str)))
        texts = [path.read_text(encoding="utf-8")] if path.suffix in (".html", ".svg", ".csv") else []
        if path.suffix == ".docx":
            with ZipFile(path) as parts:
                texts = [parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml")]
        for text in texts:
            yield from (f"{path.name}: {said}" for said in sayings(text))


def odd_counts(frame: pd.DataFrame) -> Iterator[float]:
    """Counts of a frame that are small or not rounded; likelihoods; people by name."""
    values = [frame[name] for name in COUNTS & set(frame)]
    if {"statistic", "value"} <= set(frame):
        values.append(frame.loc[frame["statistic"].isin(["n", "missing", "count"]), "value"])
    for each in pd.concat(values).dropna() if values else ():
        if 0 < each < 10 or each % 5:
            yield each
    for name in ("loglik", "loglik_null", "aic"):
        yield from frame[name].dropna() if name in frame else ()
    for name in ("x_low", "x_high", "left", "right", "p99", "x"):
        yield from frame.loc[(frame[name] < LOWEST + 0.1) | (frame[name] > HIGHEST - 1), name] if name in frame else ()


def odd_cells(table: pd.DataFrame) -> Iterator[str]:
    """Counts in the cells of a printed table that are small or not rounded."""
    for name in HEADS & set(table):
        for cell in table[name].dropna():
            numbers = [int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*", cell.split(";")[0])]
            yield from (f"{number}" for number in numbers if 0 < number < 10 or number % 5)


def sayings(text: str) -> Iterator[str]:
    """Planted numbers in words, rows, drawings and the explorer's data."""
    data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    if data:
        about = json.loads(data[1])
        bins = [one for each in about["exposure"].values() for one in each["histogram"]]
        counted = [each[name] for each in (*about["curves"], *bins) for name in COUNTS & set(each)]
        yield from (f"explorer {n}" for n in counted if n is not None and (0 < n < 10 or n % 5))
    words = re.sub(r"<script.*?</script>|<style.*?</style>", "", text, flags=re.DOTALL)
    yield from re.findall(rf"\b{OLDEST}\b|\b{HIGHEST:.0f}\b|\b{HIGHEST}\b|\b{LOWEST}\b|\b0\.432\b", words)
    yield from re.findall(r"\b[1-9] events, fewer|(?<!fewer than )\b[1-9] events?\b|\b[1-9] people\b", words)
    yield from re.findall(rf">\s*−{WITHDRAWN}\s*<", words)  # as the flow is drawn
    for name in ("Withdrew consent", "Zebra"):
        for row in re.findall(rf"{name}(?:</th>|,).*?(?:</tr>|\n\w|$)", words, flags=re.DOTALL):
            cells = re.findall(r"(?<![\d,.])[1-9](?![\d,.])", re.sub(r"<[^>]*>", " ", row))
            yield from (f"{name} {cell}" for cell in cells)
