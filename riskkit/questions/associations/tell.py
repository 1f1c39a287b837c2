"""The models of the analysis in a report: curves, groups, lines, the tables they rest on, and models side by side."""

from __future__ import annotations

from riskkit.questions.associations.curves import curves_figure, models_figure
from riskkit.questions.associations.estimates import groups_figure, linear_figure
from riskkit.questions.associations.outcome_wide import volcano_figure
from riskkit.questions.associations.tables import curve_shapes, main_table, side_by_side
from riskkit.results import Results
from riskkit.telling.telling import Exhibit, Found, Telling
from riskkit.telling.words import shapes_counted


def shapes_told(results: Results, exposure: str, found: Found) -> str:
    """How many curves gave evidence of a U."""
    return shapes_counted(found)


TELLING = Telling(
    exhibits=(
        Exhibit(curves_figure, "leading"),
        Exhibit(groups_figure, "leading"),
        Exhibit(linear_figure, "leading", many="shown"),
        Exhibit(volcano_figure, "leading", few="absent", many="shown"),
        Exhibit(main_table, "tables", many="shown"),
        Exhibit(curve_shapes, "tables", many="shown", said=shapes_told),
        Exhibit(models_figure, "comparing"),
        Exhibit(side_by_side, "last", many="shown"),
    ),
)
