"""What the report of published evidence says: the ledger first, then each claim, and how it was judged."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from riskkit.evidence.verdicts import RULES, VERDICTS
from riskkit.numbers import measure
from riskkit.provenance import Provenance
from riskkit.report.content import Laid
from riskkit.report.evidence.claims import agents_table, anchor, claim_blocks
from riskkit.report.evidence.pools import AGAIN, MATTERS, TESTED
from riskkit.report.evidence.read import Evidence
from riskkit.report.evidence.words import ends, own_told, pooled_told, predicted_told, studies, studies_told
from riskkit.tables.table import Column, Row, Table
from riskkit.telling.blocks import Block, Heading, Item, Items, OnPage, Paragraph, numbered
from riskkit.telling.references import Bibliography, Work
from riskkit.telling.words import listed, quantity

METHODS = {
    "REML": "random effects by restricted maximum likelihood",
    "ML": "random effects by maximum likelihood",
    "DL": "random effects by DerSimonian and Laird's method",
    "PM": "random effects by Paule and Mandel's method",
    "common": "a common effect",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class EvidenceContent(Laid):
    """Everything that the report of published evidence says.

    Attributes
    ----------
    title, question : str
    answer : tuple of str
    riskkit : str
        The version that made it.
    """

    title: str
    question: str
    answer: tuple[str, ...]
    riskkit: str


def evidence_content(evidence: Evidence, made: Provenance) -> EvidenceContent:
    """Write the sentences and lay out the tables and figures of the report; nothing is drawn yet."""
    works = _works(evidence)
    cited = Bibliography({_key(citation): Work(citation) for citation in works})
    questions = len(evidence.spec.questions)
    return EvidenceContent(
        blocks=numbered(_blocks(evidence, works, cited, made)),
        bibliography=cited,
        created=datetime.fromisoformat(made.created),
        title=evidence.spec.title,
        question=f"{quantity(len(evidence.spec.claims), 'claim')} on {quantity(questions, 'question')}: what is "
        "published, what real data here say, and whether each stands.",
        answer=answer(evidence),
        riskkit=made.riskkit,
    )


def answer(evidence: Evidence) -> tuple[str, ...]:
    """The headline: how many claims got which verdict, and what that rests on."""
    verdicts = evidence.ledger.claims["verdict"]
    counts = [f"{(verdicts == each).sum()} {each}" for each in VERDICTS if (verdicts == each).any()]
    said = [c for c in evidence.spec.claims if str(verdicts[evidence.spec.claims.index(c)]).startswith("supported")]
    thin = [c for c in said if c.agents is None and max(studies(evidence, c, end) for end in ends(c)) <= 1]
    real = [name for name, manifest in evidence.analyses.items() if not manifest.cohort.simulated]
    here = f"real data here are those of {listed(real)}" if real else "no real data here speak to any claim"
    return (
        f"Of {quantity(len(verdicts), 'claim')}, {listed(counts)}.",
        f"Of the {len(said)} that are supported, at one end or wholly, {len(thin)} rest on no more than one published "
        f"study at any end; {here}. Simulated data are shown apart and never count.",
    )


def _blocks(evidence: Evidence, works: list[str], cited: Bibliography, made: Provenance) -> Iterator[Block]:
    spec = evidence.spec

    def mark(citation: str) -> str:
        return f" [@{_key(citation)}]"

    def number(citation: str) -> str:
        return f"[{works.index(citation) + 1}]"

    yield Heading("The ledger", 2, "ledger")
    yield Paragraph(
        "A row a claim; its name leads to its studies. These are associations unless the claim says otherwise, and "
        "“too little here” is said of these tables and data, not of what is known."
    )
    yield _ledger_table(evidence)
    for question in spec.questions:
        own = [c for c in spec.claims if c.question == question.id and c.not_testable is None]
        if own:
            yield Heading(question.question, 2, f"question-{question.id}", question.id.replace("-", " ").capitalize())
        for claim in own:
            yield from claim_blocks(evidence, claim, mark, number)
    apart = [claim for claim in spec.claims if claim.not_testable is not None]
    if apart:
        yield Heading("Not testable with cohorts", 2, "not-testable", "Not testable")
        for claim in apart:
            yield Heading(claim.claim, anchor=anchor(claim))
            yield Paragraph(f"{claim.not_testable} Said in: {claim.said_in.rstrip('.')}.")
    if evidence.agents:
        yield Heading(f"Agents and {spec.exposure}", 2, "all-agents", "All agents")
        yield agents_table(evidence, None, f"Every report of an agent and {spec.exposure} in the table.", number)
    yield Heading("How it was judged", 2, "methods", "Methods")
    for heading, text in _methods(evidence):
        yield Heading(heading)
        yield Paragraph(text)
    yield Heading("Limitations", 2, "limitations")
    yield Items(tuple(map(Item, _limitations(evidence))))
    yield Heading("References", 2, "references")
    yield Items(tuple(Item(work.text) for work in cited.works.values()), numbered=True)
    yield Heading("Provenance", 2, "provenance")
    created = datetime.fromisoformat(made.created)
    commit = made.commit or "unknown (not in a git repository)"
    changed = " with uncommitted changes" if made.dirty else ""
    yield Paragraph(f"Made on {created.day} {created:%B %Y} by riskkit {made.riskkit}, commit {commit}{changed}.")
    yield _files_table(evidence)
    yield OnPage("evidence_data")


def _ledger_table(evidence: Evidence) -> Table:
    ci = f"{100 * evidence.spec.pooling.level:g}% CI"
    columns = (
        Column("Claim", numeric=False),
        Column("Verdict", numeric=False),
        Column(f"Pooled ratio ({ci})", "Published", numeric=False),
        Column("Studies", "Published", numeric=False),
        Column("Prediction interval", "Published", numeric=False),
        Column("Ratio", "Real people here", numeric=False),
        Column("Ratio", "Simulated people: never counts", numeric=False),
    )
    verdicts = evidence.ledger.claims.set_index("claim")["verdict"]
    rows: list[Row] = []
    for question in evidence.spec.questions:
        rows.append(Row((question.question,), "heading"))
        for claim in evidence.spec.claims:
            if claim.question != question.id:
                continue
            found = evidence.findings(claim.id)
            real, made_up = ([e for e in found if e.estimate.simulated == wanted] for wanted in (False, True))
            cells = (pooled_told(evidence, claim), studies_told(evidence, claim), predicted_told(evidence, claim))
            verdict = str(verdicts[claim.id])
            last = (own_told(claim, real), own_told(claim, made_up))
            first = (claim.claim, verdict[:1].upper() + verdict[1:])
            rows.append(Row((*first, *cells, *last), "indented", link=anchor(claim)))
    notes = (
        "Of a U: each end against the middle. Prediction interval: where the true ratio of a new study would lie, "
        "where three estimates or more are pooled. Contrasts differ between columns, and each claim has its own. A "
        "dash: nothing.",
    )
    return Table("Claims, evidence and verdicts.", columns, tuple(rows), notes)


def _methods(evidence: Evidence) -> Iterator[tuple[str, str]]:
    spec, pooling = evidence.spec, evidence.spec.pooling
    yield "Verdicts", RULES
    few = (
        " With two estimates the limits are normal ones, since Hartung and Knapp's have one degree of freedom; with "
        "one they are its own."
    )
    test = " and Hartung and Knapp's limits" if pooling.test == "knapp-hartung" else " and normal limits"
    yield (
        "Pooling",
        f"Log ratios were pooled with {METHODS[pooling.method]}{test}.{few if 'Hartung' in test else ''} Of rows of "
        "the same people one is pooled. Rows whose limits do not fit their estimate are marked and never pooled. "
        "Hazard, odds and rate ratios are pooled alike.",
    )
    if evidence.reference is not None and any(
        selection is not None and selection.onto is not None
        for claim in spec.claims
        for selection in claim.ends.values()
    ):
        r = evidence.reference
        yield (
            "Contrasts on one scale",
            f"Where a claim brings contrasts onto one scale, the log ratio was taken as straight, and groups as "
            f"those of {r.shape} levels with mean {measure(r.mean, r.unit)} and SD {measure(r.sd, r.unit)}, from "
            f"{r.source}. Studies of other people are treated as having that distribution too.",
        )
    yield (
        "Data here",
        "Estimates of analyses made here are those of their main model: per increment for a straight line; of a U the "
        "curve at the medians of the lowest and highest groups against its reference. Real data count in the verdict "
        "beside the pooled estimate. Where they compare the same (both ends of a U with the middle, or a line per the "
        "same increment) and are of other people, forests show them pooled with the published ones too, which counts "
        "for nothing more.",
    )
    kinds = list(dict.fromkeys(what.replace("_", " ") for row in evidence.published.rows for what, _ in row.bias))
    if kinds:
        how = spec.bias or "The file does not say how it was judged."
        yield "Risk of bias", f"Judged of {listed(kinds)}, for each estimate by itself; of nothing else. {how}"
    pools = [evidence.rows(claim.id, end)["used"].sum() for claim in spec.claims for end in ends(claim)]
    drawn, tested = (sum(number >= least for number in pools) for least in (AGAIN, TESTED))
    yield (
        "Small studies",
        f"Contour funnels are drawn where {AGAIN} estimates or more are pooled ({drawn or 'none'} here); Egger's test "
        f"and trim and fill are made where there are {TESTED} ({tested or 'none'} here): with fewer they see nothing.",
    )
    yield (
        "Confounding",
        "An E-value is the strength, as a risk ratio with exposure and with outcome, that unmeasured confounding would "
        "need to explain a pooled ratio away (VanderWeele and Ding 2017). Where true ratios differ between studies, "
        "the share of them beyond a ratio that matters, and the factor of bias that would leave one in ten, are by "
        f"Mathur and VanderWeele (2020); what matters is {MATTERS:g}, or its inverse.",
    )


def _limitations(evidence: Evidence) -> Iterator[str]:
    rows = evidence.published.rows
    abstracts = sum("abstract" in row.place for row in rows)
    marked = sum(row.marked for row in rows)
    one = sum(row["studies"] == 1 for _, row in evidence.ledger.pooled.iterrows())
    yield (
        f"The tables hold {len(rows)} published estimates, not all that there are: no systematic search stands "
        "behind them."
    )
    yield (
        f"{abstracts} of the {len(rows)} were read in an abstract; {marked} have limits that do not fit their "
        "estimate and are not used."
    )
    yield (
        f"{one} of {len(evidence.ledger.pooled)} pooled estimates are of a single estimate, so nothing is known of how "
        "studies differ there."
    )
    yield "Nothing is corrected for the number of claims."
    yield "Published studies adjust for different things; none was adjusted again."
    if evidence.doses is None:
        placed = sum(found.placed and found.main is not None for found in evidence.curves.values())
        made = (
            f" The {placed} curves that are drawn place contrasts of groups at their percentiles in a reference "
            "population instead."
            if placed
            else ""
        )
        yield f"The levels, cases and limits of each study are in none of the tables.{made}"
    if any(manifest.cohort.simulated for manifest in evidence.analyses.values()):
        yield (
            "Associations of simulated people were built into them: that they agree with what is published says "
            "nothing of either."
        )
    if evidence.absent:
        verb, they = ("is", "it") if len(evidence.absent) == 1 else ("are", "they")
        yield f"Results of {listed(evidence.absent)} {verb} not there, so what {they} would say is not shown."


def _files_table(evidence: Evidence) -> Table:
    columns = tuple(Column(name, numeric=False) for name in ("File or analysis", "What", "SHA-256, or when it was run"))
    rows = [Row((name, "file", digest)) for name, digest in evidence.files.items()]
    for name, manifest in evidence.analyses.items():
        who = "simulated people" if manifest.cohort.simulated else "real people"
        rows.append(Row((name, f"results, {who}", manifest.provenance.created)))
    rows += [Row((name, "results, not there", why)) for name, why in evidence.absent.items()]
    return Table("What this report was made from.", columns, tuple(rows))


def _works(evidence: Evidence) -> list[str]:
    """The works cited, in the order in which the claims cite them."""
    rows = [evidence.estimate(id).citation for id in evidence.ledger.rows["id"]]
    return list(dict.fromkeys([*rows, *(shift.citation for shift in evidence.agents)]))


def _key(citation: str) -> str:
    return hashlib.sha256(citation.encode()).hexdigest()[:16]
