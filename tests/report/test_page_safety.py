"""A page runs the scripts of the report only, fetches nothing, and takes no word of the results for its own."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

from browser import opened, probed, seen_without_scripts
from parsed_page import Page

from riskkit.manifest import Manifest
from riskkit.report.content import report_content
from riskkit.report.drawing import draw_figures
from riskkit.report.page import page_html
from riskkit.results import Results

HOSTILE = '<script>alert("x")</script><img src=https://example.org/x onerror=alert(1)>'


def hostile(results: Results) -> Results:
    """The same results with hostile text wherever a user's words go."""
    plain = json.loads(results.manifest.to_json())
    analysis, cohort = plain["analysis"], plain["cohort"]
    for place in (analysis, cohort):
        place.update({name: HOSTILE for name in ("title", "question", "description", "citation") if name in place})
    analysis["notes"] = [HOSTILE]
    labelled = [
        *analysis["models"],
        *analysis["subgroups"],
        *analysis["sensitivity"],
        *analysis["interactions"],
        *analysis["robustness"]["confounders"],
        *plain["exposures"].values(),
        *cohort["variables"].values(),
        *cohort["outcomes"].values(),
        *cohort["flow"],
        *cohort["sources"],
    ]
    words = ("label", "by", "when", "unit", "note", "per_label", "reference_label", "file", "origin")
    for each in labelled:
        each.update({name: HOSTILE for name in words if each.get(name) or (name == "label" and name in each)})
    manifest = Manifest.from_dict(plain)
    characteristics = results.characteristics.assign(label=HOSTILE, unit=HOSTILE)
    failures = results.failures.assign(reason=HOSTILE)
    return results.replaced(manifest, characteristics=characteristics, failures=failures)


def test_nothing_is_fetched(page: Page) -> None:
    for tag, attributes in page.tags:
        assert tag not in {"iframe", "object", "embed", "img", "base", "form"}
        for name in ("src", "href", "xlink:href", "srcset", "data", "poster"):
            if tag != "a" and name in attributes:
                assert attributes[name].startswith(("#", "data:"))
    styles = re.findall(r"<style>(.*?)</style>", page.html, re.DOTALL)
    assert "@import" not in "".join(styles)
    assert not re.findall(r"url\((?!#)", page.html[: page.html.index("<script")])


def test_only_the_scripts_of_the_report_may_run(page: Page) -> None:
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    scripts = re.findall(r"<script>(.*?)</script>", page.html, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = "script-src " + " ".join(f"'sha256-{each}'" for each in hashes)
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; {allowed}"
    assert page.all("script") == [{"type": "application/json", "id": "explorer-data"}, *({} for _ in scripts)]
    assert [script.split()[2] for script in scripts[:2]] == ["v7.9.0", "v0.6.17"]
    assert len(scripts) == 6


def test_without_javascript_the_figures_are_there_and_no_control(report: Path, tmp_path: Path) -> None:
    seen = seen_without_scripts(report / "index.html", tmp_path)
    assert seen.count("svg") == 12  # each figure in the one width that fits
    assert not {"select", "input", "button"} & set(seen)
    assert "Here another outcome, model or reference can be chosen where JavaScript is on" in " ".join(seen)


def test_a_telephone_never_scrolls_the_page_sideways(report: Path, tmp_path: Path) -> None:
    frame = f'style="width: 390px; border: 0" src="{(report / "index.html").as_uri()}"'
    widths = "return [frame.contentWindow.innerWidth, page.documentElement.scrollWidth];"
    inner, needed = probed(tmp_path, frame, widths)
    assert inner == 390
    assert needed <= inner  # tables and figures scroll in their own boxes, and fingerprints are broken


def test_nothing_is_said_on_the_console(report: Path) -> None:
    assert opened(report / "index.html").console == ()


def test_hostile_words_stay_words(results: Results, tmp_path: Path) -> None:
    html = page_html(hostile(results))
    found = Page(html)
    assert found.open == []
    assert "img" not in [tag for tag, _ in found.tags]
    assert [attributes.get("type") for attributes in found.all("script")] == ["application/json", *[None] * 6]
    embedded = html[html.index('id="explorer-data">') :]
    assert "<" not in embedded[len('id="explorer-data">') : embedded.index("</script>")]
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert HOSTILE in found.text
    flow, curves, *_ = report_content(hostile(results)).figures
    for drawn in draw_figures([flow, curves], tmp_path).values():
        assert "<script" not in drawn.wide + drawn.narrow
    for svg in tmp_path.glob("*.svg"):
        assert "<script" not in svg.read_text(encoding="utf-8")
