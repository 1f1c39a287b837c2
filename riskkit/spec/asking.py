"""What a kind of question contributes to the analysis file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskkit.spec.faults import Fault

if TYPE_CHECKING:
    from riskkit.spec.analysis import AnalysisSpec
    from riskkit.spec.cohort import CohortSpec


@dataclass(frozen=True)
class Asking:
    """A question's fields of the analysis file, and how they are checked.

    Attributes
    ----------
    fields : mapping of name to (type, pydantic field)
        As `pydantic.create_model` takes them; the specification then has them as attributes.
    faults : callable
        Yields what is wrong with them for an analysis and its cohort; nothing where the question is not asked.
    of_samples : bool
        Whether it is right for a sample of a cohort; it is refused there otherwise.
    """

    fields: Mapping[str, tuple[Any, Any]]
    faults: Callable[[AnalysisSpec, CohortSpec], Iterator[Fault]]
    of_samples: bool = False
