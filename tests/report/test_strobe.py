from __future__ import annotations

from dataclasses import replace

import pytest
from modified_example import with_interactions, with_robustness
from results_example import example_results
from study_example import asking
from variants_example import with_variants

from riskkit.report.content import report_content
from riskkit.report.methods import methods
from riskkit.report.strobe import checklist, design_of, introduction, strobe_table
from riskkit.results import Results
from riskkit.telling.blocks import Checklist
from riskkit.telling.references import citations
from riskkit.telling.telling import methods_link

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
    empty = RESULTS.replaced(characteristics=RESULTS.characteristics.iloc[:2])
    assert (before[14].status, checklist(empty)[13].status) == ("met", "in part")
    assert "crude, by group" in before[16].remark
    ungrouped = RESULTS.replaced(estimates=RESULTS.estimates.query("coding != 'groups'"))
    assert "no absolute rates" in checklist(ungrouped)[15].remark


@pytest.mark.parametrize(
    ("asked", "items"),
    [
        (with_variants, {9: "subgroups and sensitivity analyses", 17: "subgroups and sensitivity analyses"}),
        (with_interactions, {17: "effect modification"}),
        (with_robustness, {9: "robustness", 17: "robustness"}),
    ],
)
def test_every_question_beyond_the_main_one_is_an_other_analysis(asked, items: dict[int, str]) -> None:
    found = {item.number: item for item in checklist(asked(RESULTS))}
    assert (found[12].status, found[17].status) == ("met", "met")
    assert not found[12].remark
    assert not found[17].remark
    for number, heading in items.items():
        assert f"Methods: {heading}" in [link.label for link in found[number].where]
    assert bool(found[9].remark) == (9 not in items)
    rows = {row.cells[0].partition(".")[0]: row.cells for row in strobe_table(tuple(found.values()), "cohort").rows}
    assert "asks for none" not in " ".join(rows["17"])


def test_the_checklist_is_that_of_the_design() -> None:
    def caption(results: Results) -> str:
        (shown,) = (block for block in report_content(results).blocks if isinstance(block, Checklist))
        return shown.table.caption

    scaled = {name: frame for name, frame in RESULTS.frames.items() if "time_scale" in frame}
    states = RESULTS.replaced(
        asking(RESULTS.manifest, time_scales=["none"]),
        **{name: frame.assign(time_scale="none") for name, frame in scaled.items()},
    )
    for results, design in ((RESULTS, "cohort"), (states, "cross-sectional")):
        assert design_of(results.manifest) == design
        assert caption(results) == f"STROBE checklist for {design} studies"
        assert f"the items for {design} studies" in introduction(results)
    timed, untimed = ({item.number: item.asks for item in checklist(results)} for results in (RESULTS, states))
    assert ("follow-up" in timed[5], "follow-up" in untimed[5]) == (True, False)


def test_links_into_the_methods_find_their_paragraph() -> None:
    results = with_robustness(with_interactions(with_variants(RESULTS)))
    there = {methods_link(heading).anchor for heading, _ in methods(results)}
    pointed = {link.anchor for item in checklist(results) for link in item.where if link.anchor.startswith("methods-")}
    assert pointed <= there


def test_the_report_and_its_data_can_be_cited() -> None:
    report, data = citations(RESULTS)
    assert report == (
        "IGF-I and mortality. Report of 2025-01-02, made by riskkit 0.1.0, commit 0123456789ab, from an analysis file "
        "with SHA-256 cdcdcdcdcdcd."
    )
    assert data.startswith("Example Investigators.")
    loose = replace(RESULTS.manifest.provenance, commit=None, dirty=True)
    uncommitted = RESULTS.replaced(RESULTS.manifest.replaced(provenance=loose))
    assert "riskkit 0.1.0 with uncommitted changes, from" in citations(uncommitted)[0]
