"""The report of published evidence: a ledger with every claim, simulated people apart, sources numbered."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from riskkit.errors import DataError, SpecError
from riskkit.evidence.ledger import OwnEstimate
from riskkit.figures.forest import ForestHeads, ForestRow, forest
from riskkit.provenance import provenance
from riskkit.report.evidence import read
from riskkit.report.evidence.content import evidence_content
from riskkit.report.evidence.own import OwnFinding
from riskkit.report.evidence.page import evidence_entry, write_evidence_report
from riskkit.report.evidence.read import read_evidence
from riskkit.report.render import render
from riskkit.spec.analysis import load_analysis
from riskkit.telling.blocks import Heading, walk

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "analyses" / "igf1-evidence.toml"


def nothing(name: str):
    raise DataError("It has not been run.")


@pytest.fixture(scope="module")
def evidence():
    return read_evidence(FILE, nothing)


@pytest.fixture(scope="module")
def content(evidence):
    return evidence_content(evidence, provenance(FILE))


def html_of(content) -> str:
    return render("evidence.html.j2", content=content, drawings={}, frames=("claims",))


def test_the_ledger_comes_first_and_has_a_row_a_claim_that_leads_to_it(evidence, content):
    assert content.contents[0].anchor == "ledger"
    table = content.tables[0][1]
    rows = [row for row in table.rows if row.kind != "heading"]
    assert [row.cells[0] for row in rows] == [claim.claim for claim in evidence.spec.claims]
    anchors = {block.anchor for block in walk(content.blocks) if isinstance(block, Heading)}
    assert {row.link for row in rows} <= anchors
    html = html_of(content)
    assert html.count('href="#claim-') == len(rows)


def test_the_numbers_of_a_row_are_those_of_the_ledger(evidence, content):
    row = next(row for row in content.tables[0][1].rows if row.link == "claim-all-cause-mortality")
    pooled = evidence.pooled("all-cause-mortality", "low")
    assert f"{pooled['ratio']:.2f}" in row.cells[2]
    assert row.cells[3].split("\n")[0] == "Low:\u00a04"
    assert f"{pooled['predicted_low']:.2f}–{pooled['predicted_high']:.2f}" in row.cells[4]
    men_and_women = next(row for row in content.tables[0][1].rows if row.link == "claim-all-cancers")
    assert men_and_women.cells[3] == "1 (2 estimates)"


def test_every_citation_has_its_number_and_what_is_not_testable_says_why(evidence, content):
    html = html_of(content)
    assert "[@" not in html
    for claim in evidence.spec.claims:
        if claim.not_testable:
            assert claim.not_testable.split(".")[0].replace("'", "&#39;") in html
    assert "Results of igf1-cancer" in html


def own(monkeypatch, *estimates: OwnEstimate):
    found = tuple(OwnFinding(e, "A cohort", "Breast cancer", "per SD higher", 0.95) for e in estimates)
    monkeypatch.setattr(read, "own_findings", lambda spec, results: found)
    return read_evidence(FILE, nothing)


def test_simulated_people_are_apart_and_never_count(monkeypatch, evidence):
    with_twin = own(monkeypatch, OwnEstimate("breast", "line", "igf1-cancer", 0.5, 0.4, 0.6, True))
    assert with_twin.ledger.claims["verdict"].tolist() == evidence.ledger.claims["verdict"].tolist()
    row = next(r for r in evidence_content(with_twin, provenance(FILE)).tables[0][1].rows if r.link == "claim-breast")
    assert row.cells[1] == "Supported"
    assert row.cells[5] == "–"
    assert row.cells[-1] == "0.50 (0.40–0.60)"


def test_real_people_count(monkeypatch):
    real = own(monkeypatch, OwnEstimate("breast", "line", "igf1-cancer", 0.5, 0.4, 0.6, False))
    assert real.ledger.claims.set_index("claim").loc["breast", "verdict"] == "mixed"


def test_it_is_written_whole_and_the_index_knows_when_it_is_stale(tmp_path):
    shutil.copytree(ROOT / "analyses", tmp_path / "analyses")
    path = tmp_path / "analyses" / FILE.name
    text = path.read_text(encoding="utf-8")
    kept = text[: text.index("[[questions]]")]
    kept += '[[questions]]\nid = "q"\nquestion = "Is it so?"\n' + text[text.index("[[claims]]") :].split("[[claims]]")[
        2
    ].join(["[[claims]]", ""]).replace('question = "cancer"', 'question = "q"')
    path.write_text(kept.replace("own = {", "# own = {"), encoding="utf-8")
    folder = tmp_path / "reports" / "igf1-evidence"
    assert "not been written" in evidence_entry(path, folder).reason
    page = write_evidence_report(read_evidence(path, nothing), folder)
    assert "<svg" in page.read_text(encoding="utf-8")
    assert pd.read_parquet(folder / "data" / "claims.parquet")["verdict"].tolist() == ["supported"]
    assert (folder / "tables" / "table-1.csv").is_file()
    assert list((folder / "figures").glob("*forest.svg"))
    assert evidence_entry(path, folder).answer == "Of 1 claim, 1 supported."
    with (tmp_path / "analyses" / "evidence" / "agents.csv").open("a") as file:
        file.write("\n")
    assert "agents.csv" in evidence_entry(path, folder).reason


def test_a_funnel_is_drawn_of_ten_studies(monkeypatch, evidence):
    from riskkit.report.evidence import claims, pools

    claim = next(c for c in evidence.spec.claims if c.id == "all-cause-mortality")
    monkeypatch.setattr(pools, "TESTED", 4)
    blocks = list(claims._folded(evidence, claim, lambda c: "", lambda c: ""))
    figure = next(b for b in blocks if getattr(b, "name", "") == "funnel")
    assert "Egger" in figure.finding
    axes = figure.wide.axes[0]
    assert axes.get_ylim()[0] > axes.get_ylim()[1] == 0
    studies = next(line for line in axes.lines if line.get_label() == "studies")
    assert len(studies.get_xdata()) == 4


def test_a_diamond_reaches_from_limit_to_limit():
    row = ForestRow("Pooled", 1.2, 1.1, 1.3, 1.0, diamond=True, predicted=(0.95, 1.35))
    figure = forest([row], ForestHeads("a", "b", "c", "", "d"))
    (patch,) = (p for p in figure.axes[0].patches if p.get_label() == "diamond")
    x = patch.get_xy()[:, 0]
    assert (x.min(), x.max()) == (pytest.approx(1.1), pytest.approx(1.3))
    line = next(line for line in figure.axes[0].lines if line.get_label() == "prediction")
    np.testing.assert_allclose(line.get_xdata(), (0.95, 1.35))


def test_a_run_of_it_says_what_to_do_and_a_wrong_analysis_is_told(tmp_path):
    with pytest.raises(SpecError, match="riskkit report igf1-evidence"):
        load_analysis(FILE)
    shutil.copytree(ROOT / "analyses", tmp_path / "analyses")
    path = tmp_path / "analyses" / FILE.name
    text = path.read_text(encoding="utf-8").replace('outcome = "breast" }', 'outcome = "breasts" }')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=r"has no outcome 'breasts'\. Did you mean 'breast'"):
        read_evidence(path, nothing)
