"""What results tell of their making: what was asked, of whom, what was learnt, and with which software."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from riskkit.cohort.facts import CohortFacts
from riskkit.cohort.outcomes import Outcome
from riskkit.errors import DataError
from riskkit.measure import Measure
from riskkit.provenance import Provenance
from riskkit.spec.analysis import AnalysisSpec, analysis_model
from riskkit.spec.disclosure import DisclosureSpec
from riskkit.study.coding import ExposureCoding
from riskkit.study.estimators import measure


@dataclass(frozen=True)
class Manifest:
    """What results tell of their making.

    Attributes
    ----------
    analysis : AnalysisSpec
        The analysis file as it was validated.
    exposures : dict by name
        How each is coded: knots, cut points, standard deviation, reference, as learnt from the cohort.
    cohort : CohortFacts
        All that the cohort says of itself, without its people.
    provenance : Provenance
    disclosed : DisclosureSpec or None
        The rule on small numbers that was applied to these results; None where they are as the run left them.
    remarks : tuple of str
        What the analysis asks that can be meant, but often is not.
    """

    analysis: AnalysisSpec
    exposures: dict[str, ExposureCoding]
    cohort: CohortFacts
    provenance: Provenance
    disclosed: DisclosureSpec | None = None
    remarks: tuple[str, ...] = ()

    @property
    def measure(self) -> Measure:
        """What the ratios are."""
        found = measure(self.analysis)
        return found if self.cohort.sampled is None else replace(found, level="risk", sampled=True)

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcomes of the analysis, by name."""
        return {name: self.cohort.outcomes[name] for name in self.analysis.outcomes}

    def replaced(self, **changes: Any) -> Manifest:
        """The manifest with other parts."""
        return replace(self, **changes)

    def to_json(self) -> str:
        """The manifest as text; the same manifest gives the same text."""
        plain = {
            "analysis": self.analysis.model_dump(mode="json"),
            "exposures": {name: asdict(coding) for name, coding in self.exposures.items()},
            "cohort": self.cohort.to_dict(),
            "provenance": asdict(self.provenance),
            "remarks": list(self.remarks),
        }
        return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what `to_json` wrote.

        Raises
        ------
        DataError
            If it is of another version of riskkit, or damaged.
        """
        try:
            return cls.from_dict(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"the manifest was written by another riskkit, or is damaged ({_first(error)}).") from error

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Manifest:
        """The manifest of plain values, as `to_json` writes them."""
        return cls(
            analysis_model().model_validate_json(json.dumps(plain["analysis"])),
            {name: ExposureCoding(**_tuples(coding)) for name, coding in plain["exposures"].items()},
            CohortFacts.from_dict(plain["cohort"]),
            Provenance(**plain["provenance"]),
            remarks=tuple(plain.get("remarks", ())),
        )


def _tuples(plain: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}


def _first(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
