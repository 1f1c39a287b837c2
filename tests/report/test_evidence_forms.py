"""Other forms of the report of published evidence, its links, and what stands under each pooled estimate."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import riskkit as rk
from riskkit.errors import DataError
from riskkit.evidence.ledger import OwnEstimate
from riskkit.figures.forest import MARKS, ForestHeads, ForestRow, forest
from riskkit.provenance import provenance
from riskkit.report.document import document_passages, open_document
from riskkit.report.evidence import claims as claims_module
from riskkit.report.evidence import read
from riskkit.report.evidence.content import evidence_content
from riskkit.report.evidence.forests import forest_figure
from riskkit.report.evidence.own import OwnFinding
from riskkit.report.evidence.page import check_evidence, claims_of, write_evidence_docx, write_evidence_report
from riskkit.report.evidence.pools import pool_blocks
from riskkit.report.evidence.read import read_evidence
from riskkit.report.index import IndexEntry, write_index
from riskkit.report.render import render
from riskkit.tables.table import Table
from riskkit.telling.blocks import PageFigure, Paragraph

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "analyses" / "igf1-evidence.toml"
KEPT = ("all-cause-mortality", "thyroid", "tamoxifen")


def nothing(name: str):
    raise DataError("It has not been run.")


@pytest.fixture(scope="module")
def evidence():
    return read_evidence(FILE, nothing)


def claim_of(evidence, id: str):
    return next(claim for claim in evidence.spec.claims if claim.id == id)


def with_own(monkeypatch, *estimates: OwnEstimate):
    found = tuple(OwnFinding(e, e.cohort or "A cohort", "Death", "x", 0.95, "e1-o1") for e in estimates)
    monkeypatch.setattr(read, "own_findings", lambda spec, results: found)
    return read_evidence(FILE, nothing)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A report of three claims, as files."""
    root = tmp_path_factory.mktemp("made")
    shutil.copytree(ROOT / "analyses", root / "analyses")
    path = root / "analyses" / FILE.name
    text = path.read_text(encoding="utf-8")
    head, *parts = text.split("[[claims]]")
    wanted = [part for part in parts if any(f'id = "{id}"\n' in part for id in KEPT)]
    assert len(wanted) == len(KEPT)
    blocks = head.split("[[questions]]")
    kept = [blocks[0], *(b for b in blocks[1:] if any(f'id = "{q}"' in b for q in ("cancer", "death", "agents")))]
    path.write_text("[[questions]]".join(kept) + "[[claims]]" + "[[claims]]".join(wanted), encoding="utf-8")
    evidence = read_evidence(path, nothing)
    folder = root / "reports" / "igf1-evidence"
    write_evidence_report(evidence, folder)
    write_evidence_docx(evidence, folder)
    return evidence, folder


def test_the_word_document_says_what_the_page_says(small):
    evidence, folder = small
    said = document_passages(open_document(folder / "igf1-evidence.docx"))
    assert "Published evidence" in said[:3]
    assert any(text.startswith("Verdict: supported.") for text in said)
    for claim in evidence.spec.claims:
        assert claim.claim in said
    pooled = evidence.pooled("thyroid", "line")
    assert any(f"{pooled['ratio']:.2f} ({pooled['low']:.2f}–{pooled['high']:.2f})" in text for text in said)


def test_every_number_is_made_again_and_a_wrong_one_is_told(small, tmp_path):
    evidence, folder = small
    checked = check_evidence(evidence, folder)
    assert checked.numbers > 200
    assert checked.differences.empty, checked.differences
    forged = tmp_path / "reports" / "igf1-evidence"
    shutil.copytree(folder, forged)
    page = forged / "index.html"
    html = page.read_text(encoding="utf-8")
    assert html.count("1.18 (1.01–1.37)") > 1
    page.write_text(html.replace("1.18 (1.01–1.37)", "1.81 (1.01–1.37)", 1), encoding="utf-8")
    data = forged / "data" / "pooled.parquet"
    pd.read_parquet(data).assign(ratio=2.0).to_parquet(data)
    found = check_evidence(evidence, forged).differences
    assert "data/pooled.parquet" in set(found["where"])
    assert found["printed"].str.contains("1.81", regex=False).any()


