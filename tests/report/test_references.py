from __future__ import annotations

import re

from results_example import example_results, with_correction
from study_example import of_cohort
from variants_example import with_repeats, with_variants

from riskkit import registry
from riskkit.report.methods import methods
from riskkit.report.page import page_html
from riskkit.report.strobe import introduction
from riskkit.telling.references import MARK, WORKS, bibliography, made_told

RESULTS = example_results(1, 2)
MANIFEST = RESULTS.manifest


def test_works_are_numbered_in_the_order_of_the_text() -> None:
    works = bibliography(["First [@holm].", "Then [@cox; @holm] and [@efron]."], MANIFEST, {})
    assert list(works.works) == ["holm", "cox", "efron"]
    assert works.pieces("Then [@cox; @holm], [@efron].") == ("Then\u00a0", (1, 2), ",\u00a0", (3,), ".")


def test_what_is_no_mark_of_a_known_work_stays_as_it_is() -> None:
    works = bibliography(["A [@cox]."], MANIFEST, {})
    for text in ("spline (rcs(bmi, [20, 25, 30]))", "[@nobody]", "[@cox; @nobody]", "mail [@ cox]", ""):
        assert works.pieces(text) == (text,)


def test_the_cohort_is_cited_where_its_file_says_how() -> None:
    texts = [text for _, text in methods(RESULTS)]
    first = next(iter(bibliography(texts, MANIFEST, {}).works.values()))
    assert first.text == "Example Investigators. The Example Cohort. J Ex. 1995;1:1-9."
    silent = of_cohort(MANIFEST, citation="")
    texts = [text for _, text in methods(RESULTS.replaced(silent))]
    assert "cohort" not in bibliography(texts, silent, {}).works
    assert not any("[@cohort]" in text for text in texts)


def test_every_mark_that_the_text_makes_has_its_work() -> None:
    full = with_repeats(with_variants(with_correction(RESULTS)))
    texts = [introduction(full), *(text for _, text in methods(full))]
    keys = {key for text in texts for mark in MARK.finditer(text) for key in mark[2].split("; @")}
    assert {"cox", "efron", "holm", "benjamini", "rosner", "cochran", "vonelm", "yang"} <= keys
    own = [telling.works for telling in registry.parts("tell").values()]
    known = [*WORKS, *(key for works in own for key in works)]
    assert len(known) == len(set(known))
    assert keys <= {*known, "cohort"}


def test_the_page_links_each_number_to_its_work_and_lists_no_work_that_it_does_not_cite() -> None:
    html = page_html(RESULTS)
    listed = re.findall(r'<li id="ref-(\d+)">', html)
    cited = set(re.findall(r'<a href="#ref-(\d+)">\1</a>', html))
    assert listed == [str(i + 1) for i in range(len(listed))]
    assert cited == set(listed)
    assert "[@" not in html
    assert "Cox DR. Regression models and life-tables" in html


def test_how_it_was_made() -> None:
    assert made_told(MANIFEST) == (
        "Made on 2 January 2025 by riskkit 0.1.0, commit 0123456789abcdef, from analyses/example.toml "
        f"(SHA-256 {'cd' * 32}). The models took 12.3 s."
    )
