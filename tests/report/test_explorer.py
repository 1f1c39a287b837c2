"""The explorer in headless Chromium against curves and lowest points of the fits themselves."""

from __future__ import annotations

import csv
import hashlib
import html
import json
import re
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import numpy as np
import pandas as pd
import pytest
from browser import Opened, opened_at, probed
from results_example import example_results, with_frames
from study_example import of_cohort

from riskkit.fit.cox import cox
from riskkit.fit.fit import Fit
from riskkit.infer.anova import anova
from riskkit.infer.curve import curve
from riskkit.infer.nadir import nadir
from riskkit.report.explorer import SCRIPTS, explorer
from riskkit.report.page import page_html
from riskkit.results import Results
from riskkit.study.splines import covariances, spline_row

BY_HAND = """
const part = (name) => page.getElementById(`explorer-${name}`);
const choose = (name, value, event) => {
  part(name).value = value;
  part(name).dispatchEvent(new Event(event));
};
const seen = () => Object.fromEntries(new URLSearchParams(frame.contentWindow.location.hash.split("?")[1]));
choose("outcome", "cardiovascular", "change");
choose("compare", "outcome:all_causes", "change");
choose("slider", "200.4", "input");
const slid = seen();
part("lowest").click();
const lowest = seen();
part("usual").click();
choose("level", "0.8", "change");
return [slid, lowest, seen(), part("link").getAttribute("href"), part("caption").textContent];
"""
ADDRESSES = {
    "report": "",
    "strict": "#explorer?reference=97.3&level=0.99&compare=outcome:cardiovascular",
    "lowest": "#explorer?outcome=cardiovascular&model=lifestyle&reference={nadir}&level=0.9",
    "hostile": "#explorer?outcome=constructor&model=__proto__&reference=x&compare=model:toString&level=2",
    "absent": "#explorer?outcome=cardiovascular&model=age-sex",
}


RANGE = (60.0, 252.0)  # low and high of the example, between which shapes are told


@pytest.fixture(scope="module")
def fits() -> dict[tuple[str, str], Fit]:
    """Two outcomes in one or two models, of which the first has a clear minimum at 170."""
    random = np.random.default_rng(5)
    n = 1500
    igf1 = random.gamma(7, 22, n)
    bmi = random.normal(27, 4, n)
    rate = np.exp(0.00012 * (igf1 - 170) ** 2 / 2 + 0.03 * (bmi - 27))
    data = pd.DataFrame({"igf1": igf1, "bmi": bmi})
    for outcome, base in (("all_causes", 0.08), ("cardiovascular", 0.03)):
        time = random.exponential(1 / (base * rate))
        data = data.assign(**{outcome: time < 10, f"{outcome}_time": np.minimum(time, 10)})
    terms = {"age-sex": "", "lifestyle": " + bmi"}
    wanted = [("all_causes", "age-sex"), ("all_causes", "lifestyle"), ("cardiovascular", "lifestyle")]
    return {
        (outcome, model): cox(
            f"Surv({outcome}_time, {outcome}) ~ rcs(igf1, [60, 126, 168, 252]){terms[model]}", data
        ).light()
        for outcome, model in wanted
    }


@pytest.fixture(scope="module")
def results(fits: dict[tuple[str, str], Fit]) -> Results:
    frames: dict[str, list[pd.DataFrame]] = {}
    for (outcome, model), fit in fits.items():
        key = {"exposure": "igf1", "outcome": outcome, "time_scale": "age", "coding": "spline", "model": model}
        rows = {
            "splines": spline_row(fit, "igf1", nadir(fit, "igf1", limits=RANGE)),
            "covariances": covariances(fit),
            "coefficients": fit.tidy(),
            "fits": fit.glance().drop(columns="model").assign(n_without_events=0),
            "tests": anova(fit),
        }
        for name, frame in rows.items():
            frames.setdefault(name, []).append(frame.assign(**key))
    example = example_results(1, 2, 1, 2)
    assert example.manifest.exposures["igf1"].knots == (60, 126, 168, 252)
    return with_frames(example, **{name: pd.concat(rows, ignore_index=True) for name, rows in frames.items()})


