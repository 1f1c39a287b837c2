"""The report of published evidence as a page with its figures, tables and data, and its entry in the index."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from riskkit.errors import DataError
from riskkit.folders import whole_folder
from riskkit.provenance import Provenance, provenance, sha256
from riskkit.report.check import Checked, compare
from riskkit.report.document import Front, laid_document, write_laid
from riskkit.report.drawing import Progress, draw_figures
from riskkit.report.evidence.claims import anchor
from riskkit.report.evidence.content import EvidenceContent, answer, evidence_content
from riskkit.report.evidence.read import Evidence
from riskkit.report.index import IndexEntry
from riskkit.report.render import render
from riskkit.spec.evidence import load_evidence
from riskkit.tables.sheet import without_formulas

MADE = "evidence.json"


def write_evidence_report(evidence: Evidence, folder: str | Path, on_progress: Progress | None = None) -> Path:
    """Write the report of an evidence file; the folder appears whole or not at all.

    Parameters
    ----------
    evidence : Evidence
    folder : path
        Replaced if it is there. It gets index.html, figures/, tables/ and data/, as other reports do.
    on_progress : callable, optional
        Called with the name of each figure that was drawn.

    Returns
    -------
    Path
        Of index.html.
    """
    folder, made = Path(folder), provenance(evidence.path)
    with whole_folder(folder) as new:
        for name in ("figures", "data", "tables"):
            (new / name).mkdir()
        content = evidence_content(evidence, made)
        drawings = draw_figures(content.figures, new / "figures", "", on_progress)
        html = render("evidence.html.j2", content=content, drawings=drawings, frames=tuple(evidence.frames))
        (new / "index.html").write_text(html, encoding="utf-8")
        for name, table in content.tables:
            (new / "tables" / f"{name}.csv").write_text(table.to_csv(), encoding="utf-8")
        for name, frame in evidence.frames.items():
            without_formulas(frame).to_csv(new / "data" / f"{name}.csv", index=False)
            frame.to_parquet(new / "data" / f"{name}.parquet", index=False)
        about = {"made": asdict(made), "files": evidence.files, "answer": answer(evidence)[0]}
        (new / "data" / MADE).write_text(json.dumps(about, indent=1), encoding="utf-8")
    return folder / "index.html"


def made_before(path: Path, folder: str | Path) -> Provenance:
    """The provenance of the report in a folder, of which the other forms must be.

    Raises
    ------
    DataError
        If there is no report, or one of other files.
    """
    return Provenance(**_about(path, Path(folder))["made"])


def write_evidence_docx(evidence: Evidence, folder: str | Path) -> Path:
    """Write the report as NAME.docx beside its page.

    Raises
    ------
    DataError
        If the report is not there, or of other files or results.
    """
    content = evidence_content(evidence, made_before(evidence.path, folder))
    return write_laid(content, _front(content), folder)


def check_evidence(evidence: Evidence, folder: str | Path) -> Checked:
    """Make every number of the report again from the files and results that it names, and say which differ.

    Raises
    ------
    DataError
        If there is no report, or one of other files.
    """
    content = evidence_content(evidence, made_before(evidence.path, folder))
    html = render("evidence.html.j2", content=content, drawings={}, frames=tuple(evidence.frames))
    return compare(folder, content, html, evidence.frames, laid_document(content, _front(content)))


def _front(content: EvidenceContent) -> Front:
    return Front("Published evidence", content.title, content.question, content.answer, content.riskkit)


def evidence_entry(path: Path, folder: Path) -> IndexEntry:
    """The entry of an evidence file in the index: as made when its report is there and of the files as they are.

    Parameters
    ----------
    path : Path
        The evidence file.
    folder : Path
        Of its report.
    """
    spec = load_evidence(path)
    facts = f"{len(spec.claims)} claims, {len(spec.questions)} questions"
    question = "What is published on each claim, what data here say, and whether it stands."
    try:
        about = _about(path, folder)
    except DataError as error:
        return IndexEntry(spec.name, spec.title, question, "published evidence", published=True, reason=str(error))
    created = datetime.fromisoformat(about["made"]["created"])
    return IndexEntry(
        spec.name, spec.title, question, "published evidence", answer=about["answer"], facts=facts, created=created,
        published=True,
    )  # fmt: skip


def claims_of(path: Path) -> dict[str, list[tuple[str, str]]]:
    """The claims that each analysis speaks to by its name, each with its place under the folder of reports."""
    spec = load_evidence(path)
    found: dict[str, list[tuple[str, str]]] = {}
    for claim in spec.claims:
        for name in dict.fromkeys(own.analysis for own in claim.own):
            found.setdefault(name, []).append((claim.claim, f"{quote(spec.name)}/index.html#{anchor(claim)}"))
    return found


def _about(path: Path, folder: Path) -> dict:
    made, again = folder / "data" / MADE, f"riskkit report {path.stem} (or make)."
    if not made.is_file() or not (folder / "index.html").is_file():
        raise DataError(f"It has not been written yet: {again}")
    about = json.loads(made.read_text(encoding="utf-8"))
    root = path.resolve().parent.parent
    for name, digest in about["files"].items():
        if not (root / name).is_file() or sha256(root / name) != digest:
            raise DataError(f"{name} is another than its report was made from. Write it again: {again}")
    return about