def test_forms_are_of_the_files_as_they_are(small, tmp_path):
    evidence, folder = small
    moved = tmp_path / "reports" / "igf1-evidence"
    shutil.copytree(folder, moved)
    (moved / "tables" / "table-1.csv").write_text("other", encoding="utf-8")
    with pytest.raises(DataError, match="not the report of these results"):
        write_evidence_docx(evidence, moved)
    with pytest.raises(DataError, match="It has not been written yet"):
        check_evidence(evidence, tmp_path / "reports" / "nothing")


def test_the_index_leads_from_analyses_to_their_claims_and_claims_to_their_sections(tmp_path, monkeypatch):
    spoken = claims_of(FILE)
    assert ("Low and high IGF-1 go with more deaths.", "igf1-evidence/index.html#claim-all-cause-mortality") in spoken[
        "igf1-mortality"
    ]
    entry = IndexEntry("igf1-mortality", "t", "q", "c", claims=tuple(spoken["igf1-mortality"]))
    entry = replace(entry, created=pd.Timestamp("2026-01-01").to_pydatetime())
    html = write_index(tmp_path, [entry, replace(entry, simulated=True)]).read_text(encoding="utf-8")
    assert html.count('href="igf1-evidence/index.html#claim-all-cause-mortality"') == 2
    assert "Claims that this speaks to" in html
    assert "simulated, would speak to and never count for" in html
    ours = with_own(monkeypatch, OwnEstimate("breast", "line", "igf1-cancer", 1.1, 1.0, 1.2, True))
    page = render("evidence.html.j2", content=evidence_content(ours, provenance(FILE)), drawings={}, frames=("claims",))
    assert 'href="../igf1-cancer/index.html#e1-o1"' in page


def test_risk_of_bias_stands_beside_the_forest_by_the_declared_rule(evidence):
    for row in evidence.published.rows:
        judged = dict(row.bias)
        if row.design in ("meta-analysis", "patients"):
            assert not judged
            continue
        genes = row.design == "mendelian randomisation"
        assert judged["regression_dilution"] == ("low" if row.corrected or genes else "some")
        assert judged["reverse_causation"] == (
            "low" if genes else "high" if row.design == "cross-sectional" else "some"
        )
    figure = forest_figure(evidence, claim_of(evidence, "thyroid"))
    assert "Risk of bias (+ low, ? some, − high) of A, regression dilution; B, reverse causation." in figure.caption
    axes = figure.wide.axes[1]
    drawn = [line.get_label() for line in axes.lines if str(line.get_label()).startswith("risk of bias")]
    assert drawn == [f"risk of bias: {risk}" for risk in ("low", "some", "some", "some")]
    assert set(MARKS) == {"low", "some", "high"}
    plain = forest([ForestRow("a", 1.0, 0.9, 1.1, 1.0)], ForestHeads("a", "b", "c", "", "d"))
    assert not [line for line in plain.axes[1].lines if "risk" in str(line.get_label())]


def test_each_study_is_left_out_and_added_in_order(evidence):
    blocks = list(pool_blocks(evidence, claim_of(evidence, "all-cause-mortality")))
    table = next(block for block in blocks if isinstance(block, Table))
    rows = evidence.rows("all-cause-mortality", "low")
    used = rows[rows["used"]].reset_index(drop=True)
    fit = rk.meta(used[["study", "year", "ratio", "low", "high"]], test="knapp-hartung")
    without = rk.meta_leave_one_out(fit).set_index("study")
    upto = rk.meta_cumulative(fit, by="year")
    assert [row.cells[0] for row in table.rows] == upto["study"].tolist()
    for row, (_, theirs) in zip(table.rows, upto.iterrows(), strict=True):
        one = without.loc[theirs["study"]]
        assert row.cells[1] == f"{one['ratio']:.2f} ({one['low']:.2f}–{one['high']:.2f})"
        assert row.cells[2].startswith(f"{theirs['ratio']:.2f} (")
    (shape,) = (block for block in blocks if isinstance(block, PageFigure))
    assert shape.name == "funnel"
    assert "cannot tell whether studies are missing" in shape.finding