@pytest.fixture(scope="module")
def page(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page_html(results), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def seen(page: Path, fits: dict[tuple[str, str], Fit], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Opened]:
    lowest = nadir(fits["cardiovascular", "lifestyle"], "igf1", limits=RANGE).x
    addresses = {name: at.format(nadir=lowest) for name, at in ADDRESSES.items()}
    return opened_at(page, addresses, tmp_path_factory.mktemp("seen"))


def numbers(found: Opened) -> pd.DataFrame:
    """The file of numbers that the reader is offered."""
    offered = re.search(
        r'<a id="explorer-csv" href="data:text/csv;charset=utf-8,([^"]*)" download="example-', found.html
    )
    assert offered
    return pd.DataFrame(csv.DictReader(unquote(offered[1]).splitlines()))


def table(found: Opened) -> dict[str, list[float]]:
    """The table of the explorer, by its row heads, with all digits."""
    body = found.html[found.html.index('<table id="explorer-table"') :]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', body[: body.index("</table>")])
    return {head: [float(v) for v in re.findall(r'<data value="([^"]*)">', cells)] for head, cells in rows}


def words(found: Opened) -> str:
    said = re.search(r'<p id="explorer-summary"[^>]*>(.*?)</p>', found.html)
    assert said
    return html.unescape(said[1]).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("view", "key", "reference", "level"),
    [
        ("report", ("all_causes", "lifestyle"), 150.0, 0.95),
        ("strict", ("all_causes", "lifestyle"), 97.3, 0.99),
        ("lowest", ("cardiovascular", "lifestyle"), "nadir", 0.9),
    ],
)
def test_numbers_are_those_of_the_fit(
    seen: dict[str, Opened], fits: dict[tuple[str, str], Fit], view: str, key: tuple[str, str], reference: float | str,
    level: float,
) -> None:  # fmt: skip
    fit = fits[key]
    reference = nadir(fit, "igf1", limits=RANGE).x if reference == "nadir" else reference
    expected = curve(fit, "igf1", reference=reference, level=level)
    found = numbers(seen[view])
    found = found[(found["outcome"] == key[0]) & (found["model"] == key[1])]
    for name in ("x", "estimate", "se", "ratio", "low", "high", "reference"):
        np.testing.assert_allclose(found[name].astype(float), expected[name], rtol=1e-9, atol=1e-12, err_msg=name)
    rows = table(seen[view])
    assert rows["Lowest point"][0] == pytest.approx(nadir(fit, "igf1", limits=RANGE).x, rel=1e-9)
    percentiles = fit.summaries["igf1"].percentiles
    read = curve(fit, "igf1", reference=reference, level=level, grid=[percentiles[1], percentiles[90]])
    for head, row in zip(("1st percentile", "90th percentile"), read.itertuples(), strict=True):
        np.testing.assert_allclose(rows[head][:4], [row.x, row.ratio, row.low, row.high], rtol=1e-9)


def test_a_second_curve_stands_beside_the_first(seen: dict[str, Opened], fits: dict[tuple[str, str], Fit]) -> None:
    found = numbers(seen["strict"])
    expected = curve(fits["cardiovascular", "lifestyle"], "igf1", reference=97.3, level=0.99)
    second = found[found["outcome"] == "cardiovascular"].astype({"high": float})
    np.testing.assert_allclose(second["high"], expected["high"], rtol=1e-9)
    assert {len(row) for row in table(seen["strict"]).values()} == {7}
    assert "Death from cardiovascular disease: " in seen["strict"].html


