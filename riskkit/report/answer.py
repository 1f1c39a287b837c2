"""The headline of a report."""

from __future__ import annotations

from riskkit import registry
from riskkit.results import Results
from riskkit.telling.telling import Found
from riskkit.telling.words import headline


def answer(results: Results, found: Found) -> tuple[str, ...]:
    """What kinds of question say that lead this report; otherwise what the first exposure's associations say."""
    told = registry.parts("tell").values()
    own = [sentence for telling in told if telling.answer for sentence in telling.answer(results, found)]
    return tuple(own) or headline(found)