def test_confounding_that_would_explain_a_pooled_ratio(evidence):
    said = [
        b.text for b in pool_blocks(evidence, claim_of(evidence, "all-cause-mortality")) if isinstance(b, Paragraph)
    ]
    row = evidence.pooled("all-cause-mortality", "low")
    value = rk.evalue(row["ratio"], row["low"], row["high"])
    told = next(text for text in said if text.startswith("Low end: "))
    assert f"risk ratios of {value.estimate:.2f} each" in told
    assert f"{value.limit:.2f} to bring its interval to 1." in told
    rows = evidence.rows("all-cause-mortality", "low")
    fit = rk.meta(rows[rows["used"]], study="id")
    bias = rk.meta_bias(fit, 1.1)
    assert bias["share"] > 0.995
    assert "over 99% of them are above 1.10" in told
    assert f"by a factor of {bias['bias']:.2f} would leave 10%" in told
    assert not [b for b in pool_blocks(evidence, claim_of(evidence, "diabetes-genetic")) if isinstance(b, Paragraph)]


def test_one_estimate_has_the_limits_that_were_printed(evidence):
    row = evidence.pooled("all-cause-mortality-reviews", "low")
    assert (row["ratio"], row["low"], row["high"]) == (1.33, 1.14, 1.57)


def test_two_studies_and_a_limit_that_is_printed_as_one_are_told(evidence):
    told = " ".join(claims_module._caution(evidence, claim_of(evidence, "all-cause-mortality")))
    assert "Of the high end two estimates are pooled, with normal limits, which are too narrow for so few." in told
    low = evidence.pooled("all-cause-mortality", "high")["low"]
    assert 1 < low < 1.005
    assert f"printed as 1.00 is {low:.4f}." in told


def test_real_people_are_pooled_with_the_published_ones_where_they_compare(monkeypatch, evidence):
    name = "all-cause-mortality"
    ours = OwnEstimate(name, "low", "igf1-mortality", 1.11, 1.02, 1.20, cohort="NHANES III")
    found = with_own(monkeypatch, ours)
    rows = found.rows(name, "low")
    table = rows[rows["used"]][["id", "ratio", "low", "high"]]
    added = pd.DataFrame([{"id": "ours", "ratio": 1.11, "low": 1.02, "high": 1.20}])
    fit = rk.meta(pd.concat([table, added], ignore_index=True), study="id", test="knapp-hartung")
    both = found.together(name, "low")
    assert both["studies"] == 5
    assert both["estimate"] == pytest.approx(fit.coef[0])
    assert both["se"] == pytest.approx(fit.se[0])
    assert found.pooled(name, "low")["estimate"] == pytest.approx(evidence.pooled(name, "low")["estimate"])
    figure = forest_figure(found, claim_of(found, name))
    assert any("Published and real people here (5 estimates)" in row.cells[0] for row in figure.table.rows)
    assert "A second diamond: with real people here." in figure.caption
    wide = replace(ours, ratio=0.7, low=0.5, high=0.98)
    told = " ".join(claims_module._caution(with_own(monkeypatch, wide), claim_of(found, name)))
    assert "Pooled with real people here, the interval of the low end holds 1." in told
    for other in (replace(ours, simulated=True), replace(ours, cohort="LASA of Amsterdam")):
        assert with_own(monkeypatch, other).together(name, "low") is None


def test_a_line_is_brought_to_the_claims_increment(monkeypatch):
    ours = OwnEstimate("breast", "line", "igf1-cancer", 1.2, 1.1, 1.3, cohort="Ours", per=100.0, unit="ng/mL")
    found = with_own(monkeypatch, ours)
    power = 5 / (100 * 0.13074)  # per 5 nmol/L
    added = {"id": "ours", "ratio": 1.2**power, "low": 1.1**power, "high": 1.3**power}
    rows = found.rows("breast")
    table = pd.concat([rows[rows["used"]][["id", "ratio", "low", "high"]], pd.DataFrame([added])], ignore_index=True)
    assert len(table) == 2
    assert found.together("breast", "line")["estimate"] == pytest.approx(rk.meta(table, study="id").coef[0])
    assert with_own(monkeypatch, replace(ours, unit="mmol/L")).together("breast", "line") is None
    assert with_own(monkeypatch, replace(ours, per=np.nan)).together("breast", "line") is None