def test_a_sentence_tells_reference_lowest_point_tests_and_model(
    seen: dict[str, Opened], fits: dict[tuple[str, str], Fit]
) -> None:
    fit = fits["all_causes", "lifestyle"]
    at = curve(fit, "igf1", reference=97.3, level=0.99, grid=[fit.summaries["igf1"].percentiles[95]]).iloc[0]
    said = words(seen["strict"])
    for expected in (
        "Serum IGF-I and death from any cause: relative to 97.3 ng/mL, the hazard ratio is ",
        f"{at.ratio:.2f} (99% CI {at.low:.2f} to {at.high:.2f}) at the 95th percentile, {at.x:.0f} ng/mL",
        nadir(fit, "igf1", limits=RANGE).sentence("ng/mL").removesuffix(".").replace("\u00a0", " "),
        "Tests: any association p < 0.001, non-linear p < 0.001.",
        "Model: age and sex + smoking and BMI; time scale: attained age.",
    ):
        assert expected in said
    counts = f"{fit.events:,} events in 1,500 people, {fit.person_years:,.0f} person-years; 0 left out"
    assert counts in seen["strict"].html


def test_nothing_goes_wrong_whatever_the_address_asks_for(seen: dict[str, Opened]) -> None:
    assert [found.console for found in seen.values()] == [()] * len(ADDRESSES)
    assert table(seen["hostile"]) == table(seen["report"])
    assert words(seen["absent"]).startswith("This model was not fitted for this outcome")
    assert 'id="explorer-result" hidden=""' in seen["absent"].html
    drawn = re.search(
        r'<div id="explorer-chart"[^>]*><svg[^>]*role="img"[^>]*aria-label="([^"]*)"', seen["report"].html
    )
    assert drawn
    assert html.unescape(drawn[1]).replace("\u00a0", " ") == words(seen["report"])


def test_what_is_chosen_by_hand_is_in_the_address(page: Path, fits: dict[tuple[str, str], Fit], tmp_path: Path) -> None:
    slid, lowest, usual, link, caption = probed(tmp_path, f'src="{page.as_uri()}"', BY_HAND)
    chosen = {"exposure": "igf1", "outcome": "cardiovascular", "model": "lifestyle", "time_scale": "age"}
    assert slid == chosen | {"reference": "200.5", "level": "0.95", "compare": "outcome:all_causes"}  # steps of 0.5
    assert float(lowest["reference"]) == pytest.approx(
        nadir(fits["cardiovascular", "lifestyle"], "igf1", limits=RANGE).x, rel=1e-9
    )
    assert usual == slid | {"reference": "150", "level": "0.8"}
    assert dict(parse_qsl(link.removeprefix("#explorer?"))) == usual
    assert caption.replace("\u00a0", " ") == "Hazard ratio (80% CI) relative to 150 ng/mL, by level of serum IGF-I"


def test_simulated_data_say_so_in_the_explorer(results: Results) -> None:
    made = explorer(results.replaced(of_cohort(results.manifest, simulated=True)))
    assert made
    assert json.loads(made.data)["mark"] == "SIMULATED DATA"


def test_counts_that_are_withheld_stay_withheld(results: Results) -> None:
    made = explorer(results.replaced(fits=results.fits.assign(events=np.nan)))
    assert made
    assert [curve["events"] for curve in json.loads(made.data)["curves"]] == [None] * 3


def test_thirty_outcomes_embed_little(results: Results) -> None:
    made = explorer(example_results(1, 30, 1, 3))
    assert made
    assert len(json.loads(made.data)["curves"]) == 90
    assert len(made.data) < 100_000


def test_libraries_are_the_releases_that_are_named() -> None:
    vendor = files("riskkit.report") / "vendor"
    named = re.findall(r"^\| `(\S+)` \|.* `([0-9a-f]{64})` \|$", (vendor / "README.md").read_text(), re.MULTILINE)
    assert [f"vendor/{name}" for name, _ in named] == list(SCRIPTS[:2])
    for name, digest in named:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
