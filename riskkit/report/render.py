"""From values to HTML: the templates, with every value escaped."""

from __future__ import annotations

from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from riskkit.numbers import count


def render(template: str, **values: object) -> str:
    """Fill a template of this package; every value is escaped unless it is a drawing made here."""
    environment = Environment(
        loader=PackageLoader("riskkit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count,
        "date": _date,
        "drawing": Markup,
        "kind": lambda block: type(block).__name__,
    }
    return environment.get_template(template).render(values)


def _date(moment: datetime) -> str:
    """A date as a reader writes it: 2 January 2025."""
    return f"{moment.day} {moment:%B %Y}"
