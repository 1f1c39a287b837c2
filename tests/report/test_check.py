from __future__ import annotations

from pathlib import Path

import pytest

from riskkit.errors import DataError
from riskkit.report.check import check_report, passages
from riskkit.results import Results, reported


def other(results: Results, name: str, row: int, column: str, value: object) -> Results:
    frame = getattr(results, name).copy()
    frame.loc[row, column] = value
    return results.replaced(**{name: frame})


def test_a_report_agrees_with_its_own_results(results: Results, report: Path) -> None:
    found = check_report(results, report)
    assert found.differences.empty
    assert found.numbers > 600


def test_a_number_changed_on_the_page_is_found_where_it_stands(results: Results, report: Path, tmp_path: Path) -> None:
    html = (report / "index.html").read_text(encoding="utf-8")
    for beside in ("data", "tables", "replicate.R"):
        (tmp_path / beside).symlink_to(report / beside)
    row = html.index('<tr id="e1-o2"')
    forged = html[:row] + html[row:].replace("900 / 5,859", "901 / 5,859", 1)
    assert forged != html
    (tmp_path / "index.html").write_text(forged, encoding="utf-8")
    found = check_report(results, tmp_path).differences
    assert found["where"].tolist() == ["e1-o2"]
    assert "901 / 5,859" in found["printed"].iloc[0]
    assert "900 / 5,859" in found["derived"].iloc[0]


@pytest.mark.parametrize(
    ("frame", "column", "value"),
    [
        ("estimates", "events", 1), ("tests", "p", 0.77), ("variants", "ratio", 0.321),
        ("characteristics", "value", 4321.0), ("covariances", "covariance", 0.5), ("splines", "p95", 999.0),
        ("corrected", "ratio", 0.321), ("corrected", "dilution_low", 0.321), ("usual", "dilution_ratio", 0.321),
        ("interactions", "p", 0.77), ("additive", "high", 99.0), ("robustness", "events", 1),
    ],
)  # fmt: skip
def test_results_that_say_otherwise_are_found(
    results: Results, report: Path, frame: str, column: str, value: object
) -> None:
    rows = getattr(results, frame)
    main = rows.index
    if "model" in rows:
        main = rows.index[(rows["model"] == results.manifest.analysis.main.name) & (rows["time_scale"] == "age")]
    found = check_report(other(results, frame, main[0], column, value), report).differences
    assert f"data/{frame}.parquet" in found["where"].tolist()
    assert (~found["where"].str.startswith("data/")).any()


def test_a_passage_that_was_taken_out_is_found(results: Results, report: Path, tmp_path: Path) -> None:
    html = (report / "index.html").read_text(encoding="utf-8")
    cut = html.index("<li>There was no evidence")
    (tmp_path / "index.html").write_text(html[:cut] + html[html.index("</li>", cut) + 5 :], encoding="utf-8")
    found = check_report(results, tmp_path).differences
    gone = found[found["printed"] == ""]
    assert gone["derived"].iloc[0].startswith("There was no evidence of an association of serum IGF-I")
    assert gone["where"].str.startswith("data/").sum() == len(reported())  # nor are the data there


def test_another_script_for_r_is_found(results: Results, report: Path, tmp_path: Path) -> None:
    for beside in ("data", "tables", "index.html"):
        (tmp_path / beside).symlink_to(report / beside)
    script = (report / "replicate.R").read_text(encoding="utf-8")
    (tmp_path / "replicate.R").write_text(script.replace("tolerance <- 1e-6", "tolerance <- 1e6"), encoding="utf-8")
    found = check_report(results, tmp_path).differences
    assert found["where"].tolist() == ["replicate.R"]


def test_there_must_be_a_report(results: Results, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="write the report first"):
        check_report(results, tmp_path)


def test_passages_leave_out_drawings_and_join_cells() -> None:
    html = (
        '<title>T</title><style>p { x: 1 }</style><section id="a"><p>One <b>2</b>\n3.</p><svg id="s"><title>4</title>'
        '</svg><table><tr id="r"><th>5</th><td>6<small>7</small></td></tr></table></section><script>let x = 8;</script>'
        '<script type="application/json" id="j">{"x": 9,\n"y": 10}</script>'
    )
    told = [("", "T"), ("a", "One 2 3."), ("r", "5 6 7"), ("j", '{"x": 9,'), ("j", '"y": 10}')]
    assert passages(html) == told
