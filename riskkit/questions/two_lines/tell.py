"""The two-lines test in a report, as evidence beside the verdict on a shape (`telling.words.shapes_counted`)."""

from __future__ import annotations

from collections.abc import Iterator

from riskkit.results import Results
from riskkit.telling.associations import lines_beside
from riskkit.telling.references import Work
from riskkit.telling.telling import Telling


def methods(results: Results) -> Iterator[tuple[str, str]]:
    """How it was tested."""
    if len(lines_beside(results)):
        yield (
            "Tests and intervals",
            "Two straight lines in place of a curve were tested for a U as well, as evidence beside the verdict "
            "(Simonsohn [@simonsohn]).",
        )


WORKS = {
    "simonsohn": Work(
        "Simonsohn U. Two lines: a valid alternative to the invalid testing of U-shaped relationships with quadratic "
        "regressions. Adv Methods Pract Psychol Sci 2018;1:538-55.",
        "10.1177/2515245918805755",
    ),
}

TELLING = Telling(methods=methods, works=WORKS)
