from __future__ import annotations

from dataclasses import replace

from results_example import example_results
from variants_example import with_variants

from riskkit.report.methods import methods
from riskkit.report.references import citations
from riskkit.report.strobe import checklist, methods_anchor

RESULTS = example_results(1, 2, scales=1, models=1)


def test_every_item_has_its_place_or_says_what_is_missing() -> None:
    items = checklist(RESULTS)
    assert [item.number for item in items] == list(range(1, 23))
    for item in items:
        assert item.where or item.remark
        assert item.status == "met" or item.remark
    blank = {item.topic for item in items if item.status == "not met"}
    assert {"Background", "Interpretation", "Generalisability", "Funding", "Other analyses"} == blank


def test_what_the_analysis_did_decides_what_is_met() -> None:
    before, after = ({item.number: item for item in checklist(r)} for r in (RESULTS, with_variants(RESULTS)))
    assert (before[12].status, after[12].status) == ("in part", "met")
    assert (before[17].status, after[17].status) == ("not met", "met")
    empty = replace(RESULTS, characteristics=RESULTS.characteristics.iloc[:2])
    assert (before[14].status, checklist(empty)[13].status) == ("met", "in part")
    assert "crude, by group" in before[16].remark
    ungrouped = replace(RESULTS, estimates=RESULTS.estimates.query("coding != 'groups'"))
    assert "no absolute rates" in checklist(ungrouped)[15].remark


def test_links_into_the_methods_find_their_paragraph() -> None:
    results = with_variants(RESULTS)
    there = {methods_anchor(heading) for heading, _ in methods(results)}
    pointed = {link.anchor for item in checklist(results) for link in item.where if link.anchor.startswith("methods-")}
    assert pointed <= there


def test_the_report_and_its_data_can_be_cited() -> None:
    report, data = citations(RESULTS)
    assert report == (
        "IGF-I and mortality. Report of 2025-01-02, made by riskkit 0.1.0, commit 0123456789ab, from an analysis file "
        "with SHA-256 cdcdcdcdcdcd."
    )
    assert data.startswith("Example Investigators.")
    loose = {**RESULTS.manifest["provenance"], "commit": None, "dirty": True}
    uncommitted = replace(RESULTS, manifest={**RESULTS.manifest, "provenance": loose})
    assert "riskkit 0.1.0 with uncommitted changes, from" in citations(uncommitted)[0]
